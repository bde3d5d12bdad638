"""Samples: values that cost a query. They are taken every few seconds, not for each request."""

from __future__ import annotations

import os
import time

from chat.storage import Database, StorageError
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

    def _probe(self) -> None:
        # One at a time: while the database is stuck, probes would gather in its queue.
        if not self._probing:
            self._probing = True
            self._database.submit(lambda tx: SettingModel(tx).probe(), self._probed)

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
