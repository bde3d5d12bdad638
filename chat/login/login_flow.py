"""LoginFlow: begins and ends the login of a verified user.

A login has three parts. A worker does the first two, because they read and write tables:

    take    the session of the device becomes this node's (state, node, generation + 1)
    enter   subscribe to the user's topics, register the Login, read friends, groups and mail
    finish  in the connection's loop: the connection is the user's, the client gets its answer

The order in ``enter`` keeps messages from being missed. Each message that is committed
before the mailbox is read is in the answer. Each later one finds the subscription and the
registered Login, and wakes its pump.

If a part fails, ``LoginEntry.undo`` takes back the parts before it. If the connection goes down,
the result of the worker is ``abandoned``.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import Any, NamedTuple

from chat.bus import Bus
from chat.connection.connection import ClientConnection
from chat.login.authentication import Verified
from chat.login.device_rows import (
    NamedDevice,
    Opened,
    open_named,
    open_only,
    open_unnamed,
)
from chat.login.devices import Devices
from chat.login.login import Login
from chat.login.login_costs import LoginCosts
from chat.login.login_entry import LoginEntry
from chat.login.presence import Presence
from chat.login.registry import LoginRegistry
from chat.login.snapshot import AnswerRoom, Snapshot, SnapshotReader
from chat.login.visibility import Visibility
from chat.mailbox.mailbox import Mailbox
from chat.mailbox_number import is_named
from chat.message import user_topics
from chat.process.clock import Clock
from chat.protocol import ErrNo, Limits, ProtocolError, errors
from chat.storage import Database, StorageError, Transaction
from chat.storage.tables import (
    ACTIVE,
    OFFLINE,
    KnownDeviceModel,
    Session,
    SessionModel,
    TokenModel,
    User,
    UserModel,
)

TOKEN_BYTES = 32


@dataclass(frozen=True, slots=True)
class LoginAttempt:
    """A verified login that has not taken its user yet.

    Attributes:
        connection: of the client.
        verified: the user, whose password or token was right.
        device: the device that the client has named; None: none.
        token: the token that the client has logged in with; None: with a password.
        issues_token: the client can use a token, and gets one if it has none.
        room: the bounds of the answer.
        replaces: with the right password: end another login of the device, whatever the settings
            say.
        knows_devices: the client has said ``"devices": true``.
        named: the named device that the client asks for; None: the unnamed one.
    """

    connection: ClientConnection[Login]
    verified: Verified
    device: str | None
    token: str | None
    issues_token: bool
    room: AnswerRoom
    replaces: bool = False
    knows_devices: bool = False
    named: NamedDevice | None = None


@dataclass(frozen=True, slots=True)
class Entered:
    """A registered login, and the data for its answer. Goes from the worker to the loop."""

    login: Login
    snapshot: Snapshot
    device: Opened


class _Taken(NamedTuple):
    """A login that has taken its session.

    Attributes:
        login: not registered yet.
        device: that was opened.
        former_node: with the former login of the device; None if there was none.
        came: the user was offline.
    """

    login: Login
    device: Opened
    former_node: str | None
    came: bool


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
        self._snapshots = SnapshotReader(self._visibility, lists_requests)
        self._database = database
        self._bus = bus
        self._logins = logins
        self._mailbox = mailbox
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
            login, device, former_node, came = self._take(attempt, named)
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

    def _take(self, attempt: LoginAttempt, named: NamedDevice | None) -> _Taken:
        """Open the device, and make its session ours."""
        user = attempt.verified.user
        issued = None
        if attempt.issues_token and attempt.token is None:
            issued = secrets.token_urlsafe(TOKEN_BYTES)

        # Cached, because the database may run the transaction again.
        check_new = cache(partial(self._check_new_device, user.id))

        def take(tx: Transaction) -> tuple[User, Opened, Session, int]:
            current = UserModel(tx).find(user.id, lock=True)
            assert current is not None  # the rows of users are never deleted
            _check_again(tx, current, attempt)
            opened = self._open(tx, current, attempt, named, check_new)
            session = SessionModel(tx).find(opened.mailbox)
            assert session is not None
            generation = self._take_session(tx, attempt, current, opened, session, named)
            self._keep_credentials(tx, attempt, issued, opened.mailbox)
            return current, opened, session, generation

        current, opened, session, generation = self._database.write(take)
        login = Login(
            attempt.connection,
            self._mailbox,
            user.id,
            current.name,
            generation,
            attempt.token or issued,
            attempt.device,
            self._charge_of(attempt),
            opened.mailbox,
            knows_devices=attempt.knows_devices,
        )
        return _Taken(login, opened, session.node, current.state == OFFLINE)

    def _take_session(
        self,
        tx: Transaction,
        attempt: LoginAttempt,
        user: User,
        opened: Opened,
        session: Session,
        named: NamedDevice | None,
    ) -> int:
        """Make the session of the opened device ours; returns the generation."""
        # A client that has hung up does not replace another login. Example: A logs in here and
        # gets no answer for long; A hangs up and logs in at node 2; then this worker runs.
        gone = attempt.connection.finishing or attempt.connection.closed
        return self._presence.take(
            tx,
            session,
            attempt.device,
            same_device=named is not None
            or (attempt.device is not None and attempt.device == user.device),
            may_replace=not gone,
            wants=attempt.replaces,
            others=opened.others,
        )

    def _keep_credentials(
        self, tx: Transaction, attempt: LoginAttempt, issued: str | None, mailbox: int
    ) -> None:
        """Store the token of the login, its device as a known one, and a newer hash.

        ``issued``: a new token; None: the client has one, or can use none.
        """
        user, new_hash = attempt.verified
        now, by_password = self._clock.unix(), attempt.token is None
        if issued is not None:
            TokenModel(tx).insert(issued, user.id, now, mailbox)
        elif attempt.token is not None:
            TokenModel(tx).give_to_device(attempt.token, mailbox)
        if attempt.issues_token and attempt.device is not None:
            KnownDeviceModel(tx).note(user.id, attempt.device, now, add=by_password)
        if new_hash is not None:
            UserModel(tx).set_password(user.id, user.password, new_hash)

    def _open(
        self,
        tx: Transaction,
        user: User,
        attempt: LoginAttempt,
        named: NamedDevice | None,
        check_new: Callable[[], object],
    ) -> Opened:
        if self._devices is None or self._devices.most == 1:
            return open_only(tx, user, attempt.device)
        most, now = self._devices.most, self._clock.unix()
        if named is None:
            return open_unnamed(tx, user, most, now, check_new)
        return open_named(tx, user, named, most, now, check_new)

    def _check_new_device(self, user_id: int) -> None:
        if self._costs is not None:
            self._costs.open_device(user_id, self._clock.monotonic())

    def _charge_of(self, attempt: LoginAttempt) -> Callable[[int], object]:
        """The function that charges the login with bytes. It may be called by any thread."""
        costs, clock = self._costs, self._clock
        user_id, host = attempt.verified.user.id, attempt.connection.peer
        by_password = attempt.token is None

        def charge(size: int) -> None:
            if costs is not None:
                costs.charge(user_id, host, size, clock.monotonic(), by_password=by_password)

        return charge

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


def _check_again(tx: Transaction, current: User, attempt: LoginAttempt) -> None:
    """The password and the token may have changed since the check. The row is locked.

    Example: a thief logs in with A's old password. While a worker hashes it, A changes it. Without
    this check the thief's login would begin after the change.
    """
    user, token = attempt.verified.user, attempt.token
    if token is None and current.password != user.password:
        # Maybe another login has only hashed it anew.
        raise ProtocolError(ErrNo.UNAVAILABLE, "the password is being changed", retry_after=1)
    if current.status != ACTIVE or (
        token is not None and not TokenModel(tx).exists(token, user.id)
    ):
        raise ProtocolError(ErrNo.REFUSED, errors.WRONG_PASSWORD)
