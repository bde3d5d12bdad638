"""TokenModel: the table ``token``. With a token a v2 client logs in without a password."""

from __future__ import annotations

import hashlib

from chat.storage.base import Transaction

PART = 500
"""Tokens that ``delete_expired`` reads in one transaction."""

KEPT = 100
"""Tokens of one user. A new one takes the place of the one that was not used for the longest time.
Otherwise a client that logs in by password again and again would fill the table."""


class TokenModel:
    """Tokens by their SHA-256, within one transaction. Worker thread.

    A fast hash is enough, unlike for passwords: a token is 256 random bits.
    """

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def insert(self, token: str, user_id: int, now: int, mailbox: int = 0) -> None:
        """Store a new token; the user keeps the newest KEPT. ``now``: Unix seconds.

        ``mailbox``: of its device, with which it ends.

        The row of the user is locked, so no other login of the user adds a token.
        """
        rows = self._tx.query(
            "SELECT hash FROM token WHERE userid = ? ORDER BY used DESC, hash", (user_id,)
        )
        self._tx.execute_in(
            "DELETE FROM token WHERE hash IN :ids", [old for (old,) in rows[KEPT - 1 :]]
        )
        self._tx.execute(
            "INSERT INTO token (hash, userid, used, mailbox) VALUES (?, ?, ?, ?)",
            (_hash(token), user_id, now, mailbox),
        )

    def give_to_device(self, token: str, mailbox: int) -> None:
        """The token belongs to the device with this mailbox from now on."""
        self._tx.execute(
            "UPDATE token SET mailbox = ? WHERE hash = ? AND mailbox <> ?",
            (mailbox, _hash(token), mailbox),
        )

    def give_all_to_device(self, user_id: int, mailbox: int) -> None:
        """All tokens of the user belong to the device with this mailbox from now on."""
        sql = "UPDATE token SET mailbox = ? WHERE userid = ?"
        self._tx.execute(sql, (mailbox, user_id))

    def use(self, token: str, user_id: int, now: int, valid_seconds: int) -> bool:
        """Renew a token, if it belongs to this user and has not expired; False otherwise.

        The time of the last use never goes back. Example: the clock is a year behind when A uses
        a token. When the clock is right again, the token is still valid.
        """
        return bool(
            self._tx.execute(
                "UPDATE token SET used = CASE WHEN used > ? THEN used ELSE ? END "
                "WHERE hash = ? AND userid = ? AND used > ?",
                (now, now, _hash(token), user_id, now - valid_seconds),
            )
        )

    def exists(self, token: str, user_id: int) -> bool:
        """Does this user have this token?"""
        sql = "SELECT 1 FROM token WHERE hash = ? AND userid = ?"
        return bool(self._tx.query(sql, (_hash(token), user_id)))

    def delete(self, token: str) -> None:
        """Revoke a token."""
        self._tx.execute("DELETE FROM token WHERE hash = ?", (_hash(token),))

    def delete_of_user(self, user_id: int, keep: str | None = None) -> None:
        """Revoke all tokens of a user except ``keep``."""
        kept = "" if keep is None else _hash(keep)
        self._tx.execute("DELETE FROM token WHERE userid = ? AND hash <> ?", (user_id, kept))

    def used_by(self, user_id: int) -> list[int]:
        """The last use of each token of a user, the newest first, in Unix seconds."""
        sql = "SELECT used FROM token WHERE userid = ? ORDER BY used DESC"
        return [used for (used,) in self._tx.query(sql, (user_id,))]

    def delete_expired(self, now: int, valid_seconds: int, after: str = "") -> str:
        """Delete the expired tokens among the next PART tokens after ``after``.

        Returns the next ``after``, "" at the end of the table. ``used`` changes with each use, so
        it has no index, and the table is read in parts, each in a short transaction.
        """
        rows = self._tx.query(
            "SELECT hash, used FROM token WHERE hash > ? ORDER BY hash LIMIT ?", (after, PART)
        )
        oldest = now - valid_seconds
        expired = [hash_ for hash_, used in rows if used <= oldest]
        if expired:
            # With the condition again: a token may have been used since it was read.
            self._tx.execute_in(
                "DELETE FROM token WHERE hash IN :ids AND used <= ?", expired, after=(oldest,)
            )
        return rows[-1][0] if len(rows) == PART else ""


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
