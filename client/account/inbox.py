"""Inbox: chat messages on their way from the server to the application, each once. Pure.

    put ──▶ queued ──next──▶ in hand ──done──▶ seen, and to be acknowledged

A server sends a message again at each login until it is acknowledged. So the inbox does not queue
a message that is queued or in hand already. A message that was seen is acknowledged again, and not
shown. A message without ``seq`` is not stored by the server, so it is never acknowledged.

At one server, two messages with the same ``seq`` are the same message. But a server may get a new
database, and then it counts from 1 again. Example: the client has seen message 1; the database is
replaced; meanwhile the address stays the same, and another message 1 arrives. So the mark of a
message has a check sum of sender, time and text beside the ``seq``.

The user's other devices get copies of the messages that are sent here, and this device gets theirs.
Once in a while this device gets a copy of a message that it has sent itself. Example: an older
version of the program sends a message, and is killed; the new version logs in as another device;
then the server reads the message from the old connection, and copies it to the new device. The new
version also sends it again, because it has no answer. So a copy is ``held`` while the outbox has
such a message, and the answer with its ``seq`` decides.

A newer server has an epoch, and ``begin_epoch`` forgets the marks of the former one. The check sums
stay. Without them, messages would be lost if an operator restores a backup and forgets to begin an
epoch.
"""

from __future__ import annotations

import zlib
from collections import deque
from collections.abc import Callable, Iterable
from typing import NamedTuple

from client.values import ChatMessage

SEEN_SEQS = 20_000
"""The number of seen messages that are remembered. A server repeats a message only if it has not
received the acknowledgement. Such messages are among the last few hundred."""

QUEUE_LIMIT = 10_000
"""The largest number of queued messages. A server in the mode ``stored`` sends at most 200 without
an acknowledgement, so only the mode ``direct`` can exceed this."""


class Seen(NamedTuple):
    """The mark of a message: its ``seq``, and the check sum of its content."""

    seq: int
    check: int


def mark_of(message: ChatMessage) -> Seen | None:
    """The mark of a message; None if the server has not stored it."""
    if message.seq is None:
        return None
    return make_mark(message.seq, message.sender_id, message.time_text, message.text)


def make_mark(seq: int, sender_id: int, time_text: str, text: str) -> Seen:
    """The mark of a message with these fields."""
    said = f"{sender_id}\n{time_text}\n{text}"
    return Seen(seq, zlib.crc32(said.encode("utf-8", "surrogatepass")))


class Inbox:
    """The received messages of one user. Not thread-safe."""

    def __init__(self, seen: Iterable[Seen] = ()) -> None:
        self._queue: deque[ChatMessage] = deque()
        self._held: list[ChatMessage] = []
        self._pending: set[Seen] = set()  # the marks of messages that are queued or in hand
        self._seen: dict[Seen, None] = dict.fromkeys(seen)  # a set with an order
        self._to_acknowledge: list[int] = []
        self._trim()

    def __repr__(self) -> str:
        return f"<Inbox {len(self._queue)} queued, {len(self._seen)} seen>"

    def __len__(self) -> int:
        """The number of queued messages."""
        return len(self._queue)

    @property
    def seen(self) -> tuple[Seen, ...]:
        """The marks of the seen messages, in the order of ``done``."""
        return tuple(self._seen)

    @property
    def overflowing(self) -> bool:
        """Whether more than ``QUEUE_LIMIT`` messages are queued."""
        return len(self._queue) > QUEUE_LIMIT

    @property
    def has_acknowledgements(self) -> bool:
        """Whether ``take_acknowledgements`` would return some."""
        return bool(self._to_acknowledge)

    def put(self, message: ChatMessage, *, hold: bool = False) -> bool:
        """Take a message that has arrived. Returns True if it is new; it is queued then.

        ``hold``: it may be a message that was sent here. A new one waits then, and is not queued.
        """
        mark = mark_of(message)
        if mark is not None:
            if mark in self._seen:
                self._to_acknowledge.append(mark.seq)
                return False
            if mark in self._pending:
                return False
            self._pending.add(mark)
        if hold:
            self._held.append(message)
            return False
        self._queue.append(message)
        return True

    def put_event(self, event: ChatMessage) -> bool:
        """Take an event of a group, which is not queued. Returns True if it is new."""
        new = self.put(event)
        if new:
            self._queue.pop()
        return new

    def release(self, may_be_sent_here: Callable[[ChatMessage], bool]) -> int:
        """Queue the held messages that were not sent here after all. Returns their number."""
        held, self._held = self._held, []
        for message in held:
            (self._held if may_be_sent_here(message) else self._queue).append(message)
        return len(held) - len(self._held)

    def sent_here(self, mark: Seen) -> None:
        """A message was sent on this device, so a copy of it is not shown."""
        held = [message for message in self._held if mark_of(message) == mark]
        for message in held:
            self._held.remove(message)
            self._pending.discard(mark)
            self._to_acknowledge.append(mark.seq)
        self._seen[mark] = None
        self._trim()

    def next(self) -> ChatMessage | None:
        """Take the oldest message out of the queue, for the application; None if it is empty."""
        return self._queue.popleft() if self._queue else None

    def done(self, message: ChatMessage) -> Seen | None:
        """Note that the application has handled a message. Returns its mark, if that is new."""
        mark = mark_of(message)
        if mark is None or mark not in self._pending:
            return None
        self._pending.remove(mark)
        self._seen[mark] = None
        self._to_acknowledge.append(mark.seq)
        self._trim()
        return mark

    def begin_epoch(self) -> None:
        """Forget all numbers: from now on, the server may give them to other messages.

        Queued messages stay queued. They are not acknowledged later, because their numbers may be
        those of new messages by then.
        """
        self._held.clear()  # the outbox still has such messages
        self._seen.clear()
        self._pending.clear()
        self._to_acknowledge.clear()

    def take_acknowledgements(self) -> list[int]:
        """Take the ``seq`` numbers to acknowledge.

        If they get lost, the server sends these messages again.
        """
        seqs, self._to_acknowledge = self._to_acknowledge, []
        return seqs

    def _trim(self) -> None:
        while len(self._seen) > SEEN_SEQS:
            del self._seen[next(iter(self._seen))]
