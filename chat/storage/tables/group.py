"""GroupModel: the tables ``allgroup`` and ``groupuser``."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from dataclasses import replace

from chat.storage.base import Transaction
from chat.storage.tables.device import DeviceModel
from chat.storage.tables.rows import (
    NO_HASHES,
    Group,
    GroupUser,
    JoinRule,
    Membership,
    NameHashes,
)

CREATOR = "creator"
ADMIN = "admin"
NORMAL = "normal"
"""Roles. Servers of version 3 treat ADMIN as NORMAL: they compare roles with CREATOR only."""

OPEN = "open"
INVITE = "invite"
PASSWORD = "password"
"""Join modes: who may join a group."""

OPEN_RULE = JoinRule(OPEN, None)

_MEMBERS = (
    "SELECT groupuser.groupid, user.id, user.name, user.state, groupuser.grouprole "
    "FROM groupuser JOIN user ON user.id = groupuser.userid "
)

NO_GROUPS: frozenset[int] = frozenset()


class GroupModel:
    """Groups and their members, within one transaction. Worker or writer thread."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def insert(
        self,
        name: str,
        desc: str,
        hashes: NameHashes = NO_HASHES,
        rule: JoinRule = OPEN_RULE,
    ) -> int:
        """A new group without members; returns the id.

        Raises UniqueViolation if the name is taken, or one of its hashes.
        """
        return self._tx.insert(
            "INSERT INTO allgroup (groupname, groupdesc, folded, skeleton, joinmode, joinhash) "
            "VALUES (?, ?, ?, ?, ?, ?)",
            (name, desc, *hashes, *rule),
        )

    def delete(self, group_id: int) -> None:
        """Delete a group with its members, bans and so on; its id is not used again.

        A server of version 3 leaves bans and invitations behind, which then mean nothing.
        """
        for table in ("groupinvite", "groupban", "mailboxgap", "groupuser"):
            self._tx.execute(f"DELETE FROM {table} WHERE groupid = ?", (group_id,))
        self._tx.execute("DELETE FROM allgroup WHERE id = ?", (group_id,))

    def rename(self, group_id: int, name: str, hashes: NameHashes) -> None:
        """Change the name. ``change`` has locked the group.

        Raises UniqueViolation if the name is taken, or one of its hashes.
        """
        self._tx.execute(
            "UPDATE allgroup SET groupname = ?, folded = ?, skeleton = ? WHERE id = ?",
            (name, *hashes, group_id),
        )

    def describe(self, group_id: int, desc: str) -> None:
        """Change the description. ``change`` has locked the group."""
        self._tx.execute("UPDATE allgroup SET groupdesc = ? WHERE id = ?", (desc, group_id))

    def join_rule(self, group_id: int) -> JoinRule | None:
        """How users join the group; None if there is no such group."""
        rows = self._tx.query("SELECT joinmode, joinhash FROM allgroup WHERE id = ?", (group_id,))
        return JoinRule(*rows[0]) if rows else None

    def set_join_rule(self, group_id: int, rule: JoinRule) -> None:
        """Change how users join. ``change`` has locked the group."""
        self._tx.execute(
            "UPDATE allgroup SET joinmode = ?, joinhash = ? WHERE id = ?", (*rule, group_id)
        )

    def hold(self, group_ids: Collection[int]) -> None:
        """Lock these groups against ``change`` until the commit: no user joins or leaves."""
        if self._tx.for_share:
            self._tx.query_in(
                "SELECT id FROM allgroup WHERE id IN :ids ORDER BY id" + self._tx.for_share,
                sorted(group_ids),  # the order in which all servers must take these locks
            )

    def change(self, group_id: int) -> bool:
        """Lock a group for a change of its members until the commit; False if there is none."""
        return bool(
            self._tx.query(
                "SELECT id FROM allgroup WHERE id = ?" + self._tx.for_update, (group_id,)
            )
        )

    def add_member(self, group_id: int, user_id: int, role: str) -> None:
        """Add a member. The group is new, or ``change`` has locked it.

        Raises UniqueViolation if the user is a member already.
        """
        self._number_members(group_id)
        self._tx.execute(
            "INSERT INTO groupuser (groupid, userid, grouprole, since, joinorder) "
            "SELECT ?, ?, ?, COALESCE(MAX(seq), 0), ? FROM message",
            (group_id, user_id, role, self._last_number(group_id) + 1),
        )

    def remove_member(self, group_id: int, user_id: int) -> bool:
        """Remove a member and its devices' gaps in the group; False if the user is no member.

        The gaps in the messages between users (BETWEEN_USERS) stay.
        """
        devices = DeviceModel(self._tx).of_user(user_id)
        mailboxes = sorted({user_id, *(device.mailbox for device in devices)})
        sql = "DELETE FROM mailboxgap WHERE groupid = ? AND userid IN :ids"
        self._tx.execute_in(sql, mailboxes, before=(group_id,))
        sql = "DELETE FROM groupuser WHERE groupid = ? AND userid = ?"
        return bool(self._tx.execute(sql, (group_id, user_id)))

    def set_role(self, group_id: int, user_id: int, role: str) -> None:
        """Change the role of a member. ``change`` has locked the group."""
        self._tx.execute(
            "UPDATE groupuser SET grouprole = ? WHERE groupid = ? AND userid = ?",
            (role, group_id, user_id),
        )

    def promote_oldest(self, group_id: int) -> int | None:
        """Make the administrator that joined first the creator; without one, the first member.

        Returns the new creator; None if there is no member. ``change`` has locked the group.
        """
        self._number_members(group_id)
        rows = self._tx.query(
            "SELECT userid FROM groupuser WHERE groupid = ? "
            "ORDER BY CASE grouprole WHEN ? THEN 0 ELSE 1 END, joinorder LIMIT 1",
            (group_id, ADMIN),
        )
        for (user_id,) in rows:
            self.set_role(group_id, user_id, CREATOR)
            return int(user_id)
        return None

    def _number_members(self, group_id: int) -> None:
        """Number the members without ``joinorder``, which a server of version 2 has added.

        Each change of a group by this version numbers them first. So they count as having joined
        after all members with a number; among themselves in the order of ``since``, then of ids.

        Example: servers of versions 2 and 3 run together. A joins at the first, B then at the
        second. B's join first numbers A, then B; so A succeeds the creator before B.
        """
        rows = self._tx.query(
            "SELECT userid FROM groupuser WHERE groupid = ? AND joinorder IS NULL "
            "ORDER BY since, userid",
            (group_id,),
        )
        if not rows:
            return
        for number, (user_id,) in enumerate(rows, self._last_number(group_id) + 1):
            self._tx.execute(
                "UPDATE groupuser SET joinorder = ? WHERE groupid = ? AND userid = ?",
                (number, group_id, user_id),
            )

    def _last_number(self, group_id: int) -> int:
        ((number,),) = self._tx.query(
            "SELECT COALESCE(MAX(joinorder), 0) FROM groupuser WHERE groupid = ?", (group_id,)
        )
        return int(number)

    def count_members(self, group_id: int) -> int:
        """The number of members. ``change`` has locked the group."""
        sql = "SELECT COUNT(*) FROM groupuser WHERE groupid = ?"
        ((count,),) = self._tx.query(sql, (group_id,))
        return int(count)

    def count_groups(self, user_id: int) -> int:
        """The number of groups of a user."""
        sql = "SELECT COUNT(*) FROM groupuser WHERE userid = ?"
        ((count,),) = self._tx.query(sql, (user_id,))
        return int(count)

    def membership(self, group_id: int, user_id: int) -> Membership | None:
        """A user's membership in a group; None if there is none."""
        rows = self._tx.query(
            "SELECT grouprole, since FROM groupuser WHERE groupid = ? AND userid = ?",
            (group_id, user_id),
        )
        return Membership(*rows[0]) if rows else None

    def head(self, group_id: int) -> Group | None:
        """A group without its members; None if there is no such group."""
        rows = self._tx.query(
            "SELECT id, groupname, groupdesc, joinmode FROM allgroup WHERE id = ?", (group_id,)
        )
        for id_, name, desc, join in rows:
            return Group(id_, name, desc, join=join)
        return None

    def find(self, group_id: int, users: int) -> Group | None:
        """A group with its first members, at most ``users``; None if there is no such group."""
        group = self.head(group_id)
        if group is None:
            return None
        members = tuple(self.members(group_id, 0, users))
        count = len(members)
        if count == users:
            count = self._counts([group_id]).get(group_id, 0)
        return replace(group, users=members, members=count)

    def members(self, group_id: int, after: int, limit: int) -> list[GroupUser]:
        """The next ``limit`` members with ids above ``after``, by id."""
        rows = self._tx.query(
            _MEMBERS + "WHERE groupuser.groupid = ? AND groupuser.userid > ? "
            "ORDER BY groupuser.userid LIMIT ?",
            (group_id, after, limit),
        )
        return [GroupUser(*user) for _, *user in rows]

    def _counts(self, group_ids: Collection[int]) -> dict[int, int]:
        """The number of members of each of these groups, counted in an index."""
        sql = "SELECT groupid, COUNT(*) FROM groupuser WHERE groupid IN :ids GROUP BY groupid"
        return dict(self._tx.query_in(sql, list(group_ids)))

    def of_user(self, user_id: int, limit: int, users: int, users_in_all: int) -> list[Group]:
        """The first ``limit`` groups of a user by id, each with at most ``users`` members.

        All together they have at most ``users_in_all`` members; the last groups may have none.
        The number of rows that are read does not depend on the size of the groups.
        """
        rows = self._tx.query(
            "SELECT allgroup.id, allgroup.groupname, allgroup.groupdesc, allgroup.joinmode "
            "FROM groupuser JOIN allgroup ON allgroup.id = groupuser.groupid "
            "WHERE groupuser.userid = ? ORDER BY allgroup.id LIMIT ?",
            (user_id, limit),
        )
        counts = self._counts([row[0] for row in rows])
        whole: list[int] = []  # groups that one query reads
        found: dict[int, list[GroupUser]] = {}
        room = users_in_all
        for group_id, *_ in rows:
            count = counts.get(group_id, 0)
            room -= min(count, users)
            if room < 0:
                break
            if count <= users:
                whole.append(group_id)
            else:
                found[group_id] = self.members(group_id, 0, users)
        sql = _MEMBERS + "WHERE groupuser.groupid IN :ids ORDER BY groupuser.userid"
        for group_id, *user in self._tx.query_in(sql, whole):
            found.setdefault(group_id, []).append(GroupUser(*user))
        return [
            Group(id_, name, desc, tuple(found.get(id_, ())), counts.get(id_, 0), join)
            for id_, name, desc, join in rows
        ]

    def ids_of_user(self, user_id: int) -> frozenset[int]:
        """The ids of a user's groups."""
        rows = self._tx.query("SELECT groupid FROM groupuser WHERE userid = ?", (user_id,))
        return frozenset([group_id for (group_id,) in rows]) if rows else NO_GROUPS

    def starts_of_user(self, user_id: int) -> list[tuple[int, int]]:
        """The ids of a user's groups, each with the last number before the user joined."""
        rows = self._tx.query("SELECT groupid, since FROM groupuser WHERE userid = ?", (user_id,))
        return [(group_id, since) for group_id, since in rows]

    def member_ids(self, group_ids: Collection[int]) -> dict[int, frozenset[int]]:
        """The members of each of these groups. A group without members is absent."""
        found: defaultdict[int, set[int]] = defaultdict(set)
        sql = "SELECT groupid, userid FROM groupuser WHERE groupid IN :ids"
        for group_id, user_id in self._tx.query_in(sql, list(group_ids)):
            found[group_id].add(user_id)
        return {group_id: frozenset(users) for group_id, users in found.items()}
