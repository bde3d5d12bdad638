"""LoginFlow: begins and ends the login of a verified user.

A login has three parts. A worker does the first two, because they read and write tables:

    take    the session of the device becomes this node's (session_taker.py)
    enter   subscribe to the user's topics, register the Login, read friends, groups and mail
    finish  in the connection's loop: the connection is the user's, the client gets its answer

The order in ``enter`` keeps messages from being missed. Each message that is committed
before the mailbox is read is in the answer. Each later one finds the subscription and the
registered Login, and wakes its pump.

If a part fails, ``LoginEntry.undo`` takes back the parts before it. If the connection goes down,
the result of the worker is ``abandoned``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

from chat.bus import Bus
from chat.login.device_rows import Opened
from chat.login.devices import Devices
from chat.login.login import Login
from chat.login.login_costs import LoginCosts
from chat.login.login_entry import LoginEntry
from chat.login.presence import Presence
from chat.login.registry import LoginRegistry
from chat.login.session_taker import LoginAttempt, SessionTaker
from chat.login.snapshot import Snapshot, SnapshotReader
from chat.login.visibility import Visibility
from chat.mailbox.mailbox import Mailbox
from chat.mailbox_number import is_named
from chat.message import user_topics
from chat.process.clock import Clock
from chat.protocol import ErrNo, Limits, ProtocolError, errors
from chat.storage import Database, StorageError, Transaction
from chat.storage.tables import (
    OFFLINE,
    SessionModel,
    TokenModel,
    UserModel,
)


@dataclass(frozen=True, slots=True)
class Entered:
    """A registered login, and the data for its answer. Goes from the worker to the loop."""

    login: Login
    snapshot: Snapshot
    device: Opened


class LoginFlow:
    """Login, logout and disconnect. ``enter`` and ``log_out``: worker; the rest: the loop."""

    def __init__(
        self,
        database: Database,
        bus: Bus[Any],
        logins: LoginRegistry,
        mailbox: Mailbox,
        presence: Presence,
        clock: Clock,
        visibility: Visibility | None = None,
        *,
        lists_requests: bool = False,
        costs: LoginCosts | None = None,
        devices: Devices | None = None,
    ) -> None:
        """``visibility``: by default all users see all others. ``lists_requests``: the answer has
        the requests to be a friend. ``costs``: refuses logins that draw too much; None: none is
        refused. ``devices``: None: a user has the unnamed device only (``direct``)."""
        self._devices = devices
        self._costs = costs
        self._visibility = visibility or Visibility()
        self._taker = SessionTaker(database, mailbox, presence, clock, costs, devices)
        self._snapshots = SnapshotReader(self._visibility, lists_requests)
        self._database = database
        self._bus = bus
        self._logins = logins
        self._presence = presence
        self._clock = clock

    # ------------------------------------------------------------------ login

    def enter(self, attempt: LoginAttempt) -> Entered:
        """Take the row, subscribe, register and read. Worker thread.

        Raises ProtocolError(ALREADY_ONLINE, TOO_MANY, UNAVAILABLE, NOT_FOUND), TooManyDevices,
        StorageError; then nothing is changed.
        """
        user_id = attempt.verified.user.id
        if self._costs is not None:
            peer, by_password = attempt.connection.peer, attempt.token is None
            now = self._clock.monotonic()
            self._costs.check(user_id, peer, now, by_password=by_password)
        named = attempt.named
        if named is not None and (self._devices is None or not self._devices.switch.is_on()):
            named = None
        key = None if named is None else named.name
        if not self._logins.reserve(user_id, key):
            if attempt.device is not None or attempt.replaces:
                # Most likely the same client, reconnecting: its earlier attempt is under way.
                raise ProtocolError(ErrNo.UNAVAILABLE, "another login is under way", retry_after=1)
            raise ProtocolError(ErrNo.ALREADY_ONLINE, errors.ALREADY_ONLINE)
        try:
            login, device, former_node, came = self._taker.take(attempt, named)
        except BaseException:
            self._logins.cancel(user_id, key)
            raise
        entry = LoginEntry(
            self._database,
            self._bus,
            self._logins,
            self._presence,
            login,
            key,
            self._snapshots,
        )
        try:
            snapshot = entry.enter(former_node, attempt.room, self._clock.unix())
        except BaseException:
            entry.undo()
            raise
        if came:
            self._presence.came(user_id)
        if self._devices is not None:
            self._devices.opened(user_id, device)
        return Entered(login, snapshot, device)

    def change_limits(self, limits: Limits) -> None:
        """Use other limits from now on. Any thread."""
        if self._costs is not None:
            self._costs.change(limits, self._clock.monotonic())

    def still_registered(self, login: Login) -> bool:
        """Has no later login replaced this one since ``enter``? The loop."""
        return self._logins.find(login.mailbox) is login

    def abandon(self, entered: Entered) -> None:
        """The connection went down while the worker was busy. The loop."""
        self._release(entered.login)

    # ------------------------------------------------------------------ the end of a login

    def log_out(self, login: Login) -> None:
        """Release the row and revoke the token. Worker thread. Raises StorageError.

        ``Login.end`` follows in the loop.
        """
        # Out of the registry before the row is released. Example: A logs out here; meanwhile A
        # logs in at another node, which takes the row. The other node's notice then finds no
        # login here that it would close.
        groups = self._logins.remove(login)

        def release(tx: Transaction) -> bool:
            SessionModel(tx).go_offline(login.mailbox, login.generation)
            if login.token is not None:
                TokenModel(tx).delete(login.token)
            return UserModel(tx).states([login.user_id]).get(login.user_id) == OFFLINE

        try:
            gone = self._database.write(release)
        except StorageError:
            if groups is not None:
                login.loop.queue_in_loop(partial(self._stay, login, groups))
            raise
        if groups is not None:
            self._bus.unsubscribe(user_topics(login.user_id, groups))
        if gone:
            self._presence.went(login.user_id)

    def watchers(self, user_id: int) -> list[int]:
        """The online users with this user in their lists. Worker thread. Raises StorageError."""
        rows = self._database.read(lambda tx: self._visibility.watchers(tx, [user_id]))
        return [watcher for watcher, _ in rows]

    def forget(self, login: Login, watchers: list[int]) -> None:
        """The account of this login was deleted: take it out of the registry. Worker thread.

        ``Login.end`` follows in the loop. ``watchers`` learn that the user is offline. They were
        read before the deletion, which has emptied their lists of this user.
        """
        groups = self._logins.remove(login)
        if groups is not None:
            self._bus.unsubscribe(user_topics(login.user_id, groups))
        self._presence.gone(login.user_id, watchers)

    def device_ended(self, user_id: int, mailbox: int) -> None:
        """A device of the user has ended, and the transaction is committed. Any thread."""
        if self._devices is not None:
            self._devices.ended(user_id, mailbox)

    def _stay(self, login: Login, groups: frozenset[int]) -> None:
        """A logout could not be committed: the user is still logged in. The loop."""
        if login.alive:
            key = login.device if is_named(login.mailbox) else None
            if self._logins.restore(login, groups, key):
                login.pump.mark_dirty()  # messages that came meanwhile have woken no pump
                return
            login.connection.close("replaced")
        else:  # the connection is down by now
            self._presence.release(login.mailbox, login.generation)
        self._bus.unsubscribe(user_topics(login.user_id, groups))

    def disconnect(self, login: Login) -> None:
        """The connection of a living login is down. The loop."""
        login.end()
        self._release(login)

    def _release(self, login: Login) -> None:
        groups = self._logins.remove(login)
        if groups is not None:  # else a later login has the user, or a logout is under way
            self._bus.unsubscribe(user_topics(login.user_id, groups))
            self._presence.release(login.mailbox, login.generation)
