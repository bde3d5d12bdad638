"""The storage port: a Database runs work in transactions.

Work is a function that takes a Transaction. A database may run the same work a second time, after a
deadlock for example. So work uses its transaction, returns a value, and changes nothing else.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from chat.counters import Histogram

T = TypeVar("T")
Row = tuple[Any, ...]
Work = Callable[["Transaction"], T]
Done = Callable[["T | None", "Exception | None"], object]

IN_LIST = 500
"""Values of the longest ``IN`` list. Longer lists are cut into several statements."""

IDS = ":ids"
"""Stands for the list in the SQL of ``query_in`` and ``execute_in``."""


class StorageError(Exception):
    """The database failed; nothing was committed. A later attempt may succeed.

    Attributes:
        number: the database's own number for the error, or 0.
    """

    def __init__(self, words: str, number: int = 0) -> None:
        super().__init__(words)
        self.number = number


class OutcomeUnknown(StorageError):
    """The answer to COMMIT was lost: the transaction was committed, or it was not."""


class DiskError(StorageError):
    """The disk of the database is full or broken; nothing was committed."""


class UniqueViolation(StorageError):
    """Another row has this unique key. The same statement would fail again."""


class Transaction(ABC):
    """The statements of one transaction, in the thread that runs the work. SQL uses ``?``.

    Attributes:
        for_update: ends a SELECT that locks its rows: until the commit, other transactions can
            neither change nor lock them. Empty in a database with one writer.
        for_share: ends a SELECT that locks its rows against changes until the commit. Empty in a
            database with one writer.
        clock: an SQL expression for the database's time, in milliseconds since 1970.
        greatest: the name of the SQL function for the greatest of several numbers.
    """

    for_update = ""
    for_share = ""
    clock = ""
    greatest = ""

    def bytes_in(self, column: str) -> str:
        """An SQL expression: the length of a text in bytes of UTF-8."""
        return f"LENGTH({column})"

    @abstractmethod
    def query(self, sql: str, params: Sequence[object] = ()) -> list[Row]:
        """Run a SELECT; returns its rows."""

    @abstractmethod
    def execute(self, sql: str, params: Sequence[object] = ()) -> int:
        """Run a statement; returns the number of changed rows. Raises UniqueViolation."""

    def query_in(
        self,
        sql: str,
        ids: Sequence[object],
        *,
        before: Sequence[object] = (),
        after: Sequence[object] = (),
    ) -> list[Row]:
        """Run a SELECT with ``IN :ids``; returns its rows, in the order of ``ids``' parts.

        ``before`` and ``after``: the parameters for the ``?`` on either side of ``:ids``. A list
        of more than IN_LIST values becomes several statements; without values there is none.
        """
        found: list[Row] = []
        for start in range(0, len(ids), IN_LIST):
            part = ids[start : start + IN_LIST]
            found += self.query(_with_list(sql, len(part)), (*before, *part, *after))
        return found

    def execute_in(
        self,
        sql: str,
        ids: Sequence[object],
        *,
        before: Sequence[object] = (),
        after: Sequence[object] = (),
    ) -> int:
        """Run a statement with ``IN :ids``, as ``query_in``; returns the number of changed rows."""
        changed = 0
        for start in range(0, len(ids), IN_LIST):
            part = ids[start : start + IN_LIST]
            changed += self.execute(_with_list(sql, len(part)), (*before, *part, *after))
        return changed

    @abstractmethod
    def insert(self, sql: str, params: Sequence[object] = ()) -> int:
        """Run an INSERT of one row; returns its generated id. Raises UniqueViolation."""

    @abstractmethod
    def insert_rows(self, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        """Insert many rows. Raises UniqueViolation."""

    @abstractmethod
    def insert_missing_rows(self, table: str, columns: Sequence[str], rows: Sequence[Row]) -> None:
        """Insert the rows whose key is new. The values are integers."""

    @abstractmethod
    def insert_new_rows(
        self, table: str, columns: Sequence[str], rows: Sequence[Row], generated: str
    ) -> list[int | None]:
        """Insert the rows whose unique key (the first two columns) is new.

        Returns for each row the id generated in column ``generated``, or None for an existing
        key. Each key stands in ``rows`` only once.
        """

    @abstractmethod
    def delete_pairs(self, table: str, columns: tuple[str, str], pairs: Sequence[Row]) -> None:
        """Delete the rows whose two columns equal one of the pairs."""


@dataclass(frozen=True, slots=True, eq=False)
class DiskFailure:
    """A change that the disk did not take. Each failure is a new object.

    Attributes:
        words: the database's own.
    """

    words: str


class DatabaseUse(NamedTuple):
    """How a database is used, for the status page. Any thread may read the histograms.

    Attributes:
        commit_seconds, commit_jobs: of the writer thread's transactions.
        failures: transactions of that thread that were not committed.
        waiting: jobs that wait for that thread.
        connections, idle: of the pool.
        waits, waited: how often a thread had to wait for a connection, and the seconds in all.
        disk_failure: the last change that the disk did not take.
    """

    commit_seconds: Histogram
    commit_jobs: Histogram
    failures: int
    waiting: int
    connections: int
    idle: int
    waits: int
    waited: float
    disk_failure: DiskFailure | None


class Database(ABC):
    """Transactions: blocking ones for worker threads, queued ones for loops.

    Attributes:
        exclusive: this process is the only one that uses the database.
    """

    exclusive = False

    @property
    @abstractmethod
    def use(self) -> DatabaseUse:
        """Its counters. Any thread."""

    @property
    def folder(self) -> Path | None:
        """Of a database that is a file: where it is. Any thread."""
        return None

    def check(self) -> None:  # noqa: B027 - most databases have nothing to check
        """Raises StorageError if new data would be lost. Any thread."""

    @abstractmethod
    def read(self, work: Work[T]) -> T:
        """Run read-only work on one snapshot. Worker threads: blocks. Raises StorageError."""

    @abstractmethod
    def write(self, work: Work[T]) -> T:
        """Run work and commit it before returning. Worker threads: blocks.

        Raises StorageError, or the error of the work; nothing was committed then.
        """

    @abstractmethod
    def submit(self, work: Work[T], done: Done[T]) -> None:
        """Run work on the writer thread, in the order of submission. Any thread.

        Waiting work is committed together. After the commit the writer thread calls
        ``done(result, error)``, which must return quickly and must not call ``write``.
        """

    @abstractmethod
    def close(self) -> None:
        """Commit the submitted work, then close. Idempotent. Not from the writer thread."""


@lru_cache(maxsize=256)
def _with_list(sql: str, count: int) -> str:
    return sql.replace(IDS, "(" + ",".join("?" * count) + ")")
