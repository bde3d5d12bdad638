"""The storage port: transactions on a database, whichever it is. Drivers stay inside here."""

from chat.storage.base import Database, OutcomeUnknown, StorageError, Transaction, UniqueViolation

__all__ = ["Database", "OutcomeUnknown", "StorageError", "Transaction", "UniqueViolation"]
