"""SessionTaker: the first part of a login: the session of the device becomes this node's.

Everything is one transaction, with the row of the user locked: the device is opened, its session is
taken, the token is stored.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, partial
from typing import NamedTuple

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
from chat.login.presence import Presence
from chat.login.snapshot import AnswerRoom
from chat.mailbox.mailbox import Mailbox
from chat.process.clock import Clock
from chat.protocol import ErrNo, ProtocolError, errors
from chat.storage import Database, Transaction
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


class TakenSession(NamedTuple):
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


class SessionTaker:
    """Worker thread."""

    def __init__(
        self,
        database: Database,
        mailbox: Mailbox,
        presence: Presence,
        clock: Clock,
        costs: LoginCosts | None,
        devices: Devices | None,
    ) -> None:
        """``costs``: of opened devices; None: they cost nothing. ``devices``: None: a user has the
        unnamed device only."""
        self._database = database
        self._mailbox = mailbox
        self._presence = presence
        self._clock = clock
        self._costs = costs
        self._devices = devices

    def take(self, attempt: LoginAttempt, named: NamedDevice | None) -> TakenSession:
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
        return TakenSession(login, opened, session.node, current.state == OFFLINE)

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
