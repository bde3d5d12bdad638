"""SqliteDatabase: a database in one file, with one writer thread and readers beside it (WAL)."""

from __future__ import annotations

import sqlite3
import threading
from functools import partial
from pathlib import Path
from typing import Any

from chat.storage.base import Database, DatabaseUse, Done, StorageError, T, Work
from chat.storage.pool import ConnectionPool
from chat.storage.sqlite.connection import SqliteReader, open_connection
from chat.storage.sqlite.group_commit import SqliteGroupCommit
from chat.storage.sqlite.lock import SqliteLock
from chat.storage.sqlite.schema import prepare_schema
from chat.storage.sqlite.transaction import SqliteTransaction
from chat.storage.writer import Writer, use_of


class SqliteDatabase(Database):
    """A SQLite file that only this process uses: see SqliteLock.

    Attributes:
        path: the file, as it was given.
    """

    exclusive = True

    def __init__(
        self,
        path: Path,
        lock: SqliteLock,
        readers: ConnectionPool[SqliteReader],
        writer: sqlite3.Connection,
    ) -> None:
        """``writer``: the connection that writes, with its tables ready. See ``open``."""
        self.path = path
        self._lock = lock
        self._readers = readers
        self._connection = writer
        self._writer = Writer(SqliteGroupCommit(writer), "sqlite-writer")

    @classmethod
    def open(cls, path: Path, schema: Path, readers: int = 4) -> SqliteDatabase:
        """Open the file and all connections, and start the writer thread.

        A file that does not exist is created with its tables. ``readers``: the number of threads
        that can read at once; others wait. Raises StorageError if the file cannot be opened, or
        if another process uses it.
        """
        try:
            lock = SqliteLock(path)
            try:
                database = cls._open_locked(path, lock, schema, readers)
            except BaseException:
                lock.close()
                raise
        except (sqlite3.Error, OSError, StorageError) as exc:
            raise StorageError(f"{path}: {exc}") from exc
        database._writer.start()
        return database

    @classmethod
    def _open_locked(
        cls, path: Path, lock: SqliteLock, schema: Path, readers: int
    ) -> SqliteDatabase:
        """Open all connections now: later there may be no file descriptors left for them."""
        writer = open_connection(lock)
        pool = ConnectionPool(partial(SqliteReader, lock), readers)
        try:
            prepare_schema(writer, schema)
            pool.fill(readers)
        except BaseException:
            pool.close()
            writer.close()
            raise
        return cls(path, lock, pool, writer)

    @property
    def use(self) -> DatabaseUse:
        return use_of(self._writer, self._readers)

    @property
    def folder(self) -> Path:
        return self.path.absolute().parent

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
        self._writer.submit(work, done)

    def check(self) -> None:
        self._lock.check()

    def close(self) -> None:
        self._writer.close()
        self._readers.close()
        self._connection.close()
        self._lock.close()
