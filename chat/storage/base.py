"""What the chat service asks of a database.

Work is a function that gets a Transaction. It may be run again from the beginning when a
commit did not come through, so it must do nothing but talk to its transaction and return a
value.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")
Row = tuple[Any, ...]
Work = Callable[["Transaction"], T]
Done = Callable[["T | None", "Exception | None"], object]


class StorageError(Exception):
    """The database could not do it now; nothing was committed. Trying again may help.

    Attributes:
        number: the database's own number for it, 0 if there is none.
    """

    def __init__(self, words: str, number: int = 0) -> None:
        super().__init__(words)
        self.number = number


class OutcomeUnknown(StorageError):
    """The answer to a COMMIT was lost: it has taken place, or it has not."""


class UniqueViolation(StorageError):
    """A row with this unique key exists. Trying again will not help."""


class Transaction(ABC):
    """The inside of one transaction, in the thread that runs the work. SQL uses ``?``.

    Attributes:
        for_update: ends a SELECT whose rows nobody else shall change or lock before the commit.
        for_share: ends one whose rows nobody shall change before the commit; empty where that
            goes without saying.
        clock: an SQL expression: the database's time, in milliseconds since 1970.
    """

    for_update = ""
    for_share = ""
    clock = ""

    def bytes_in(self, column: str) -> str:
        """An SQL expression: how many bytes a text has in UTF-8."""
        return f"LENGTH({column})"

    @abstractmethod
    def query(self, sql: str, params: Sequence[object] = ()) -> list[Row]:
        """The rows of a SELECT."""

    @abstractmethod
    def execute(self, sql: str, params: Sequence[object] = ()) -> int:
        """Run a statement; returns how many rows it changed. Raises UniqueViolation."""

    @abstractmethod
    def insert(self, sql: str, params: Sequence[object] = ()) -> int:
        """Run an INSERT of one row; returns its generated id. Raises UniqueViolation."""

    @abstractmethod
    def insert_rows(self, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        """Insert many rows. Raises UniqueViolation."""

    @abstractmethod
    def insert_new_rows(
        self, table: str, columns: Sequence[str], rows: Sequence[Row], generated: str
    ) -> list[int | None]:
        """Insert those rows whose unique key (the first two columns) is not there yet.

        Returns for each row the id generated in column ``generated``, None where the key
        existed. No key may occur twice in ``rows``.
        """

    @abstractmethod
    def delete_pairs(self, table: str, columns: tuple[str, str], pairs: Sequence[Row]) -> None:
        """Delete the rows whose two columns equal one of the pairs."""


class Database(ABC):
    """Transactions, blocking for worker threads and queued for loops.

    Attributes:
        exclusive: no other server can be using this database.
    """

    exclusive = False

    def check(self) -> None:  # noqa: B027 - most databases have nothing to check
        """Raises StorageError if new data would be lost. Any thread."""

    @abstractmethod
    def read(self, work: Work[T]) -> T:
        """Run read-only work on one snapshot. Worker threads: blocks. Raises StorageError."""

    @abstractmethod
    def write(self, work: Work[T]) -> T:
        """Run work and commit it before returning. Worker threads: blocks.

        Raises StorageError, or what the work raised; nothing was committed then.
        """

    @abstractmethod
    def submit(self, work: Work[T], done: Done[T]) -> None:
        """Run work on the writer thread, in the order of submission. Any thread.

        Work that is waiting is committed together. After the commit ``done(result, error)``
        is called on the writer thread: it must be quick, and must not call ``write``.
        """

    @abstractmethod
    def close(self) -> None:
        """Commit what was submitted, then close. Idempotent. Not from the writer thread."""


def find_upgrade(folder: Path, step: int) -> Path:
    """The script that takes the tables from the version before to ``step``."""
    (script,) = folder.glob(f"{step:04d}-*.sql")
    return script


def placeholders(count: int) -> str:
    """``(?,?,?)`` for an IN list of so many values."""
    return "(" + ",".join("?" * count) + ")"
