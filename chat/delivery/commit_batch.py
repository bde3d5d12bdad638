"""CommitBatch: the submissions of one transaction, which the database's writer may run again."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from chat.delivery.commit_transaction import store
from chat.delivery.known_conversations import KnownConversations
from chat.delivery.members import Members
from chat.delivery.owed import KnownMailboxes
from chat.delivery.submission import REFUSED, Submission
from chat.mailbox.quota import Fills
from chat.protocol import ErrNo
from chat.storage import StorageError, Transaction

log = logging.getLogger(__name__)

MAX_BATCH = 1000
BATCH_ROWS = 8000
"""Submissions and mailbox rows in one transaction; the rest goes into the next one. A single
submission may have more rows. 8,000 rows take some 50 ms, in which all other messages wait. Smaller
batches would be slower in total, because the mailboxes of a large group are on as many pages as it
has members, and all messages to the group in one transaction share these pages."""


class BatchQueue(Protocol):
    """What a batch needs of the CommitQueue, which describes it. Writer thread."""

    known: KnownMailboxes
    conversations: KnownConversations

    @property
    def fills(self) -> Fills: ...

    def take(self) -> list[Submission]: ...

    def cut(self, batch: Sequence[Submission], members: Members) -> Sequence[Submission]: ...

    def settled(self, batch: Sequence[Submission], members: Members, read_at: float) -> None: ...


class CommitBatch:
    """One piece of work for the writer: the submissions that have gathered when it begins.

    A message that an attempt has refused stays refused, and one that an attempt has committed stays
    committed. Example: A sends 1 to B and 2 to C; B's mailbox is full, so 1 is refused, and 2 is
    committed; the answer to the COMMIT is lost, and meanwhile B reads. If the second attempt took
    1, it would have a higher number than 2, and A would not know.
    """

    def __init__(self, queue: BatchQueue) -> None:
        self._queue = queue
        self._submissions: Sequence[Submission] | None = None
        self._conversations: set[int] = set()  # new ones, at the last attempt
        self._begun = 0.0

    def work(self, tx: Transaction) -> Members:
        if self._submissions is None:
            self._submissions = self._queue.take()
            self._begun = time.monotonic()
            members = store(tx, self._submissions, self._queue.known, self._cut, self._queue.fills)
        else:
            members = self._store_again(tx, self._submissions)
        self._conversations = self._queue.conversations.insert(tx, self._submissions)
        return members

    def _store_again(self, tx: Transaction, submissions: Sequence[Submission]) -> Members:
        """The outcome of the attempt before is not known."""
        self._begun = time.monotonic()
        left = [submission for submission in submissions if submission.outcome is not REFUSED]
        if not left:
            return {}
        for submission in left:
            submission.retry()
        return store(tx, left, self._queue.known, fills=self._queue.fills, again=True)

    def _cut(self, submissions: Sequence[Submission], members: Members) -> Sequence[Submission]:
        self._submissions = self._queue.cut(submissions, members)
        return self._submissions

    def done(self, members: Members | None, error: BaseException | None) -> None:
        submissions = self._submissions
        if submissions is None:
            submissions = self._queue.take()
        if error is not None:
            log.warning("%d messages were not stored: %s", len(submissions), error)
            if not isinstance(error, StorageError):
                log.error("the transaction of messages failed", exc_info=error)
            for submission in submissions:
                submission.refuse(ErrNo.UNAVAILABLE, "the message could not be stored, try again")
        elif self._conversations:
            self._queue.conversations.committed(self._conversations)
        self._queue.settled(submissions, members or {}, self._begun)


def choose(
    submissions: Sequence[Submission], rows: Callable[[Submission], int]
) -> tuple[list[Submission], list[Submission]]:
    """Split submissions into the next batch and the rest; both keep their order.

    The first submission is always in the batch. Further ones join it while BATCH_ROWS has room,
    and each sender's in order. Example: A sends three messages to a group of 3,000, then B sends
    one to C. The batch has two of A's messages, and B's.
    """
    taken = [submissions[0]]
    left: list[Submission] = []
    room = BATCH_ROWS
    if (needed := rows(submissions[0])) <= room:
        room -= needed
    waits: set[int] = set()  # senders with a message in ``left``
    for place, submission in enumerate(submissions[1:], 1):
        if not room or len(taken) == MAX_BATCH:
            left += submissions[place:]
            break
        sender = submission.message.sender
        if sender in waits or (needed := rows(submission)) > room:
            waits.add(sender)
            left.append(submission)
        else:
            taken.append(submission)
            room -= needed
    return taken, left
