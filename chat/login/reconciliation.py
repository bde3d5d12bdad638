"""Reconciliation: compares the sessions in the tables with the logins of this node, corrects both.

They differ after failures:

    a row without a login    a crash; a lost answer to a commit; a release that failed.
                             The row is released.
    a login without its row  Example: this node was cut off from the database, and its lease ran
                             out. A logged in at node 2, which took the row. The notice was lost.
                             The login is ended.
    a login of an ended      Its user has ended the device at another one. The login is ended.
    device
    a login without an       An operator has disabled the account, or its user has deleted it. The
    active account           login is ended.
    a row of a dead node     Example: node 2 was killed, with users online. Its lease has run out.
                             The rows are released.
"""

from __future__ import annotations

import logging
import threading
from typing import Any, NamedTuple

from chat.bus import Bus
from chat.login.lease import Lease
from chat.login.login import Login
from chat.login.presence import Presence
from chat.login.presence_feed import PresenceFeed
from chat.login.registry import LoginRegistry
from chat.mailbox_number import MAX_MAILBOX, owner
from chat.message import user_topics
from chat.notice import TAKEN, Notice
from chat.storage import Database, StorageError, Transaction
from chat.storage.tables import NodeModel, SessionModel, UserModel
from muduopy import ThreadPool

log = logging.getLogger(__name__)

PART = 5000
"""Devices of one round, or of one transaction."""


class Reconciliation:
    """Rounds that compare rows and logins, a part of them at a time."""

    def __init__(
        self,
        database: Database,
        bus: Bus[Any],
        logins: LoginRegistry,
        workers: ThreadPool,
        feed: PresenceFeed,
        presence: Presence,
        lease: Lease | None,
    ) -> None:
        """``lease``: None where no other node can use the database."""
        self._database = database
        self._bus = bus
        self._logins = logins
        self._workers = workers
        self._feed = feed
        self._presence = presence
        self._lease = lease
        self._node = presence.node
        self._lock = threading.Lock()  # guards _running and _thorough
        self._running = False
        self._thorough = True  # the next round compares all parts
        self._last = 0  # the mailbox where the next part begins; only for the worker with the round

    def start_round(self, *, thorough: bool = False) -> None:
        """Have a worker compare one part, or all parts (``thorough``). Any thread; never blocks.

        One part, so that a round costs the same for any number of users. If a round is running,
        no second one is started.
        """
        with self._lock:
            self._thorough |= thorough
            if self._running:
                return
            self._running = True
        if not self._workers.try_run(self._round):
            self._end_round()

    def rows_changed(self, user_ids: list[int]) -> None:
        """The generations of these users have grown without a login. Any thread; never blocks.

        Ends their logins, here and at other nodes, and tells friends that they are offline.
        Example: an operator has disabled an account.
        """
        self.check_soon(user_ids)
        self._bus.tell([Notice(user_id, TAKEN, (user_id,)) for user_id in user_ids])
        self._feed.changed(user_ids)

    def check_soon(self, user_ids: list[int]) -> None:
        """Have a worker compare these users' logins with the rows. Any thread; never blocks."""

        def work() -> None:
            try:
                self.check(user_ids)
            except StorageError as exc:
                log.warning("logins were not checked: %s", exc)  # the next round does it

        self._workers.try_run(work)

    def check(self, user_ids: list[int]) -> None:
        """End the logins of these users that do not own their rows any more. Blocks.

        Worker thread. Raises StorageError.
        """
        here = self._logins.of_users(user_ids)
        if not here:
            return
        # The registry first: its logins have been committed, so the rows cannot be older.
        found = self._database.read(lambda tx: _look(tx, here))
        owners: list[tuple[int, int]] = []
        for login in here:
            if found.generations.get(login.mailbox) == login.generation:
                owners.append((login.mailbox, login.generation))
            else:
                reason = found.statuses.get(login.user_id) or (
                    "replaced" if login.mailbox in found.online else "ended"
                )
                log.info("the login of user %d is over: %s", login.user_id, reason)
                self._end(login, reason)
        # Another node may have taken this one for dead, and shown its devices offline.
        back = self._database.write(lambda tx: SessionModel(tx).reassert(owners, self._node))
        self._feed.changed({owner(mailbox) for mailbox in back})

    def _end(self, login: Login, reason: str) -> None:
        # Out of the registry at once, though the connection takes a while to close: messages to
        # this user are for the other node.
        groups = self._logins.remove(login)
        if groups is not None:
            self._bus.unsubscribe(user_topics(login.user_id, groups))
        login.send_away(reason)

    # ------------------------------------------------------------------ a round

    def _round(self) -> None:
        """Worker thread; one at a time."""
        with self._lock:
            thorough, self._thorough = self._thorough, False
        try:
            if thorough:
                self._last = 0
            while self._compare_part() and thorough:
                pass
            self._release_dead_nodes()
        except StorageError as exc:
            log.warning("presence was not reconciled: %s", exc)
            with self._lock:
                self._thorough |= thorough
        finally:
            self._end_round()

    def _end_round(self) -> None:
        with self._lock:
            self._running = False

    def _compare_part(self) -> bool:
        """Compare the rows and logins of the next devices; False after the last part."""
        begin = self._last
        # Rows first, then logins. Example of the other order: the logins are read; meanwhile A logs
        # in; the rows are read. A's row would have no login, and would be released.
        rows = self._database.read(lambda tx: SessionModel(tx).online_at(self._node, begin, PART))
        more = len(rows) == PART
        end = self._last = max(rows) if more else 0
        self._release_rows_without_login(rows)
        self._check_logins(rows, begin, end or MAX_MAILBOX)
        return more

    def _release_rows_without_login(self, rows: dict[int, int]) -> None:
        reserved, owned = self._logins.reserved(), self._logins.owned()  # in this order
        for mailbox, generation in rows.items():
            if mailbox not in owned and owner(mailbox) not in reserved:
                self._presence.release(mailbox, generation)

    def _check_logins(self, rows: dict[int, int], begin: int, end: int) -> None:
        """``rows``: generations by mailbox. Mailboxes above ``begin``, up to ``end``."""
        suspects = {
            login.user_id
            for login in self._logins.all()
            if begin < login.mailbox <= end and rows.get(login.mailbox) != login.generation
        }
        if suspects:
            self.check(sorted(suspects))

    # ------------------------------------------------------------------ dead nodes

    def _release_dead_nodes(self) -> None:
        if self._lease is None or not self._lease.may_judge:
            return
        for node in self._database.read(self._dead_nodes):
            self._release_rows_of(node)

    def _dead_nodes(self, tx: Transaction) -> set[str]:
        """Nodes with online users and without a lease.

        If this node has no lease either, the set is empty: the database's clock may have jumped.
        """
        alive = NodeModel(tx).alive()
        return SessionModel(tx).nodes() - alive if self._node in alive else set()

    def _release_rows_of(self, node: str) -> None:
        while True:
            gone = self._database.write(lambda tx: self._release_part(tx, node))
            if not gone:
                return
            log.info("%d logins of %s have ended: it is dead", len(gone), node)
            self._feed.changed({owner(mailbox) for mailbox in gone})

    def _release_part(self, tx: Transaction, node: str) -> list[int]:
        # The node may have renewed its lease since ``_dead_nodes`` was read.
        return SessionModel(tx).offline_of(node, PART) if node in self._dead_nodes(tx) else []


class _Found(NamedTuple):
    """The rows of some logins.

    Attributes:
        generations: by mailbox; an ended device is absent.
        online: the mailboxes that are online, at any node.
        statuses: of the users that are not active.
    """

    generations: dict[int, int]
    online: set[int]
    statuses: dict[int, str]


def _look(tx: Transaction, logins: list[Login]) -> _Found:
    mailboxes = [login.mailbox for login in logins]
    model = SessionModel(tx)
    return _Found(
        model.generations(mailboxes),
        model.with_login(mailboxes),
        UserModel(tx).not_active({login.user_id for login in logins}),
    )
