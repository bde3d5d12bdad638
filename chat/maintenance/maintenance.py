"""Maintenance: the regular jobs of a server on its database.

``every`` registers a job of another room. Each server runs each job, so a job that one server of a
cluster should do has to find that out by itself (retention.py does).
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from functools import partial

from chat.process.clock import Clock
from chat.storage import Database, StorageError, Transaction
from chat.storage.tables import FriendRequestModel, GroupInviteModel, TokenModel
from muduopy import EventLoop, ThreadPool

log = logging.getLogger(__name__)

TOKENS_SECONDS = 3600.0
"""Between two deletions of expired tokens."""

REQUESTS_SECONDS = 3600.0
"""Between two deletions of expired requests to be a friend, and of expired invitations."""

CHECK_SECONDS = 60.0
"""Between two checks of the database."""


class Maintenance:
    """Runs the regular jobs. Any thread.

    Its own jobs delete expired tokens, requests to be a friend and invitations to groups, and
    check that the database is still there.
    """

    def __init__(self, database: Database, clock: Clock, token_seconds: int) -> None:
        """``token_seconds``: the life of a token."""
        self._database = database
        self._clock = clock
        self._token_seconds = token_seconds
        self._jobs: list[tuple[float, Callable[[], object]]] = [
            (TOKENS_SECONDS, self.delete_expired_tokens),
            (REQUESTS_SECONDS, self.delete_expired_requests),
            (CHECK_SECONDS, self._check),
        ]

    def every(self, seconds: float, job: Callable[[], object]) -> None:
        """Run a job regularly, in a worker. Before ``start``.

        The job may block for a moment. Its errors are logged, and it is run again.
        """
        self._jobs.append((seconds, job))

    def start(self, loop: EventLoop, workers: ThreadPool) -> None:
        """Run the jobs regularly, in the workers. ``loop``: for the timers."""
        for seconds, job in self._jobs:
            loop.run_every(seconds, partial(workers.try_run, partial(_run, job)))

    def delete_expired_tokens(self) -> None:
        """Delete them in several short transactions. Blocks. Raises StorageError."""
        now = self._clock.unix()
        place = ""

        def next_part(tx: Transaction) -> str:
            return TokenModel(tx).delete_expired(now, self._token_seconds, place)

        while place := self._database.write(next_part):
            pass

    def delete_expired_requests(self) -> None:
        """Delete them in several short transactions. Blocks. Raises StorageError."""
        now = self._clock.unix()
        while self._database.write(lambda tx: FriendRequestModel(tx).delete_expired(now)):
            pass
        while self._database.write(lambda tx: GroupInviteModel(tx).delete_all_expired(now)):
            pass

    def _check(self) -> None:
        """Log if the file was removed: all later messages would be lost with it."""
        try:
            self._database.check()
        except StorageError as exc:
            log.error("the database is gone: %s", exc)


def _run(job: Callable[[], object]) -> None:
    try:
        job()
    except StorageError as exc:
        log.warning("a regular job has failed: %s", exc)
    except Exception:
        log.exception("a regular job has failed")
