"""Presence: takes and releases the sessions of this node's logins, in ``user`` and ``device``.

It does not tell friends itself: PresenceFeed does.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence

from chat.login.lease import Lease
from chat.login.presence_feed import PresenceFeed
from chat.login.registry import LoginRegistry
from chat.mailbox_number import owner
from chat.protocol import ErrNo, ProtocolError, errors
from chat.storage import Database, StorageError, Transaction
from chat.storage.tables import OFFLINE, NodeModel, Session, SessionModel, UserModel
from muduopy import ThreadPool

log = logging.getLogger(__name__)


class Presence:
    """The rows that say which devices are online at this node.

    A row says that a device is online at a node, with a login of a generation. It is right while
    that node lives and has that login. Rows that a crash, a failed release or a lost notice has
    left behind are corrected by ``reclaim`` at the start, and by Reconciliation.
    """

    def __init__(
        self,
        database: Database,
        logins: LoginRegistry,
        workers: ThreadPool,
        feed: PresenceFeed,
        node: str,
        lease: Lease | None,
        *,
        replace: bool,
    ) -> None:
        """``lease``: None where no other node can use the database. ``replace``: a second login
        ends the first one instead of being refused."""
        self.node = node
        self._database = database
        self._logins = logins
        self._workers = workers
        self._feed = feed
        self._lease = lease
        self._replace = replace

    # ------------------------------------------------------------------ start and end of the node

    def reclaim(self) -> None:
        """Release the rows of this node's former life. Before any login; blocks.

        If no other node can use the database, it releases all rows. Raises StorageError.
        """
        self._feed.changed(self._release_rows())

    def release_all(self) -> None:
        """Release the rows of all logins, at the end of the node, and tell friends. Blocks."""
        try:
            gone = self._release_rows()
        except StorageError as exc:
            log.warning("users stay online until the next start: %s", exc)
            return
        self._feed.changed(gone)
        self._feed.tell_now()

    def _release_rows(self) -> list[int]:
        if self._database.exclusive:
            return self._database.write(lambda tx: SessionModel(tx).all_offline(None))
        lease = self._lease
        assert lease is not None

        def work(tx: Transaction) -> list[int]:
            # Only with a lease. Example: this node froze; a second one was started under the same
            # name at the same place; this one ends now. The rows are the second one's.
            if NodeModel(tx).left(self.node, lease.incarnation) is None:
                return []
            return SessionModel(tx).all_offline(self.node)

        return self._database.write(work)

    # ------------------------------------------------------------------ one device

    def take(
        self,
        tx: Transaction,
        session: Session,
        device: str | None,
        *,
        same_device: bool,
        may_replace: bool = True,
        wants: bool = False,
        others: Sequence[Session] = (),
    ) -> int:
        """Make a session this node's, in a login's transaction; returns the generation.

        The login has reserved the device in the registry. ``device``: what the client has named.
        ``same_device``: that is the device of the session, too. ``may_replace``: end a living
        login, if the device, the configuration or ``wants`` (the client, with the password) allows
        it. ``others``: further sessions of the user that end. Raises ProtocolError(ALREADY_ONLINE).
        """
        replaces = may_replace and (same_device or wants or self._replace)
        if not replaces and any([self._has_living_login(tx, s) for s in (session, *others)]):
            raise ProtocolError(ErrNo.ALREADY_ONLINE, errors.ALREADY_ONLINE)
        generation = SessionModel(tx).go_online(
            session.mailbox, session.generation, self.node, device
        )
        if generation is None:  # another node has taken the row since ``session`` was read
            raise ProtocolError(ErrNo.ALREADY_ONLINE, errors.ALREADY_ONLINE)
        return generation

    def _has_living_login(self, tx: Transaction, session: Session) -> bool:
        """Is the device online, and is its row right?"""
        if session.node is None:
            return False
        if session.node == self.node or self._database.exclusive:
            return self._logins.find(session.mailbox) is not None
        return self._lease is None or not self._lease.is_dead(tx, session.node)

    def release(self, mailbox: int, generation: int) -> None:
        """Show the device of an ended login offline, soon. Any thread; never blocks.

        A row of a later generation stays. Example: A's connection is cut; A logs in again, with
        generation 5; the release for generation 4 runs after that and changes nothing.
        """
        user_id = owner(mailbox)

        def release(tx: Transaction) -> bool:
            if not SessionModel(tx).go_offline(mailbox, generation):
                return False
            return UserModel(tx).states([user_id]).get(user_id) == OFFLINE

        def work() -> None:
            try:
                gone = self._database.write(release)
            except StorageError as exc:
                log.warning("user %d stays online until the next round: %s", user_id, exc)
                return
            if gone:
                self.went(user_id)

        if not self._workers.try_run(work):
            log.warning("user %d stays online until the next round: workers busy", user_id)

    def came(self, user_id: int) -> None:
        """Tell friends that a user is online now. Any thread."""
        self._feed.changed([user_id])

    def went(self, user_id: int) -> None:
        """Tell friends that a user is offline now. Any thread."""
        self._feed.changed([user_id])  # the feed reads the state from the table

    def gone(self, user_id: int, watchers: Iterable[int]) -> None:
        """Tell these users that a user is offline now. Any thread."""
        self._feed.tell(user_id, watchers)
