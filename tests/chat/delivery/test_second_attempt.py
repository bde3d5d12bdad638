"""A transaction of messages that runs twice, and what other transactions change between its runs.

The answer to the first COMMIT is lost. The first run was committed, or it was undone.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import pytest

from chat.delivery.commit_queue import CommitQueue
from chat.delivery.submission import Outcome, Submission
from chat.mailbox.gap import fill_gap, open_user_gaps
from chat.mailbox.quota import Fill, Fills, MailboxLimit, MailboxQuota
from chat.protocol import ErrNo
from chat.storage import Database, StorageError, Transaction
from chat.storage.base import Done, Work
from chat.storage.tables import BlockedModel, FriendModel, GroupModel, MailboxGapModel, UserModel
from muduopy import ThreadPool
from tests.chat.delivery.commitkit import CommitDesk, Sender
from tests.chat.delivery.test_devices import devices
from tests.chat.loopkit import FailingDatabase

T = TypeVar("T")

FULL = Fill(True, True, True, frozenset(), counted=0.0)
FOR_STRANGERS = Fill(False, True, True, frozenset(), counted=0.0)

Change = Callable[[Transaction], object]


class TwiceDatabase(FailingDatabase):
    """Runs the next submitted work twice, and ``change`` in between.

    Attributes:
        change: by another transaction; None: the work runs once.
        undone: the first run is rolled back.
    """

    def __init__(self, real: Database) -> None:
        super().__init__(real)
        self.change: Change | None = None
        self.undone = False

    def submit(self, work: Work[T], done: Done[T]) -> None:
        change, self.change = self.change, None
        if change is None:
            super().submit(work, done)
            return

        def first_run(tx: Transaction) -> None:
            work(tx)
            if self.undone:
                raise StorageError("undone for the test")

        def first_done(result: None, error: Exception | None) -> None:
            assert (error is not None) == self.undone
            super(TwiceDatabase, self).submit(change, changed)
            super(TwiceDatabase, self).submit(work, done)

        super().submit(first_run, first_done)


def changed(result: object, error: Exception | None) -> None:
    assert error is None


class Desk:
    """A commit queue whose transactions run twice, and a quota that counts nothing."""

    def __init__(self, commits: CommitDesk, workers: ThreadPool) -> None:
        self.commits = commits
        self.database = TwiceDatabase(commits.database)
        limit = MailboxLimit(8, 1000, 10)
        self.quota = MailboxQuota(commits.database, workers, limit, lambda mailbox: None)
        announce = commits.announcements.announce
        commits.queue = CommitQueue(self.database, announce, quota=self.quota)

    def twice(
        self, *sends: Submission, change: Change, undone: bool = False
    ) -> tuple[Submission, ...]:
        """Settle these messages. The second run sees other fills, too: none."""

        def change_all(tx: Transaction) -> None:
            self.quota.fills = Fills()
            change(tx)

        self.database.change, self.database.undone = change_all, undone
        return self.commits.settle(*sends)


@pytest.fixture
def desk(commits: CommitDesk, workers: ThreadPool) -> Desk:
    return Desk(commits, workers)


def nothing(tx: Transaction) -> None:
    pass


def two(desk: Desk, to: int) -> tuple[Sender, list[Submission]]:
    """A message to a user, and one to another user."""
    ann, eve = desk.commits.users("ann", "eve")
    sender = desk.commits.log_in(ann)
    return sender, [desk.commits.one(sender, to), desk.commits.one(sender, eve)]


@pytest.mark.parametrize("undone", [False, True])
def test_a_device_that_was_behind_has_read(desk: Desk, undone: bool) -> None:
    """The laptop is full and the phone is behind. Then the phone has read, and has place."""
    bob = desk.commits.user("bob")
    phone, laptop = devices(desk.commits, bob, 1, 2)
    desk.commits.database.write(lambda tx: open_user_gaps(tx, [phone]))
    desk.quota.fills = Fills({laptop: FULL})
    sender, sends = two(desk, bob)
    first, second = desk.twice(*sends, change=lambda tx: fill_gap(tx, phone), undone=undone)
    behind = desk.commits.database.read(lambda tx: MailboxGapModel(tx).behind([phone]))
    assert behind == set()
    assert (first.outcome, first.errno) == (Outcome.REFUSED, ErrNo.MAILBOX_FULL)
    assert second.outcome is (Outcome.STORED if undone else Outcome.RECOVERED)
    assert desk.commits.owed(phone) == []
    (third,) = desk.commits.settle(desk.commits.one(sender, bob))
    assert desk.commits.owed(phone) == [third.seq]
    assert third.seq > second.seq


def test_a_device_with_place_falls_behind(desk: Desk) -> None:
    """The message was committed while the phone had place. Then the phone gets a gap."""
    bob = desk.commits.user("bob")
    phone, laptop = devices(desk.commits, bob, 1, 2)
    full = Fills({laptop: FULL})
    desk.quota.fills = full

    def fall_behind(tx: Transaction) -> None:
        assert open_user_gaps(tx, [phone]) == {phone}
        desk.quota.fills = full

    sent, _ = desk.twice(*two(desk, bob)[1], change=fall_behind)
    assert sent.outcome is Outcome.RECOVERED
    assert desk.commits.owed(laptop) == desk.commits.owed(phone) == [sent.seq]


def test_a_new_device_has_place(desk: Desk) -> None:
    bob = desk.commits.user("bob")
    (phone,) = devices(desk.commits, bob, 1)
    desk.quota.fills = Fills({phone: FULL})

    def open_device(tx: Transaction) -> None:
        tx.execute("UPDATE setting SET value = value + 1 WHERE name = 'devices'")
        sql = "INSERT INTO device (mailbox, userid, hash, first, used) VALUES (?, ?, 'x', 0, 0)"
        tx.execute(sql, (phone + 2**31, bob))

    first, _ = desk.twice(*two(desk, bob)[1], change=open_device)
    assert first.errno is ErrNo.MAILBOX_FULL


def test_the_sender_becomes_a_friend(desk: Desk) -> None:
    bob = desk.commits.user("bob")
    desk.quota.fills = Fills({bob: FOR_STRANGERS})
    sender, sends = two(desk, bob)
    befriend = (("userid", "friendid"), [(bob, sender.user_id)])
    first, second = desk.twice(*sends, change=lambda tx: tx.insert_rows("friend", *befriend))
    assert desk.commits.database.read(lambda tx: FriendModel(tx).is_one(bob, sender.user_id))
    assert first.errno is ErrNo.MAILBOX_FULL
    assert second.outcome is Outcome.RECOVERED


def test_a_block_ends(desk: Desk) -> None:
    """So it is with every refusal, also that of a blocked user."""
    bob = desk.commits.user("bob")
    sender, sends = two(desk, bob)
    desk.commits.database.write(lambda tx: BlockedModel(tx).insert(bob, sender.user_id))
    first, _ = desk.twice(*sends, change=lambda tx: BlockedModel(tx).delete(bob, sender.user_id))
    assert first.errno is ErrNo.BLOCKED
    assert desk.commits.owed(bob) == []


@pytest.mark.parametrize("undone", [False, True])
def test_a_block_begins(desk: Desk, undone: bool) -> None:
    """A committed message stays committed. One that was undone is refused now."""
    bob = desk.commits.user("bob")
    sender, sends = two(desk, bob)
    block: Change = lambda tx: BlockedModel(tx).insert(bob, sender.user_id)  # noqa: E731
    first, _ = desk.twice(*sends, change=block, undone=undone)
    assert first.outcome is (Outcome.REFUSED if undone else Outcome.RECOVERED)
    assert desk.commits.owed(bob) == ([] if undone else [first.seq])


def test_a_sender_that_has_left_the_group(desk: Desk) -> None:
    ann, bob = desk.commits.users("ann", "bob")
    tea = desk.commits.group("tea", bob, ann)
    send = desk.commits.many(desk.commits.log_in(ann), tea)
    (sent,) = desk.twice(send, change=lambda tx: GroupModel(tx).remove_member(tea, ann))
    assert (sent.outcome, sent.errno) == (Outcome.REPEATED, ErrNo.OK)
    assert desk.commits.owed(bob) == [sent.seq]


def test_the_receiver_deletes_the_account(desk: Desk) -> None:
    """Its mailbox is gone, so the sender may as well be refused. Nothing else fails."""
    bob = desk.commits.user("bob")
    first, second = desk.twice(*two(desk, bob)[1], change=lambda tx: UserModel(tx).delete(bob))
    assert first.errno is ErrNo.NOT_FOUND
    assert second.outcome is Outcome.RECOVERED


def test_all_messages_were_refused(desk: Desk) -> None:
    bob = desk.commits.user("bob")
    desk.quota.fills = Fills({bob: FULL})
    sends = two(desk, bob)[1][:1]
    (sent,) = desk.twice(*sends, change=nothing)
    assert sent.errno is ErrNo.MAILBOX_FULL


def test_a_message_that_was_stored_before_is_not_refused(desk: Desk) -> None:
    """The client repeats it, because its acknowledgement was lost; meanwhile the mailbox fills."""
    ann, bob = desk.commits.users("ann", "bob")
    sender = desk.commits.log_in(ann)
    (sent,) = desk.commits.settle(desk.commits.one(sender, bob, mid="m"))
    desk.quota.fills = Fills({bob: FULL})
    (again,) = desk.twice(desk.commits.one(sender, bob, mid="m"), change=nothing)
    assert (again.outcome, again.seq) == (Outcome.REPEATED, sent.seq)
