"""Writer: the thread that commits the submitted jobs of all loops, in groups.

A durable commit waits for a flush of the disk, which takes much longer than the statements before
it. So the writer takes all jobs that wait, up to MAX_GROUP, and commits them in one transaction.
During its flush the next group gathers. A busy server shares one flush among hundreds of messages;
an idle server commits each message at once.

Example: A, B and C send a message each. The writer takes A's and flushes it. Meanwhile B's and C's
arrive. The next commit has both.

The Writer owns the thread, the queue and the order of jobs. A GroupCommit, one for each back end,
owns the connection, the transaction and the retries.
"""

from __future__ import annotations

import logging
import threading
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Sequence
from typing import Any

from chat.counters import SIZES, Histogram
from chat.storage.base import (
    DatabaseUse,
    DiskError,
    DiskFailure,
    Done,
    StorageError,
    T,
    Work,
)
from chat.storage.job import Job
from chat.storage.pool import ConnectionPool

log = logging.getLogger(__name__)

MAX_GROUP = 64
"""Jobs of one commit. The commit queue submits a whole batch of messages as one job."""


class GroupCommit(ABC):
    """Commits a group of jobs in one transaction. One thread at a time.

    Attributes:
        idle_seconds: the writer calls ``keep_alive`` after so long without jobs. None: it waits
            for jobs without limit.
        disk_failure: the last change that the disk did not take. Any thread reads it.
    """

    idle_seconds: float | None = None
    disk_failure: DiskFailure | None = None

    def note_failure(self, error: Exception) -> None:
        """Keep the error if the disk is its cause. Any thread."""
        if isinstance(error, DiskError):
            self.disk_failure = DiskFailure(str(error))

    @abstractmethod
    def commit(self, jobs: Sequence[Job]) -> None:
        """Run the jobs in order and commit them, or raise and commit none of them.

        A job that raises fails alone: its changes are undone, and it keeps the error. Raises
        StorageError for the whole group; OutcomeUnknown if the group may have been committed.
        """

    def keep_alive(self) -> None:  # noqa: B027 - a file needs none
        """Keep idle connections open. Called after each group and each ``idle_seconds``, if set."""


class Writer:
    """One thread that runs jobs in the order of submission.

    Attributes:
        seconds, sizes: the time of a commit, and its jobs. These three: the writer thread changes
            them, any thread reads them.
        failures: groups that were not committed.
    """

    def __init__(self, group_commit: GroupCommit, thread_name: str) -> None:
        self._group_commit = group_commit
        self._lock = threading.Lock()  # guards _jobs and _closing
        self._ready = threading.Condition(self._lock)
        self._jobs: deque[Job] = deque()
        self._closing = False
        self.seconds = Histogram()
        self.sizes = Histogram(SIZES)
        self.failures = 0
        self._thread = threading.Thread(target=self._run, name=thread_name)

    def start(self) -> None:
        """Begin to take jobs. Raises RuntimeError if there can be no further thread."""
        self._thread.start()

    @property
    def disk_failure(self) -> DiskFailure | None:
        """The last change that the disk did not take. Any thread."""
        return self._group_commit.disk_failure

    @property
    def waiting(self) -> int:
        """The number of jobs that wait. Any thread."""
        with self._lock:
            return len(self._jobs)

    def submit(self, work: Work[T], done: Done[T]) -> None:
        """Queue a job. Any thread. After ``close`` it reports a StorageError at once."""
        with self._lock:
            if not self._closing:
                self._jobs.append(Job(work, done))
                self._ready.notify()
                return
        done(None, StorageError("the database is closed"))

    def close(self) -> None:
        """Commit the submitted jobs and end the thread. Blocks. Idempotent."""
        with self._lock:
            self._closing = True
            self._ready.notify()
        self._thread.join()

    # ------------------------------------------------------------------ the writer thread

    def _run(self) -> None:
        while (group := self._next_group()) is not None:
            if group:
                self._commit(group)
            if self._group_commit.idle_seconds is not None:
                self._group_commit.keep_alive()

    def _next_group(self) -> list[Job] | None:
        """The jobs that wait; none after ``idle_seconds`` of silence; None at the end."""
        with self._lock:
            if not self._jobs and not self._closing:
                self._ready.wait(self._group_commit.idle_seconds)
            if not self._jobs and self._closing:
                return None
            return [self._jobs.popleft() for _ in range(min(MAX_GROUP, len(self._jobs)))]

    def _commit(self, group: list[Job]) -> None:
        """Commit a group, and report to all its submitters."""
        begun = time.monotonic()
        try:
            self._group_commit.commit(group)
            self.seconds.observe(time.monotonic() - begun)
            self.sizes.observe(len(group))
        except Exception as exc:
            self.failures += 1
            self._group_commit.note_failure(exc)
            if isinstance(exc, StorageError):
                log.error("commit failed: %s", exc)
            else:
                log.exception("the writer failed")
            for job in group:
                job.error = job.error or exc
        for job in group:
            job.report()


def use_of(writer: Writer, pool: ConnectionPool[Any]) -> DatabaseUse:
    """The counters of a database with these two. Any thread."""
    return DatabaseUse(
        writer.seconds,
        writer.sizes,
        writer.failures,
        writer.waiting,
        pool.size,
        pool.idle,
        pool.waits,
        pool.waited,
        writer.disk_failure,
    )
