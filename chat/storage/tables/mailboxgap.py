"""MailboxGapModel: the table ``mailboxgap``.

A row is the *gap* of a mailbox in a group: messages of the group after the number ``after`` have no
rows in the mailbox yet. The group BETWEEN_USERS stands for all messages of and to the owner that
are not for a group.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection

from chat.storage.base import Transaction

BETWEEN_USERS = 0
"""No group has this number."""

Gaps = dict[int, dict[int, int]]
"""For each group: the mailboxes with a gap, and where the gap begins."""


class MailboxGapModel:
    """Gaps, within one transaction. Worker or writer thread."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def of_groups(self, group_ids: Collection[int]) -> Gaps:
        """The gaps in these groups. A group without gaps is absent."""
        found: defaultdict[int, dict[int, int]] = defaultdict(dict)
        sql = "SELECT groupid, userid, after FROM mailboxgap WHERE groupid IN :ids"
        for group_id, user_id, after in self._tx.query_in(sql, list(group_ids)):
            found[group_id][user_id] = after
        return dict(found)

    def open(self, group_id: int, user_ids: Collection[int], after: int) -> set[int]:
        """Begin gaps behind the message ``after``; returns the users that had none.

        ``GroupModel.change`` has locked the group.
        """
        had = self.of_groups([group_id]).get(group_id, {})
        new = set(user_ids) - had.keys()
        rows = [(group_id, user_id, after) for user_id in sorted(new)]
        self._tx.insert_rows("mailboxgap", ("groupid", "userid", "after"), rows)
        return new

    def behind(self, mailboxes: Collection[int]) -> set[int]:
        """Those of these mailboxes that have a gap in the messages between users."""
        sql = "SELECT userid FROM mailboxgap WHERE groupid = ? AND userid IN :ids"
        rows = self._tx.query_in(sql, sorted(mailboxes), before=(BETWEEN_USERS,))
        return {mailbox for (mailbox,) in rows}

    def has_one(self, user_id: int) -> bool:
        """Does the user have a gap in any group?"""
        sql = "SELECT 1 FROM mailboxgap WHERE userid = ? LIMIT 1"
        return bool(self._tx.query(sql, (user_id,)))

    def oldest_group(self, user_id: int) -> int | None:
        """The group with the oldest gap of a user; None if there is none."""
        sql = "SELECT groupid FROM mailboxgap WHERE userid = ? ORDER BY after LIMIT 1"
        rows = self._tx.query(sql, (user_id,))
        return rows[0][0] if rows else None

    def owners(self, user_ids: Collection[int]) -> set[int]:
        """Those of these users that have a gap."""
        sql = "SELECT DISTINCT userid FROM mailboxgap WHERE userid IN :ids"
        return {user_id for (user_id,) in self._tx.query_in(sql, sorted(user_ids))}

    def move(self, group_id: int, user_id: int, after: int) -> None:
        """The messages up to ``after`` are in the mailbox."""
        self._tx.execute(
            "UPDATE mailboxgap SET after = ? WHERE groupid = ? AND userid = ?",
            (after, group_id, user_id),
        )

    def join(self, old: int, new: int) -> None:
        """Close the gaps of ``old`` that ``new`` has, too, and begin these at the earlier place."""
        sql = "SELECT groupid, after FROM mailboxgap WHERE userid = ?"
        had: dict[int, int] = dict(self._tx.query(sql, (new,)))
        for group_id, after in self._tx.query(sql, (old,)):
            if group_id in had:
                self.move(group_id, new, min(after, had[group_id]))
                self.close(group_id, old)

    def close(self, group_id: int, user_id: int) -> None:
        """All messages are in the mailbox, or the user is no member any more."""
        self._tx.execute(
            "DELETE FROM mailboxgap WHERE groupid = ? AND userid = ?", (group_id, user_id)
        )
