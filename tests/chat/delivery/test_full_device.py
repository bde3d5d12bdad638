"""A full device of a user with several: it gets messages between users later, and each once."""

from __future__ import annotations

from chat.delivery.submission import Outcome
from chat.mailbox.gap import FILL_ROWS, fill_gap, open_user_gaps
from chat.mailbox.quota import Fill, Fills, MailboxQuota
from chat.protocol import ErrNo
from chat.storage import Transaction
from chat.storage.tables import BETWEEN_USERS, DeviceModel, MailboxGapModel
from tests.chat.delivery.commitkit import CommitDesk
from tests.chat.delivery.test_devices import devices, on

FULL = Fill(True, True, True, frozenset(), counted=0.0)


class FixedQuota(MailboxQuota):
    """These mailboxes are full. It counts nothing."""

    def __init__(self, fills: dict[int, Fill]) -> None:
        self.fills = Fills(fills)

    def committed(self, messages: object) -> None:
        pass

    def refused(self, mailboxes: object) -> None:
        pass


def begin(commits: CommitDesk, *mailboxes: int) -> set[int]:
    return commits.database.write(lambda tx: open_user_gaps(tx, mailboxes))


def fill(commits: CommitDesk, mailbox: int) -> None:
    commits.database.write(lambda tx: fill_gap(tx, mailbox))


def behind(commits: CommitDesk, *mailboxes: int) -> set[int]:
    return commits.database.read(lambda tx: MailboxGapModel(tx).behind(mailboxes))


def test_it_gets_its_messages_when_it_has_read(commits: CommitDesk) -> None:
    """Messages to its user, and copies of those that its user sends."""
    ann, bob, eve = commits.users("ann", "bob", "eve")
    phone, laptop = devices(commits, bob, 1, 2)
    sender = commits.log_in(ann)
    (first,) = commits.settle(commits.one(sender, bob))
    assert begin(commits, phone) == {phone}
    own = on(commits.log_in(bob), laptop)
    sends = commits.settle(
        commits.one(sender, bob),
        commits.one(own, eve),
        commits.one(own, bob),
        commits.one(commits.log_in(eve), ann),
    )
    seqs = [submission.seq for submission in sends[:3]]
    assert commits.owed(phone) == [first.seq]
    assert commits.owed(laptop) == [first.seq, seqs[0], seqs[2]]
    fill(commits, phone)
    assert commits.owed(phone) == [first.seq, *seqs]
    assert behind(commits, phone) == set()
    (later,) = commits.settle(commits.one(sender, bob))
    assert commits.owed(phone) == [first.seq, *seqs, later.seq]


def test_the_unnamed_device_gets_no_copies(commits: CommitDesk) -> None:
    ann, bob = commits.users("ann", "bob")
    unnamed, phone = devices(commits, bob, 0, 1)
    begin(commits, unnamed)
    own = on(commits.log_in(bob), phone)
    _, to_bob, to_self = commits.settle(
        commits.one(own, ann), commits.one(commits.log_in(ann), bob), commits.one(own, bob)
    )
    fill(commits, unnamed)
    assert commits.owed(unnamed) == [to_bob.seq, to_self.seq]


def test_many_messages_come_in_parts(commits: CommitDesk) -> None:
    ann, bob = commits.users("ann", "bob")
    phone, _ = devices(commits, bob, 1, 2)
    begin(commits, phone)
    sender = commits.log_in(ann)
    sends = commits.settle(*[commits.one(sender, bob) for _ in range(FILL_ROWS + 5)])
    seqs = [submission.seq for submission in sends]
    fill(commits, phone)
    assert commits.owed(phone) == seqs[:FILL_ROWS]
    assert behind(commits, phone) == {phone}
    (later,) = commits.settle(commits.one(sender, bob))
    assert commits.owed(phone) == seqs[:FILL_ROWS], "a message must not overtake the others"
    fill(commits, phone)
    assert commits.owed(phone) == [*seqs, later.seq]
    assert behind(commits, phone) == set()


def test_one_device_at_least_gets_all_messages(commits: CommitDesk) -> None:
    ann, bob = commits.users("ann", "bob")
    phone, laptop = devices(commits, bob, 1, 2)
    assert len(begin(commits, phone, laptop)) == 1
    assert begin(commits, ann) == set()
    (sent,) = commits.settle(commits.one(commits.log_in(ann), bob))
    assert len(sent.message.receivers) == 1


def test_a_device_that_has_ended_gets_no_gap(commits: CommitDesk) -> None:
    bob = commits.user("bob")
    phone, laptop = devices(commits, bob, 1, 2)
    sql = "DELETE FROM device WHERE mailbox = ?"
    commits.database.write(lambda tx: tx.execute(sql, (phone,)))
    assert begin(commits, phone) == set()
    assert behind(commits, phone, laptop) == set()


def test_the_last_device_without_a_gap_ends(commits: CommitDesk) -> None:
    """The messages are in the log; the other device gets them when it has read its mailbox."""
    ann, bob = commits.users("ann", "bob")
    phone, laptop = devices(commits, bob, 1, 2)
    begin(commits, phone)

    def end(tx: Transaction) -> None:
        DeviceModel(tx).changed()
        tx.execute("DELETE FROM device WHERE mailbox = ?", (laptop,))

    commits.database.write(end)
    sends = commits.settle(*[commits.one(commits.log_in(ann), bob) for _ in range(2)])
    assert commits.owed(phone) == []
    fill(commits, phone)
    assert commits.owed(phone) == [submission.seq for submission in sends if submission.seq]


def test_a_sender_is_refused_when_all_devices_are_full(commits: CommitDesk) -> None:
    ann, bob = commits.users("ann", "bob")
    phone, laptop = devices(commits, bob, 1, 2)
    sender = commits.log_in(ann)

    def send(*full: int) -> Outcome:
        commits.queue._quota = FixedQuota(dict.fromkeys(full, FULL))
        (sent,) = commits.settle(commits.one(sender, bob))
        assert (sent.outcome is Outcome.REFUSED) == (sent.errno is ErrNo.MAILBOX_FULL)
        return sent.outcome

    assert send(phone) is Outcome.STORED
    assert send(laptop) is Outcome.STORED
    assert send(phone, laptop) is Outcome.REFUSED
    begin(commits, phone)
    assert send(phone) is Outcome.STORED
    assert send(laptop) is Outcome.REFUSED, "the phone is behind"


def test_it_is_behind_in_no_group(commits: CommitDesk) -> None:
    ann, bob = commits.users("ann", "bob")
    group = commits.group("team", ann, bob)
    phone, _ = devices(commits, bob, 1, 2)
    begin(commits, phone)
    (sent,) = commits.settle(commits.many(commits.log_in(ann), group))
    assert commits.owed(phone) == [sent.seq]
    assert group != BETWEEN_USERS
