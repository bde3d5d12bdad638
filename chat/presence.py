"""Presence: which users this node's sessions own in the database."""

from __future__ import annotations

import logging
import threading

from chat.db import Database, StorageError, Transaction
from chat.model import ONLINE, User, UserModel
from chat.protocol import ErrNo, ProtocolError, errors
from chat.sessions import SessionRegistry
from muduopy import ThreadPool

log = logging.getLogger(__name__)


class Presence:
    """Takes and releases ``user`` rows for this node.

    A row says online as long as its node lives and has the session; what was left behind by
    a crash or a failed release is put right at the start and by ``reconcile``.
    """

    def __init__(
        self,
        database: Database,
        sessions: SessionRegistry,
        workers: ThreadPool,
        node: str,
        *,
        replace: bool,
    ) -> None:
        """``replace``: a second login ends the first one's session instead of being refused."""
        self.node = node
        self._database = database
        self._sessions = sessions
        self._workers = workers
        self._replace = replace
        self._lock = threading.Lock()  # guards _reconciling
        self._reconciling = False

    def reclaim(self) -> int:
        """At the start: nobody is logged in here yet. Worker thread. Raises StorageError.

        A database that only this process can use has no other nodes: all its users are ours.
        """
        node = None if self._database.exclusive else self.node
        return self._database.write(lambda tx: UserModel(tx).all_offline(node))

    def take(self, tx: Transaction, user: User, device: str | None) -> int:
        """Make a user ours, inside a login's transaction; returns the generation.

        The login has announced itself in the registry. Raises ProtocolError(ALREADY_ONLINE).
        """
        if user.state == ONLINE and self._is_live(user):
            same_device = device is not None and device == user.device
            if not (same_device or self._replace):
                raise ProtocolError(ErrNo.ALREADY_ONLINE, errors.ALREADY_ONLINE)
        generation = UserModel(tx).go_online(user, self.node, device)
        if generation is None:
            raise ProtocolError(ErrNo.ALREADY_ONLINE, errors.ALREADY_ONLINE)
        return generation

    def release(self, user_id: int, generation: int) -> None:
        """A session is over: show its user offline, soon. Any thread, never blocks."""

        def work() -> None:
            try:
                self._database.write(lambda tx: UserModel(tx).go_offline(user_id, generation))
            except StorageError as exc:
                log.warning("user %d stays online until the next round: %s", user_id, exc)

        if not self._workers.try_run(work):
            log.warning("user %d stays online until the next round: workers busy", user_id)

    def reconcile(self) -> None:
        """Release rows of ours that no session owns. Any thread, never blocks."""
        with self._lock:
            if self._reconciling:
                return
            self._reconciling = True
        if not self._workers.try_run(self._reconcile):
            self._reconciled()

    def _reconcile(self) -> None:
        try:
            # Rows first: a login that begins after that is not among them.
            rows = self._database.read(lambda tx: UserModel(tx).online_at(self.node))
            owned = self._sessions.owned()
            for user_id, generation in rows.items():
                if user_id not in owned:
                    self.release(user_id, generation)
        except StorageError as exc:
            log.warning("presence was not reconciled: %s", exc)
        finally:
            self._reconciled()

    def _reconciled(self) -> None:
        with self._lock:
            self._reconciling = False

    def _is_live(self, user: User) -> bool:
        """Does a session hold the row? One of ours is here or it does not exist."""
        if user.node == self.node or self._database.exclusive:
            return self._sessions.find(user.id) is not None
        return True
