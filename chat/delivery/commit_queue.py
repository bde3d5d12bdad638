"""CommitQueue: sends become log and mailbox rows, many in one transaction.

While one commit is being flushed the next sends gather: the busier the node, the larger the
groups, and an idle node commits at once.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Sequence

import ujson

from chat.delivery.outgoing import Outgoing, tell_sender
from chat.login.login import Login
from chat.message import ChatMessage
from chat.process.loops import queue_in_loops
from chat.protocol import GROUP_CHAT, ONE_CHAT, ErrNo
from chat.storage import Database, StorageError, Transaction
from chat.storage.tables import GroupModel, LogRow, MessageModel, OfflineMessageModel, UserModel
from muduopy import EventLoop

log = logging.getLogger(__name__)

MAX_BATCH = 1000
BATCH_ROWS = 8000
"""Sends, and their mailbox rows, per transaction; the rest goes into the next. One send may have
more rows. 8,000 rows take some 50 ms. A third of that would be kinder to others, but each row of a
large group is on a page of its own, and several messages to it share these pages."""

MAX_WAITING = 20_000
MAX_CHARACTERS = 32 * 1024 * 1024
MAX_ROWS = 100_000
"""Bounds of what waits for a commit: sends, characters in them, and mailbox rows of groups. Senders
of further messages get errno 6 and try again."""

MAX_KNOWN = 100_000
"""Entries of the two caches, of users that exist and of groups' sizes. A full cache is emptied."""

Members = dict[int, frozenset[int]]


class CommitQueue:
    """Takes sends from the loops, commits them, acks the senders and wakes the receivers."""

    def __init__(
        self,
        database: Database,
        announce: Callable[[Sequence[ChatMessage]], object],
        on_members: Callable[[Members, float], object],
    ) -> None:
        """Both are called on the writer thread. ``announce`` gets the messages that were
        committed; ``on_members`` the members of groups, and the time before they were read."""
        self._database = database
        self._announce = announce
        self._on_members = on_members
        self._lock = threading.Lock()  # guards what follows, ``known`` excepted
        self._waiting: list[Outgoing] = []
        self._characters = 0
        self._rows = 0  # of those that wait, as they were counted when they came
        self._sizes: dict[int, int] = {}  # of groups, as they were last seen
        self._submitted = False
        self.known: set[int] = set()
        """Users that exist, for nobody is ever deleted: saves a query a batch. Writer thread."""

    def add(self, outgoing: Outgoing) -> bool:
        """Queue a send; its outcome comes to ``settle`` in the sender's loop. Any thread.

        False, and nothing queued, when too many wait already.
        """
        with self._lock:
            if len(self._waiting) >= MAX_WAITING or self._characters >= MAX_CHARACTERS:
                return False
            if self._rows >= MAX_ROWS and outgoing.rows > 1:
                return False
            self._waiting.append(outgoing)
            self._characters += len(outgoing.message.text)
            self._rows += outgoing.rows
            if self._submitted:
                return True
            self._submitted = True
        self._submit()
        return True

    def rows_for(self, group_id: int) -> int:
        """How many mailbox rows a message to this group takes, as far as is known. Any thread."""
        with self._lock:
            return self._sizes.get(group_id, 1)

    def _submit(self) -> None:
        batch = _Batch(self)
        self._database.submit(batch.work, batch.done)

    def take(self) -> list[Outgoing]:
        """The next batch. Writer thread."""
        with self._lock:
            if self._rows <= BATCH_ROWS and len(self._waiting) <= MAX_BATCH:
                taken, self._waiting = self._waiting, []
            elif self._rows == len(self._waiting):  # all to single users
                taken, self._waiting = self._waiting[:MAX_BATCH], self._waiting[MAX_BATCH:]
            else:
                taken, self._waiting = choose(self._waiting, self._estimate)
            self._characters -= sum([len(outgoing.message.text) for outgoing in taken])
            self._rows -= sum([outgoing.rows for outgoing in taken])
            self._submitted = more = bool(self._waiting)
        if more:
            self._submit()
        return taken

    def _estimate(self, outgoing: Outgoing) -> int:
        if outgoing.message.kind == ONE_CHAT:
            return 1
        return max(outgoing.rows, self._sizes.get(outgoing.message.target, 1))

    def cut(self, batch: Sequence[Outgoing], members: Members) -> Sequence[Outgoing]:
        """The sends of a batch that fit into one transaction, now that group sizes are known.

        The rest waits again, before all others. Writer thread.
        """
        largest = max([len(users) for users in members.values()], default=0)
        left: list[Outgoing] = []
        if largest * len(batch) > BATCH_ROWS:
            batch, left = choose(batch, lambda outgoing: _rows(outgoing, members))
        with self._lock:
            if len(self._sizes) > MAX_KNOWN:
                self._sizes.clear()
            self._sizes.update({group_id: len(users) for group_id, users in members.items()})
            if not left:
                return batch
            self._waiting[:0] = left
            self._characters += sum([len(outgoing.message.text) for outgoing in left])
            self._rows += sum([outgoing.rows for outgoing in left])
            if self._submitted:
                return batch
            self._submitted = True
        self._submit()
        return batch

    def settled(self, batch: Sequence[Outgoing], members: Members, read_at: float) -> None:
        """The batch is committed, or failed for good. Writer thread."""
        # Receivers first: their wakes must be on the way before a sender may go on, for what
        # it sends next could otherwise overtake (see Delivery.send on ``direct``).
        announced = [outgoing.message for outgoing in batch if outgoing.stored]
        if members:
            self._on_members(members, read_at)
        if announced:
            self._announce(announced)
        by_loop: defaultdict[EventLoop, list[Outgoing]] = defaultdict(list)
        for outgoing in batch:
            outgoing.settle_diverted()
            if outgoing.login is not None:
                by_loop[outgoing.login.loop].append(outgoing)
        queue_in_loops(settle, by_loop)


class _Batch:
    """One piece of work for the writer: the sends that had gathered by the time it runs."""

    def __init__(self, queue: CommitQueue) -> None:
        self._queue = queue
        self._sends: Sequence[Outgoing] | None = None
        self._begun = 0.0

    def work(self, tx: Transaction) -> Members:
        if self._sends is None:
            self._sends = self._queue.take()
            cut = self._cut
        else:  # a repeated attempt: the first one may have been committed, for all we know
            for outgoing in self._sends:
                outgoing.reset()
                outgoing.attempted = True
            cut = _keep
        self._begun = time.monotonic()
        return store(tx, self._sends, self._queue.known, cut)

    def _cut(self, sends: Sequence[Outgoing], members: Members) -> Sequence[Outgoing]:
        self._sends = self._queue.cut(sends, members)
        return self._sends

    def done(self, members: Members | None, error: BaseException | None) -> None:
        sends = self._sends if self._sends is not None else self._queue.take()
        if error is not None:
            log.warning("%d messages were not stored: %s", len(sends), error)
            if not isinstance(error, StorageError):
                log.error("storing messages raised", exc_info=error)
            for outgoing in sends:
                outgoing.reset()
                outgoing.fail(ErrNo.UNAVAILABLE, "the message could not be stored, try again")
        self._queue.settled(sends, members or {}, self._begun)


def settle(answers: Sequence[Outgoing]) -> None:
    """Tell the senders what became of their messages. Their loop's thread."""
    by_login: defaultdict[Login, list[Outgoing]] = defaultdict(list)
    for outgoing in answers:
        if outgoing.login is not None:
            by_login[outgoing.login].append(outgoing)
    for login, outgoings in by_login.items():
        tell_sender(login, outgoings)


def choose(
    sends: Sequence[Outgoing], rows: Callable[[Outgoing], int]
) -> tuple[list[Outgoing], list[Outgoing]]:
    """Split the sends into the next batch and the rest; both keep their order.

    The first send is always in the batch. Further sends join it while BATCH_ROWS has room, and
    each sender's in order. Example: A sends three messages to a group of 3,000, then B sends one
    to C. The batch has two of A's messages, and B's.
    """
    taken = [sends[0]]
    left: list[Outgoing] = []
    room = BATCH_ROWS
    if (needed := rows(sends[0])) <= room:
        room -= needed
    waits: set[int] = set()  # senders with a message that is left
    for place, outgoing in enumerate(sends[1:], 1):
        if not room or len(taken) == MAX_BATCH:
            left += sends[place:]
            break
        sender = outgoing.message.sender
        if sender in waits or (needed := rows(outgoing)) > room:
            waits.add(sender)
            left.append(outgoing)
        else:
            taken.append(outgoing)
            room -= needed
    return taken, left


def _rows(outgoing: Outgoing, members: Members) -> int:
    """How many mailbox rows this needs; 1 for one without any, which has its price, too."""
    message = outgoing.message
    if message.kind == ONE_CHAT:
        return 1
    receivers = outgoing.only if outgoing.only is not None else members.get(message.target, ())
    return len(receivers) or 1


Cut = Callable[[Sequence[Outgoing], Members], Sequence[Outgoing]]


def _keep(sends: Sequence[Outgoing], members: Members) -> Sequence[Outgoing]:
    return sends


def store(tx: Transaction, sends: Sequence[Outgoing], known: set[int], cut: Cut = _keep) -> Members:
    """Write log and mailbox rows, and note each send's outcome. Writer thread.

    The order of the locks is the same on every node: users, groups, log, mailboxes. ``known``:
    users that need not be looked up; those that were are added. ``cut`` says which of the sends
    are stored, once the members of their groups are known. Returns these members.
    """
    messages = [outgoing.message for outgoing in sends]
    senders = {message.sender for message in messages}
    targets = {m.target for m in messages if m.kind == ONE_CHAT}
    groups = {m.target for m in messages if m.kind == GROUP_CHAT}
    # Locked: nobody else is then storing anything of these senders, nor taking them over.
    generations = UserModel(tx).generations(senders, lock=True)
    if len(known) > MAX_KNOWN:
        known.clear()
    unknown = targets - known - generations.keys()
    if unknown:
        known.update(UserModel(tx).generations(unknown))
    members = _members(tx, groups) if groups else {}
    if groups:
        sends = cut(sends, members)
    valid = [o for o in sends if _may_send(o, generations, known, members)]
    fresh, repeated = _split(valid)
    _log_and_mail(tx, fresh, members)
    for outgoing in repeated:
        _answer_repeated(tx, outgoing, members)
    return members


def _members(tx: Transaction, groups: set[int]) -> Members:
    """Who is in these groups, until the commit: a message and a membership cannot disagree."""
    GroupModel(tx).hold(groups)
    return GroupModel(tx).member_ids(groups)


def _may_send(
    outgoing: Outgoing, generations: dict[int, int], known: set[int], members: Members
) -> bool:
    message = outgoing.message
    if outgoing.login is None:
        return True  # it was checked, and acknowledged, when it was sent
    if generations.get(message.sender) != outgoing.generation:
        outgoing.fail(ErrNo.NOT_YOU, "this session has been replaced")
    elif message.kind == ONE_CHAT:
        if message.target not in known and message.target not in generations:
            outgoing.fail(ErrNo.NOT_FOUND, "no such user")
    elif message.sender not in members.get(message.target, frozenset()):
        # A group always has members, its creator at least: none means that there is no group.
        if message.target in members:
            outgoing.fail(ErrNo.NOT_A_MEMBER, "not a member of that group")
        else:
            outgoing.fail(ErrNo.NOT_FOUND, "no such group")
    return not outgoing.errno


def _split(sends: Sequence[Outgoing]) -> tuple[list[Outgoing], list[Outgoing]]:
    """Those whose (sender, mid) is the first in this batch, and the repetitions."""
    first: dict[tuple[int, str], Outgoing] = {}
    repeated = []
    for outgoing in sends:
        key = (outgoing.message.sender, outgoing.mid)
        if key in first:
            repeated.append(outgoing)
        else:
            first[key] = outgoing
    return list(first.values()), repeated


def _log_and_mail(tx: Transaction, fresh: Sequence[Outgoing], members: Members) -> None:
    seqs = MessageModel(tx).insert_new([_log_row(outgoing) for outgoing in fresh])
    owed: list[tuple[int, int]] = []
    for outgoing, seq in zip(fresh, seqs, strict=True):
        if seq is None:
            _answer_repeated(tx, outgoing, members)
            continue
        message = outgoing.message
        message.receivers = _receivers(outgoing, members)
        message.seq = outgoing.seq = seq
        outgoing.stored = True
        owed.extend((user_id, seq) for user_id in message.receivers)
    if owed:
        OfflineMessageModel(tx).insert(owed)


def _receivers(outgoing: Outgoing, members: Members) -> frozenset[int]:
    message = outgoing.message
    if message.kind == ONE_CHAT:
        return frozenset((message.target,))
    receivers = members.get(message.target, frozenset()) - {message.sender}
    return receivers if outgoing.only is None else receivers & outgoing.only


def _answer_repeated(tx: Transaction, outgoing: Outgoing, members: Members) -> None:
    """This ``mid`` is logged already: the original answer, and no second delivery.

    In ``direct`` it may be logged for others, who missed it in another loop or at another node.
    """
    message = outgoing.message
    found = MessageModel(tx).find(message.sender, outgoing.mid)
    assert found is not None
    seq, row = found
    if (row.kind, row.target, row.text) != (message.kind, message.target, message.text):
        outgoing.fail(ErrNo.BAD_REQUEST, "mid: was used for another message")
        return
    outgoing.seq, outgoing.time = seq, row.time
    if outgoing.rejoin:
        message.seq = seq
        message.receivers = _receivers(outgoing, members)
        owed = message.receivers - OfflineMessageModel(tx).holders(seq, message.receivers)
        OfflineMessageModel(tx).insert([(user_id, seq) for user_id in owed])
        outgoing.stored = True
    elif not outgoing.attempted:
        outgoing.repeated = True
    elif not outgoing.repeated and message.kind == ONE_CHAT:
        # Our own first attempt, whose answer was lost: nobody has been woken for it. (Who of a
        # group was owed it then is not known here; they find it when they look.)
        message.seq = seq
        message.receivers = frozenset((message.target,))
        outgoing.stored = True


def _log_row(outgoing: Outgoing) -> LogRow:
    message = outgoing.message
    return LogRow(
        message.sender,
        outgoing.mid,
        message.kind,
        message.target,
        message.text,
        message.time,
        ujson.dumps(message.extra, ensure_ascii=False) if message.extra else None,
    )
