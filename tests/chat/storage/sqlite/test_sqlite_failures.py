"""SQLite with a full disk, a damaged file, or a file that another program has locked."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import chat.storage.sqlite.connection
from chat.storage import DiskError, StorageError, UniqueViolation
from chat.storage.sqlite.database import SqliteDatabase
from tests.chat.loopkit import SCHEMA, Outcomes, writer_held

PUT = "INSERT INTO setting (name, value) VALUES (?, ?)"
BIG = "x" * 20_000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "chat.db"


@pytest.fixture
def full(path: Path) -> Iterator[SqliteDatabase]:
    """A database whose file may not grow."""
    database = SqliteDatabase.open(path, SCHEMA)
    (pages,) = database.write(lambda tx: tx.query("PRAGMA page_count"))[0]
    database.write(lambda tx: tx.query(f"PRAGMA max_page_count = {pages}"))
    yield database
    database.close()


def make_room(database: SqliteDatabase) -> None:
    database.write(lambda tx: tx.query("PRAGMA max_page_count = 1000000"))


def names(database: SqliteDatabase) -> set[str]:
    rows = database.read(lambda tx: tx.query("SELECT name FROM setting"))
    return {name for (name,) in rows} - {"schema_version", "devices"}


def test_a_full_disk_is_a_storage_error(full: SqliteDatabase, errors: object) -> None:
    assert full.use.disk_failure is None
    with pytest.raises(DiskError, match="full"):
        full.write(lambda tx: tx.execute(PUT, ("big", BIG)))
    assert names(full) == set()
    failure = full.use.disk_failure
    assert failure is not None
    assert "full" in failure.words
    with pytest.raises(UniqueViolation):
        full.write(lambda tx: tx.execute(PUT, ("schema_version", "x")))
    assert full.use.disk_failure is failure


def test_it_goes_on_when_there_is_room_again(full: SqliteDatabase, errors: object) -> None:
    for _ in range(3):
        with pytest.raises(StorageError):
            full.write(lambda tx: tx.execute(PUT, ("big", BIG)))
    make_room(full)
    assert full.write(lambda tx: tx.execute(PUT, ("big", BIG))) == 1
    assert names(full) == {"big"}


def test_a_full_disk_reports_no_job_that_is_not_committed(
    full: SqliteDatabase, errors: object
) -> None:
    """SQLite then undoes the whole transaction, so the other jobs may fail. No report is false."""
    outcomes = Outcomes()
    with writer_held(full):
        full.submit(lambda tx: tx.execute(PUT, ("before", "x")), outcomes)
        full.submit(lambda tx: tx.execute(PUT, ("big", BIG)), outcomes)
        full.submit(lambda tx: tx.execute(PUT, ("after", "x")), outcomes)
    reported = outcomes.take(3)
    told = {
        name
        for name, (_, error) in zip(("before", "big", "after"), reported, strict=True)
        if error is None
    }
    assert told == names(full)
    assert "big" not in told
    assert all(error is None or isinstance(error, StorageError) for _, error in reported)


def test_work_that_swallows_a_full_disk_is_not_reported_as_committed(
    full: SqliteDatabase, errors: object
) -> None:
    outcomes = Outcomes()

    def swallows(tx: Any) -> str:
        tx.execute(PUT, ("before", "x"))
        try:
            tx.execute(PUT, ("big", BIG))
        except StorageError:
            pass
        return "fine"

    full.submit(swallows, outcomes)
    result, error = outcomes.next()
    if error is None:
        assert names(full) == {"before"}
    else:
        assert (result, names(full)) == (None, set())


def test_a_commit_that_fails_fails_the_whole_group(
    path: Path, errors: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a deferred constraint all statements succeed, and only COMMIT fails."""
    database = SqliteDatabase.open(path, SCHEMA)
    outcomes = Outcomes()
    database.write(
        lambda tx: tx.execute(
            "CREATE TABLE strict (a INTEGER REFERENCES user (id) DEFERRABLE INITIALLY DEFERRED)"
        )
    )
    database._connection.execute("PRAGMA foreign_keys = ON")
    with writer_held(database):
        database.submit(lambda tx: tx.execute(PUT, ("a", "1")), outcomes)
        database.submit(lambda tx: tx.execute("INSERT INTO strict VALUES (99)"), outcomes)
    reported = outcomes.take(2)
    assert [result for result, _ in reported] == [None, None]
    assert all(isinstance(error, StorageError) for _, error in reported)
    assert names(database) == set()
    assert database.write(lambda tx: tx.execute(PUT, ("b", "1"))) == 1
    assert names(database) == {"b"}
    database.close()


def test_another_programs_transaction_is_waited_for_and_then_reported(
    path: Path, errors: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chat.storage.sqlite.connection, "BUSY_SECONDS", 0.0)
    database = SqliteDatabase.open(path, SCHEMA)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StorageError, match="locked"):
        database.write(lambda tx: tx.execute(PUT, ("a", "1")))
    other.execute("ROLLBACK")
    other.close()
    assert database.write(lambda tx: tx.execute(PUT, ("a", "1"))) == 1
    database.close()


def test_a_file_overwritten_with_rubbish(path: Path, errors: object) -> None:
    """SQLite's error, of any kind, becomes a StorageError; closing still works."""
    database = SqliteDatabase.open(path, SCHEMA)
    rows = [(f"name {number}", BIG) for number in range(20)]
    database.write(lambda tx: tx.insert_rows("setting", ("name", "value"), rows))
    database.close()  # into the file itself
    database = SqliteDatabase.open(path, SCHEMA)
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(size - 4096))
    for run in (database.read, database.write):
        with pytest.raises(StorageError):
            run(lambda tx: tx.query("SELECT * FROM setting ORDER BY value"))
    database.close()


def test_a_place_where_nothing_can_be_made() -> None:
    with pytest.raises(StorageError, match="/proc"):
        SqliteDatabase.open(Path("/proc/chat.db"), SCHEMA)


def test_values_that_sqlite_cannot_hold_are_the_works_own_error(path: Path) -> None:
    database = SqliteDatabase.open(path, SCHEMA)
    with pytest.raises((StorageError, OverflowError)):
        database.write(lambda tx: tx.execute(PUT, ("n", 2**70)))
    with pytest.raises((StorageError, UnicodeEncodeError)):
        database.write(lambda tx: tx.execute(PUT, ("n", "\ud800")))
    assert database.write(lambda tx: tx.execute(PUT, ("n", "fine"))) == 1
    database.close()
