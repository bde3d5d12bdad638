"""FriendModel: the table ``friend``, a one-way list of contacts."""

from __future__ import annotations

from chat.db.base import Transaction
from chat.model.rows import Contact


class FriendModel:
    """Who is in whose list. One transaction's; worker thread."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def insert(self, user_id: int, friend_id: int) -> None:
        """Raises UniqueViolation if it is there already."""
        self._tx.execute(
            "INSERT INTO friend (userid, friendid) VALUES (?, ?)", (user_id, friend_id)
        )

    def of_user(self, user_id: int) -> list[Contact]:
        rows = self._tx.query(
            "SELECT user.id, user.name, user.state FROM friend "
            "JOIN user ON user.id = friend.friendid WHERE friend.userid = ? ORDER BY user.id",
            (user_id,),
        )
        return [Contact(*row) for row in rows]
