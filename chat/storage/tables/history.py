"""HistoryModel: the table ``message``, read backwards by conversation.

The database computes the number of a message's conversation (column ``conversation``) from its
kind, sender and target. So all messages between two users, or in a group, are one range of an
index.
"""

from __future__ import annotations

from chat.protocol import MAX_ID, MAX_SEQ
from chat.storage.base import Transaction
from chat.storage.tables.offlinemessage import MailRow

_ID_BITS = MAX_ID.bit_length()
"""The width of an id in the number of a conversation. The schema files multiply by 2^31."""


def user_conversation(one: int, other: int) -> int:
    """The number of the conversation of two users, in either direction; positive."""
    return min(one, other) << _ID_BITS | max(one, other)


def group_conversation(group_id: int) -> int:
    """The number of a group's conversation; negative."""
    return -group_id


class HistoryModel:
    """The messages of conversations, within one transaction. Worker thread."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def numbers_after(self, conversation: int, after: int, limit: int) -> list[tuple[int, int]]:
        """The oldest messages after ``after``, in order: number and sender."""
        rows = self._tx.query(
            "SELECT seq, sender FROM message WHERE conversation = ? AND seq > ? "
            "ORDER BY seq LIMIT ?",
            (conversation, after, limit),
        )
        return [(seq, sender) for seq, sender in rows]

    def newest(
        self, conversation: int, since: int, before: int | None, limit: int
    ) -> list[MailRow]:
        """The newest messages after ``since`` and before ``before``, newest first."""
        rows = self._tx.query(
            "SELECT message.seq, NULL, message.kind, message.sender, user.name, "
            "message.target, message.text, message.time, message.extra "
            "FROM message LEFT JOIN user ON user.id = message.sender "
            "WHERE message.conversation = ? AND message.seq > ? AND message.seq < ? "
            "ORDER BY message.seq DESC LIMIT ?",
            (conversation, since, MAX_SEQ + 1 if before is None else before, limit),
        )
        return [MailRow(*row) for row in rows]
