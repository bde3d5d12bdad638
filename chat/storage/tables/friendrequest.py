"""FriendRequestModel: the table ``friendrequest``: requests to be a friend that have no answer.

A request is stored for any number, and from a user that the receiver has blocked, too. It is not
shown then, so its sender cannot tell it from one that is ignored.

``now``: Unix seconds. A request that is older than REQUEST_SECONDS has expired.
"""

from __future__ import annotations

from chat.storage.base import Transaction
from chat.storage.tables.rows import ACTIVE, FriendRequestRow

REQUEST_SECONDS = 30 * 86_400

PART = 1000
"""Expired requests in one transaction, apart from those of the same second."""

_SHOWN = (
    "SELECT friendrequest.userid, user.name, friendrequest.time FROM friendrequest "
    "JOIN user ON user.id = friendrequest.userid "
    "LEFT JOIN blocked ON blocked.userid = friendrequest.friendid "
    "AND blocked.blockedid = friendrequest.userid "
    "WHERE friendrequest.friendid = ? AND friendrequest.time >= ? AND user.status = ? "
    "AND blocked.userid IS NULL "
)
"""Requests that the receiver sees: from active users that it has not blocked."""


class FriendRequestModel:
    """Requests of one user to another, within one transaction. Worker thread."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def insert(self, user_id: int, friend_id: int, now: int) -> None:
        """``user_id`` asks ``friend_id``. Raises UniqueViolation if the request is there."""
        self._tx.execute(
            "INSERT INTO friendrequest (userid, friendid, time) VALUES (?, ?, ?)",
            (user_id, friend_id, now),
        )

    def delete(self, user_id: int, friend_id: int) -> bool:
        """Use a request up, or take it back; False if there is none."""
        sql = "DELETE FROM friendrequest WHERE userid = ? AND friendid = ?"
        return bool(self._tx.execute(sql, (user_id, friend_id)))

    def has(self, user_id: int, friend_id: int) -> bool:
        """Is the request there, shown or not?"""
        sql = "SELECT 1 FROM friendrequest WHERE userid = ? AND friendid = ?"
        return bool(self._tx.query(sql, (user_id, friend_id)))

    def sent(self, user_id: int) -> int:
        """The number of requests of one user."""
        sql = "SELECT COUNT(*) FROM friendrequest WHERE userid = ?"
        ((count,),) = self._tx.query(sql, (user_id,))
        return int(count)

    def shown(self, user_id: int, friend_id: int, now: int) -> FriendRequestRow | None:
        """The request of ``user_id``, if ``friend_id`` sees it."""
        rows = self._tx.query(
            f"{_SHOWN}AND friendrequest.userid = ?",
            (friend_id, now - REQUEST_SECONDS, ACTIVE, user_id),
        )
        return FriendRequestRow(*rows[0]) if rows else None

    def received(self, friend_id: int, now: int, limit: int) -> list[FriendRequestRow]:
        """The requests that ``friend_id`` sees, the newest first."""
        rows = self._tx.query(
            f"{_SHOWN}ORDER BY friendrequest.time DESC, friendrequest.userid DESC LIMIT ?",
            (friend_id, now - REQUEST_SECONDS, ACTIVE, limit),
        )
        return [FriendRequestRow(*row) for row in rows]

    def delete_expired_of(self, user_id: int, now: int) -> None:
        """Delete the expired requests of one user."""
        sql = "DELETE FROM friendrequest WHERE userid = ? AND time < ?"
        self._tx.execute(sql, (user_id, now - REQUEST_SECONDS))

    def delete_expired(self, now: int) -> bool:
        """Delete the oldest of all expired requests; True if there are more."""
        first = now - REQUEST_SECONDS
        rows = self._tx.query(
            "SELECT time FROM friendrequest WHERE time < ? ORDER BY time LIMIT ?", (first, PART)
        )
        if not rows:
            return False
        self._tx.execute("DELETE FROM friendrequest WHERE time <= ?", (rows[-1][0],))
        return len(rows) == PART
