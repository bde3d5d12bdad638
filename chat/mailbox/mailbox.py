"""Mailbox: reads and deletes rows of the table ``offlinemessage`` for the pumps.

Workers read, and the database writer deletes, so no loop waits. The commit queue inserts the
rows (``chat.delivery``), or ``fill_gap`` does, when a mailbox that was too full is read to its end.
"""

from __future__ import annotations

import logging
import threading
from collections import defaultdict
from collections.abc import Collection, Sequence

import ujson

from chat.group_event import GroupEvent
from chat.mailbox.gap import fill_gap
from chat.mailbox.pump import Pump
from chat.mailbox_number import owner
from chat.message import TARGET_FIELD, ChatMessage
from chat.process.loops import queue_in_loops
from chat.protocol import GROUP_EVENT, MAX_ID, MsgType, ProtocolError, decode
from chat.storage import Database, Transaction
from chat.storage.tables import DirectoryModel, MailboxGapModel, MailRow, OfflineMessageModel
from muduopy import EventLoop, ThreadPool

log = logging.getLogger(__name__)

LOOK_BYTES = 256 * 1024
"""Bytes of text in one read: a bound on the memory for a full mailbox."""

RETRY_SECONDS = 1.0
"""Seconds until a failed deletion is retried."""

MAX_DELETED = 8000
"""Rows of one deletion; the rest goes into the next one. Example: the 3,000 members of a group
acknowledge at once, one message or 200 each."""

Received = tuple[Pump, frozenset[int]]
"""A pump, and the numbers of messages that its client has acknowledged."""

Mail = tuple[list[ChatMessage], bool]
"""Messages, and whether the mailbox has no others, and no gap (gap.py)."""


class Mailbox:
    """The rows of all pumps. Deletions are gathered, and committed together.

    ``read`` and ``delete``: the pump's loop. ``take`` and ``give_back``: the writer thread.

    Attributes:
        deleted: rows that were deleted after an acknowledgement. The writer thread changes it, any
            thread reads it.
    """

    def __init__(self, database: Database, workers: ThreadPool) -> None:
        self._database = database
        self._workers = workers
        self._lock = threading.Lock()  # guards _received and _submitted
        self._received: list[Received] = []
        self._submitted = False
        self.deleted = 0

    def read(self, pump: Pump, known: frozenset[int], room: int) -> None:
        """Read the oldest messages that are not in ``known``, up to ``room`` of them.

        The result comes to ``pump.read_done`` or ``pump.read_failed``.
        """
        mailbox = pump.mailbox

        def done(found: Mail | None, error: BaseException | None) -> None:
            if found is not None:
                pump.read_done(*found)
                return
            log.warning("the mailbox of user %d was not read: %s", owner(mailbox), error)
            pump.read_failed()

        def look() -> Mail:
            return self._database.read(lambda tx: load(tx, mailbox, known, room, LOOK_BYTES))

        def work() -> Mail:
            messages, complete = look()
            if not messages and not complete:  # the mailbox is at its end, and has a gap
                self._database.write(lambda tx: fill_gap(tx, mailbox))
                return look()
            return messages, complete

        if not self._workers.try_run_for(pump.connection.loop, work, done):
            pump.connection.loop.queue_in_loop(pump.read_failed)

    def delete(self, pump: Pump, seqs: set[int]) -> None:
        """Delete the rows of received messages; ``pump.deleted`` follows the commit."""
        with self._lock:
            self._received.append((pump, frozenset(seqs)))
        self._submit()

    def _submit(self) -> None:
        with self._lock:
            if self._submitted or not self._received:
                return
            self._submitted = True
        deletion = _Deletion(self)
        self._database.submit(deletion.work, deletion.done)

    def take(self) -> list[Received]:
        """The oldest of the gathered deletions, as many as one transaction takes."""
        with self._lock:
            end = count = 0
            for _, seqs in self._received:
                count += len(seqs)
                if end and count > MAX_DELETED:
                    break
                end += 1
            taken, self._received = self._received[:end], self._received[end:]
            self._submitted = False
        self._submit()
        return taken

    def give_back(self, received: list[Received]) -> None:
        """Retry a failed deletion, alone or with the next one.

        Until it commits, the device's next login gets these messages again. That is allowed; a lost
        message is not.
        """
        with self._lock:
            self._received = received + self._received
        for pump, _ in received[:1]:
            pump.connection.loop.run_after(RETRY_SECONDS, self._submit)


class _Deletion:
    """One job for the writer: the deletions that are gathered when it runs."""

    def __init__(self, mailbox: Mailbox) -> None:
        self._mailbox = mailbox
        self._received: list[Received] | None = None

    def work(self, tx: Transaction) -> None:
        if self._received is None:  # a repeated attempt keeps its deletions
            self._received = self._mailbox.take()
        pairs = {(pump.mailbox, seq) for pump, seqs in self._received for seq in seqs}
        OfflineMessageModel(tx).delete(list(pairs))

    def done(self, result: None, error: BaseException | None) -> None:
        received = self._received
        if received is None:
            received = self._mailbox.take()
        if error is not None:
            log.warning("received messages were not deleted: %s", error)
            self._mailbox.give_back(received)
            return
        self._mailbox.deleted += sum([len(seqs) for _, seqs in received])
        by_loop: defaultdict[EventLoop, list[Received]] = defaultdict(list)
        for item in received:
            by_loop[item[0].connection.loop].append(item)
        queue_in_loops(_tell, by_loop)


def _tell(items: list[Received]) -> None:
    for pump, seqs in items:
        pump.deleted(seqs)


def load(tx: Transaction, mailbox: int, known: Collection[int], room: int, max_bytes: int) -> Mail:
    """The oldest messages in a mailbox, except ``known`` ones; and whether these are all.

    They are not all while the mailbox has a gap.

    At most ``room`` messages and ``max_bytes`` of text, but at least one message.
    """
    model = OfflineMessageModel(tx)
    limit = len(known) + room + 1
    found = model.sizes(mailbox, limit)
    new = [(seq, size) for seq, size in found if seq not in known]
    chosen: list[int] = []
    left = max_bytes
    for seq, size in new[:room]:
        if chosen and size > left:
            break
        chosen.append(seq)
        left -= size
    at_end = len(chosen) == len(new) and len(found) < limit
    complete = at_end and not MailboxGapModel(tx).has_one(mailbox)
    rows = model.messages(mailbox, chosen)
    return to_messages(tx, rows), complete


def to_messages(tx: Transaction, rows: Sequence[MailRow]) -> list[ChatMessage]:
    """``to_message`` for many rows. The users in events of groups get their names."""
    messages = [to_message(row) for row in rows]
    events = [message for message in messages if isinstance(message, GroupEvent)]
    if events:
        ids = set().union(*[event.user_ids for event in events])
        names = dict(DirectoryModel(tx).names(ids))
        for event in events:
            event.add_names(names)
    return messages


def to_message(row: MailRow) -> ChatMessage:
    """A row of a mailbox or of the log, as it goes down to clients."""
    if row.whole is not None:
        return _from_whole(row.seq, row.whole)
    assert row.kind is not None and row.sender is not None and row.target is not None
    extra = ujson.loads(row.extra) if row.extra else None
    if row.kind == GROUP_EVENT:
        return GroupEvent(row.seq, row.target, row.time or "", extra or {})
    return ChatMessage(
        row.seq,
        row.kind,
        row.sender,
        row.name or "",
        row.target,
        row.text or "",
        row.time or "",
        extra,
    )


def _from_whole(seq: int, whole: str) -> ChatMessage:
    """A message that the mailbox holds as JSON, as the original system wrote it."""
    try:
        fields = decode(whole.encode())  # as strict as for clients
        kind = fields["msgid"]
        target, sender = fields[TARGET_FIELD[kind]], fields["id"]
        if not (type(sender) is type(target) is int):
            raise ValueError("an id is no number")
        if not (0 < sender <= MAX_ID and 0 < target <= MAX_ID):
            raise ValueError("id out of range")
        name, text = str(fields["name"]), str(fields["msg"])
        written = {"time": str(fields.get("time", ""))}  # the time of the server is not known
        return ChatMessage(seq, kind, sender, name, target, text, "", written)
    except (ProtocolError, ValueError, KeyError, TypeError) as exc:
        # The user gets it all the same, as plain text.
        log.warning("unreadable message %d in a mailbox: %s", seq, exc)
        shown = whole.encode(errors="replace").decode()  # half a surrogate pair has no UTF-8
        return ChatMessage(seq, MsgType.ONE_CHAT_MSG, 1, "?", 1, shown, "")
