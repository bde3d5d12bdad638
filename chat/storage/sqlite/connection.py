"""Opens connections to the SQLite file that this process has locked; their commits are durable."""

from __future__ import annotations

import sqlite3

from chat.storage.base import StorageError
from chat.storage.sqlite.lock import SqliteLock

BUSY_SECONDS = 5.0
"""The wait for a transaction of another program, such as a backup."""

CACHED_STATEMENTS = 256

CHECKPOINT_PAGES = 4000
"""The size of the WAL at which the writer checkpoints: 16 MB. Larger means fewer pauses."""


def open_connection(lock: SqliteLock) -> sqlite3.Connection:
    """A connection for one thread at a time. Raises sqlite3.Error, StorageError."""
    connection = sqlite3.connect(
        f"{lock.path.as_uri()}?mode=rw",  # a file that was moved away is not created anew
        uri=True,
        timeout=BUSY_SECONDS,
        isolation_level=None,  # BEGIN and COMMIT are ours
        check_same_thread=False,  # one thread at a time, but not always the same
        cached_statements=CACHED_STATEMENTS,
    )
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        # FULL: in WAL mode, flush at every commit. With NORMAL a power cut would lose the last
        # commits, after their messages were acknowledged.
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
        # Sorting and savepoints open no files.
        connection.execute("PRAGMA temp_store = MEMORY")
        # The first statement opens -wal and -shm, while there are descriptors.
        connection.execute("SELECT COUNT(*) FROM sqlite_master").fetchall()
        lock.check()
    except BaseException:
        connection.close()
        raise
    return connection


class SqliteReader:
    """A connection for reading, in the form that ConnectionPool lends."""

    def __init__(self, lock: SqliteLock) -> None:
        """Raises StorageError."""
        try:
            self.connection = open_connection(lock)
        except sqlite3.Error as exc:
            raise StorageError(str(exc)) from exc

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
