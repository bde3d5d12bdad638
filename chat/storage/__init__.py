"""Transactions on a database, SQLite or MySQL. The names of drivers stay inside this folder."""

from chat.storage.base import (
    Database,
    DiskError,
    OutcomeUnknown,
    StorageError,
    Transaction,
    UniqueViolation,
)

__all__ = [
    "Database",
    "DiskError",
    "OutcomeUnknown",
    "StorageError",
    "Transaction",
    "UniqueViolation",
]
