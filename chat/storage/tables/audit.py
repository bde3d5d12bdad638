"""AuditModel: the table ``audit``, the changes that operators have made."""

from __future__ import annotations

from dataclasses import dataclass

from chat.storage.base import Transaction

ACTOR, ACTION, TARGET, DETAIL = 64, 64, 255, 1000
"""Characters of the columns. Longer texts are cut."""

PART = 1000
"""Rows of one deletion."""


@dataclass(frozen=True, slots=True)
class AuditRow:
    """A change. ``time``: Unix seconds. ``actor``: an account of the operating system."""

    id: int
    time: int
    actor: str
    action: str
    target: str
    detail: str


class AuditModel:
    """The audit log, within one transaction. Worker thread."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def insert(self, time: int, actor: str, action: str, target: str, detail: str) -> None:
        """Record a change."""
        self._tx.execute(
            "INSERT INTO audit (time, actor, action, target, detail) VALUES (?, ?, ?, ?, ?)",
            (time, actor[:ACTOR], action[:ACTION], target[:TARGET], detail[:DETAIL]),
        )

    def delete_older(self, time: int) -> bool:
        """Delete the oldest changes from before ``time``; True if there are more.

        The numbers are in the order of time, so the table needs no further index.
        """
        rows = self._tx.query("SELECT id, time FROM audit ORDER BY id LIMIT ?", (PART,))
        old = [number for number, changed in rows if changed < time]
        if not old:
            return False
        self._tx.execute("DELETE FROM audit WHERE id <= ? AND time < ?", (old[-1], time))
        return len(old) == PART

    def last(self, count: int) -> list[AuditRow]:
        """The newest changes, the oldest of them first."""
        rows = self._tx.query(
            "SELECT id, time, actor, action, target, detail FROM audit ORDER BY id DESC LIMIT ?",
            (count,),
        )
        return [AuditRow(*row) for row in reversed(rows)]
