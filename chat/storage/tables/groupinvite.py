"""GroupInviteModel: the table ``groupinvite``: invitations that wait for the invited user.

An invitation from a user that the invited one has blocked is stored like any other, and is not
shown. So its sender cannot tell it from one that is ignored.

``now``: Unix seconds. An invitation that is older than INVITATION_SECONDS has expired.
"""

from __future__ import annotations

from chat.storage.base import Transaction
from chat.storage.tables.group import ADMIN, CREATOR
from chat.storage.tables.rows import GroupInvitation

INVITATION_SECONDS = 30 * 86_400

PART = 1000
"""Expired invitations in one transaction, apart from those of the same second."""

_SHOWN = (
    "FROM groupinvite LEFT JOIN blocked ON blocked.userid = groupinvite.userid "
    "AND blocked.blockedid = groupinvite.byid "
)
_NOT_BLOCKED = "groupinvite.userid = ? AND groupinvite.time >= ? AND blocked.userid IS NULL"


class GroupInviteModel:
    """Invitations, within one transaction. Worker thread."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def put(self, group_id: int, user_id: int, by: int, time: int) -> None:
        """Add an invitation, in place of an older one of this user to the group."""
        self.delete(group_id, user_id)
        self._tx.insert_rows(
            "groupinvite", ("groupid", "userid", "byid", "time"), [(group_id, user_id, by, time)]
        )

    def delete(self, group_id: int, user_id: int) -> None:
        """Use an invitation up, or take it back."""
        sql = "DELETE FROM groupinvite WHERE groupid = ? AND userid = ?"
        self._tx.execute(sql, (group_id, user_id))

    def delete_expired(self, by: int, now: int) -> None:
        """Delete the expired invitations of one member."""
        self._tx.execute(
            "DELETE FROM groupinvite WHERE byid = ? AND time < ?", (by, now - INVITATION_SECONDS)
        )

    def delete_all_expired(self, now: int) -> bool:
        """Delete the oldest of all expired invitations; True if there are more."""
        first = now - INVITATION_SECONDS
        rows = self._tx.query(
            "SELECT time FROM groupinvite WHERE time < ? ORDER BY time LIMIT ?", (first, PART)
        )
        if not rows:
            return False
        self._tx.execute("DELETE FROM groupinvite WHERE time <= ?", (rows[-1][0],))
        return len(rows) == PART

    def delete_of_normal(self, group_id: int) -> None:
        """Delete the invitations of all but the creator and the administrators.

        For a group that is closed: normal members may invite only to an open one.
        """
        self._tx.execute(
            "DELETE FROM groupinvite WHERE groupid = ? AND byid NOT IN "
            "(SELECT userid FROM groupuser WHERE groupid = ? AND grouprole IN (?, ?))",
            (group_id, group_id, CREATOR, ADMIN),
        )

    def exists(self, group_id: int, user_id: int, now: int) -> bool:
        """Is the user invited to the group?"""
        sql = "SELECT 1 FROM groupinvite WHERE groupid = ? AND userid = ? AND time >= ?"
        return bool(self._tx.query(sql, (group_id, user_id, now - INVITATION_SECONDS)))

    def is_shown(self, group_id: int, user_id: int, now: int) -> bool:
        """Does the user see an invitation to the group?"""
        rows = self._tx.query(
            f"SELECT 1 {_SHOWN}WHERE {_NOT_BLOCKED} AND groupinvite.groupid = ?",
            (user_id, now - INVITATION_SECONDS, group_id),
        )
        return bool(rows)

    def sent(self, by: int) -> int:
        """The number of waiting invitations of one member."""
        sql = "SELECT COUNT(*) FROM groupinvite WHERE byid = ?"
        ((count,),) = self._tx.query(sql, (by,))
        return int(count)

    def received(self, user_id: int, now: int) -> int:
        """The number of invitations that the user sees."""
        ((count,),) = self._tx.query(
            f"SELECT COUNT(*) {_SHOWN}WHERE {_NOT_BLOCKED}", (user_id, now - INVITATION_SECONDS)
        )
        return int(count)

    def of_user(self, user_id: int, now: int, limit: int) -> list[GroupInvitation]:
        """The invitations that the user sees, the newest first."""
        rows = self._tx.query(
            "SELECT groupinvite.groupid, allgroup.groupname, groupinvite.byid, user.name "
            f"{_SHOWN}"
            "JOIN allgroup ON allgroup.id = groupinvite.groupid "
            "JOIN user ON user.id = groupinvite.byid "
            f"WHERE {_NOT_BLOCKED} "
            "ORDER BY groupinvite.time DESC, groupinvite.groupid DESC LIMIT ?",
            (user_id, now - INVITATION_SECONDS, limit),
        )
        return [GroupInvitation(*row) for row in rows]

    def is_blocked(self, user_id: int, by: int) -> bool:
        """Has the user blocked the member that invites?"""
        sql = "SELECT 1 FROM blocked WHERE userid = ? AND blockedid = ?"
        return bool(self._tx.query(sql, (user_id, by)))
