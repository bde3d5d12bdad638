"""OfflineMessageModel: the table ``offlinemessage``, what each user is still owed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chat.db.base import Transaction, placeholders

IN_LIST = 500
"""How many ids one IN list holds."""

MAX_OWED = 50_000
"""Rows that one look at so many mailboxes takes."""


@dataclass(frozen=True, slots=True)
class MailRow:
    """A mailbox row with what the log says of it; ``whole`` is set where it says nothing."""

    seq: int
    whole: str | None
    kind: int | None
    sender: int | None
    name: str | None
    target: int | None
    text: str | None
    time: str | None
    extra: str | None


class OfflineMessageModel:
    """Mailboxes. One transaction's; worker or writer thread."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def insert(self, owed: Sequence[tuple[int, int]]) -> None:
        """Owe messages: pairs (userid, seq)."""
        # By user and then seq, the order in which all nodes must take these locks.
        self._tx.insert_rows("offlinemessage", ("userid", "seq"), sorted(owed))

    def delete(self, received: Sequence[tuple[int, int]]) -> None:
        """Forget what was received: pairs (userid, seq)."""
        self._tx.delete_pairs("offlinemessage", ("userid", "seq"), sorted(received))

    def count(self) -> int:
        """How many messages wait, in all mailboxes together."""
        ((count,),) = self._tx.query("SELECT COUNT(*) FROM offlinemessage")
        return int(count)

    def owed(self, user_ids: Sequence[int]) -> dict[int, list[int]]:
        """What each of these users is owed: the numbers, in order; who is owed nothing is absent.

        Bounded: of very many only the oldest.
        """
        found: dict[int, list[int]] = {}
        ids = sorted(user_ids)
        for start in range(0, len(ids), IN_LIST):
            part = ids[start : start + IN_LIST]
            rows = self._tx.query(
                f"SELECT userid, seq FROM offlinemessage WHERE userid IN {placeholders(len(part))} "
                "ORDER BY userid, seq LIMIT ?",
                (*part, MAX_OWED),
            )
            for user_id, seq in rows:
                found.setdefault(user_id, []).append(seq)
        return found

    def oldest(self, user_id: int, limit: int) -> list[MailRow]:
        """The oldest messages that a user is owed, in order."""
        rows = self._tx.query(
            "SELECT mail.seq, mail.message, message.kind, message.sender, user.name, "
            "message.target, message.text, message.time, message.extra "
            "FROM offlinemessage AS mail "
            "LEFT JOIN message ON message.seq = mail.seq "
            "LEFT JOIN user ON user.id = message.sender "
            "WHERE mail.userid = ? ORDER BY mail.seq LIMIT ?",
            (user_id, limit),
        )
        return [MailRow(*row) for row in rows]
