"""SQLite: one file, one writer thread with group commit, readers beside it (WAL).

SQLite allows one writer at a time, and a durable commit costs a disk flush. So one thread
does all the writing: it takes everything that waits, runs each piece under a savepoint of
its own (one that fails is undone alone), and commits them with a single flush. While it
flushes, the next group gathers by itself.

The GIL is released inside every ``sqlite3_step``, and getting it back costs a wait for the
loop threads. Many rows therefore go into few statements, not into ``executemany``, which
takes one step a row.
"""

from __future__ import annotations

import logging
import sqlite3
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from chat.storage.base import (
    Database,
    Done,
    Row,
    StorageError,
    T,
    Transaction,
    UniqueViolation,
    Work,
    find_upgrade,
)
from chat.storage.pool import ConnectionPool
from chat.storage.sqlite.lock import SqliteLock

log = logging.getLogger(__name__)

SCHEMA_VERSION = 3

BUSY_SECONDS = 5.0
CACHED_STATEMENTS = 256
CHUNKS = (64, 16, 4, 1)
"""Rows per multi-row statement. Few sizes, so that the statements stay prepared."""
MAX_GROUP = 64
"""Pieces of work per commit. Sends count as one piece, however many there are."""
CHECKPOINT_PAGES = 4000
"""WAL size at which the writer checkpoints: 16 MB, so that the stall comes rarely."""


class SqliteTransaction(Transaction):
    """The inside of a transaction of one SQLite connection. There is one writer: no row locks."""

    clock = "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)"

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def bytes_in(self, column: str) -> str:
        return f"LENGTH(CAST({column} AS BLOB))"

    def query(self, sql: str, params: Sequence[object] = ()) -> list[Row]:
        return self._run(sql, params).fetchall()

    def execute(self, sql: str, params: Sequence[object] = ()) -> int:
        return self._run(sql, params).rowcount

    def insert(self, sql: str, params: Sequence[object] = ()) -> int:
        generated = self._run(sql, params).lastrowid
        assert generated is not None
        return generated

    def insert_rows(self, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        for chunk in _chunks(rows):
            self._run(_insert_sql("INSERT", table, columns, len(chunk)), _flatten(chunk))

    def insert_new_rows(
        self, table: str, columns: Sequence[str], rows: Sequence[Row], generated: str
    ) -> list[int | None]:
        ids: list[int | None] = []
        ((newest,),) = self.query(f"SELECT MAX({generated}) FROM {table}")
        newest = newest or 0
        for chunk in _chunks(rows):
            sql = _insert_sql("INSERT OR IGNORE", table, columns, len(chunk))
            cursor = self._run(sql, _flatten(chunk))
            if cursor.rowcount == len(chunk):
                # We are the only writer, and AUTOINCREMENT counts up by one: the ids are the
                # last ones, in the order of the rows. RETURNING would cost a step per row.
                last = cursor.lastrowid
                assert last is not None
                ids.extend(range(last - len(chunk) + 1, last + 1))
            else:
                # An ignored row uses an id up too, so these are not in sequence: look.
                ids.extend(self._new_ids(table, columns, chunk, generated, newest))
        return ids

    def _new_ids(
        self, table: str, columns: Sequence[str], chunk: Sequence[Row], generated: str, newest: int
    ) -> Iterator[int | None]:
        """The ids of those rows that are newer than ``newest``, which was before the insert."""
        key = f"{columns[0]} = ? AND {columns[1]} = ?"
        for row in chunk:
            ((found,),) = self.query(f"SELECT {generated} FROM {table} WHERE {key}", row[:2])
            yield found if found > newest else None

    def delete_pairs(self, table: str, columns: tuple[str, str], pairs: Sequence[Row]) -> None:
        for chunk in _chunks(pairs):
            values = ",".join(["(?,?)"] * len(chunk))
            # A bare VALUES of two rows or more would have SQLite scan the whole table.
            where = f"({columns[0]}, {columns[1]}) IN (SELECT * FROM (VALUES {values}))"
            self._run(f"DELETE FROM {table} WHERE {where}", _flatten(chunk))

    def _run(self, sql: str, params: Sequence[object]) -> sqlite3.Cursor:
        try:
            return self._connection.execute(sql, params)
        except sqlite3.IntegrityError as exc:
            raise UniqueViolation(str(exc)) from exc
        except sqlite3.Error as exc:
            raise StorageError(str(exc)) from exc


class SqliteDatabase(Database):
    """A SQLite file, used by this process alone: see SqliteLock."""

    exclusive = True

    def __init__(self, path: Path, schema: Path, readers: int = 4) -> None:
        """Opens the file, creating it with its tables if need be, and all connections.

        ``readers``: how many threads can read at once; others wait. Raises StorageError if
        opening fails or another process uses the file.
        """
        self.path = path
        try:
            self._lock = SqliteLock(path)
        except StorageError as exc:
            raise StorageError(f"{path}: {exc}") from exc
        self._readers = ConnectionPool(self._open_reader, readers)
        try:
            self._writer = self._open_prepared(schema)
        except (sqlite3.Error, OSError, StorageError) as exc:
            self._lock.close()
            raise StorageError(f"{path}: {exc}") from exc
        try:
            # Now, and not when they are needed: there may be no descriptors left by then.
            self._readers.fill(readers)
        except StorageError as exc:
            self._close_connections()
            raise StorageError(f"{path}: {exc}") from exc
        self._jobs_lock = threading.Lock()  # guards _jobs and _closing
        self._jobs_ready = threading.Condition(self._jobs_lock)
        self._jobs: deque[tuple[Work[Any], Done[Any]]] = deque()
        self._closing = False
        self._thread = threading.Thread(target=self._write_forever, name="sqlite-writer")
        self._thread.start()

    def read(self, work: Work[T]) -> T:
        reader = self._readers.take()
        try:
            reader.connection.execute("BEGIN")
            return work(SqliteTransaction(reader.connection))
        except sqlite3.Error as exc:
            raise StorageError(str(exc)) from exc
        finally:
            self._readers.give_back(reader)

    def write(self, work: Work[T]) -> T:
        finished = threading.Event()
        outcome: list[Any] = []

        def done(result: T | None, error: Exception | None) -> None:
            outcome.extend((result, error))
            finished.set()

        self.submit(work, done)
        finished.wait()
        result, error = outcome
        if error is not None:
            raise error
        return result  # type: ignore[no-any-return]

    def submit(self, work: Work[T], done: Done[T]) -> None:
        with self._jobs_lock:
            if not self._closing:
                self._jobs.append((work, done))
                self._jobs_ready.notify()
                return
        done(None, StorageError("the database is closed"))

    def check(self) -> None:
        self._lock.check()

    def close(self) -> None:
        with self._jobs_lock:
            if self._closing:
                return
            self._closing = True
            self._jobs_ready.notify()
        self._thread.join()
        self._close_connections()

    def _close_connections(self) -> None:
        self._readers.close()
        self._writer.close()
        self._lock.close()

    # ------------------------------------------------------------------ the writer thread

    def _write_forever(self) -> None:
        while True:
            with self._jobs_lock:
                while not self._jobs and not self._closing:
                    self._jobs_ready.wait()
                if not self._jobs:
                    return
                group = [self._jobs.popleft() for _ in range(min(MAX_GROUP, len(self._jobs)))]
            self._commit_group(group)

    def _commit_group(self, group: list[tuple[Work[Any], Done[Any]]]) -> None:
        outcomes: list[tuple[Any, Exception | None]]
        try:
            self._writer.execute("BEGIN IMMEDIATE")
            outcomes = [self._run_job(work) for work, _ in group]
            self._writer.execute("COMMIT")
        except (sqlite3.Error, StorageError) as exc:
            log.error("commit failed: %s", exc)
            self._roll_back()
            outcomes = [(None, StorageError(str(exc)))] * len(group)
        for (_, done), (result, error) in zip(group, outcomes, strict=True):
            try:
                done(result, error)
            except Exception:
                log.exception("after a commit")

    def _run_job(self, work: Work[Any]) -> tuple[Any, Exception | None]:
        self._writer.execute("SAVEPOINT job")
        try:
            result = work(SqliteTransaction(self._writer))
        except Exception as exc:
            if isinstance(exc, StorageError) and not self._writer.in_transaction:
                raise  # SQLite has rolled everything back (disk full): all fail
            self._writer.execute("ROLLBACK TO job")
            self._writer.execute("RELEASE job")
            return None, exc
        self._writer.execute("RELEASE job")
        return result, None

    def _roll_back(self) -> None:
        try:
            if self._writer.in_transaction:
                self._writer.execute("ROLLBACK")
        except sqlite3.Error as exc:
            log.error("rollback failed: %s", exc)

    # ------------------------------------------------------------------ connections

    def _open_prepared(self, schema: Path) -> sqlite3.Connection:
        connection = self._open()
        try:
            _prepare_schema(connection, schema)
        except BaseException:
            connection.close()
            raise
        return connection

    def _open_reader(self) -> _Reader:
        try:
            return _Reader(self._open())
        except sqlite3.Error as exc:
            raise StorageError(str(exc)) from exc

    def _open(self) -> sqlite3.Connection:
        """Raises sqlite3.Error, StorageError."""
        connection = sqlite3.connect(
            f"{self._lock.path.as_uri()}?mode=rw",  # not made anew, should it have been moved
            uri=True,
            timeout=BUSY_SECONDS,
            isolation_level=None,  # BEGIN and COMMIT are ours
            check_same_thread=False,  # one thread at a time, but not always the same
            cached_statements=CACHED_STATEMENTS,
        )
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            # FULL: in WAL mode, flush at every commit. NORMAL would lose the last ones to a
            # power cut, after they were acknowledged.
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
            # Sorting and savepoints open no files.
            connection.execute("PRAGMA temp_store = MEMORY")
            # Opens what SQLite needs beside the file.
            connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchall()
            self._lock.check()
        except BaseException:
            connection.close()
            raise
        return connection


class _Reader:
    """A connection as the pool wants it."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    def is_alive(self) -> bool:
        return True

    def reset(self) -> None:
        try:
            if self.connection.in_transaction:
                self.connection.execute("ROLLBACK")
        except sqlite3.Error as exc:
            raise StorageError(str(exc)) from exc

    def close(self) -> None:
        self.connection.close()


def _prepare_schema(connection: sqlite3.Connection, schema: Path) -> None:
    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_master")}
    if not tables:
        script = schema.read_text(encoding="utf-8")
        connection.executescript(f"BEGIN IMMEDIATE; {script} COMMIT;")
        return
    if "setting" not in tables:
        raise StorageError("not a chat server's database")
    found = connection.execute("SELECT value FROM setting WHERE name = 'schema_version'")
    row = found.fetchone()
    text = str(row[0]) if row else ""  # of another program's table it may be NULL
    version = int(text) if text.isascii() and text.isdigit() else 0
    if not 1 <= version <= SCHEMA_VERSION:
        raise StorageError(f"its schema is version {version}, this program's {SCHEMA_VERSION}")
    for step in range(version + 1, SCHEMA_VERSION + 1):
        path = find_upgrade(schema.parent / "upgrade" / "sqlite", step)
        connection.executescript(f"BEGIN IMMEDIATE; {path.read_text(encoding='utf-8')} COMMIT;")
        log.info("the tables have been upgraded: %s", path.stem)


def _chunks(rows: Sequence[Row]) -> Iterator[Sequence[Row]]:
    start = 0
    for size in CHUNKS:
        while len(rows) - start >= size:
            yield rows[start : start + size]
            start += size


def _insert_sql(verb: str, table: str, columns: Sequence[str], count: int) -> str:
    values = ",".join(["(" + ",".join("?" * len(columns)) + ")"] * count)
    return f"{verb} INTO {table} ({','.join(columns)}) VALUES {values}"


def _flatten(rows: Sequence[Row]) -> list[object]:
    return [value for row in rows for value in row]
