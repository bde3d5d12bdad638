"""GroupBanModel: the table ``groupban``: users that may not join a group by themselves."""

from __future__ import annotations

from chat.storage.base import Transaction
from chat.storage.tables.rows import GroupBan

REMOVED = "removed"
"""The user joins the group again if it is open, or after a new invitation."""

BANNED = "banned"
"""The user does not join the group at all."""


class GroupBanModel:
    """Bans, within one transaction that has locked the group. Worker thread."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def put(
        self, group_id: int, user_id: int, kind: str, by: int, time: int, reason: str = ""
    ) -> None:
        """Add a ban, in place of an older one of this user."""
        self.delete(group_id, user_id)
        self._tx.insert_rows(
            "groupban",
            ("groupid", "userid", "kind", "byid", "time", "reason"),
            [(group_id, user_id, kind, by, time, reason)],
        )

    def delete(self, group_id: int, user_id: int) -> bool:
        """Lift a ban; False if there is none."""
        sql = "DELETE FROM groupban WHERE groupid = ? AND userid = ?"
        return bool(self._tx.execute(sql, (group_id, user_id)))

    def kind(self, group_id: int, user_id: int) -> str | None:
        """REMOVED or BANNED; None if there is no ban."""
        sql = "SELECT kind FROM groupban WHERE groupid = ? AND userid = ?"
        rows = self._tx.query(sql, (group_id, user_id))
        return str(rows[0][0]) if rows else None

    def count(self, group_id: int) -> int:
        """The number of banned users; those that were only removed do not count."""
        sql = "SELECT COUNT(*) FROM groupban WHERE groupid = ? AND kind = ?"
        ((count,),) = self._tx.query(sql, (group_id, BANNED))
        return int(count)

    def after(self, group_id: int, user_id: int, limit: int) -> list[GroupBan]:
        """The next bans of users with higher ids, by id."""
        rows = self._tx.query(
            "SELECT groupban.userid, user.name, groupban.kind, groupban.byid, groupban.time, "
            "groupban.reason FROM groupban JOIN user ON user.id = groupban.userid "
            "WHERE groupban.groupid = ? AND groupban.userid > ? "
            "ORDER BY groupban.userid LIMIT ?",
            (group_id, user_id, limit),
        )
        return [GroupBan(*row) for row in rows]
