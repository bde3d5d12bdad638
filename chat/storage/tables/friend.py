"""FriendModel: the table ``friend``, a one-way list of contacts."""

from __future__ import annotations

from collections.abc import Collection

from chat.storage.base import Row, Transaction, placeholders
from chat.storage.tables.rows import ONLINE, Contact

IN_LIST = 500
"""How many ids one IN list holds."""


class FriendModel:
    """Who is in whose list. One transaction's; worker thread."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def insert(self, user_id: int, friend_id: int) -> None:
        """Raises UniqueViolation if it is there already."""
        self._tx.execute(
            "INSERT INTO friend (userid, friendid) VALUES (?, ?)", (user_id, friend_id)
        )

    def delete(self, user_id: int, friend_id: int) -> bool:
        """False if it was not there."""
        sql = "DELETE FROM friend WHERE userid = ? AND friendid = ?"
        return bool(self._tx.execute(sql, (user_id, friend_id)))

    def of_user(self, user_id: int) -> list[Contact]:
        rows = self._tx.query(
            "SELECT user.id, user.name, user.state FROM friend "
            "JOIN user ON user.id = friend.friendid WHERE friend.userid = ? ORDER BY user.id",
            (user_id,),
        )
        return [Contact(*row) for row in rows]

    def online_who_list(self, user_ids: Collection[int]) -> list[Row]:
        """Who is online and has one of these as a friend: pairs (userid, friendid)."""
        ids = sorted(user_ids)
        found: list[Row] = []
        for start in range(0, len(ids), IN_LIST):
            part = ids[start : start + IN_LIST]
            found += self._tx.query(
                "SELECT friend.userid, friend.friendid FROM friend "
                "JOIN user ON user.id = friend.userid "
                f"WHERE friend.friendid IN {placeholders(len(part))} AND user.state = ?",
                (*part, ONLINE),
            )
        return found
