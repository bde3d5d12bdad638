"""UserModel: the table ``user``, with presence."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from chat.storage.base import Transaction, placeholders
from chat.storage.tables.rows import NO_HASHES, OFFLINE, ONLINE, Contact, NameHashes, User

IN_LIST = 500
"""How many ids one IN list holds."""


class UserModel:
    """Users by id, and who is online. One transaction's; worker or writer thread."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def insert(
        self,
        name: str,
        password: str,
        hashes: NameHashes = NO_HASHES,
        dialect: str | None = None,
    ) -> int:
        """A new user; returns the id.

        Raises UniqueViolation if the name is taken, or one of its hashes.
        """
        return self._tx.insert(
            "INSERT INTO user (name, password, folded, skeleton, dialect) VALUES (?, ?, ?, ?, ?)",
            (name, password, *hashes, dialect),
        )

    def find(self, user_id: int) -> User | None:
        rows = self._tx.query(
            "SELECT id, name, password, state, node, device, generation, dialect FROM user "
            "WHERE id = ?",
            (user_id,),
        )
        return User(*rows[0]) if rows else None

    def contact(self, user_id: int) -> Contact | None:
        rows = self._tx.query("SELECT id, name, state FROM user WHERE id = ?", (user_id,))
        return Contact(*rows[0]) if rows else None

    def set_password(self, user_id: int, old: str, new: str) -> None:
        """Replace a hash, unless it has changed meanwhile."""
        self._tx.execute(
            "UPDATE user SET password = ? WHERE id = ? AND password = ?", (new, user_id, old)
        )

    def set_dialect(self, user_id: int, dialect: str) -> None:
        """Remember the dialect of the user's classic client."""
        self._tx.execute("UPDATE user SET dialect = ? WHERE id = ?", (dialect, user_id))

    def generations(self, user_ids: Collection[int], *, lock: bool = False) -> dict[int, int]:
        """The login generation of each of these users that exists.

        ``lock``: until the commit they can neither log in elsewhere nor be locked by others.
        """
        ids = sorted(user_ids)  # the order in which all nodes must take these locks
        ending = self._tx.for_update if lock else ""
        found: dict[int, int] = {}
        for start in range(0, len(ids), IN_LIST):
            part = ids[start : start + IN_LIST]
            where = f"WHERE id IN {placeholders(len(part))}"
            sql = f"SELECT id, generation FROM user {where}{' ORDER BY id' if lock else ''}{ending}"
            found.update(self._tx.query(sql, part))
        return found

    def go_online(self, user: User, node: str, device: str | None) -> int | None:
        """Take a user for a session of ``node``; returns the new generation.

        None if somebody else took the user since ``user`` was read.
        """
        changed = self._tx.execute(
            "UPDATE user SET state = ?, node = ?, device = ?, generation = generation + 1 "
            "WHERE id = ? AND generation = ?",
            (ONLINE, node, device, user.id, user.generation),
        )
        return user.generation + 1 if changed else None

    def go_offline(self, user_id: int, generation: int) -> bool:
        """Release a user, if the session is still the current one."""
        changed = self._tx.execute(
            "UPDATE user SET state = ?, node = NULL, device = NULL "
            "WHERE id = ? AND generation = ? AND state = ?",
            (OFFLINE, user_id, generation, ONLINE),
        )
        return bool(changed)

    def reassert(self, users: Iterable[tuple[int, int]], node: str) -> list[int]:
        """Those of these users (id, generation) that do not count as online at ``node`` do again.

        Returns whom that concerned.
        """
        sql = "UPDATE user SET state = ?, node = ? WHERE id = ? AND generation = ? AND state = ?"
        return [
            user_id
            for user_id, generation in sorted(users)
            if self._tx.execute(sql, (ONLINE, node, user_id, generation, OFFLINE))
        ]

    def nodes(self) -> set[str]:
        """The nodes that have users; one look into an index for each, not one for each user."""
        sql = "SELECT DISTINCT node FROM user WHERE node IS NOT NULL"
        return {node for (node,) in self._tx.query(sql)}

    def offline_of(self, node: str, limit: int) -> list[int]:
        """Show up to ``limit`` users of a dead node offline; returns them.

        Their generation stays: should the node live after all, it may have them back.
        """
        rows = self._tx.query(
            "SELECT id FROM user WHERE node = ? AND state = ? ORDER BY id LIMIT ?"
            + self._tx.for_update,
            (node, ONLINE, limit),
        )
        ids = [user_id for (user_id,) in rows]
        for start in range(0, len(ids), IN_LIST):
            part = ids[start : start + IN_LIST]
            self._tx.execute(
                f"UPDATE user SET state = ?, node = NULL WHERE id IN {placeholders(len(part))}",
                (OFFLINE, *part),
            )
        return ids

    def states(self, user_ids: Collection[int]) -> dict[int, str]:
        """The state of each of these users that exists."""
        ids = sorted(user_ids)
        found: dict[int, str] = {}
        for start in range(0, len(ids), IN_LIST):
            part = ids[start : start + IN_LIST]
            sql = f"SELECT id, state FROM user WHERE id IN {placeholders(len(part))}"
            found.update(self._tx.query(sql, part))
        return found

    def online_by_node(self) -> dict[str, int]:
        """How many users are online at each node."""
        sql = "SELECT node, COUNT(*) FROM user WHERE state = ? AND node IS NOT NULL GROUP BY node"
        return dict(self._tx.query(sql, (ONLINE,)))

    def online_at(self, node: str, after: int, limit: int) -> dict[int, int]:
        """Users of a node with their generations: the next ``limit`` with ids above ``after``."""
        rows = self._tx.query(
            "SELECT id, generation FROM user WHERE node = ? AND state = ? AND id > ? "
            "ORDER BY id LIMIT ?",
            (node, ONLINE, after, limit),
        )
        return dict(rows)

    def all_offline(self, node: str | None) -> list[int]:
        """Release a node's users, or everybody if ``node`` is None; returns whom.

        Generations grow, so that what a former incarnation might still try is refused.
        """
        where, params = "state = ?", [ONLINE]
        if node is not None:
            where, params = "state = ? AND node = ?", [ONLINE, node]
        rows = self._tx.query(
            f"SELECT id FROM user WHERE {where} ORDER BY id{self._tx.for_update}", params
        )
        self._tx.execute(
            "UPDATE user SET state = ?, node = NULL, device = NULL, generation = generation + 1 "
            f"WHERE {where}",
            (OFFLINE, *params),
        )
        return [user_id for (user_id,) in rows]
