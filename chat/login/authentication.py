"""Authentication: checks the password or the token of a login.

It only checks: LoginFlow then takes the user in.
"""

from __future__ import annotations

from typing import NamedTuple

from chat.login.login_limits import LoginLimits, too_many
from chat.login.passwords import Passwords
from chat.process.clock import Clock
from chat.protocol import ErrNo, ProtocolError, errors
from chat.storage import Database
from chat.storage.tables import (
    ACTIVE,
    DISABLED,
    KnownDeviceModel,
    TokenModel,
    User,
    UserModel,
    device_hash,
)


class Verified(NamedTuple):
    """A user with the right password or token.

    Attributes:
        user: the row, as it was read before the check.
        new_hash: the hash to store instead of one with outdated parameters; None: keep the old one.
    """

    user: User
    new_hash: str | None


class Authentication:
    """Checks passwords and tokens. Worker thread: it blocks, as hashing is slow on purpose."""

    def __init__(
        self,
        database: Database,
        passwords: Passwords,
        limits: LoginLimits,
        clock: Clock,
        token_seconds: int,
    ) -> None:
        """``limits``: counts the failures. ``token_seconds``: a token that is not used for so long
        is void."""
        self._database = database
        self._passwords = passwords
        self._limits = limits
        self._clock = clock
        self._token_seconds = token_seconds

    def find_user(self, user_id: int) -> User | None:
        """The user with this number. Raises StorageError."""
        return self._database.read(lambda tx: UserModel(tx).find(user_id))

    def check_token(self, user: User | None, user_id: int, token: str, peer: str) -> Verified:
        """Raises ProtocolError(REFUSED), StorageError. ``user``: None if there is no such user.

        Failures are not counted, because a random token cannot be guessed. The token of a disabled
        account counts as wrong. For an unknown user the same statement runs, so that the time of
        the answer is the same.
        """
        known = self._database.read(lambda tx: TokenModel(tx).exists(token, user_id))
        if user is None or user.status != ACTIVE or not (known and self._use_token(user_id, token)):
            raise ProtocolError(ErrNo.REFUSED, errors.WRONG_PASSWORD)
        self._limits.note_login(peer, user_id, self._clock.monotonic())
        return Verified(user, None)

    def check_password(
        self,
        user: User | None,
        user_id: int,
        password: str | None,
        peer: str,
        device: str | None = None,
    ) -> Verified:
        """Raises ProtocolError(TOO_MANY, BAD_REQUEST or REFUSED), StorageError.

        ``user``: None if there is no such user, which takes as long as a wrong password.
        ``password``: None if the request has none. ``peer``: the client's host. ``device``: as the
        client has named it; the failures of a device that the account knows count by themselves.
        """
        known = self._known_device(user_id, device)
        wait = self._limits.retry_after(peer, user_id, self._clock.monotonic(), known)
        if wait:
            raise too_many(errors.TOO_MANY_LOGINS, wait)
        if password is None:
            raise ProtocolError(ErrNo.BAD_REQUEST, "password: is missing")
        if not self._passwords.verify(user.password if user else None, password) or user is None:
            self._limits.failed(peer, user_id, self._clock.monotonic(), known)
            raise ProtocolError(ErrNo.REFUSED, errors.WRONG_PASSWORD)
        self._limits.succeeded(peer, user_id, self._clock.monotonic(), known)
        if user.status == DISABLED:  # only the owner of the password learns it
            raise ProtocolError(ErrNo.REFUSED, errors.DISABLED)
        outdated = self._passwords.needs_rehash(user.password)
        return Verified(user, self._passwords.hash(password) if outdated else None)

    def _known_device(self, user_id: int, device: str | None) -> str | None:
        """The hash of the device, if the account has used it; None otherwise."""
        if device is None:
            return None
        if not self._database.read(lambda tx: KnownDeviceModel(tx).knows(user_id, device)):
            return None
        return device_hash(device)

    def _use_token(self, user_id: int, token: str) -> bool:
        now, lifetime = self._clock.unix(), self._token_seconds
        return self._database.write(lambda tx: TokenModel(tx).use(token, user_id, now, lifetime))
