"""UserModel: the table ``user``: accounts. SessionModel has their logins (session.py)."""

from __future__ import annotations

from collections.abc import Collection
from typing import NamedTuple

from chat.storage.base import Transaction
from chat.storage.tables.device import DEVICES, DeviceModel
from chat.storage.tables.rows import (
    ACTIVE,
    DELETED,
    NO_HASHES,
    Contact,
    NameHashes,
    User,
)
from chat.storage.tables.session import SessionModel

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
        """Do all of these users show their read marks to others?"""
        sql = "SELECT id FROM user WHERE receipts = 1 AND id IN :ids"
        return len(self._tx.query_in(sql, list(user_ids))) == len(user_ids)

    def set_receipts(self, user_id: int, receipts: bool) -> None:
        """Show the user's read marks to others, and those of others to the user; or neither."""
        sql = "UPDATE user SET receipts = ? WHERE id = ?"
        self._tx.execute(sql, (int(receipts), user_id))

    def set_password(self, user_id: int, old: str, new: str) -> bool:
        """Replace the hash ``old``; False if it has changed since."""
        return bool(
            self._tx.execute(
                "UPDATE user SET password = ? WHERE id = ? AND password = ?", (new, user_id, old)
            )
        )

    def set_status(self, user_id: int, status: str) -> bool:
        """Disable or enable an account (DISABLED, ACTIVE); False if it has this status already.

        A deleted account stays deleted. The running logins end, as in ``SessionModel.end``.
        """
        changed = self._tx.execute(
            "UPDATE user SET status = ? WHERE id = ? AND status <> ? AND status <> ?",
            (status, user_id, status, DELETED),
        )
        if changed:
            SessionModel(self._tx).end_all(user_id)
        return bool(changed)

    def reset_password(self, user_id: int, new: str) -> bool:
        """Store a hash in place of any password; False if there is no such user.

        The running logins end, as in ``SessionModel.end``. Delete the tokens of the user in the
        same transaction.
        """
        changed = self._tx.execute(
            "UPDATE user SET password = ? WHERE id = ? AND status <> ?", (new, user_id, DELETED)
        )
        if changed:
            SessionModel(self._tx).end_all(user_id)
        return bool(changed)

    def rename(self, user_id: int, name: str, hashes: NameHashes) -> None:
        """Change the name. Raises UniqueViolation, as ``insert``."""
        self._tx.execute(
            "UPDATE user SET name = ?, folded = ?, skeleton = ? WHERE id = ?",
            (name, *hashes, user_id),
        )

    def delete(self, user_id: int) -> None:
        """Mark an account as deleted, and end its logins. The row is locked.

        It stays, because messages refer to it. No user can register its new name, which has two
        spaces. ``senders`` tells all servers about the deletion.
        """
        sql = "UPDATE setting SET value = value + 1 WHERE name = ?"
        if not self._tx.execute(sql, (DELETIONS,)):
            self._tx.execute("INSERT INTO setting (name, value) VALUES (?, ?)", (DELETIONS, "1"))
        DeviceModel(self._tx).next_number()  # so no message to the user is being stored
        self._tx.execute(
            "UPDATE user SET name = ?, password = '', folded = NULL, skeleton = NULL, "
            "dialect = NULL, status = ?, device = NULL WHERE id = ?",
            (f"deleted  {user_id}", DELETED, user_id),
        )
        SessionModel(self._tx).end_all(user_id)

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

    def states(self, user_ids: Collection[int]) -> dict[int, str]:
        """The state of each of these users that exists."""
        sql = "SELECT id, state FROM user WHERE id IN :ids"
        return dict(self._tx.query_in(sql, sorted(user_ids)))
