"""MysqlGroupCommit: commits a group of jobs, with retries, even after a COMMIT without an answer.

**One job fails.** The transaction is rolled back, and the others run again without it. Failures
are rare, while a savepoint for each job would cost two round trips every time.

**The connection is lost, or there is a deadlock, before COMMIT.** Nothing has happened. The whole
group runs again, up to ATTEMPTS times.

**The answer to COMMIT is lost.** The group may be committed or not. It runs again until an answer
comes, for up to OUTCOME_SECONDS, and before any later job. A job that runs twice has the effect of
one: the log takes each ``mid`` of a sender once, and a second deletion finds no row.

Example: the writer stores A's message and sends COMMIT. MySQL commits; the cable to it is pulled
before its answer arrives. The second run finds A's ``mid`` in the log, inserts nothing, and reports
the number of the first run. A gets one acknowledgement, and B the message once.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence

from chat.storage.base import OutcomeUnknown, StorageError
from chat.storage.job import Job
from chat.storage.mysql.connection import (
    IDLE_TRANSACTION_SECONDS,
    Busy,
    LostConnection,
    MysqlAddress,
    MysqlConnection,
)
from chat.storage.mysql.retry import ATTEMPTS, pause
from chat.storage.mysql.transaction import MysqlTransaction
from chat.storage.pool import ConnectionPool
from chat.storage.writer import GroupCommit

log = logging.getLogger(__name__)

OUTCOME_SECONDS = 10.0
"""The time for finding out whether a COMMIT without an answer has taken place."""

KEEP_SECONDS = IDLE_TRANSACTION_SECONDS / 4
"""Seconds between pings of an idle connection: MySQL closes it after a longer silence."""


class _JobFailed(Exception):
    """One job of a group raised an error of its own."""

    def __init__(self, job: Job, error: Exception) -> None:
        super().__init__(str(error))
        self.job = job
        self.error = error


class MysqlGroupCommit(GroupCommit):
    """The transactions of the writer's own connection; opens a new one after a loss."""

    def __init__(self, address: MysqlAddress, pool: ConnectionPool[MysqlConnection]) -> None:
        """Connects. ``pool``: has its idle connections kept open, too. Raises StorageError."""
        self._address = address
        self._pool = pool
        self._connection: MysqlConnection | None = self._connect()
        self._connection_used = time.monotonic()
        self._pool_refreshed = time.monotonic()
        # MariaDB leaves a silent connection alone; then there is nothing to keep alive.
        self.idle_seconds = KEEP_SECONDS if self._connection.needs_keeping else None

    def close(self) -> None:
        """Idempotent."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    # ------------------------------------------------------------------ a group

    def commit(self, jobs: Sequence[Job]) -> None:
        try:
            self._commit(jobs)
        except BaseException:
            self.close()  # with an open transaction, perhaps
            raise

    def _commit(self, jobs: Sequence[Job]) -> None:
        unknown_until = 0.0  # the end of the wait for the outcome of a COMMIT
        attempts = 0
        while True:
            try:
                self._attempt(jobs)
                return
            except _JobFailed as failed:  # the next attempt leaves it out
                self._roll_back()
                failed.job.error = failed.error
                self.note_failure(failed.error)
                continue
            except OutcomeUnknown as exc:
                log.warning("the answer to a commit was lost: %s", exc)
                unknown_until = unknown_until or time.monotonic() + OUTCOME_SECONDS
            except StorageError as exc:
                attempts += 1
                again = isinstance(exc, LostConnection | Busy) and attempts < ATTEMPTS
                if not again and time.monotonic() >= unknown_until:
                    raise
            if unknown_until and time.monotonic() >= unknown_until:
                raise OutcomeUnknown("the database did not confirm the commit")
            self.close()
            pause(min(attempts, ATTEMPTS))

    def _attempt(self, jobs: Sequence[Job]) -> None:
        """Run the jobs that have not failed, and commit them."""
        connection = self._living_connection()
        transaction = MysqlTransaction(connection)
        for job in jobs:
            if job.error is not None:
                continue
            try:
                job.result = job.work(transaction)
            except (LostConnection, Busy):
                raise
            except Exception as exc:
                raise _JobFailed(job, exc) from exc
        connection.commit()
        self._connection_used = time.monotonic()

    def _roll_back(self) -> None:
        if self._connection is not None:
            try:
                self._connection.reset()
            except StorageError:
                self.close()

    # ------------------------------------------------------------------ the connection

    def _living_connection(self) -> MysqlConnection:
        idle = time.monotonic() - self._connection_used > IDLE_TRANSACTION_SECONDS / 2
        if idle and self._connection is not None and not self._connection.is_alive():
            self.close()
        if self._connection is None:
            try:
                self._connection = self._connect()
            except StorageError as exc:
                raise LostConnection(str(exc)) from exc
        return self._connection

    def _connect(self) -> MysqlConnection:
        return MysqlConnection(self._address, "READ COMMITTED")

    def keep_alive(self) -> None:
        """Ping idle connections, where the server closes silent ones; a new one takes 40 ms (TLS).

        The server's limit is for a chat server that stops inside a transaction. A running one
        pings all its connections that are in no transaction.
        """
        seconds = self.idle_seconds
        if seconds is None:
            return
        now = time.monotonic()
        if now - self._connection_used >= seconds and self._connection is not None:
            self._connection_used = now
            if not self._connection.is_alive():
                self.close()
        if now - self._pool_refreshed >= seconds / 2:
            self._pool_refreshed = now
            self._pool.refresh(seconds / 2)
