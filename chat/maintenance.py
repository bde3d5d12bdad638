"""Maintenance: the regular jobs of a server on its database."""

from __future__ import annotations

import logging
from functools import partial

from chat.process.clock import Clock
from chat.storage import Database, StorageError, Transaction
from chat.storage.tables import TokenModel
from muduopy import EventLoop, ThreadPool

log = logging.getLogger(__name__)

TOKENS_SECONDS = 3600.0
"""Between two deletions of expired tokens."""

CHECK_SECONDS = 60.0
"""Between two checks of the database."""


class Maintenance:
    """Deletes expired login tokens, and checks that the database is still there. Any thread."""

    def __init__(self, database: Database, clock: Clock, token_seconds: int) -> None:
        """``token_seconds``: the life of a token."""
        self._database = database
        self._clock = clock
        self._token_seconds = token_seconds

    def start(self, loop: EventLoop, workers: ThreadPool) -> None:
        """Run the jobs regularly, in the workers. ``loop``: for the timers."""
        tokens = partial(workers.try_run, self.delete_expired_tokens)
        loop.run_every(TOKENS_SECONDS, tokens)
        loop.run_every(CHECK_SECONDS, partial(workers.try_run, self._check))

    def delete_expired_tokens(self) -> None:
        """Delete them in several short transactions. Blocks. Raises StorageError."""
        now = self._clock.unix()
        place = ""

        def next_part(tx: Transaction) -> str:
            return TokenModel(tx).delete_expired(now, self._token_seconds, place)

        while place := self._database.write(next_part):
            pass

    def _check(self) -> None:
        """Log if the file was removed: all later messages would be lost with it."""
        try:
            self._database.check()
        except StorageError as exc:
            log.error("the database is gone: %s", exc)
