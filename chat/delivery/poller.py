"""MailboxPoller: finds mail that nobody was woken for.

Whatever a wake misses (the bus lost it, the node that stored the message was killed before it
published it) is in the mailbox. So from time to time one query asks for all the users that are
logged in here: what is the newest message each is owed? A pump that was not given it looks.

Messages are numbered when they are inserted and seen when they are committed, so a lower number may
become visible after a higher one. Hence not only the newest but all that a user is owed is
compared, up to a bound; who is owed more than that looks in any case, as acknowledgements come.
"""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable

from chat.login.login import Login
from chat.login.registry import LoginRegistry
from chat.mailbox.pump import WINDOW
from chat.storage import Database, StorageError, Transaction
from chat.storage.tables import OfflineMessageModel
from muduopy import EventLoop, ThreadPool

log = logging.getLogger(__name__)

ENOUGH = WINDOW + 1
"""Numbers that show a pump that it has missed something: it never knows of more than a window."""

POLL_SECONDS = 2.0
"""Between two rounds, at the least; a little more, at random, so that nodes do not march."""


class MailboxPoller:
    """Any thread."""

    def __init__(
        self,
        loop: EventLoop,
        database: Database,
        logins: LoginRegistry,
        workers: ThreadPool,
        stored: Callable[[], object] = lambda: None,
    ) -> None:
        """``loop``: for the timer. ``stored``: called after each round, for tests."""
        self._loop = loop
        self._database = database
        self._logins = logins
        self._workers = workers
        self._after_round = stored
        self._lock = threading.Lock()  # guards _closed
        self._closed = False

    def start(self) -> None:
        """Begin, and go on until ``close``."""
        with self._lock:
            if self._closed:
                return
        delay = POLL_SECONDS * random.uniform(1.0, 1.5)
        self._loop.run_after(delay, self._begin)

    def close(self) -> None:
        """Idempotent."""
        with self._lock:
            self._closed = True

    def _begin(self) -> None:
        if not self._workers.try_run(self._round):
            self.start()

    def _round(self) -> None:
        """Worker thread."""
        try:
            self._look()
        except StorageError as exc:
            log.warning("mailboxes were not looked at: %s", exc)
        except Exception:
            log.exception("looking at the mailboxes")
        finally:
            self._after_round()
            self.start()

    def _look(self) -> None:
        # A pump that looks anyway need not be told; and its user may be owed very much.
        here = {login.user_id: login for login in self._logins.all() if not login.pump.is_waiting}

        def look(tx: Transaction) -> None:
            for owed in OfflineMessageModel(tx).owed(list(here)):
                for user_id, seqs in owed.items():
                    self._tell(here[user_id], seqs[:ENOUGH])

        self._database.read(look)

    @staticmethod
    def _tell(login: Login, seqs: list[int]) -> None:
        login.loop.queue_in_loop(lambda: login.pump.owes(seqs))
