"""Samples: values that cost a query. They are taken every few seconds, not for each request."""

from __future__ import annotations

import os
import time
from functools import partial

from chat.storage import Database, StorageError
from chat.storage.base import DiskFailure
from chat.storage.tables import OfflineMessageModel, SettingModel
from muduopy import EventLoop, ThreadPool

PROBE_SECONDS = 5.0
"""Between two probes of the database."""

SILENT_SECONDS = 15.0
"""A database that has not answered a probe for so long takes no writes."""

ROWS_SECONDS = 60.0
"""Between two counts of the mailbox rows."""

MOST_ROWS = 100_000
"""Mailbox rows that are counted: some 20 ms of the database. Larger mailboxes show as this number;
their growth is the difference of two counters (docs/deploy.md)."""


class Samples:
    """Attributes: any thread reads them. ``start``: the loop's thread.

    Attributes:
        rows: mailbox rows, at most MOST_ROWS; None: not counted yet.
        failed: why the last probe of the database has failed; empty: it has not.
    """

    def __init__(self, database: Database, workers: ThreadPool) -> None:
        self.rows: int | None = None
        self.failed = ""
        self._database = database
        self._workers = workers
        self._answered_at = time.monotonic()
        self._probing = False  # the loop sets it, the writer thread clears it
        self._survived: DiskFailure | None = None  # later writes show that the disk has room

    def start(self, loop: EventLoop) -> None:
        """Take samples from now on."""
        self._probe()
        self._count_soon()
        loop.run_every(PROBE_SECONDS, self._probe)
        loop.run_every(ROWS_SECONDS, self._count_soon)

    @property
    def trouble(self) -> str:
        """Why the database takes no writes; empty: it takes them. Any thread."""
        if self.failed:
            return self.failed
        failure = self._disk_failure
        if failure is not None:
            return f"the disk is full or broken: {failure.words}"
        silent = time.monotonic() - self._answered_at
        return f"no answer for {silent:.0f} s" if silent > SILENT_SECONDS else ""

    @property
    def free_bytes(self) -> int | None:
        """Free bytes on the disk of a database that is a file. Any thread."""
        folder = self._database.folder
        if folder is None:
            return None
        try:
            disk = os.statvfs(folder)
        except OSError:
            return None
        return disk.f_bavail * disk.f_frsize

    @property
    def _disk_failure(self) -> DiskFailure | None:
        """The last one, until the disk has taken writes again. Any thread."""
        failure = self._database.use.disk_failure
        return None if failure is self._survived else failure

    def _probe(self) -> None:
        # One at a time: while the database is stuck, probes would gather in its queue.
        if self._probing:
            return
        self._probing = True
        failure = self._disk_failure
        if failure is None:
            self._database.submit(lambda tx: SettingModel(tx).probe(), self._probed)
        else:
            # Small writes find room longer than messages do. Example: SQLite writes the next
            # change into an old part of its log, and has no room for the one after it.
            filled = partial(self._filled, failure)
            self._database.submit(lambda tx: SettingModel(tx).fill_room(), filled)

    def _filled(self, failure: DiskFailure, result: None, error: Exception | None) -> None:
        """The writer thread."""
        if error is not None:
            self._probed(None, error)
            return
        cleared = partial(self._cleared, failure)
        self._database.submit(lambda tx: SettingModel(tx).clear_room(), cleared)

    def _cleared(self, failure: DiskFailure, result: None, error: Exception | None) -> None:
        """The writer thread."""
        if error is None:
            self._survived = failure
        self._probed(None, error)

    def _probed(self, result: None, error: Exception | None) -> None:
        """The writer thread."""
        self.failed = "" if error is None else str(error)
        self._answered_at = time.monotonic()
        self._probing = False

    def _count_soon(self) -> None:
        self._workers.try_run(self._count)

    def _count(self) -> None:
        """A worker."""
        try:
            self.rows = self._database.read(
                lambda tx: OfflineMessageModel(tx).count_up_to(MOST_ROWS)
            )
        except StorageError:
            pass  # the probe reports it
