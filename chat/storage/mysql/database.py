"""MysqlDatabase: transactions on MySQL and MariaDB, blocking for workers and queued for loops.

There are two ways in. A request borrows a connection from a pool, for a transaction of its own.
Messages and their deletions go to the writer thread, which has its own connection and commits in
groups (``group_commit.py``).

Transactions that write are READ COMMITTED, so that they lock rows and not the gaps between rows.
Reads are REPEATABLE READ: they see one snapshot.

The database ends a transaction after IDLE_TRANSACTION_SECONDS without a statement. Example: server
A is stopped (SIGSTOP) inside a transaction that holds locks; server B waits for 5 seconds at most.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from functools import partial

from chat.storage.base import Database, DatabaseUse, DiskError, Done, OutcomeUnknown, T, Work
from chat.storage.mysql.connection import (
    LostConnection,
    MysqlAddress,
    MysqlConnection,
    warn_of_slow_driver,
)
from chat.storage.mysql.group_commit import MysqlGroupCommit
from chat.storage.mysql.retry import with_retries
from chat.storage.mysql.transaction import MysqlTransaction
from chat.storage.pool import ConnectionPool
from chat.storage.writer import Writer, use_of


class MysqlDatabase(Database):
    """A MySQL or MariaDB database, shared with other servers.

    Attributes:
        address: where it is.
        pool: the connections for requests.
    """

    exclusive = False

    def __init__(
        self,
        address: MysqlAddress,
        pool: ConnectionPool[MysqlConnection],
        group_commit: MysqlGroupCommit,
    ) -> None:
        """See ``open``."""
        self.address = address
        self.pool = pool
        self._group_commit = group_commit
        self._writer = Writer(group_commit, "mysql-writer")

    @classmethod
    def open(cls, address: MysqlAddress, pool: int = 8, ready: int = 1) -> MysqlDatabase:
        """Connect, and start the writer thread. The tables exist: see ``prepare_schema``.

        ``pool``: the largest number of connections besides the writer's, of which ``ready`` are
        opened now. Raises StorageError.
        """
        warn_of_slow_driver()
        connections = ConnectionPool(partial(MysqlConnection, address, "REPEATABLE READ"), pool)
        try:
            connections.fill(ready)
            group_commit = MysqlGroupCommit(address, connections)
        except BaseException:
            connections.close()
            raise
        database = cls(address, connections, group_commit)
        database._writer.start()
        return database

    @property
    def use(self) -> DatabaseUse:
        return use_of(self._writer, self.pool)

    def read(self, work: Work[T]) -> T:
        def attempt() -> T:
            with self._borrowed() as connection:
                return work(MysqlTransaction(connection))

        return with_retries(attempt)

    def write(self, work: Work[T]) -> T:
        """As in the port. Raises OutcomeUnknown if there was no answer to COMMIT."""

        def attempt() -> T:
            with self._borrowed() as connection:
                connection.run("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
                result = work(MysqlTransaction(connection))
                connection.commit()
                return result

        try:
            return with_retries(attempt)
        except DiskError as exc:
            self._group_commit.note_failure(exc)
            raise

    def submit(self, work: Work[T], done: Done[T]) -> None:
        self._writer.submit(work, done)

    def close(self) -> None:
        self._writer.close()
        self._group_commit.close()
        self.pool.close()

    @contextlib.contextmanager
    def _borrowed(self) -> Iterator[MysqlConnection]:
        connection = self.pool.take()
        try:
            yield connection
        except (LostConnection, OutcomeUnknown):
            self.pool.discard(connection)
            raise
        except BaseException:
            self.pool.give_back(connection)
            raise
        self.pool.give_back(connection)
