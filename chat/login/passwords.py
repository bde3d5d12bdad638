"""Passwords: hashes and verifies passwords, with argon2id or scrypt.

New hashes are argon2id if argon2-cffi is installed, else scrypt. A hash names its method and its
parameters. So one column can hold all kinds: argon2id, scrypt, and the plain passwords of the
original system. A login replaces an outdated kind (``needs_rehash``).
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import os
import threading
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING

from chat.config import HashCost
from chat.counters import Histogram

if TYPE_CHECKING:
    import argon2

SCRYPT_N, SCRYPT_R, SCRYPT_P = 2**14, 8, 1  # 16 MiB, some 30 ms
HASHES = ("$argon2", "$scrypt$")
SCRYPT_MEMORY = 64 * 1024 * 1024


class Passwords:
    """Hashes and verifies passwords. Slow on purpose: worker threads only.

    Attributes:
        seconds: the time of a hash. Any thread reads it.
    """

    def __init__(self, cost: HashCost) -> None:
        """Raises ValueError for a cost that argon2id cannot have."""
        self.seconds = Histogram()
        self._seconds_lock = threading.Lock()  # guards changes of ``seconds``
        self._argon2 = _argon2_hasher(cost)
        try:
            # A login as a user that does not exist verifies this hash. Otherwise it would be
            # quicker than another login, and show which users exist.
            self._unknown_user = self.hash("the password of no user")
        except Exception as exc:
            raise ValueError(f"impossible cost: {exc}") from exc

    def hash(self, password: str) -> str:
        """A new hash with a random salt. Blocks."""
        with self._timed():
            return self._hash(password)

    def _hash(self, password: str) -> str:
        if self._argon2 is not None:
            return self._argon2.hash(password)
        return _scrypt(password, os.urandom(16))

    def verify(self, stored: str | None, password: str) -> bool:
        """Is this the password of a user? Blocks.

        ``stored``: the user's hash, or a plain password of the original system. None: there is no
        such user. Empty: the account is deleted. Both take as long as a wrong password.
        """
        with self._timed():
            right = self._matches(stored or self._unknown_user, password)
        return right and bool(stored)

    def needs_rehash(self, stored: str) -> bool:
        """Is it a hash of another method or with other parameters, or a plain password?"""
        if self._argon2 is None:
            return not stored.startswith(HASHES)
        if not stored.startswith("$argon2"):
            return True
        return self._argon2.check_needs_rehash(stored)

    @contextlib.contextmanager
    def _timed(self) -> Iterator[None]:
        begun = time.monotonic()
        try:
            yield
        finally:
            with self._seconds_lock:
                self.seconds.observe(time.monotonic() - begun)

    def _matches(self, stored: str, password: str) -> bool:
        if stored.startswith("$scrypt$"):
            try:
                salt = base64.b64decode(stored.split("$")[2])
            except ValueError:  # no hash of ours
                return False
            return hmac.compare_digest(stored.encode(), _scrypt(password, salt).encode())
        if not stored.startswith(HASHES):
            # JSON can hold half a surrogate pair, which has no UTF-8.
            given = password.encode(errors="surrogatepass")
            right = bool(stored) and hmac.compare_digest(stored.encode(), given)
            if not right:  # spend the time of a hash, as for any other wrong password
                self._matches(self._unknown_user, password)
            return right
        if self._argon2 is None:  # the library was there when the hash was made
            return False
        from argon2.exceptions import InvalidHashError, VerificationError

        try:
            return self._argon2.verify(stored, password)
        except (VerificationError, InvalidHashError, UnicodeEncodeError):
            return False


def _argon2_hasher(cost: HashCost) -> argon2.PasswordHasher | None:
    try:
        import argon2
    except ImportError:
        return None
    return argon2.PasswordHasher(cost.time_cost, cost.memory_kib, cost.parallelism)


def _scrypt(password: str, salt: bytes) -> str:
    digest = hashlib.scrypt(
        password.encode(),
        salt=salt,
        n=SCRYPT_N,
        r=SCRYPT_R,
        p=SCRYPT_P,
        maxmem=SCRYPT_MEMORY,
    )
    return "$".join(("", "scrypt", *(base64.b64encode(part).decode() for part in (salt, digest))))
