"""Messages to users with several devices: each device is owed them, on both databases."""

from __future__ import annotations

import threading

import pytest

from chat.delivery.submission import Outcome
from chat.mailbox_number import mailbox_of
from chat.storage import Transaction
from tests.chat.delivery.commitkit import CommitDesk, Sender
from tests.chat.loopkit import WAIT


def add(tx: Transaction, user_id: int, device: int, generation: int = 1) -> int:
    """A new device; 0: a row for the unnamed one. Returns its mailbox."""
    mailbox = mailbox_of(user_id, device)
    tx.execute("UPDATE setting SET value = value + 1 WHERE name = 'devices'")
    tx.execute(
        "INSERT INTO device (mailbox, userid, hash, first, used, generation) "
        "VALUES (?, ?, ?, 0, 0, ?)",
        (mailbox, user_id, "" if not device else f"{device:064}", generation),
    )
    return mailbox


def devices(commits: CommitDesk, user_id: int, *numbers: int) -> list[int]:
    return commits.database.write(lambda tx: [add(tx, user_id, number) for number in numbers])


def on(sender: Sender, mailbox: int) -> Sender:
    """The same user, on a named device."""
    other = Sender(sender.loop, sender.user_id, 1)
    other.mailbox = mailbox
    return other


def test_each_device_of_the_receiver(commits: CommitDesk) -> None:
    ann, bob = commits.users("ann", "bob")
    boxes = devices(commits, bob, 1, 2)
    (sent,) = commits.settle(commits.one(commits.log_in(ann), bob))
    assert [commits.owed(box) for box in boxes] == [[sent.seq], [sent.seq]]
    assert commits.owed(bob) == [], "bob has no unnamed device"
    assert sent.message.receivers == set(boxes)


def test_the_unnamed_device_beside_a_named_one(commits: CommitDesk) -> None:
    ann, bob = commits.users("ann", "bob")
    boxes = devices(commits, bob, 0, 1)
    (sent,) = commits.settle(commits.one(commits.log_in(ann), bob))
    assert boxes[0] == bob
    assert [commits.owed(box) for box in boxes] == [[sent.seq], [sent.seq]]


def test_the_other_named_devices_of_the_sender_get_a_copy(commits: CommitDesk) -> None:
    ann, bob, eve = commits.users("ann", "bob", "eve")
    unnamed, phone, laptop = devices(commits, ann, 0, 1, 2)
    group = commits.group("team", ann, bob)
    sender = on(commits.log_in(ann), phone)
    one, many = commits.settle(commits.one(sender, bob), commits.many(sender, group))
    assert one.outcome is many.outcome is Outcome.STORED
    assert commits.owed(laptop) == [one.seq, many.seq]
    assert commits.owed(bob) == [one.seq, many.seq]
    assert commits.owed(phone) == commits.owed(unnamed) == commits.owed(eve) == []
    old = commits.log_in(ann)
    one, many = commits.settle(commits.one(old, bob), commits.many(old, group))
    assert commits.owed(phone) == [one.seq, many.seq]
    assert commits.owed(unnamed) == []


def test_a_message_to_oneself_comes_to_all_devices(commits: CommitDesk) -> None:
    ann = commits.user("ann")
    boxes = devices(commits, ann, 0, 1, 2)
    (sent,) = commits.settle(commits.one(on(commits.log_in(ann), boxes[1]), ann))
    assert [commits.owed(box) for box in boxes] == [[sent.seq]] * 3


def test_the_generation_of_the_device_decides(commits: CommitDesk) -> None:
    """A login on another device leaves this one alone; one on this device ends it."""
    ann, bob = commits.users("ann", "bob")
    phone, laptop = devices(commits, ann, 1, 2)
    unnamed = commits.log_in(ann)
    senders = [on(unnamed, phone), on(unnamed, laptop)]
    sql = "UPDATE device SET generation = 2 WHERE mailbox = ?"
    commits.database.write(lambda tx: tx.execute(sql, (phone,)))
    sends = commits.settle(*[commits.one(sender, bob) for sender in (*senders, unnamed)])
    stored = [submission.outcome is Outcome.STORED for submission in sends]
    assert stored == [False, True, True]
    sql = "DELETE FROM device WHERE mailbox = ?"
    commits.database.write(lambda tx: tx.execute(sql, (laptop,)))
    (sent,) = commits.settle(commits.one(senders[1], bob))
    assert sent.outcome is Outcome.REFUSED


def test_a_new_device_is_owed_the_next_message(commits: CommitDesk) -> None:
    """Though the mailboxes of its user are known from the message before."""
    ann, bob = commits.users("ann", "bob")
    group = commits.group("team", ann, bob)
    sender = commits.log_in(ann)
    commits.settle(commits.one(sender, bob), commits.many(sender, group))
    (phone,) = devices(commits, bob, 1)
    sends = commits.settle(commits.one(sender, bob), commits.many(sender, group))
    assert commits.owed(phone) == [submission.seq for submission in sends]


@pytest.mark.parametrize("database", ["mysql"], indirect=True)  # SQLite has one writer
def test_a_new_device_waits_for_messages_in_the_making(commits: CommitDesk) -> None:
    """So each message is either older than the device, or in its mailbox."""
    ann, bob = commits.users("ann", "bob")
    sender = commits.log_in(ann)
    commits.settle(commits.one(sender, bob))
    newest: list[int] = []
    begun = threading.Event()

    def log_in() -> None:
        def work(tx: Transaction) -> None:
            begun.set()
            add(tx, bob, 1)
            newest.append(tx.query("SELECT MAX(seq) FROM message")[0][0])

        commits.database.write(work)

    thread = threading.Thread(target=log_in)
    sends = [commits.one(sender, bob) for _ in range(3)]
    look_up = commits.queue.known.look_up

    def slowly(tx: Transaction, user_ids: object) -> None:
        look_up(tx, user_ids)  # type: ignore[arg-type]
        if not begun.is_set():
            thread.start()
            assert begun.wait(WAIT)
            assert not newest

    commits.queue.known.look_up = slowly  # type: ignore[method-assign]
    commits.settle(*sends)
    thread.join(WAIT)
    later = [submission.seq for submission in sends if submission.seq > newest[0]]
    assert sends[0].seq <= newest[0]
    assert commits.owed(mailbox_of(bob, 1)) == later


def test_direct_knows_one_device(commits: CommitDesk) -> None:
    ann, bob = commits.users("ann", "bob")
    devices(commits, bob, 0, 1)
    commits.queue.known.one_device = True
    (sent,) = commits.settle(commits.one(commits.log_in(ann), bob))
    assert sent.message.receivers == {bob}
    assert commits.owed(mailbox_of(bob, 1)) == []
