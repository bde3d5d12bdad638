"""The errors of SQLite as those of the storage port."""

from __future__ import annotations

import sqlite3

from chat.storage.base import DiskError, StorageError, UniqueViolation

DISK = frozenset({sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_READONLY})
"""SQLite reports ENOSPC as FULL, and a quota or ``ulimit -f`` as IOERR."""


def translate(error: sqlite3.Error) -> StorageError:
    """The same error for users of the port. Pure."""
    if isinstance(error, sqlite3.IntegrityError):
        return UniqueViolation(str(error))
    # The low byte is the kind; the other bits say more about it.
    if getattr(error, "sqlite_errorcode", 0) & 0xFF in DISK:
        return DiskError(str(error))
    return StorageError(str(error))
