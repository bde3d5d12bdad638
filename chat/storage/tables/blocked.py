"""BlockedModel: the table ``blocked``: users from which a user takes no messages."""

from __future__ import annotations

from collections.abc import Collection

from chat.storage.base import Transaction


class BlockedModel:
    """Pairs (user, blocked user), within one transaction. Worker or writer thread."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def insert(self, user_id: int, blocked_id: int) -> None:
        """The user takes nothing from the blocked one. Raises UniqueViolation."""
        self._tx.execute(
            "INSERT INTO blocked (userid, blockedid) VALUES (?, ?)", (user_id, blocked_id)
        )

    def delete(self, user_id: int, blocked_id: int) -> bool:
        """End a block; False if there was none."""
        sql = "DELETE FROM blocked WHERE userid = ? AND blockedid = ?"
        return bool(self._tx.execute(sql, (user_id, blocked_id)))

    def has(self, user_id: int, blocked_id: int) -> bool:
        """Does the user block the other one?"""
        sql = "SELECT 1 FROM blocked WHERE userid = ? AND blockedid = ?"
        return bool(self._tx.query(sql, (user_id, blocked_id)))

    def of_user(self, user_id: int) -> list[int]:
        """The users that a user blocks, by id."""
        sql = "SELECT blockedid FROM blocked WHERE userid = ? ORDER BY blockedid"
        return [blocked_id for (blocked_id,) in self._tx.query(sql, (user_id,))]

    def blockers(self, blocked_id: int, limit: int) -> list[int]:
        """Up to ``limit`` users that block a user, by id."""
        rows = self._tx.query(
            "SELECT userid FROM blocked WHERE blockedid = ? ORDER BY userid LIMIT ?",
            (blocked_id, limit),
        )
        return [user_id for (user_id,) in rows]

    def between(
        self, user_ids: Collection[int], blocked_ids: Collection[int]
    ) -> set[tuple[int, int]]:
        """The pairs (user, blocked user) of these users and these blocked users."""
        found: set[tuple[int, int]] = set()
        for blocked_id in blocked_ids:
            rows = self._tx.query_in(
                "SELECT userid FROM blocked WHERE blockedid = ? AND userid IN :ids",
                sorted(user_ids),
                before=(blocked_id,),
            )
            found.update([(user_id, blocked_id) for (user_id,) in rows])
        return found
