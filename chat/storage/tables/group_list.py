"""GroupListModel: the groups as operators see them: lists, searches and members."""

from __future__ import annotations

from dataclasses import dataclass

from chat.storage.base import Row, Transaction
from chat.storage.tables.account import LIKE_ESCAPE, containing

_MEMBERS = "(SELECT COUNT(*) FROM groupuser WHERE groupid = allgroup.id)"
_COLUMNS = f"id, groupname, groupdesc, joinmode, {_MEMBERS}"


@dataclass(frozen=True, slots=True)
class GroupRow:
    """A group. ``join``: open, invite or password. ``members``: their number."""

    id: int
    name: str
    desc: str
    join: str
    members: int


class GroupListModel:
    """Groups, within one transaction. Worker thread. Lists and searches read many rows."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def search(self, text: str, after: int, limit: int) -> list[GroupRow]:
        """The next groups by id, whose names contain ``text`` in any case."""
        where = "id > ?"
        params: list[object] = [after, limit]
        if text:
            where += f" AND LOWER(groupname) LIKE ? ESCAPE '{LIKE_ESCAPE}'"
            params.insert(1, containing(text))
        rows = self._tx.query(
            f"SELECT {_COLUMNS} FROM allgroup WHERE {where} ORDER BY id LIMIT ?", params
        )
        return [GroupRow(*row) for row in rows]

    def find(self, group_id: int) -> GroupRow | None:
        """The group with this id; None if there is none."""
        rows = self._tx.query(f"SELECT {_COLUMNS} FROM allgroup WHERE id = ?", (group_id,))
        return GroupRow(*rows[0]) if rows else None

    def find_name(self, name: str) -> GroupRow | None:
        """The group with exactly this name; None if there is none."""
        rows = self._tx.query(f"SELECT {_COLUMNS} FROM allgroup WHERE groupname = ?", (name,))
        return GroupRow(*rows[0]) if rows else None

    def members(self, group_id: int, after: int, limit: int) -> list[Row]:
        """The next members by id: id, name, role, state."""
        return self._tx.query(
            "SELECT user.id, user.name, groupuser.grouprole, user.state FROM groupuser "
            "JOIN user ON user.id = groupuser.userid "
            "WHERE groupuser.groupid = ? AND groupuser.userid > ? "
            "ORDER BY groupuser.userid LIMIT ?",
            (group_id, after, limit),
        )
