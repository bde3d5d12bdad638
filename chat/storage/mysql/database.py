"""MysqlDatabase: transactions on MySQL and MariaDB, blocking for workers and queued for loops.

Two ways in. Requests borrow a connection from a pool, each for a transaction of its own. Sends
and deletions go to the writer thread, which has a connection of its own and commits everything
that waits as one transaction. A piece of work that fails there is left out and the others are
run again: that is rare, while savepoints would cost everybody two round trips.

What may be run again, and what not. Until COMMIT is sent nothing has happened, so a transaction
that met a deadlock or lost its connection is simply begun anew. When the answer to COMMIT is
lost nobody knows. ``write`` says so (OutcomeUnknown). The writer's work can find out by itself,
for a send is known by its ``mid`` and a deletion is none the worse for being repeated: it is run
again, before anything later.

Transactions are READ COMMITTED where they write, so that they lock rows and not the gaps
between; reads are REPEATABLE READ, which is one snapshot. A server that is stopped in the middle of
a transaction must not hold its locks for long: the database ends such a transaction after
``IDLE_TRANSACTION_SECONDS``.
"""

from __future__ import annotations

import contextlib
import logging
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any

from chat.storage.base import Database, Done, OutcomeUnknown, StorageError, T, Work
from chat.storage.mysql.connection import (
    IDLE_TRANSACTION_SECONDS,
    Busy,
    LostConnection,
    MysqlAddress,
    MysqlConnection,
    warn_of_slow_driver,
)
from chat.storage.mysql.transaction import MysqlTransaction
from chat.storage.pool import ConnectionPool

log = logging.getLogger(__name__)

ATTEMPTS = 5
"""How often a transaction is begun for deadlocks and lost connections."""

PAUSE_SECONDS = 0.02
"""Before the second attempt; doubled, with jitter, for each that follows."""

OUTCOME_SECONDS = 10.0
"""How long the writer tries to find out what became of a COMMIT."""

KEEP_SECONDS = IDLE_TRANSACTION_SECONDS / 4
"""Seconds between pings of an idle connection: MySQL closes it after a longer silence."""

MAX_GROUP = 64
"""Pieces of work per commit of the writer. Sends count as one piece, however many there are."""


class MysqlDatabase(Database):
    """A MySQL or MariaDB database, shared with other servers."""

    exclusive = False

    def __init__(self, address: MysqlAddress, pool: int = 8, ready: int = 1) -> None:
        """Connects. ``pool``: at most so many connections besides the writer's, of which
        ``ready`` are opened now. Raises StorageError.
        """
        warn_of_slow_driver()
        self.address = address
        self._pool = ConnectionPool(lambda: MysqlConnection(address, "REPEATABLE READ"), pool)
        try:
            self._pool.fill(ready)
            self._writer: MysqlConnection | None = self._connect_writer()  # the writer thread's
        except BaseException:
            self._pool.close()
            raise
        self._jobs_lock = threading.Lock()  # guards _jobs and _closing
        self._jobs_ready = threading.Condition(self._jobs_lock)
        self._jobs: deque[_Job] = deque()
        self._closing = False
        self._writer_used = time.monotonic()
        self._kept = time.monotonic()
        # For pinging; None where a silent connection is left alone.
        keeping = self._writer is not None and self._writer.needs_keeping
        self._keep_seconds = KEEP_SECONDS if keeping else None
        self._thread = threading.Thread(target=self._write_forever, name="mysql-writer")
        self._thread.start()

    @property
    def pool(self) -> ConnectionPool[MysqlConnection]:
        """To look at."""
        return self._pool

    def read(self, work: Work[T]) -> T:
        def attempt() -> T:
            with self._borrowed() as connection:
                return work(MysqlTransaction(connection))

        return _persist(attempt)

    def write(self, work: Work[T]) -> T:
        def attempt() -> T:
            with self._borrowed() as connection:
                connection.run("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")
                result = work(MysqlTransaction(connection))
                connection.commit()
                return result

        return _persist(attempt)

    def submit(self, work: Work[T], done: Done[T]) -> None:
        with self._jobs_lock:
            if not self._closing:
                self._jobs.append(_Job(work, done))
                self._jobs_ready.notify()
                return
        done(None, StorageError("the database is closed"))

    def close(self) -> None:
        with self._jobs_lock:
            if self._closing:
                return
            self._closing = True
            self._jobs_ready.notify()
        self._thread.join()
        self._pool.close()

    @contextlib.contextmanager
    def _borrowed(self) -> Iterator[MysqlConnection]:
        connection = self._pool.take()
        try:
            yield connection
        except (LostConnection, OutcomeUnknown):
            self._pool.discard(connection)
            raise
        except BaseException:
            self._pool.give_back(connection)
            raise
        self._pool.give_back(connection)

    # ------------------------------------------------------------------ the writer thread

    def _write_forever(self) -> None:
        while True:
            with self._jobs_lock:
                if not self._jobs and not self._closing:
                    self._jobs_ready.wait(self._keep_seconds)
                if not self._jobs and self._closing:
                    break
                group = [self._jobs.popleft() for _ in range(min(MAX_GROUP, len(self._jobs)))]
            if group:
                self._commit_group(group)
            if self._keep_seconds is not None:
                self._keep_connections(self._keep_seconds)
        if self._writer is not None:
            self._writer.close()

    def _keep_connections(self, seconds: float) -> None:
        """MySQL ends a connection after seconds of silence; a new one with TLS costs 40 ms.

        That limit is for a server that is stopped inside a transaction. One that runs says
        something on every connection that is in no transaction.
        """
        now = time.monotonic()
        if now - self._writer_used >= seconds and self._writer is not None:
            self._writer_used = now
            if not self._writer.is_alive():
                self._drop_writer()
        if now - self._kept >= seconds / 2:
            self._kept = now
            self._pool.refresh(seconds / 2)

    def _commit_group(self, group: list[_Job]) -> None:
        """Commit what can be committed of a group, and report to all."""
        try:
            self._commit(group)
        except StorageError as exc:
            log.error("commit failed: %s", exc)
            for job in group:
                if job.error is None:
                    job.error = exc
        except Exception as exc:
            log.exception("the writer failed")
            for job in group:
                job.error = job.error or exc
        for job in group:
            job.report()

    def _commit(self, group: list[_Job]) -> None:
        unknown_until = 0.0  # when to give up on a COMMIT whose answer was lost
        attempts = 0
        while True:
            try:
                self._attempt(group)
                return
            except _JobFailed as failed:  # it is left out from now on
                self._roll_back()
                failed.job.error = failed.error
                continue
            except OutcomeUnknown as exc:
                log.warning("the answer to a commit was lost: %s", exc)
                unknown_until = unknown_until or time.monotonic() + OUTCOME_SECONDS
            except StorageError as exc:
                attempts += 1
                again = isinstance(exc, LostConnection | Busy) and attempts < ATTEMPTS
                if not again and time.monotonic() >= unknown_until:
                    self._drop_writer()
                    raise
            if unknown_until and time.monotonic() >= unknown_until:
                self._drop_writer()
                raise OutcomeUnknown("the database does not say what it has committed")
            self._drop_writer()
            _pause(min(attempts, ATTEMPTS))

    def _attempt(self, group: list[_Job]) -> None:
        connection = self._connected_writer()
        transaction = MysqlTransaction(connection)
        for job in group:
            if job.error is not None:
                continue
            try:
                job.result = job.work(transaction)
            except (LostConnection, Busy):
                raise
            except Exception as exc:
                raise _JobFailed(job, exc) from exc
        connection.commit()
        self._writer_used = time.monotonic()

    def _connected_writer(self) -> MysqlConnection:
        writer = self._writer
        idle = time.monotonic() - self._writer_used > IDLE_TRANSACTION_SECONDS / 2
        if writer is not None and idle and not writer.is_alive():
            self._drop_writer()
            writer = None
        if writer is None:
            try:
                writer = self._writer = self._connect_writer()
            except StorageError as exc:
                raise LostConnection(str(exc)) from exc
        return writer

    def _connect_writer(self) -> MysqlConnection:
        return MysqlConnection(self.address, "READ COMMITTED")

    def _roll_back(self) -> None:
        if self._writer is not None:
            try:
                self._writer.reset()
            except StorageError:
                self._drop_writer()

    def _drop_writer(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None


class _Job:
    """A piece of work for the writer, and what came of it."""

    __slots__ = ("_done", "error", "result", "work")

    def __init__(self, work: Work[Any], done: Done[Any]) -> None:
        self.work = work
        self._done = done
        self.result: Any = None
        self.error: Exception | None = None

    def report(self) -> None:
        try:
            self._done(None if self.error else self.result, self.error)
        except Exception:
            log.exception("after a commit")


class _JobFailed(Exception):
    """One piece of work of a group raised."""

    def __init__(self, job: _Job, error: Exception) -> None:
        super().__init__(str(error))
        self.job = job
        self.error = error


def _persist(attempt: Callable[[], T]) -> T:
    """Begin anew after deadlocks and lost connections, a few times."""
    for number in range(1, ATTEMPTS):
        try:
            return attempt()
        except (LostConnection, Busy):
            _pause(number)
    return attempt()


def _pause(attempt: int) -> None:
    """Between attempts: random, so that two that collided do not do so again."""
    time.sleep(random.uniform(0.5, 1.0) * PAUSE_SECONDS * 2**attempt)
