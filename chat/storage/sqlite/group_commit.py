"""SqliteGroupCommit: commits a group of jobs with one flush, each job under a savepoint.

A savepoint costs SQLite almost nothing. So a job that fails is undone alone, and the others need
not run again.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Sequence

from chat.storage.base import StorageError
from chat.storage.job import Job
from chat.storage.sqlite.errors import translate
from chat.storage.sqlite.transaction import SqliteTransaction
from chat.storage.writer import GroupCommit

log = logging.getLogger(__name__)


class SqliteGroupCommit(GroupCommit):
    """The transactions of the one connection that writes."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection

    def commit(self, jobs: Sequence[Job]) -> None:
        try:
            self.connection.execute("BEGIN IMMEDIATE")
            for job in jobs:
                self._run(job)
            self.connection.execute("COMMIT")
        except Exception as exc:
            self._roll_back()
            # The errors of single jobs count no more. Example: job 1 registers "ann", so job 2
            # finds the name taken; then COMMIT fails, and the name is free again.
            for job in jobs:
                job.error = None
            if isinstance(exc, sqlite3.IntegrityError):  # of a deferred constraint
                raise StorageError(str(exc)) from exc
            if isinstance(exc, sqlite3.Error):
                raise translate(exc) from exc
            raise

    def _run(self, job: Job) -> None:
        self.connection.execute("SAVEPOINT job")
        try:
            job.result = job.work(SqliteTransaction(self.connection))
        except Exception as exc:
            if isinstance(exc, StorageError) and not self.connection.in_transaction:
                raise  # SQLite has rolled back everything (the disk is full): all jobs fail
            self.connection.execute("ROLLBACK TO job")
            self.note_failure(exc)
            job.error = exc
        self.connection.execute("RELEASE job")

    def _roll_back(self) -> None:
        try:
            if self.connection.in_transaction:
                self.connection.execute("ROLLBACK")
        except sqlite3.Error as exc:
            log.error("rollback failed: %s", exc)
