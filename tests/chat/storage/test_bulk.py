"""Conformance of the storage port: many rows at once, at the borders of every chunk."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chat.storage import Database, Transaction, UniqueViolation
from tests.tiers import examples

SIZES = (0, 1, 2, 3, 4, 5, 15, 16, 17, 20, 21, 63, 64, 65, 84, 85, 128, 200)
COLUMNS = ("sender", "mid", "kind", "target", "text", "time", "extra")
PAIR = ("userid", "seq")


def log_row(sender: int, mid: str, text: str = "hi") -> tuple[object, ...]:
    return (sender, mid, 6, 2, text, "2026-01-02 03:04:05", None)


def insert_new(
    database: Database, keys: list[tuple[int, str]], text: str = "hi"
) -> list[int | None]:
    rows = [log_row(sender, mid, text) for sender, mid in keys]
    return database.write(lambda tx: tx.insert_new_rows("message", COLUMNS, rows, "seq"))


def logged(database: Database) -> dict[tuple[int, str], int]:
    rows = database.read(lambda tx: tx.query("SELECT sender, mid, seq FROM message"))
    return {(sender, as_text(mid)): seq for sender, mid, seq in rows}


def as_text(mid: str | bytes) -> str:
    """A driver may return a binary column as bytes."""
    return mid if isinstance(mid, str) else bytes(mid).decode()


def pairs(database: Database) -> list[tuple[int, int]]:
    return database.read(
        lambda tx: tx.query("SELECT userid, seq FROM offlinemessage ORDER BY 1, 2")
    )


@pytest.mark.parametrize("size", SIZES)
def test_insert_rows(database: Database, size: int) -> None:
    rows = [(number % 7, number) for number in range(size)]
    database.write(lambda tx: tx.insert_rows("offlinemessage", PAIR, rows))
    assert pairs(database) == sorted(rows)


@pytest.mark.parametrize("size", [1, 4, 64, 65, 200])
def test_insert_rows_with_one_duplicate_inserts_none(database: Database, size: int) -> None:
    rows = [(1, number) for number in range(size)]
    database.write(lambda tx: tx.insert_rows("offlinemessage", PAIR, rows[-1:]))
    with pytest.raises(UniqueViolation):
        database.write(lambda tx: tx.insert_rows("offlinemessage", PAIR, rows))
    assert pairs(database) == rows[-1:]


@pytest.mark.parametrize("size", SIZES)
def test_delete_pairs(database: Database, size: int) -> None:
    rows = [(number % 7, number) for number in range(size)]
    # Near misses: the same user, the same number, both swapped.
    others = [(7, number) for number in range(size)] + [(0, 1000), (1000, 0)]
    database.write(lambda tx: tx.insert_rows("offlinemessage", PAIR, rows + others))
    database.write(lambda tx: tx.delete_pairs("offlinemessage", PAIR, [*rows, (99, 99)]))
    assert pairs(database) == sorted(others)


@pytest.mark.parametrize("size", SIZES)
def test_insert_new_rows_of_new_keys(database: Database, size: int) -> None:
    keys = [(number % 3, f"m{number}") for number in range(size)]
    ids = insert_new(database, keys)
    assert len(ids) == size
    found = [id_ for id_ in ids if id_ is not None]
    assert ids == sorted(set(found)), "strictly growing, in the order of the rows"
    assert logged(database) == dict(zip(keys, ids, strict=True))


@pytest.mark.parametrize("size", SIZES)
def test_insert_new_rows_that_all_exist(database: Database, size: int) -> None:
    keys = [(1, f"m{number}") for number in range(size)]
    insert_new(database, keys)
    before = logged(database)
    assert insert_new(database, keys, text="other") == [None] * size
    assert logged(database) == before
    texts = database.read(lambda tx: tx.query("SELECT DISTINCT text FROM message"))
    assert texts in ([("hi",)], [])


@pytest.mark.parametrize("size", [2, 3, 4, 5, 16, 17, 64, 65, 200])
@pytest.mark.parametrize("where", ["first", "last", "every other"])
def test_insert_new_rows_beside_old_ones(database: Database, size: int, where: str) -> None:
    keys = [(1, f"m{number}") for number in range(size)]
    old = {"first": keys[:1], "last": keys[-1:], "every other": keys[::2]}[where]
    insert_new(database, old)
    newest = max(logged(database).values())
    check(database, keys, newest)


def check(database: Database, keys: list[tuple[int, str]], newest: int) -> None:
    """Insert keys, some of which may exist, and check the answer against the table."""
    before = logged(database)
    ids = insert_new(database, keys)
    after = logged(database)
    assert len(ids) == len(keys)
    for key, id_ in zip(keys, ids, strict=True):
        assert id_ == (None if key in before else after[key])
    new = [id_ for id_ in ids if id_ is not None]
    assert new == sorted(set(new)), "in the order of the rows"
    assert all(id_ > newest for id_ in new)
    assert {key: after[key] for key in before} == before


def test_ids_grow_over_failed_attempts_and_deletions(database: Database) -> None:
    (first,) = insert_new(database, [(1, "a")])
    with pytest.raises(RuntimeError):
        database.write(raise_after_insert)
    database.write(lambda tx: tx.execute("DELETE FROM message"))
    (second,) = insert_new(database, [(1, "a")])
    assert first is not None and second is not None
    assert second > first


def raise_after_insert(tx: Transaction) -> None:
    tx.insert_new_rows("message", COLUMNS, [log_row(1, "b")], "seq")
    raise RuntimeError("undone")


def test_keys_that_only_look_alike_are_new(database: Database) -> None:
    keys = [(1, mid) for mid in ("a", "A", "a ", " a", "á", "a\u0301", "😀", "😁", "ａ")]
    assert None not in insert_new(database, keys)
    assert insert_new(database, keys) == [None] * len(keys)
    assert None not in insert_new(database, [(2, mid) for _, mid in keys])


@given(
    st.lists(
        st.lists(
            st.tuples(st.integers(1, 3), st.integers(0, 60).map(str)), unique=True, max_size=90
        ),
        max_size=5,
    )
)
@settings(
    max_examples=examples(25),
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_any_mixture_of_old_and_new_keys(
    database: Database, batches: list[list[tuple[int, str]]]
) -> None:
    newest = max(logged(database).values(), default=0)
    database.write(lambda tx: tx.execute("DELETE FROM message"))
    for batch in batches:
        check(database, batch, newest)
        newest = max(logged(database).values(), default=newest)
