"""CommitQueue: gathers the submissions of all loops, and commits many in one transaction.

While a transaction is being flushed, further submissions gather for the next one. So the batches
grow with the load, and an idle node commits each message at once. The rows are written by
commit_transaction.py.

    loops ── add ──▶ waiting ── take ──▶ batch ── cut ──▶ transaction ──▶ settled ──▶ loops
                        │ too many  ▲              │
                        └▶ backlog ─┘◀─────────────┘ too many rows

A flood fills more than a batch. The rest waits in the backlog, from which each sender gets a share
of the next batch.

A batch is one piece of work for the database's writer, which may run it again (commit_batch.py).
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from chat.counters import SIZES, Histogram
from chat.delivery.backlog import Backlog
from chat.delivery.commit_batch import BATCH_ROWS, MAX_BATCH, CommitBatch, choose
from chat.delivery.known_conversations import KnownConversations
from chat.delivery.members import Members
from chat.delivery.owed import KnownMailboxes
from chat.delivery.submission import (
    ANNOUNCED,
    REFUSED,
    REPEATED,
    Submission,
    answer_senders,
)
from chat.mailbox.quota import NO_FILLS, Fills, MailboxQuota
from chat.message import ChatMessage
from chat.process.loops import queue_in_loops
from chat.protocol import ONE_CHAT, ErrNo
from chat.storage import Database
from muduopy import EventLoop

FAIR_BATCH = 128
"""Submissions in one transaction while some senders have many in the queue and others few: some
5 ms. A message of one who sends little waits for the transaction before its own, and for its own.
"""

MIXED_ROWS = 500
CALM = 10
"""Rows of a transaction while messages to single users come, too: some 4 ms. Such a message waits
for the transaction before its own, and for its own. Ten users that flooded a group of 500 delayed
it by 26 ms (median) with 2,000 rows, and delay it by 16 ms with 500, at three quarters of the
group's messages. After CALM transactions with messages to groups only, they are large again."""

MAX_WAITING = 20_000
MAX_CHARACTERS = 32 * 1024 * 1024
MAX_ROWS = 100_000
"""Bounds of the queue: submissions, characters of their texts, and mailbox rows of groups. Senders
of further messages get errno 6 and try again."""

CROWDED = MAX_WAITING // 2
FEW = 8
"""When so many submissions wait, further ones are accepted only of connections with few messages
in flight. So forty users who fill the queue do not lock out the others."""

MAX_SIZES = 100_000
"""Sizes of groups that are kept; beyond it all are dropped."""


def _ignore_members(members: Members, read_at: float) -> None:
    pass


class QueueLengths(NamedTuple):
    """The parts of the queue that are bounded, as they are now."""

    messages: int
    characters: int
    rows: int


class CommitQueue:
    """Commits submissions, announces their messages, and answers their senders.

    Attributes:
        sizes: messages in a transaction.
        stored: messages that have got a row of the log.
        repeated: messages that had a row already, because the client has sent them again.
        rows: mailbox rows of the stored messages.
        refused: messages that were not stored, by errno.

    The writer thread changes these five, any thread reads them.
    """

    def __init__(
        self,
        database: Database,
        announce: Callable[[Sequence[ChatMessage]], object],
        on_members: Callable[[Members, float], object] = _ignore_members,
        quota: MailboxQuota | None = None,
        *,
        one_device: bool = False,
    ) -> None:
        """Both functions are called on the writer thread.

        ``announce`` gets the committed messages. ``on_members`` gets the members of groups, and a
        time before they were read (monotonic). ``quota``: refuses messages to full mailboxes;
        None: there is no limit. ``one_device``: messages go to the unnamed device of a user only.
        """
        self._database = database
        self._announce = announce
        self._on_members = on_members
        self._quota = quota
        self._lock = threading.Lock()  # guards the attributes below, ``known`` excepted
        self._waiting: list[Submission] = []
        self._count = 0  # of the waiting ones, including the backlog
        self._characters = 0  # likewise
        self._rows = 0  # likewise, as they were counted in ``add``
        self._sizes: dict[int, int] = {}  # of groups, in mailboxes, at their last message
        self._submitted = False  # the database has a batch that has not begun
        self._backlog = Backlog()
        self._calm = CALM  # transactions since the last one with messages to single users
        self.sizes = Histogram(SIZES)
        self.stored = self.repeated = self.rows = 0
        self.refused = dict.fromkeys(ErrNo, 0)
        self.known = KnownMailboxes(one_device=one_device)
        self.conversations = KnownConversations()

    def add(self, submission: Submission) -> bool:
        """Queue a submission; its sender is answered after the commit. Any thread.

        False, and nothing is queued, when a bound is reached.
        """
        with self._lock:
            if self._count >= MAX_WAITING or self._characters >= MAX_CHARACTERS:
                return False
            if self._count >= CROWDED and _has_many(submission):
                return False
            if self._rows >= MAX_ROWS and submission.rows > 1:
                return False
            self._waiting.append(submission)
            self._count += 1
            self._characters += len(submission.message.text)
            self._rows += submission.rows
            if self._submitted:
                return True
            self._submitted = True
        self._submit()
        return True

    @property
    def lengths(self) -> QueueLengths:
        """What waits now. Any thread."""
        with self._lock:
            return QueueLengths(self._count, self._characters, self._rows)

    def rows_for(self, group_id: int) -> int:
        """The mailbox rows of a message to this group, as of its last message. Any thread."""
        with self._lock:
            return self._sizes.get(group_id, 1)

    def _submit(self) -> None:
        batch = CommitBatch(self)
        self._database.submit(batch.work, batch.done)

    def take(self) -> list[Submission]:
        """The next batch. Writer thread."""
        with self._lock:
            waiting, self._waiting = self._waiting, []
            room = BATCH_ROWS
            if self._rows > MIXED_ROWS:
                mixed = any([s.message.kind == ONE_CHAT for s in waiting])
                self._calm = 0 if mixed else self._calm + 1
                if self._calm < CALM:
                    room = min(MIXED_ROWS, BATCH_ROWS)
            if self._rows <= room and self._count <= FAIR_BATCH and not self._backlog:
                self._count = self._characters = self._rows = 0
                self._submitted = False
                return waiting
            self._backlog.add(waiting)
            limit = FAIR_BATCH if self._backlog.is_uneven else MAX_BATCH
            singles = self._rows == self._count
            taken = self._backlog.take(limit, room, None if singles else self._estimate)
            self._count_out(taken)
            self._submitted = more = bool(self._backlog)
        if more:
            self._submit()
        return taken

    def _count_out(self, submissions: Sequence[Submission], sign: int = -1) -> None:
        """These do not wait any more; with ``sign`` 1, they wait again. Under the lock."""
        self._count += sign * len(submissions)
        self._characters += sign * sum([len(s.message.text) for s in submissions])
        self._rows += sign * sum([s.rows for s in submissions])

    def _estimate(self, submission: Submission) -> int:
        if submission.message.kind == ONE_CHAT:
            return 0  # it has room in any batch
        return max(submission.rows, self._sizes.get(submission.message.target, 1))

    def cut(self, batch: Sequence[Submission], members: Members) -> Sequence[Submission]:
        """The submissions of a batch that fit into one transaction, by the members of groups.

        The rest goes back to the front of the queue. Writer thread.

        Example: 1,000 messages to a new group of 3,000 wait, each counted as one row. The first
        transaction reads the members, keeps two messages, and returns 998. A member with several
        devices counts as often from the second message to the group on.
        """
        with self._lock:
            sizes = {
                group: max(len(users), self._sizes.get(group, 1))
                for group, users in members.items()
            }
        largest = max(sizes.values(), default=0)
        if largest * len(batch) <= BATCH_ROWS:
            return batch
        batch, left = choose(batch, lambda submission: _rows(submission, sizes))
        if not left:
            return batch
        with self._lock:
            self._backlog.put_back(left)
            self._count_out(left, 1)
            if self._submitted:
                return batch
            self._submitted = True
        self._submit()
        return batch

    def settled(self, batch: Sequence[Submission], members: Members, read_at: float) -> None:
        """The batch is committed, or has failed for good. Writer thread.

        The wakes are queued before the answers. Example (``direct``): A's message 1 to B is
        committed here. Once A is answered, A's message 2 may go to B live. The wake for 1 is then
        already queued in B's loop, so 2 cannot overtake it.
        """
        announced = [s.message for s in batch if s.outcome in ANNOUNCED]
        self._note(batch, announced)
        if members:
            self._keep_sizes(announced, members)
            self._on_members(members, read_at)
        if announced:
            self._announce(announced)
        by_loop: defaultdict[EventLoop, list[Submission]] = defaultdict(list)
        for submission in batch:
            if submission.diverted:
                submission.settle_diverted()
            if submission.login is not None:
                by_loop[submission.login.loop].append(submission)
        queue_in_loops(answer_senders, by_loop)
        if self._quota is not None:
            self._tell_quota(self._quota, batch, announced)

    def _keep_sizes(self, announced: Sequence[ChatMessage], members: Members) -> None:
        """Note the mailboxes of the messages to groups. A user has one for each device."""
        sizes = {group_id: len(users) for group_id, users in members.items()}
        for message in announced:
            if message.kind != ONE_CHAT and len(message.receivers) > sizes.get(message.target, 0):
                sizes[message.target] = len(message.receivers)
        with self._lock:
            if len(self._sizes) > MAX_SIZES:
                self._sizes.clear()
            self._sizes.update(sizes)

    def _tell_quota(
        self, quota: MailboxQuota, batch: Sequence[Submission], announced: Sequence[ChatMessage]
    ) -> None:
        if announced:
            quota.committed(announced)
        if len(announced) < len(batch) and quota.fills:
            full = {s.message.target for s in batch if s.errno is ErrNo.MAILBOX_FULL}
            for user_id in full:
                quota.refused(self.known.get(user_id, ()))

    @property
    def fills(self) -> Fills:
        """The mailboxes that are too full. Writer thread."""
        return NO_FILLS if self._quota is None else self._quota.fills

    def _note(self, batch: Sequence[Submission], announced: Sequence[ChatMessage]) -> None:
        self.sizes.observe(len(batch))
        self.stored += len(announced)
        self.rows += sum([len(message.receivers) for message in announced])
        if len(announced) == len(batch):
            return
        for submission in batch:
            if submission.outcome is REFUSED:
                self.refused[submission.errno] += 1
            elif submission.outcome is REPEATED:
                self.repeated += 1


def _has_many(submission: Submission) -> bool:
    """Has the sender's connection many messages in flight? The sender's loop."""
    login = submission.login
    return login is not None and login.connection.flow.in_flight > FEW


def _rows(submission: Submission, sizes: Mapping[int, int]) -> int:
    """Its mailbox rows; 1 if it has none, because its row of the log costs as much."""
    message = submission.message
    if message.kind == ONE_CHAT:
        return 1
    return sizes.get(message.target, 1) if submission.only is None else len(submission.only) or 1
