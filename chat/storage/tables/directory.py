"""DirectoryModel: users by their names, and the names of users. No query changes anything."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import NamedTuple

from chat.protocol import MAX_ID
from chat.storage.base import Transaction
from chat.storage.tables.rows import DELETED

DELETED_NAMES = "deleted  "
"""How the names of deleted accounts begin. New names never do, because of the two spaces."""

LAST = "\U0010ffff"
"""Greater than each character of a name."""


class UserName(NamedTuple):
    """A user, and its name."""

    id: int
    name: str


class DirectoryModel:
    """The names of users, within one transaction. Worker thread."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def id_of(self, names: Sequence[str]) -> int | None:
        """The user that has one of these names; of several, the one with the first name."""
        sql = "SELECT name, id FROM user WHERE name IN :ids"
        found: dict[str, int] = dict(self._tx.query_in(sql, names))
        return next((found[name] for name in names if name in found), None)

    def with_name(self, names: Sequence[str]) -> UserName | None:
        """``id_of``, with the name, and without deleted users."""
        sql = "SELECT id, name FROM user WHERE name IN :ids AND status <> ?"
        rows = [UserName(*row) for row in self._tx.query_in(sql, names, after=(DELETED,))]
        return min(rows, key=lambda user: names.index(user.name), default=None)

    def with_folded(self, folded: str | None) -> UserName | None:
        """The user whose name has this hash: it differs in case and width only."""
        sql = "SELECT id, name FROM user WHERE folded = ? AND status <> ?"
        rows = self._tx.query(sql, (folded, DELETED))
        return UserName(*rows[0]) if rows else None

    def with_prefix(self, prefix: str, limit: int) -> list[UserName]:
        """The first ``limit`` users, by name, whose names begin with this text.

        One or two ranges of the index of names. The names of deleted accounts are between two
        ranges: else ``del`` would read all of them.
        """
        ranges = [(prefix, prefix + LAST)]
        if DELETED_NAMES.startswith(prefix):
            ranges = [(prefix, DELETED_NAMES), (DELETED_NAMES + LAST, prefix + LAST)]
        found: list[UserName] = []
        for low, high in ranges:
            rows = self._tx.query(
                "SELECT id, name FROM user WHERE name >= ? AND name < ? AND status <> ? "
                "ORDER BY name LIMIT ?",
                (low, high, DELETED, limit - len(found)),
            )
            found += [UserName(*row) for row in rows]
        return found

    def names(self, user_ids: Collection[int]) -> list[UserName]:
        """The names of those of these users that exist, or that were deleted; by id."""
        sql = "SELECT id, name FROM user WHERE id IN :ids"
        return sorted(UserName(*row) for row in self._tx.query_in(sql, sorted(user_ids)))

    def acquaintances(self, user_id: int, user_ids: Collection[int]) -> set[int]:
        """Those of these users that this one knows.

        They are in its list of friends or have it in theirs, are in a group with it, or share a
        conversation of two with it.
        """
        first = f"user.id * {MAX_ID + 1} + ?"
        second = f"? * {MAX_ID + 1} + user.id"
        rows = self._tx.query_in(
            "SELECT user.id FROM user WHERE user.id IN :ids AND ("
            "EXISTS (SELECT 1 FROM friend WHERE userid = ? AND friendid = user.id) "
            "OR EXISTS (SELECT 1 FROM friend WHERE userid = user.id AND friendid = ?) "
            "OR EXISTS (SELECT 1 FROM groupuser AS mine JOIN groupuser AS other "
            "ON other.groupid = mine.groupid WHERE mine.userid = ? AND other.userid = user.id) "
            "OR EXISTS (SELECT 1 FROM message WHERE conversation = "
            f"CASE WHEN user.id < ? THEN {first} ELSE {second} END))",
            sorted(user_ids),
            after=(user_id,) * 6,
        )
        return {known for (known,) in rows}
