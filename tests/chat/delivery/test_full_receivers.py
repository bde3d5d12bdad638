"""Messages to full mailboxes: which are refused, and that the others cost nothing."""

from __future__ import annotations

from chat.delivery.full_receivers import refuse_full
from chat.delivery.owed import KnownMailboxes
from chat.delivery.submission import Submission
from chat.mailbox.quota import Fill, Fills
from chat.protocol import ErrNo
from chat.storage import Transaction
from tests.chat.delivery.commitkit import CommitDesk

FULL = Fill(True, True, True, frozenset(), counted=0.0)


def left(
    commits: CommitDesk, sends: list[Submission], fills: Fills, behind: frozenset[int] = frozenset()
) -> list[Submission]:
    targets = {submission.message.target for submission in sends}

    def work(tx: Transaction) -> list[Submission]:
        known = KnownMailboxes()
        known.look_up(tx, targets)
        known.behind |= behind
        return refuse_full(tx, sends, targets, fills, known)

    return commits.database.read(work)


def test_no_receiver_is_full(commits: CommitDesk) -> None:
    """Another user's mailbox is full. These messages are not looked at."""
    ann, bob, eve = commits.users("ann", "bob", "eve")
    sends = [commits.one(commits.log_in(ann), bob)]
    known = KnownMailboxes()
    fills = Fills({eve: FULL})
    assert commits.database.read(lambda tx: refuse_full(tx, sends, {bob}, fills, known)) is sends


def test_the_others_of_a_batch_are_stored(commits: CommitDesk) -> None:
    ann, bob, eve = commits.users("ann", "bob", "eve")
    sender = commits.log_in(ann)
    to_bob, to_eve = commits.one(sender, bob), commits.one(sender, eve)
    assert left(commits, [to_bob, to_eve], Fills({bob: FULL})) == [to_eve]
    assert to_bob.errno is ErrNo.MAILBOX_FULL


def test_a_group_with_the_number_of_a_full_user(commits: CommitDesk) -> None:
    ann = commits.user("ann")
    group = commits.group("tea", ann)
    sender = commits.log_in(ann)
    sends = [commits.one(sender, group), commits.many(sender, group)]
    assert left(commits, sends, Fills({group: FULL})) == sends[1:]


def test_all_devices_are_behind(commits: CommitDesk) -> None:
    """The last device with place has ended. The other one has not read its mailbox yet."""
    ann, bob = commits.users("ann", "bob")
    (sent,) = sends = [commits.one(commits.log_in(ann), bob)]
    assert left(commits, sends, Fills({bob: FULL}), frozenset({bob})) == []
    assert sent.errno is ErrNo.MAILBOX_FULL
