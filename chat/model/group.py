"""GroupModel: the tables ``allgroup`` and ``groupuser``."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection

from chat.db.base import Row, Transaction, placeholders
from chat.model.rows import Group, GroupUser

CREATOR = "creator"
NORMAL = "normal"

_MEMBERS = (
    "SELECT groupuser.groupid, user.id, user.name, user.state, groupuser.grouprole "
    "FROM groupuser JOIN user ON user.id = groupuser.userid "
)


class GroupModel:
    """Groups and their members. One transaction's; worker or writer thread."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def insert(self, name: str, desc: str) -> int:
        """A new group without members; returns the id. Raises UniqueViolation."""
        return self._tx.insert(
            "INSERT INTO allgroup (groupname, groupdesc) VALUES (?, ?)", (name, desc)
        )

    def add_member(self, group_id: int, user_id: int, role: str) -> None:
        """Raises UniqueViolation if the user is a member already."""
        self._tx.execute(
            "INSERT INTO groupuser (groupid, userid, grouprole) VALUES (?, ?, ?)",
            (group_id, user_id, role),
        )

    def find(self, group_id: int) -> Group | None:
        """A group with its members."""
        groups = self._tx.query(
            "SELECT id, groupname, groupdesc FROM allgroup WHERE id = ?", (group_id,)
        )
        if not groups:
            return None
        members = self._tx.query(
            _MEMBERS + "WHERE groupuser.groupid = ? ORDER BY user.id", (group_id,)
        )
        return _with_members(groups, members)[0]

    def of_user(self, user_id: int) -> list[Group]:
        """The groups a user is in, with all their members, in two queries."""
        groups = self._tx.query(
            "SELECT allgroup.id, allgroup.groupname, allgroup.groupdesc FROM groupuser "
            "JOIN allgroup ON allgroup.id = groupuser.groupid "
            "WHERE groupuser.userid = ? ORDER BY allgroup.id",
            (user_id,),
        )
        members = self._tx.query(
            _MEMBERS + "WHERE groupuser.groupid IN "
            "(SELECT groupid FROM groupuser WHERE userid = ?) ORDER BY user.id",
            (user_id,),
        )
        return _with_members(groups, members)

    def member_ids(self, group_ids: Collection[int]) -> dict[int, frozenset[int]]:
        """The members of these groups; a group without members, or none at all, is absent."""
        found: defaultdict[int, set[int]] = defaultdict(set)
        ids = list(group_ids)
        sql = f"SELECT groupid, userid FROM groupuser WHERE groupid IN {placeholders(len(ids))}"
        for group_id, user_id in self._tx.query(sql, ids):
            found[group_id].add(user_id)
        return {group_id: frozenset(users) for group_id, users in found.items()}


def _with_members(groups: list[Row], members: list[Row]) -> list[Group]:
    by_group: defaultdict[int, list[GroupUser]] = defaultdict(list)
    for group_id, *user in members:
        by_group[group_id].append(GroupUser(*user))
    return [Group(id_, name, desc, tuple(by_group[id_])) for id_, name, desc in groups]
