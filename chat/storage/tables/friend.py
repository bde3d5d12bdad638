"""FriendModel: the table ``friend``, a one-way list of contacts."""

from __future__ import annotations

from collections.abc import Collection

from chat.storage.base import Row, Transaction
from chat.storage.tables.rows import ONLINE, Contact


class FriendModel:
    """The friends of users, within one transaction. Worker thread."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def insert(self, user_id: int, friend_id: int) -> None:
        """Add a friend. Raises UniqueViolation if it is a friend already."""
        self._tx.execute(
            "INSERT INTO friend (userid, friendid) VALUES (?, ?)", (user_id, friend_id)
        )

    def is_one(self, user_id: int, friend_id: int) -> bool:
        """Is this user in the list?"""
        sql = "SELECT 1 FROM friend WHERE userid = ? AND friendid = ?"
        return bool(self._tx.query(sql, (user_id, friend_id)))

    def count(self, user_id: int) -> int:
        """The number of friends."""
        ((count,),) = self._tx.query("SELECT COUNT(*) FROM friend WHERE userid = ?", (user_id,))
        return int(count)

    def delete(self, user_id: int, friend_id: int) -> bool:
        """Remove a friend; False if it was none."""
        sql = "DELETE FROM friend WHERE userid = ? AND friendid = ?"
        return bool(self._tx.execute(sql, (user_id, friend_id)))

    def of_user(self, user_id: int, limit: int) -> list[Contact]:
        """The first ``limit`` friends of a user, by id."""
        rows = self._tx.query(
            "SELECT user.id, user.name, user.state FROM friend "
            "JOIN user ON user.id = friend.friendid WHERE friend.userid = ? "
            "ORDER BY friend.friendid LIMIT ?",
            (user_id, limit),
        )
        return [Contact(*row) for row in rows]

    def both_ways(self, user_id: int) -> set[int]:
        """The friends of a user, and the users that have it as a friend."""
        sql = "SELECT friendid FROM friend WHERE userid = ?"
        back = "SELECT userid FROM friend WHERE friendid = ?"
        return {id_ for s in (sql, back) for (id_,) in self._tx.query(s, (user_id,))}

    def with_friend(self, friend_id: int, user_ids: Collection[int]) -> set[int]:
        """Those of these users that have this one in their lists."""
        sql = "SELECT userid FROM friend WHERE friendid = ? AND userid IN :ids"
        rows = self._tx.query_in(sql, sorted(user_ids), before=(friend_id,))
        return {user_id for (user_id,) in rows}

    def online_who_list(self, user_ids: Collection[int], *, mutual: bool = False) -> list[Row]:
        """The online users that have one of these as a friend: pairs (userid, friendid).

        Without the pairs whose friend blocks the user. ``mutual``: only the pairs whose friend has
        the user in its list, too.
        """
        back = (
            "AND EXISTS (SELECT 1 FROM friend AS back "
            "WHERE back.userid = friend.friendid AND back.friendid = friend.userid)"
        )
        return self._tx.query_in(
            "SELECT friend.userid, friend.friendid FROM friend "
            "JOIN user ON user.id = friend.userid "
            # With NOT EXISTS, MariaDB may read the whole table.
            "LEFT JOIN blocked ON blocked.userid = friend.friendid "
            "AND blocked.blockedid = friend.userid "
            "WHERE friend.friendid IN :ids AND user.state = ? AND blocked.userid IS NULL "
            f"{back if mutual else ''}",
            sorted(user_ids),
            after=(ONLINE,),
        )
