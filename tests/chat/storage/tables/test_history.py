from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.protocol import GROUP_CHAT, MAX_ID, ONE_CHAT
from chat.storage import Database
from chat.storage.tables import (
    HistoryModel,
    LogRow,
    MessageModel,
    UserModel,
    group_conversation,
    user_conversation,
)

IDS = st.integers(1, MAX_ID)


@given(IDS, IDS, IDS, IDS)
def test_each_conversation_has_its_number(a: int, b: int, c: int, d: int) -> None:
    assert user_conversation(a, b) == user_conversation(b, a)
    assert (user_conversation(a, b) == user_conversation(c, d)) == ({a, b} == {c, d})
    assert (group_conversation(a) == group_conversation(b)) == (a == b)
    assert group_conversation(a) < 0 < user_conversation(b, c) < 2**63


def fill(database: Database, *rows: tuple[int, int, int]) -> list[int]:
    """Messages (sender, kind, target); returns their numbers."""
    logged = [
        LogRow(sender, f"m{number}", kind, target, f"text {number}", "now", '{"a":1}')
        for number, (sender, kind, target) in enumerate(rows)
    ]
    seqs = database.write(lambda tx: MessageModel(tx).insert_new(logged))
    return [seq for seq in seqs if seq is not None]


def newest(
    database: Database, conversation: int, since: int = 0, before: int | None = None, limit: int = 9
) -> list[int]:
    rows = database.read(lambda tx: HistoryModel(tx).newest(conversation, since, before, limit))
    return [row.seq for row in rows]


def test_both_directions_and_no_other_user(database: Database) -> None:
    seqs = fill(
        database,
        (7, ONE_CHAT, 3),
        (3, ONE_CHAT, 7),
        (7, ONE_CHAT, 9),
        (7, GROUP_CHAT, 3),
        (3, GROUP_CHAT, 3),
        (9, ONE_CHAT, 3),
        (3, ONE_CHAT, 3),
    )
    assert newest(database, user_conversation(3, 7)) == [seqs[1], seqs[0]]
    assert newest(database, group_conversation(3)) == [seqs[4], seqs[3]]
    assert newest(database, user_conversation(3, 3)) == [seqs[6]]
    assert newest(database, user_conversation(1, 2)) == []


@pytest.mark.parametrize("largest", [MAX_ID, MAX_ID - 1])
def test_the_largest_ids(database: Database, largest: int) -> None:
    (first, second) = fill(database, (largest, ONE_CHAT, MAX_ID), (1, GROUP_CHAT, largest))
    assert newest(database, user_conversation(MAX_ID, largest)) == [first]
    assert newest(database, group_conversation(largest)) == [second]


def test_a_part_of_it(database: Database) -> None:
    seqs = fill(database, *[(1, ONE_CHAT, 2)] * 9)
    conversation = user_conversation(1, 2)
    assert newest(database, conversation, before=seqs[4]) == seqs[3::-1]
    assert newest(database, conversation, since=seqs[4]) == seqs[:4:-1]
    assert newest(database, conversation, since=seqs[1], before=seqs[6], limit=2) == [
        seqs[5],
        seqs[4],
    ]


def test_the_fields_of_a_row(database: Database) -> None:
    sender = database.write(lambda tx: UserModel(tx).insert("ann", "h"))
    (seq,) = fill(database, (sender, ONE_CHAT, 99))
    (row,) = database.read(
        lambda tx: HistoryModel(tx).newest(user_conversation(sender, 99), 0, None, 1)
    )
    assert (row.seq, row.whole, row.kind, row.sender, row.name) == (seq, None, 6, sender, "ann")
    assert (row.target, row.text, row.time, row.extra) == (99, "text 0", "now", '{"a":1}')
