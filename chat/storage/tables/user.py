"""UserModel: the table ``user``: accounts, and their presence.

A user is online at one node at a time. ``generation`` grows with each login, so a login with an
older generation is not the current one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import NamedTuple

from chat.storage.base import Transaction
from chat.storage.tables.device import DEVICES
from chat.storage.tables.rows import (
    ACTIVE,
    DELETED,
    NO_HASHES,
    OFFLINE,
    ONLINE,
    Contact,
    NameHashes,
    User,
)

DELETIONS = "deletions"
"""The setting that counts deleted accounts."""


class Senders(NamedTuple):
    """The senders of a batch of messages.

    Attributes:
        generations: of the senders that exist.
        blocked: those of them that some user blocks.
        version: two values. One of them changes when an account is deleted, or when a user gets or
            loses a device.
    """

    generations: dict[int, int]
    blocked: set[int]
    version: tuple[str | None, str | None]


class UserModel:
    """Users by id, within one transaction. Worker or writer thread."""

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

    def find(self, user_id: int, *, lock: bool = False) -> User | None:
        """The user with this id; None if there is none. Deleted users have a row, too.

        ``lock``: until the commit no other transaction can change the row.
        """
        ending = self._tx.for_update if lock else ""
        rows = self._tx.query(
            "SELECT id, name, password, state, node, device, generation, dialect, status "
            f"FROM user WHERE id = ?{ending}",
            (user_id,),
        )
        return User(*rows[0]) if rows else None

    def contact(self, user_id: int) -> Contact | None:
        """The fields of a user that friends see; None if the user does not exist, or no more."""
        rows = self._tx.query(
            "SELECT id, name, state FROM user WHERE id = ? AND status <> ?", (user_id, DELETED)
        )
        return Contact(*rows[0]) if rows else None

    def has_receipts(self, user_ids: Collection[int]) -> bool:
        """Does each of these users tell what it has read?"""
        sql = "SELECT id FROM user WHERE receipts = 1 AND id IN :ids"
        return len(self._tx.query_in(sql, list(user_ids))) == len(user_ids)

    def set_receipts(self, user_id: int, receipts: bool) -> None:
        """The user tells what it has read, and sees what others have read; or neither."""
        sql = "UPDATE user SET receipts = ? WHERE id = ?"
        self._tx.execute(sql, (int(receipts), user_id))

    def set_password(self, user_id: int, old: str, new: str) -> None:
        """Replace the hash ``old``; if it has changed since, do nothing."""
        self._tx.execute(
            "UPDATE user SET password = ? WHERE id = ? AND password = ?", (new, user_id, old)
        )

    def set_status(self, user_id: int, status: str) -> bool:
        """Disable or enable an account (DISABLED, ACTIVE); False if it has this status already.

        A deleted account stays deleted. The generation grows, so a running login can commit nothing
        more. Call ``Reconciliation.rows_changed`` after the commit: it ends that login at once.
        """
        return bool(
            self._tx.execute(
                "UPDATE user SET status = ?, state = ?, node = NULL, device = NULL, "
                "generation = generation + 1 WHERE id = ? AND status <> ? AND status <> ?",
                (status, OFFLINE, user_id, status, DELETED),
            )
        )

    def reset_password(self, user_id: int, new: str) -> bool:
        """Store a hash in place of any password; False if there is no such user.

        The generation grows, as in ``set_status``: call ``Reconciliation.rows_changed``. Delete the
        tokens of the user in the same transaction.
        """
        return bool(
            self._tx.execute(
                "UPDATE user SET password = ?, state = ?, node = NULL, device = NULL, "
                "generation = generation + 1 WHERE id = ? AND status <> ?",
                (new, OFFLINE, user_id, DELETED),
            )
        )

    def end_login(self, user_id: int) -> None:
        """Make the running login of a user out of date: the generation grows.

        Call ``Reconciliation.rows_changed`` after the commit.
        """
        self._tx.execute(
            "UPDATE user SET state = ?, node = NULL, device = NULL, generation = generation + 1 "
            "WHERE id = ?",
            (OFFLINE, user_id),
        )

    def change_password(self, user_id: int, generation: int, *, old: str, new: str) -> bool:
        """Replace the hash ``old`` by ``new``; False if it has changed, or the login is not the
        current one."""
        return bool(
            self._tx.execute(
                "UPDATE user SET password = ? WHERE id = ? AND generation = ? AND password = ?",
                (new, user_id, generation, old),
            )
        )

    def rename(self, user_id: int, generation: int, name: str, hashes: NameHashes) -> bool:
        """Change the name; False if this generation is not the current one.

        Raises UniqueViolation, as ``insert``.
        """
        return bool(
            self._tx.execute(
                "UPDATE user SET name = ?, folded = ?, skeleton = ? "
                "WHERE id = ? AND generation = ?",
                (name, *hashes, user_id, generation),
            )
        )

    def delete(self, user_id: int, generation: int) -> bool:
        """Mark an account as deleted; False if this generation is not the current one.

        The row stays, because messages refer to it. No user can register its new name, which has
        two spaces. ``senders`` tells all servers about the deletion.
        """
        sql = "UPDATE setting SET value = value + 1 WHERE name = ?"
        if not self._tx.execute(sql, (DELETIONS,)):
            self._tx.execute("INSERT INTO setting (name, value) VALUES (?, ?)", (DELETIONS, "1"))
        return bool(
            self._tx.execute(
                "UPDATE user SET name = ?, password = '', folded = NULL, skeleton = NULL, "
                "dialect = NULL, status = ?, state = ?, node = NULL, device = NULL, "
                "generation = generation + 1 WHERE id = ? AND generation = ?",
                (f"deleted  {user_id}", DELETED, OFFLINE, user_id, generation),
            )
        )

    def senders(self, user_ids: Collection[int]) -> Senders:
        """Everything about the senders of a batch of messages, in one statement.

        Until the commit no other transaction can change or lock the rows of these users, and no
        user gets or loses a device. A UNION, because a subquery takes no lock, and a statement of
        its own costs four times as much (28 µs and 114 µs).
        """
        sql = (
            "SELECT id, generation, EXISTS (SELECT 1 FROM blocked WHERE blockedid = user.id), "
            "(SELECT value FROM setting WHERE name = ?) FROM user WHERE id IN :ids"
        )
        counter = "SELECT 0, 0, 0, value FROM setting WHERE name = ?"
        if self._tx.for_share:
            sql = f"({sql} ORDER BY id{self._tx.for_update}) "
            counter = f"({counter}{self._tx.for_share})"
        rows = self._tx.query_in(
            f"{sql} UNION ALL {counter}",
            sorted(user_ids),  # the order in which all servers must take these locks
            before=(DELETIONS,),
            after=(DEVICES,),
        )
        devices = deletions = None
        generations, blocked = {}, set()
        for user_id, generation, is_blocked, value in rows:
            if not user_id:
                devices = value
                continue
            generations[user_id] = generation
            deletions = value
            if is_blocked:
                blocked.add(user_id)
        return Senders(generations, blocked, (deletions, devices))

    def not_active(self, user_ids: Collection[int]) -> dict[int, str]:
        """The status of those of these users that are not ACTIVE."""
        sql = "SELECT id, status FROM user WHERE id IN :ids AND status <> ?"
        return dict(self._tx.query_in(sql, sorted(user_ids), after=(ACTIVE,)))

    def set_dialect(self, user_id: int, dialect: str) -> None:
        """Remember the dialect of the user's classic client."""
        self._tx.execute("UPDATE user SET dialect = ? WHERE id = ?", (dialect, user_id))

    def generations(self, user_ids: Collection[int], *, lock: bool = False) -> dict[int, int]:
        """The login generation of each of these users that exists.

        ``lock``: until the commit no other transaction can change or lock their rows, so none of
        them can log in elsewhere.
        """
        ids = sorted(user_ids)  # the order in which all servers must take these locks
        ending = " ORDER BY id" + self._tx.for_update if lock else ""
        sql = "SELECT id, generation FROM user WHERE id IN :ids" + ending
        return dict(self._tx.query_in(sql, ids))

    def not_deleted(self, user_ids: Collection[int]) -> set[int]:
        """Those of these users that exist."""
        sql = "SELECT id FROM user WHERE id IN :ids AND status <> ?"
        rows = self._tx.query_in(sql, sorted(user_ids), after=(DELETED,))
        return {user_id for (user_id,) in rows}

    def go_online(self, user: User, node: str, device: str | None) -> int | None:
        """Take a user for a login at ``node``; returns the new generation.

        Returns None if another login took the user after ``user`` was read. Example: A's phone
        and laptop log in at once, and both read generation 7. The phone makes it 8; the laptop's
        UPDATE then finds no row with 7.
        """
        changed = self._tx.execute(
            "UPDATE user SET state = ?, node = ?, device = ?, generation = generation + 1 "
            "WHERE id = ? AND generation = ?",
            (ONLINE, node, device, user.id, user.generation),
        )
        return user.generation + 1 if changed else None

    def go_offline(self, user_id: int, generation: int) -> bool:
        """Release a user, if this generation is still the current one; False otherwise."""
        changed = self._tx.execute(
            "UPDATE user SET state = ?, node = NULL, device = NULL "
            "WHERE id = ? AND generation = ? AND state = ?",
            (OFFLINE, user_id, generation, ONLINE),
        )
        return bool(changed)

    def reassert(self, users: Iterable[tuple[int, int]], node: str) -> list[int]:
        """Show these users (id, generation) online at ``node`` again, if they are shown offline.

        Returns the ids of the changed rows. Example: node A was frozen until its lease had ended,
        and node B has shown A's users offline. A goes on, and takes back all users that have not
        logged in elsewhere.
        """
        sql = "UPDATE user SET state = ?, node = ? WHERE id = ? AND generation = ? AND state = ?"
        return [
            user_id
            for user_id, generation in sorted(users)
            if self._tx.execute(sql, (ONLINE, node, user_id, generation, OFFLINE))
        ]

    def nodes(self) -> set[str]:
        """The nodes that have users, in one step of an index for each node."""
        sql = "SELECT DISTINCT node FROM user WHERE node IS NOT NULL"
        return {node for (node,) in self._tx.query(sql)}

    def offline_of(self, node: str, limit: int) -> list[int]:
        """Show up to ``limit`` users of a dead node offline; returns their ids.

        Their generation stays: if the node is alive after all, ``reassert`` takes them back.
        """
        rows = self._tx.query(
            "SELECT id FROM user WHERE node = ? AND state = ? ORDER BY id LIMIT ?"
            + self._tx.for_update,
            (node, ONLINE, limit),
        )
        ids = [user_id for (user_id,) in rows]
        sql = "UPDATE user SET state = ?, node = NULL WHERE id IN :ids"
        self._tx.execute_in(sql, ids, before=(OFFLINE,))
        return ids

    def states(self, user_ids: Collection[int]) -> dict[int, str]:
        """The state of each of these users that exists."""
        sql = "SELECT id, state FROM user WHERE id IN :ids"
        return dict(self._tx.query_in(sql, sorted(user_ids)))

    def online_by_node(self) -> dict[str, int]:
        """The number of online users at each node."""
        sql = "SELECT node, COUNT(*) FROM user WHERE state = ? AND node IS NOT NULL GROUP BY node"
        return dict(self._tx.query(sql, (ONLINE,)))

    def online_at(self, node: str, after: int, limit: int) -> dict[int, int]:
        """The next ``limit`` online users of a node with ids above ``after``: generation by id."""
        rows = self._tx.query(
            "SELECT id, generation FROM user WHERE node = ? AND state = ? AND id > ? "
            "ORDER BY id LIMIT ?",
            (node, ONLINE, after, limit),
        )
        return dict(rows)

    def all_offline(self, node: str | None) -> list[int]:
        """Release the users of a node, or all users if ``node`` is None; returns their ids.

        Their generations grow, so a former incarnation of the server can commit nothing for them.
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
