"""AuditModel: the table ``audit``, the changes that operators have made."""

from __future__ import annotations

from dataclasses import dataclass

from chat.storage.base import Transaction

ACTOR, ACTION, TARGET, DETAIL = 64, 64, 255, 1000
"""Characters of the columns. Longer texts are cut."""


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

    def last(self, count: int) -> list[AuditRow]:
        """The newest changes, the oldest of them first."""
        rows = self._tx.query(
            "SELECT id, time, actor, action, target, detail FROM audit ORDER BY id DESC LIMIT ?",
            (count,),
        )
        return [AuditRow(*row) for row in reversed(rows)]
