"""Authentication: checks the password or the token of a login.

It only checks: LoginFlow then takes the user in.
"""

from __future__ import annotations

from typing import NamedTuple

from chat.login.failure_limiter import FailureLimiter
from chat.login.passwords import Passwords
from chat.process.clock import Clock
from chat.protocol import ErrNo, ProtocolError, errors
from chat.storage import Database
from chat.storage.tables import ACTIVE, DISABLED, TokenModel, User, UserModel


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
        limiter: FailureLimiter,
        clock: Clock,
        token_seconds: int,
    ) -> None:
        """``limiter``: counts the failures of each pair of host and user. ``token_seconds``: a
        token that is not used for so long is void."""
        self._database = database
        self._passwords = passwords
        self._limiter = limiter
        self._clock = clock
        self._token_seconds = token_seconds

    def find_user(self, user_id: int) -> User | None:
        """The user with this number. Raises StorageError."""
        return self._database.read(lambda tx: UserModel(tx).find(user_id))

    def check_token(self, user: User | None, token: str) -> Verified:
        """Raises ProtocolError(REFUSED), StorageError. ``user``: None if there is no such user.

        Failures are not counted, because a random token cannot be guessed. The token of a disabled
        account counts as wrong.
        """
        if user is None or not self._use_token(user.id, token) or user.status != ACTIVE:
            raise ProtocolError(ErrNo.REFUSED, errors.WRONG_PASSWORD)
        return Verified(user, None)

    def check_password(
        self, user: User | None, user_id: int, password: str | None, peer: str
    ) -> Verified:
        """Raises ProtocolError(TOO_MANY, BAD_REQUEST or REFUSED).

        ``user``: None if there is no such user, which takes as long as a wrong password.
        ``password``: None if the request has none. ``peer``: the client's host.
        """
        key = (peer, user_id)
        wait = self._limiter.retry_after(key, self._clock.monotonic())
        if wait:
            seconds = int(wait) + 1
            raise ProtocolError(ErrNo.TOO_MANY, "too many failed logins", retry_after=seconds)
        if password is None:
            raise ProtocolError(ErrNo.BAD_REQUEST, "password: is missing")
        if not self._passwords.verify(user.password if user else None, password) or user is None:
            self._limiter.failed(key, self._clock.monotonic())
            raise ProtocolError(ErrNo.REFUSED, errors.WRONG_PASSWORD)
        self._limiter.succeeded(key)
        if user.status == DISABLED:  # only the owner of the password learns it
            raise ProtocolError(ErrNo.REFUSED, errors.DISABLED)
        outdated = self._passwords.needs_rehash(user.password)
        return Verified(user, self._passwords.hash(password) if outdated else None)

    def _use_token(self, user_id: int, token: str) -> bool:
        now, lifetime = self._clock.unix(), self._token_seconds
        return self._database.write(lambda tx: TokenModel(tx).use(token, user_id, now, lifetime))
