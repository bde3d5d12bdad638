"""TokenModel: the table ``token``. A session token lets a v2 client in without a password."""

from __future__ import annotations

import hashlib

from chat.storage.base import Transaction, placeholders

PART = 500
"""Tokens that one look for expired ones takes."""


class TokenModel:
    """Tokens, stored as their SHA-256. One transaction's; worker thread.

    A plain hash is enough, unlike for passwords: a token is 256 random bits.
    """

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def insert(self, token: str, user_id: int, now: int) -> None:
        self._tx.execute(
            "INSERT INTO token (hash, userid, used) VALUES (?, ?, ?)",
            (_hash(token), user_id, now),
        )

    def use(self, token: str, user_id: int, now: int, valid_seconds: int) -> bool:
        """Is it this user's and still valid? Then its time begins anew.

        Its time never goes back: a token that is used while the clock is wrong, by years perhaps,
        is still valid when the clock is right again.
        """
        return bool(
            self._tx.execute(
                "UPDATE token SET used = CASE WHEN used > ? THEN used ELSE ? END "
                "WHERE hash = ? AND userid = ? AND used > ?",
                (now, now, _hash(token), user_id, now - valid_seconds),
            )
        )

    def delete(self, token: str) -> None:
        self._tx.execute("DELETE FROM token WHERE hash = ?", (_hash(token),))

    def delete_expired(self, now: int, valid_seconds: int, after: str = "") -> str:
        """Delete the expired ones among the next tokens behind ``after``.

        Returns the next ``after``, "" at the end of the table. There is no index on ``used``, which
        changes with every use. So the table is read in parts, each a short transaction.
        """
        rows = self._tx.query(
            "SELECT hash, used FROM token WHERE hash > ? ORDER BY hash LIMIT ?", (after, PART)
        )
        oldest = now - valid_seconds
        expired = [hash_ for hash_, used in rows if used <= oldest]
        if expired:
            # Asked once more: it may have been used meanwhile.
            self._tx.execute(
                f"DELETE FROM token WHERE hash IN {placeholders(len(expired))} AND used <= ?",
                (*expired, oldest),
            )
        return rows[-1][0] if len(rows) == PART else ""


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
