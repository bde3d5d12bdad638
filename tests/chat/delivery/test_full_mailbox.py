"""The commit queue refuses messages to full mailboxes, in each attempt the same ones."""

from __future__ import annotations

from typing import TypeVar

from chat.delivery.commit_queue import CommitQueue
from chat.delivery.submission import Outcome
from chat.mailbox.quota import Fill, MailboxLimit, MailboxQuota
from chat.protocol import ErrNo
from chat.storage import Database
from chat.storage.base import Done, Work
from muduopy import ThreadPool
from tests.chat.delivery.commitkit import CommitDesk
from tests.chat.loopkit import FailingDatabase

T = TypeVar("T")

FULL = Fill(True, True, True, frozenset(), counted=0.0)


class TwiceDatabase(FailingDatabase):
    """Runs each submitted work twice, each time in a transaction of its own.

    The answer to the first COMMIT seems to be lost.
    """

    def __init__(self, real: Database, quota: MailboxQuota) -> None:
        super().__init__(real)
        self._quota = quota

    def submit(self, work: Work[T], done: Done[T]) -> None:
        def first_done(result: T | None, error: Exception | None) -> None:
            assert error is None
            self._quota.fills = {}  # the mailbox was read, and counted, meanwhile
            super(TwiceDatabase, self).submit(work, done)

        super().submit(work, first_done)


def test_a_second_attempt_refuses_the_same_messages(
    commits: CommitDesk, database: Database, workers: ThreadPool
) -> None:
    quota = MailboxQuota(database, workers, MailboxLimit(8, 1000, 10), lambda user_id: None)
    ann, bob, eve = commits.users("ann", "bob", "eve")
    quota.fills = {bob: FULL}
    twice = TwiceDatabase(database, quota)
    commits.queue = CommitQueue(twice, commits.announcements.announce, quota=quota)
    sender = commits.log_in(ann)
    first, second = commits.settle(commits.one(sender, bob), commits.one(sender, eve))
    assert (first.outcome, first.errno) == (Outcome.REFUSED, ErrNo.MAILBOX_FULL)
    assert second.outcome is Outcome.RECOVERED
    (third,) = commits.settle(commits.one(sender, bob))
    assert third.outcome is Outcome.RECOVERED
    assert third.seq > second.seq
