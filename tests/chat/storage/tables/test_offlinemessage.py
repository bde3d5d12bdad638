from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import chat.storage.tables.offlinemessage
from chat.protocol import ONE_CHAT
from chat.storage import Database, UniqueViolation
from chat.storage.tables import LogRow, MailRow, MessageModel, OfflineMessageModel, UserModel
from tests.tiers import examples

PAIRS = st.lists(st.tuples(st.integers(1, 4), st.integers(1, 40)), unique=True, max_size=80)


def insert(database: Database, *owed: tuple[int, int]) -> None:
    database.write(lambda tx: OfflineMessageModel(tx).insert(owed))


def delete(database: Database, *received: tuple[int, int]) -> None:
    database.write(lambda tx: OfflineMessageModel(tx).delete(received))


def messages(database: Database, user_id: int, *seqs: int) -> list[MailRow]:
    return database.read(lambda tx: OfflineMessageModel(tx).messages(user_id, seqs))


def sizes(database: Database, user_id: int, limit: int = 1000) -> list[tuple[int, int]]:
    return database.read(lambda tx: OfflineMessageModel(tx).sizes(user_id, limit))


def seqs(database: Database, user_id: int, limit: int = 1000) -> list[int]:
    return [seq for seq, _ in sizes(database, user_id, limit)]


def test_an_empty_mailbox(database: Database) -> None:
    assert not sizes(database, 1)
    assert not messages(database, 1)
    assert not messages(database, 1, 5)


def test_mail_has_the_fields_of_the_log(database: Database) -> None:
    sender = database.write(lambda tx: UserModel(tx).insert("ann", "h"))
    logged = LogRow(sender, "m", ONE_CHAT, 9, "hi", "a time", '{"a":1}')
    (seq,) = database.write(lambda tx: MessageModel(tx).insert_new([logged]))
    assert seq is not None
    insert(database, (9, seq))
    assert sizes(database, 9) == [(seq, len("hi") + len('{"a":1}'))]
    assert messages(database, 8, seq) == []
    assert messages(database, 9, seq) == [
        MailRow(seq, None, ONE_CHAT, sender, "ann", 9, "hi", "a time", '{"a":1}')
    ]


def test_sizes_are_in_bytes(database: Database) -> None:
    logged = LogRow(1, "m", ONE_CHAT, 9, "你好😀", "", '{"a":"é"}')
    (seq,) = database.write(lambda tx: MessageModel(tx).insert_new([logged]))
    assert seq is not None
    insert(database, (9, seq))
    assert sizes(database, 9) == [(seq, len("你好😀".encode()) + len('{"a":"é"}'.encode()))]


def test_mail_without_a_log_row(database: Database) -> None:
    """As in a database of the original system."""
    database.write(
        lambda tx: tx.insert_rows("offlinemessage", ("userid", "seq", "message"), [(9, 5, "{}")])
    )
    assert sizes(database, 9) == [(5, 2)]
    assert messages(database, 9, 5) == [MailRow(5, "{}", None, None, None, None, None, None, None)]


def test_mail_comes_in_order_and_up_to_the_limit(database: Database) -> None:
    insert(database, *[(1, seq) for seq in (30, 10, 20, 50, 40)], (2, 5))
    assert seqs(database, 1) == [10, 20, 30, 40, 50]
    assert seqs(database, 1, 3) == [10, 20, 30]
    assert seqs(database, 1, 5) == [10, 20, 30, 40, 50]
    assert seqs(database, 2) == [5]


def test_so_many_that_one_list_does_not_hold_them(database: Database) -> None:
    insert(database, *[(1, seq) for seq in range(1, 1203)])
    found = messages(database, 1, *range(1, 1300))
    assert [row.seq for row in found] == list(range(1, 1203))


def test_the_users_that_are_owed_a_message(database: Database) -> None:
    insert(database, (1, 7), (2, 7), (3, 8), *[(user_id, 9) for user_id in range(1, 1203)])

    def holders(seq: int, *user_ids: int) -> set[int]:
        return database.read(lambda tx: OfflineMessageModel(tx).holders(seq, user_ids))

    assert holders(7, 3, 2, 1, 4) == {1, 2}
    assert holders(7) == holders(10, 1, 2) == set()
    assert holders(9, *range(2, 1300)) == set(range(2, 1203))


def test_the_mail_of_many_users(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    def owed(*user_ids: int) -> list[dict[int, list[int]]]:
        return database.read(lambda tx: list(OfflineMessageModel(tx).owed(user_ids)))

    insert(database, (1, 12), (1, 10), (3, 11), (4, 14), (4, 15), (4, 16), (6, 17))
    assert owed() == []
    assert owed(2) == [{}]
    assert owed(5, 4, 3, 2, 1) == [{1: [10, 12], 3: [11], 4: [14, 15, 16]}]
    monkeypatch.setattr(chat.storage.tables.offlinemessage, "IN_LIST", 2)
    assert owed(4, 3, 2, 1, 6) == [{1: [10, 12]}, {3: [11], 4: [14, 15, 16]}, {6: [17]}]
    # A huge mailbox does not hide those after it.
    monkeypatch.setattr(chat.storage.tables.offlinemessage, "IN_LIST", 500)
    monkeypatch.setattr(chat.storage.tables.offlinemessage, "MAX_OWED", 2)
    assert owed(1, 3, 4, 6) == [{1: [10, 12]}, {3: [11], 4: [14]}, {6: [17]}]


def test_nothing_is_owed_twice(database: Database) -> None:
    insert(database, (1, 1))
    with pytest.raises(UniqueViolation):
        insert(database, (1, 2), (1, 1))
    assert seqs(database, 1) == [1]


def test_deleting_absent_rows(database: Database) -> None:
    insert(database, (1, 1), (2, 2))
    delete(database, (1, 2), (2, 1), (3, 3))
    delete(database)
    assert (seqs(database, 1), seqs(database, 2)) == ([1], [2])


@given(PAIRS, PAIRS)
@settings(
    max_examples=examples(30),
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
