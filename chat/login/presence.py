"""Presence: which users this node's sessions own in the database, and telling their friends."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING, Any

from chat.bus import Bus
from chat.login.registry import LoginRegistry
from chat.message import user_topics
from chat.protocol import MAX_ID, ErrNo, ProtocolError, errors
from chat.storage import Database, StorageError, Transaction
from chat.storage.tables import ONLINE, NodeModel, User, UserModel
from muduopy import ThreadPool

if TYPE_CHECKING:
    from chat.login.lease import Lease
    from chat.login.login import Login
    from chat.login.presence_feed import PresenceNotices

log = logging.getLogger(__name__)

PART = 5000
"""Users that one round, or one transaction, is about."""


class Presence:
    """Takes and releases ``user`` rows for this node.

    A row says online as long as its node lives and has the session; what was left behind by
    a crash, a failed release, a lost answer or a lost notice is put right at the start and by
    ``reconcile``.
    """

    def __init__(
        self,
        database: Database,
        logins: LoginRegistry,
        workers: ThreadPool,
        node: str,
        *,
        replace: bool,
        bus: Bus[Any] | None = None,
        lease: Lease | None = None,
        notices: PresenceNotices | None = None,
    ) -> None:
        """``replace``: a second login ends the first one's session instead of being refused.
        ``bus``, ``lease``: this node's, where there are others."""
        self.node = node
        self._database = database
        self._logins = logins
        self._workers = workers
        self._replace = replace
        self._bus = bus
        self._lease = lease
        self._notices = notices
        self._lock = threading.Lock()  # guards _reconciling and _thorough
        self._reconciling = False
        self._thorough = True  # the next round looks at everybody
        self._next = 0  # who was looked at last; of the one worker that reconciles

    def reclaim(self) -> None:
        """At the start: nobody is logged in here yet. Blocks. Raises StorageError.

        A database that only this process can use has no other nodes: all its users are ours.
        """
        self._changed(self._all_offline())

    def release_all(self) -> None:
        """At the end: also those whose release is still on its way. Blocks.

        Nobody else would tell their friends; who comes back elsewhere is online by then.
        """
        try:
            gone = self._all_offline()
        except StorageError as exc:
            log.warning("users stay online until the next start: %s", exc)
            return
        self._changed(gone)
        if self._notices is not None:
            self._notices.tell_now()

    def _all_offline(self) -> list[int]:
        if self._database.exclusive:
            return self._database.write(lambda tx: UserModel(tx).all_offline(None))
        lease = self._lease
        assert lease is not None

        def work(tx: Transaction) -> list[int]:
            # The name may be another server's by now, or always have been: then so are the users.
            if NodeModel(tx).left(self.node, lease.incarnation) is None:
                return []
            return UserModel(tx).all_offline(self.node)

        return self._database.write(work)

    def _changed(self, user_ids: list[int]) -> None:
        if user_ids and self._notices is not None:
            self._notices.changed(user_ids)

    def take(
        self, tx: Transaction, user: User, device: str | None, *, may_replace: bool = True
    ) -> int:
        """Make a user ours, inside a login's transaction; returns the generation.

        The login has announced itself in the registry. ``may_replace``: a session that lives,
        if the device or the configuration allows it. Raises ProtocolError(ALREADY_ONLINE).
        """
        if user.state == ONLINE and self._is_live(tx, user):
            same_device = device is not None and device == user.device
            if not (may_replace and (same_device or self._replace)):
                raise ProtocolError(ErrNo.ALREADY_ONLINE, errors.ALREADY_ONLINE)
        generation = UserModel(tx).go_online(user, self.node, device)
        if generation is None:
            raise ProtocolError(ErrNo.ALREADY_ONLINE, errors.ALREADY_ONLINE)
        return generation

    def release(self, user_id: int, generation: int) -> None:
        """A session is over: show its user offline, soon. Any thread, never blocks."""

        def work() -> None:
            try:
                left = self._database.write(
                    lambda tx: UserModel(tx).go_offline(user_id, generation)
                )
            except StorageError as exc:
                log.warning("user %d stays online until the next round: %s", user_id, exc)
                return
            if left:
                self.went(user_id)

        if not self._workers.try_run(work):
            log.warning("user %d stays online until the next round: workers busy", user_id)

    def came(self, user_id: int) -> None:
        """A user is online now: friends shall hear of it. Any thread."""
        self._changed([user_id])

    def went(self, user_id: int) -> None:
        """A user is offline now: friends shall hear of it. Any thread."""
        self.came(user_id)  # what they are told is read from the table

    # ------------------------------------------------------------------ putting right

    def reconcile(self, *, all_of_it: bool = False) -> None:
        """Compare our rows with our sessions, and see who is dead. Any thread, never blocks.

        A part at a time, so that a round costs the same however many users there are; unless
        there is reason to doubt ``all_of_it``.
        """
        with self._lock:
            self._thorough |= all_of_it
            if self._reconciling:
                return
            self._reconciling = True
        if not self._workers.try_run(self._reconcile):
            self._reconciled()

    def _reconcile(self) -> None:
        """Worker thread; one at a time."""
        with self._lock:
            thorough, self._thorough = self._thorough, False
        try:
            if thorough:
                self._next = 0
            while self._compare_part() and thorough:
                pass
            self._bury_the_dead()
        except StorageError as exc:
            log.warning("presence was not reconciled: %s", exc)
            with self._lock:
                self._thorough |= thorough
        finally:
            self._reconciled()

    def _compare_part(self) -> bool:
        """Compare the rows and sessions of the next users; False after the last ones."""
        begin = self._next
        # Rows first: a login that begins after that is not among them.
        rows = self._database.read(lambda tx: UserModel(tx).online_at(self.node, begin, PART))
        more = len(rows) == PART
        end = self._next = max(rows) if more else 0
        self._release_unowned(rows)
        self._check_sessions(rows, begin, end or MAX_ID)
        return more

    def _release_unowned(self, rows: dict[int, int]) -> None:
        """Rows of ours without a session: a crash, a lost answer to a commit, a full queue."""
        owned = self._logins.owned()
        for user_id, generation in rows.items():
            if user_id not in owned:
                self.release(user_id, generation)

    def _check_sessions(self, rows: dict[int, int], begin: int, end: int) -> None:
        """Sessions whose row says something else: somebody has the user, or took us for dead."""
        suspects = [
            login.user_id
            for login in self._logins.all()
            if begin < login.user_id <= end and rows.get(login.user_id) != login.generation
        ]
        if suspects:
            self.check(suspects)

    def check(self, user_ids: list[int]) -> None:
        """Have these users' sessions still got their rows? Worker thread. Raises StorageError."""
        here = self._logins.find_many(user_ids)
        # After the registry: what is in there has been committed, so a row cannot be older.
        users = [login.user_id for login in here]
        rows = self._database.read(lambda tx: UserModel(tx).generations(users))
        ours: list[tuple[int, int]] = []
        for login in here:
            if rows.get(login.user_id) == login.generation:
                ours.append((login.user_id, login.generation))
            else:
                log.info("user %d has logged in elsewhere", login.user_id)
                self._send_away(login)
        # They may have been taken for dead, and shown offline, while we could not renew.
        back = self._database.write(lambda tx: UserModel(tx).reassert(ours, self.node))
        self._changed(back)

    def _send_away(self, login: Login) -> None:
        # Not to be found from here on, though its connection may take a while to end: what
        # comes for the user is for the other node alone.
        groups = self._logins.remove(login)
        if groups is not None and self._bus is not None:
            self._bus.unsubscribe(user_topics(login.user_id, groups))
        login.send_away()

    def check_soon(self, user_ids: list[int]) -> None:
        """The same, by a worker. Any thread, never blocks."""

        def work() -> None:
            try:
                self.check(user_ids)
            except StorageError as exc:
                log.warning("sessions were not checked: %s", exc)  # the next round will

        self._workers.try_run(work)

    def _bury_the_dead(self) -> None:
        """Users of nodes whose lease has run out are offline."""
        if self._lease is None or not self._lease.may_judge:
            return
        for node in self._database.read(self._dead):
            self._bury(node)

    def _dead(self, tx: Transaction) -> set[str]:
        """Servers that have users and no lease. None of them if we have no lease either: the
        database's clock may have jumped."""
        alive = NodeModel(tx).alive()
        return UserModel(tx).nodes() - alive if self.node in alive else set()

    def _bury(self, node: str) -> None:
        while True:
            gone = self._database.write(lambda tx: self._take_from(tx, node))
            if not gone:
                return
            log.info("%d users of %s are offline: it is dead", len(gone), node)
            self._changed(gone)

    def _take_from(self, tx: Transaction, node: str) -> list[int]:
        # It may have come back to life meanwhile.
        return UserModel(tx).offline_of(node, PART) if node in self._dead(tx) else []

    def _reconciled(self) -> None:
        with self._lock:
            self._reconciling = False

    def _is_live(self, tx: Transaction, user: User) -> bool:
        """Does a session hold the row? One of ours is here or it does not exist."""
        if user.node is None or user.node == self.node or self._database.exclusive:
            return self._logins.find(user.id) is not None
        return self._lease is None or not self._lease.is_dead(tx, user.node)
