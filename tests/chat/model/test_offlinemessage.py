from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chat.db import Database, UniqueViolation
from chat.model import LogRow, MailRow, MessageModel, OfflineMessageModel, UserModel
from chat.protocol import ONE_CHAT

PAIRS = st.lists(st.tuples(st.integers(1, 4), st.integers(1, 40)), unique=True, max_size=80)


def insert(database: Database, *owed: tuple[int, int]) -> None:
    database.write(lambda tx: OfflineMessageModel(tx).insert(owed))


def delete(database: Database, *received: tuple[int, int]) -> None:
    database.write(lambda tx: OfflineMessageModel(tx).delete(received))


def oldest(database: Database, user_id: int, limit: int = 1000) -> list[MailRow]:
    return database.read(lambda tx: OfflineMessageModel(tx).oldest(user_id, limit))


def seqs(database: Database, user_id: int, limit: int = 1000) -> list[int]:
    return [row.seq for row in oldest(database, user_id, limit)]


def test_an_empty_mailbox(database: Database) -> None:
    assert oldest(database, 1) == []


def test_mail_shows_what_the_log_says(database: Database) -> None:
    sender = database.write(lambda tx: UserModel(tx).insert("ann", "h"))
    logged = LogRow(sender, "m", ONE_CHAT, 9, "hi", "a time", '{"a":1}')
    (seq,) = database.write(lambda tx: MessageModel(tx).insert_new([logged]))
    assert seq is not None
    insert(database, (9, seq))
    assert oldest(database, 9) == [
        MailRow(seq, None, ONE_CHAT, sender, "ann", 9, "hi", "a time", '{"a":1}')
    ]


def test_mail_without_a_log_row(database: Database) -> None:
    """As it comes from a database of the original system."""
    database.write(
        lambda tx: tx.insert_rows("offlinemessage", ("userid", "seq", "message"), [(9, 5, "{}")])
    )
    assert oldest(database, 9) == [MailRow(5, "{}", None, None, None, None, None, None, None)]


def test_mail_comes_in_order_and_up_to_the_limit(database: Database) -> None:
    insert(database, *[(1, seq) for seq in (30, 10, 20, 50, 40)], (2, 5))
    assert seqs(database, 1) == [10, 20, 30, 40, 50]
    assert seqs(database, 1, 3) == [10, 20, 30]
    assert seqs(database, 1, 5) == [10, 20, 30, 40, 50]
    assert seqs(database, 2) == [5]


def test_nothing_is_owed_twice(database: Database) -> None:
    insert(database, (1, 1))
    with pytest.raises(UniqueViolation):
        insert(database, (1, 2), (1, 1))
    assert seqs(database, 1) == [1]


def test_deleting_what_is_not_there(database: Database) -> None:
    insert(database, (1, 1), (2, 2))
    delete(database, (1, 2), (2, 1), (3, 3))
    delete(database)
    assert (seqs(database, 1), seqs(database, 2)) == ([1], [2])


@given(PAIRS, PAIRS)
@settings(
    max_examples=30,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_any_pairs(
    database: Database, owed: list[tuple[int, int]], received: list[tuple[int, int]]
) -> None:
    database.write(lambda tx: tx.execute("DELETE FROM offlinemessage"))
    insert(database, *owed)
    delete(database, *received)
    for user_id in range(1, 5):
        left = {seq for user, seq in set(owed) - set(received) if user == user_id}
        assert seqs(database, user_id) == sorted(left)
