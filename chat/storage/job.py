"""Job: a piece of work for the writer thread, and its outcome."""

from __future__ import annotations

import logging
from typing import Any

from chat.storage.base import Done, Work

log = logging.getLogger(__name__)


class Job:
    """Work with its outcome. Belongs to the writer thread once it is submitted.

    Attributes:
        work: the function to run in the transaction.
        result: its value, if it ran without an error.
        error: the reason why nothing of this job was committed, or None.
    """

    __slots__ = ("_done", "error", "result", "work")

    def __init__(self, work: Work[Any], done: Done[Any]) -> None:
        self.work = work
        self._done = done
        self.result: Any = None
        self.error: Exception | None = None

    def report(self) -> None:
        """Tell the submitter the outcome. An error of its function is logged. Writer thread."""
        try:
            self._done(None if self.error else self.result, self.error)
        except Exception:
            log.exception("the callback after a commit failed")
