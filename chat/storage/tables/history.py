"""HistoryModel: the table ``message``, read backwards by conversation.

The database computes the number of a message's conversation (column ``conversation``) from its
kind, sender and target. So all messages between two users, or in a group, are one range of an
index.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain

from chat.protocol import MAX_ID, MAX_SEQ
from chat.storage.base import Transaction
from chat.storage.tables.offlinemessage import MailRow

_ID_BITS = MAX_ID.bit_length()
"""The width of an id in the number of a conversation. The schema files multiply by 2^31."""

_RANGES = 50
"""SELECTs of one statement. SQLite takes 500."""

_CONVERSATIONS = 500
"""Conversations of one SELECT."""

_MESSAGES = (
    "SELECT message.seq, NULL, message.kind, message.sender, user.name, "
    "message.target, message.text, message.time, message.extra "
    "FROM message LEFT JOIN user ON user.id = message.sender "
)

Ranges = Sequence[tuple[Sequence[int], int, int]]
"""Conversations, and the numbers of their messages: above the one, and up to the other."""


def user_conversation(one: int, other: int) -> int:
    """The number of the conversation of two users, in either direction; positive."""
    return min(one, other) << _ID_BITS | max(one, other)


def group_conversation(group_id: int) -> int:
    """The number of a group's conversation; negative."""
    return -group_id


def event_conversation(group_id: int) -> int:
    """The number under which the log has the events of a group: below those of two users.

    Their ``sender`` is 0, so the column ``conversation`` computes the id of the group.
    """
    return group_id


def is_of_events(conversation: int) -> bool:
    """Is it the number of a group's events, which have no text?"""
    return 0 < conversation <= MAX_ID


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

    def numbers_between_users(self, user_id: int, after: int, limit: int) -> list[tuple[int, int]]:
        """The oldest messages after ``after`` of and to a user, except those to groups.

        In order: number and receiver. The table ``conversation`` has all conversations of the user.
        """
        rows = self._tx.query(
            "SELECT found.seq, message.target FROM (SELECT message.seq FROM conversation "
            "JOIN message ON message.conversation = conversation.conversation "
            "WHERE conversation.userid = ? AND conversation.conversation > 0 "
            "AND message.seq > ? ORDER BY message.seq LIMIT ?) AS found "
            "JOIN message ON message.seq = found.seq ORDER BY found.seq",
            (user_id, after, limit),
        )
        return [(seq, target) for seq, target in rows]

    def newest(
        self, conversation: int, since: int, before: int | None, limit: int
    ) -> list[MailRow]:
        """The newest messages after ``since`` and before ``before``, newest first."""
        rows = self._tx.query(
            _MESSAGES + "WHERE message.conversation = ? AND message.seq > ? AND message.seq < ? "
            "ORDER BY message.seq DESC LIMIT ?",
            (conversation, since, MAX_SEQ + 1 if before is None else before, limit),
        )
        return [MailRow(*row) for row in rows]

    def rows(self, seqs: Sequence[int]) -> dict[int, MailRow]:
        """The messages with these numbers that are in the log."""
        rows = self._tx.query_in(_MESSAGES + "WHERE message.seq IN :ids", seqs)
        return {row[0]: MailRow(*row) for row in rows}

    def texts(self, seqs: Sequence[int]) -> dict[int, str]:
        """The texts of the messages with these numbers."""
        return dict(self._tx.query_in("SELECT seq, text FROM message WHERE seq IN :ids", seqs))

    def conversations(self, after: int, last: int, limit: int) -> list[tuple[int, int]]:
        """The numbers above ``after`` and up to ``last``, in order, with their conversations."""
        rows = self._tx.query(
            "SELECT seq, conversation FROM message WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?",
            (after, last, limit),
        )
        return [(seq, conversation) for seq, conversation in rows]

    def oldest_texts(
        self, conversation: int, after: int, last: int, limit: int
    ) -> list[tuple[int, str]]:
        """The numbers and texts above ``after`` and up to ``last``, the oldest first."""
        rows = self._tx.query(
            "SELECT seq, text FROM message WHERE conversation = ? AND seq > ? AND seq <= ? "
            "ORDER BY seq LIMIT ?",
            (conversation, after, last, limit),
        )
        return [(seq, text) for seq, text in rows]

    def settled_count(self, conversation: int, after: int, last: int) -> int:
        """The number of messages above ``after`` and up to ``last``.

        It waits for messages that another transaction has inserted and not committed.
        """
        ((count,),) = self._tx.query(
            "SELECT COUNT(*) FROM message WHERE conversation = ? AND seq > ? AND seq <= ?"
            + self._tx.for_share,
            (conversation, after, last),
        )
        return int(count)

    def numbers_in(self, ranges: Ranges, limit: int) -> list[int]:
        """The numbers of the messages in these ranges, in no order.

        Of many only the newest: the ``limit`` newest of each statement.
        """
        found: list[int] = []
        parts = list(_parts(ranges))
        for start in range(0, len(parts), _RANGES):
            group = parts[start : start + _RANGES]
            selects = [
                "SELECT seq FROM message WHERE seq > ? AND seq <= ? "
                f"AND conversation IN ({','.join('?' * len(ids))})"
                for ids, _, _ in group
            ]
            values = chain.from_iterable([(after, last, *ids) for ids, after, last in group])
            rows = self._tx.query(
                " UNION ALL ".join(selects) + " ORDER BY seq DESC LIMIT ?", [*values, limit]
            )
            found += [seq for (seq,) in rows]
        return found


def _parts(ranges: Ranges) -> Iterator[tuple[Sequence[int], int, int]]:
    """The same ranges, each with few conversations."""
    for ids, after, last in ranges:
        for start in range(0, len(ids), _CONVERSATIONS):
            yield ids[start : start + _CONVERSATIONS], after, last
