"""Gaps: their beginning, their filling, and a message that is being stored meanwhile."""

from __future__ import annotations

import threading

import pytest

from chat.mailbox.gap import FILL_ROWS, fill_gap, open_gaps
from chat.mailbox_number import mailbox_of
from chat.protocol import GROUP_CHAT
from chat.storage import Database, Transaction
from chat.storage.mysql.database import MysqlDatabase
from chat.storage.tables import (
    BETWEEN_USERS,
    CREATOR,
    NORMAL,
    Device,
    DeviceModel,
    EventRow,
    GroupEventModel,
    GroupModel,
    LogRow,
    MailboxGapModel,
    MessageModel,
    OfflineMessageModel,
    OwnedRowsModel,
    UserModel,
)
from tests.chat.loopkit import WAIT
from tests.chat.mariadbkit import mariadb

ANN, BOB, EVE = 1, 2, 3


@pytest.fixture
def group(database: Database) -> int:
    """A group of Ann and Bob. Eve is no member."""

    def make(tx: Transaction) -> int:
        for name in ("ann", "bob", "eve"):
            UserModel(tx).insert(name, "h")
        group = GroupModel(tx).insert("tea", "")
        GroupModel(tx).add_member(group, ANN, CREATOR)
        GroupModel(tx).add_member(group, BOB, NORMAL)
        return group

    return database.write(make)


def store(tx: Transaction, group: int, count: int = 1, sender: int = ANN) -> list[int]:
    """Messages to the group that have no rows yet. Returns their numbers."""
    newest = MessageModel(tx).newest()
    rows = [
        LogRow(sender, f"m{newest} {number}", GROUP_CHAT, group, "hi", "now", None)
        for number in range(count)
    ]
    return [seq for seq in MessageModel(tx).insert_new(rows) if seq]


def owed(database: Database, user_id: int = BOB) -> list[int]:
    rows = database.read(lambda tx: OfflineMessageModel(tx).sizes(user_id, 100_000))
    return [seq for seq, _ in rows]


def gap(database: Database, group: int, user_id: int = BOB) -> int | None:
    found = database.read(lambda tx: MailboxGapModel(tx).of_groups([group]))
    return found.get(group, {}).get(user_id)


def begin(database: Database, group: int, *user_ids: int) -> set[int]:
    return database.write(lambda tx: open_gaps(tx, group, user_ids))


def fill(database: Database) -> None:
    database.write(lambda tx: fill_gap(tx, BOB))


def test_it_begins_behind_the_newest_message(database: Database, group: int) -> None:
    (before,) = database.write(lambda tx: store(tx, group))
    assert begin(database, group, BOB, EVE) == {BOB}  # Eve is no member
    assert gap(database, group) == before
    after = database.write(lambda tx: store(tx, group, 2))
    assert begin(database, group, BOB) == set()  # the first gap counts
    fill(database)
    assert owed(database) == after
    assert gap(database, group) is None


def test_it_is_filled_in_parts(database: Database, group: int) -> None:
    begin(database, group, BOB)
    seqs = database.write(lambda tx: store(tx, group, FILL_ROWS + 1))
    fill(database)
    assert owed(database) == seqs[:FILL_ROWS]
    assert gap(database, group) == seqs[FILL_ROWS - 1]
    fill(database)
    assert owed(database) == seqs
    assert gap(database, group) is None
    fill(database)
    assert owed(database) == seqs


def test_own_messages_are_left_out(database: Database, group: int) -> None:
    begin(database, group, BOB)
    database.write(lambda tx: store(tx, group, 3, sender=BOB))
    fill(database)
    assert owed(database) == []
    assert gap(database, group) is None


def test_a_device_that_takes_a_gap_over(database: Database, group: int) -> None:
    """From before its opening it gets neither events nor the messages of its own user."""
    phone = mailbox_of(BOB, 1)

    def happen(tx: Transaction) -> list[int]:
        seqs = [store(tx, group, sender=user)[0] for user in (ANN, BOB)]
        return seqs + GroupEventModel(tx).insert([EventRow(group, "now", "{}")])

    def take_over(tx: Transaction) -> None:
        newest = MessageModel(tx).newest()
        DeviceModel(tx).insert(Device(phone, BOB, "h", "", 0, 0, None, newest))
        OwnedRowsModel(tx).move_mailbox(BOB, phone)

    begin(database, group, BOB)
    of_ann, _, _ = database.write(happen)
    database.write(take_over)
    later = database.write(happen)
    database.write(lambda tx: fill_gap(tx, phone))
    assert owed(database, phone) == [of_ann, *later]
    assert gap(database, group, phone) is None


def test_rows_of_an_older_server_are_left_alone(database: Database, group: int) -> None:
    begin(database, group, BOB)
    seqs = database.write(lambda tx: store(tx, group, 3))
    database.write(lambda tx: OfflineMessageModel(tx).insert([(BOB, seqs[1])]))
    fill(database)
    assert owed(database) == seqs


def test_the_oldest_of_two_gaps_is_filled_first(database: Database, group: int) -> None:
    def make(tx: Transaction) -> int:
        other = GroupModel(tx).insert("coffee", "")
        GroupModel(tx).add_member(other, BOB, CREATOR)
        return other

    other = database.write(make)
    begin(database, other, BOB)
    first = database.write(lambda tx: store(tx, other))
    begin(database, group, BOB)
    second = database.write(lambda tx: store(tx, group))
    fill(database)
    assert owed(database) == first
    fill(database)
    assert owed(database) == first + second


def test_a_member_that_has_left(database: Database, group: int) -> None:
    """Rejoining, too, shows nothing from before."""
    begin(database, group, BOB)
    database.write(lambda tx: store(tx, group))
    database.write(lambda tx: GroupModel(tx).remove_member(group, BOB))
    assert gap(database, group) is None
    database.write(lambda tx: MailboxGapModel(tx).open(group, [BOB], 0))  # as if it were left over
    fill(database)
    assert owed(database) == []
    assert gap(database, group) is None
    database.write(lambda tx: MailboxGapModel(tx).open(group, [BOB], 0))
    database.write(lambda tx: GroupModel(tx).add_member(group, BOB, NORMAL))
    fill(database)
    assert owed(database) == []


def test_the_gaps_of_all_devices_of_a_member_that_has_left(database: Database, group: int) -> None:
    """They end in this group. Those in other conversations, and of other members, stay."""
    boxes = [mailbox_of(BOB, number) for number in (1, 2)]

    def make(tx: Transaction) -> int:
        for box in boxes:
            DeviceModel(tx).insert(Device(box, BOB, f"h{box}", "", 1, 1, None, 0))
        other = GroupModel(tx).insert("coffee", "")
        GroupModel(tx).add_member(other, BOB, CREATOR)
        MailboxGapModel(tx).open(BETWEEN_USERS, boxes, 0)
        return other

    other = database.write(make)
    for one in (group, other):
        begin(database, one, ANN, BOB, *boxes)
    assert database.write(lambda tx: GroupModel(tx).remove_member(group, BOB))
    assert [gap(database, group, box) for box in (BOB, *boxes)] == [None] * 3
    assert gap(database, group, ANN) is not None
    for one in (other, BETWEEN_USERS):
        assert None not in [gap(database, one, box) for box in boxes]


def test_a_group_that_is_gone(database: Database, group: int) -> None:
    begin(database, group, BOB)
    database.write(lambda tx: GroupModel(tx).delete(group))
    assert gap(database, group) is None
    assert begin(database, group, BOB) == set()
    fill(database)


@pytest.mark.parametrize("database", ["mysql"], indirect=True)
def test_a_message_that_another_server_is_storing(database: Database, group: int) -> None:
    """It has the lower number, and is committed later."""
    begin(database, group, BOB)
    other = MysqlDatabase.open(mariadb().address, 8)
    inserted, go_on = threading.Event(), threading.Event()
    low: list[int] = []

    def slowly(tx: Transaction) -> None:
        GroupModel(tx).hold([group])
        low[:] = store(tx, group)
        inserted.set()
        assert go_on.wait(WAIT)

    try:
        slow = threading.Thread(target=lambda: other.write(slowly))
        slow.start()
        assert inserted.wait(WAIT)
        high = database.write(lambda tx: store(tx, group, sender=EVE))
        filling = threading.Thread(target=lambda: fill(database))
        filling.start()
        filling.join(0.2)
        assert filling.is_alive(), "it does not wait"
        go_on.set()
        filling.join(WAIT)
        slow.join(WAIT)
    finally:
        go_on.set()
        other.close()
    assert low < high
    assert owed(database) == low + high
