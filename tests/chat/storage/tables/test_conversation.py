"""The rows of conversations: for databases of servers that had none, and single changes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from chat.storage import Database, Transaction
from chat.storage.base import Row
from chat.storage.tables import (
    CREATOR,
    NORMAL,
    ConversationModel,
    GroupModel,
    LogRow,
    MessageModel,
    OfflineMessageModel,
    UserModel,
    partner_of,
    user_conversation,
)
from tests.chat.loopkit import PROJECT


@pytest.fixture
def users(database: Database) -> list[int]:
    """Three users with messages: 1 to 2, which waits; 2 to 3; 1 to a group of 1 and 3."""

    def insert(name: str) -> int:
        return database.write(lambda tx: UserModel(tx).insert(name, "h"))

    one, two, three = (insert(name) for name in ("ann", "bob", "eve"))
    group = database.write(lambda tx: GroupModel(tx).insert("tea", ""))
    database.write(lambda tx: GroupModel(tx).add_member(group, one, CREATOR))
    database.write(lambda tx: GroupModel(tx).add_member(group, three, NORMAL))
    rows = [
        LogRow(two, "m1", 6, three, "hi", "now", None),
        LogRow(one, "m2", 6, two, "hi", "now", None),
        LogRow(one, "m3", 10, group, "hi", "now", None),
    ]
    seqs = database.write(lambda tx: MessageModel(tx).insert_new(rows))
    waiting = seqs[1]
    assert waiting is not None
    database.write(lambda tx: OfflineMessageModel(tx).insert([(two, waiting)]))
    return [one, two, three, group]


def stored(database: Database) -> list[Row]:
    sql = "SELECT userid, conversation, readmark FROM conversation ORDER BY userid, conversation"
    return database.read(lambda tx: tx.query(sql))


def test_the_rows_of_an_older_server(database: Database, users: list[int]) -> None:
    one, two, three, group = users
    database.write(lambda tx: ConversationModel(tx).insert_missing([user_conversation(one, two)]))
    database.write(lambda tx: ConversationModel(tx).set_mark(one, user_conversation(one, two), 2))
    for _ in range(2):  # the second time it changes nothing
        database.write(lambda tx: ConversationModel(tx).fill())
        assert stored(database) == [
            (one, -group, 3),
            (one, user_conversation(one, two), 2),  # which this server has inserted
            (two, user_conversation(one, two), 0),
            (two, user_conversation(two, three), 1),  # before the message that waits
            (three, -group, 3),
            (three, user_conversation(two, three), 3),
        ]


def test_an_upgrade_stores_the_same_rows(users: list[int], database: Database) -> None:
    """The script has the statements of ``fill``, because it is SQL without this program."""
    database.write(lambda tx: ConversationModel(tx).fill())
    expected = stored(database)
    script = Path(PROJECT / "db/upgrade/sqlite/0005-devices.sql").read_text(encoding="utf-8")
    statements = re.findall(r"^INSERT INTO conversation.*?;\n", script, re.S | re.M)
    mysql = Path(PROJECT / "db/upgrade/mysql/0005-devices.sql").read_text(encoding="utf-8")
    assert all(statement in mysql for statement in statements)
    assert len(statements) == 3

    def run_script(tx: Transaction) -> None:
        tx.execute("DELETE FROM conversation")
        for statement in statements:
            tx.execute(statement.rstrip(";\n"))

    database.write(run_script)
    assert stored(database) == expected


def test_marks_and_muting(database: Database, users: list[int]) -> None:
    one, two, *_ = users
    number = user_conversation(one, two)

    def change(*arguments: object, method: str) -> object:
        return database.write(lambda tx: getattr(ConversationModel(tx), method)(*arguments))

    assert change(one, number, 5, method="set_mark") is True
    assert change(one, number, 5, method="set_mark") is False
    assert change(one, number, 4, method="set_mark") is False
    assert change(one, number, False, method="set_muted") is False
    assert change(one, number, True, method="set_muted") is True
    assert change(one, number, True, method="set_muted") is False
    assert change(two, number, False, method="set_muted") is False
    assert database.read(lambda tx: ConversationModel(tx).find(one, number)) == (5, True)
    assert database.read(lambda tx: ConversationModel(tx).find(two, number)) is None


def test_the_partner_of_a_conversation() -> None:
    for one, other in ((1, 2), (2, 1), (5, 5), (2**31 - 1, 1)):
        assert partner_of(user_conversation(one, other), one) == other
