"""MailboxPoller: finds messages whose wake was lost, and gaps.

A wake is lost if the bus loses it, or if a node is killed between the commit and the publish. The
message is in the mailbox all the same. So a query reads, every few seconds, the numbers of the
messages that the devices at this node are owed. A pump that was not given one of them reads its
mailbox.

To compare the newest number alone would not suffice, because numbers are given at the insert, and
become visible at the commit. Example: node 1 inserts 7 for B and is slow; meanwhile node 2 inserts
8 and commits, and B gets 8. Then 7 is committed, and its wake is lost. So all numbers are compared,
up to ENOUGH of them. If a mailbox holds more than the window of its pump, the pump reads on in any
case, as acknowledgements arrive.

A gap (chat/mailbox/gap.py) begins while a mailbox is rather full, so its pump will read on. But it
may have read all in that moment. Then the poll finds the gap.
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
from chat.storage.tables import MailboxGapModel, OfflineMessageModel
from muduopy import EventLoop, ThreadPool

log = logging.getLogger(__name__)

ENOUGH = WINDOW + 1
"""Numbers that are compared for each mailbox: one more than a pump can have given."""

POLL_SECONDS = 2.0
"""Between two rounds, at the least. Up to half more, at random, so that nodes spread out."""


class MailboxPoller:
    """See the module's text. Any thread."""

    def __init__(
        self,
        loop: EventLoop,
        database: Database,
        logins: LoginRegistry,
        workers: ThreadPool,
        after_round: Callable[[], object] = lambda: None,
    ) -> None:
        """``loop``: for the timer. ``after_round``: for tests."""
        self._loop = loop
        self._database = database
        self._logins = logins
        self._workers = workers
        self._after_round = after_round
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
            log.warning("mailboxes were not polled: %s", exc)
        except Exception:
            log.exception("the poll of the mailboxes failed")
        finally:
            self._after_round()
            self.start()

    def _look(self) -> None:
        # A pump that waits reads its mailbox anyway, which may be very full.
        here = {login.mailbox: login for login in self._logins.all() if not login.pump.is_waiting}

        def look(tx: Transaction) -> None:
            for owed in OfflineMessageModel(tx).owed(list(here)):
                for mailbox, seqs in owed.items():
                    self._tell(here[mailbox], seqs[:ENOUGH])
            for mailbox in MailboxGapModel(tx).owners(here.keys()):
                here[mailbox].loop.queue_in_loop(here[mailbox].pump.mark_dirty)

        self._database.read(look)

    @staticmethod
    def _tell(login: Login, seqs: list[int]) -> None:
        login.loop.queue_in_loop(lambda: login.pump.owes(seqs))
