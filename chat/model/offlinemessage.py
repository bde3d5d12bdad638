"""OfflineMessageModel: the table ``offlinemessage``, what each user is still owed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chat.db.base import Transaction


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
