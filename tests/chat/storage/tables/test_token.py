from __future__ import annotations

import pytest

import chat.storage.tables.token
from chat.storage import Database
from chat.storage.tables import TokenModel
from chat.storage.tables.token import KEPT

VALID = 100
"""Seconds."""


def insert(database: Database, token: str, user_id: int, now: int) -> None:
    database.write(lambda tx: TokenModel(tx).insert(token, user_id, now))


def use(database: Database, token: str, user_id: int, now: int) -> bool:
    return database.write(lambda tx: TokenModel(tx).use(token, user_id, now, VALID))


def test_a_token_is_its_owners(database: Database) -> None:
    insert(database, "secret", 1, 1000)
    assert use(database, "secret", 1, 1001)
    assert not use(database, "secret", 2, 1001)
    assert not use(database, "Secret", 1, 1001)
    assert not use(database, "", 1, 1001)


def test_a_token_may_be_used_twice_in_a_second(database: Database) -> None:
    insert(database, "secret", 1, 1000)
    assert use(database, "secret", 1, 1000)
    assert use(database, "secret", 1, 1000)


def test_use_begins_its_time_anew(database: Database) -> None:
    insert(database, "secret", 1, 1000)
    assert use(database, "secret", 1, 1000 + VALID - 1)
    assert use(database, "secret", 1, 1000 + 2 * VALID - 2)
    assert not use(database, "secret", 1, 1000 + 3 * VALID)


def test_it_expires_to_the_second(database: Database) -> None:
    insert(database, "secret", 1, 1000)
    assert not use(database, "secret", 1, 1000 + VALID)
    assert use(database, "secret", 1, 1000 + VALID - 1), "failing did not renew it"


@pytest.mark.parametrize("wrong", [10, 1_000_000 - 1, 1_000_000 + VALID - 1, 2_000_000])
def test_use_while_the_clock_is_wrong(database: Database, wrong: int) -> None:
    """A clock that was set back or forward, by little or by years, ends no valid token."""
    insert(database, "secret", 1, 1_000_000)
    assert use(database, "secret", 1, wrong) == (wrong < 1_000_000 + VALID)
    assert use(database, "secret", 1, 1_000_000 + VALID // 2)


def test_a_user_keeps_the_tokens_used_last(database: Database) -> None:
    insert(database, "other", 2, 1000)
    for number in range(KEPT):
        insert(database, f"token {number}", 1, 1000 + number)
    assert use(database, "token 0", 1, 1001)
    use(database, "token 0", 1, 1050)
    insert(database, "new", 1, 1050)
    assert not use(database, "token 1", 1, 1050), "it was not used for the longest time"
    assert use(database, "token 0", 1, 1050)
    assert use(database, "token 2", 1, 1050)
    assert use(database, "new", 1, 1050)
    assert use(database, "other", 2, 1050)
    count = database.read(lambda tx: len(TokenModel(tx).used_by(1)))
    assert count == KEPT


def test_delete(database: Database) -> None:
    insert(database, "a", 1, 1000)
    insert(database, "b", 1, 1000)
    database.write(lambda tx: TokenModel(tx).delete("a"))
    database.write(lambda tx: TokenModel(tx).delete("unknown"))
    assert not use(database, "a", 1, 1001)
    assert use(database, "b", 1, 1001)


def delete_expired(database: Database, now: int) -> int:
    """Delete all of them, in parts; returns the number of parts."""

    def delete_part(after: str) -> str:
        return database.write(lambda tx: TokenModel(tx).delete_expired(now, VALID, after))

    parts, place = 1, delete_part("")
    while place:
        parts, place = parts + 1, delete_part(place)
    return parts


def test_delete_expired(database: Database) -> None:
    for number in range(5):
        insert(database, f"t{number}", 1, 1000 + number)
    now = 1000 + 2 + VALID
    assert delete_expired(database, now) == 1
    assert [use(database, f"t{number}", 1, 1005) for number in range(5)] == [False] * 3 + [True] * 2


def test_delete_expired_in_parts(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chat.storage.tables.token, "PART", 2)
    for number in range(5):
        insert(database, f"t{number}", 1, 1000 + number % 2)
    assert delete_expired(database, 1000 + VALID) == 3
    rows = database.read(lambda tx: tx.query("SELECT used FROM token"))
    assert rows == [(1001,), (1001,)]


def test_the_table_does_not_hold_the_token(database: Database) -> None:
    insert(database, "a secret that is not told", 1, 1000)
    rows = database.read(lambda tx: tx.query("SELECT * FROM token"))
    assert "a secret that is not told" not in repr(rows)
    assert len(rows[0][0]) == 64


def test_delete_all_tokens_of_a_user_but_one(database: Database) -> None:
    for token, user_id in (("a", 1), ("b", 1), ("c", 1), ("d", 2)):
        insert(database, token, user_id, 1000)
    database.write(lambda tx: TokenModel(tx).delete_of_user(1, keep="b"))
    assert [use(database, token, 1, 1001) for token in "abc"] == [False, True, False]
    assert use(database, "d", 2, 1001)
    database.write(lambda tx: TokenModel(tx).delete_of_user(1))
    assert not database.read(lambda tx: TokenModel(tx).exists("b", 1))
    assert database.read(lambda tx: TokenModel(tx).exists("d", 2))
    assert not database.read(lambda tx: TokenModel(tx).exists("d", 1))
