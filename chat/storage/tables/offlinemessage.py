"""OfflineMessageModel: the table ``offlinemessage``, the mailbox of each user.

A user is *owed* a message from its commit until the user's client acknowledges it.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from chat.mailbox_number import owner
from chat.protocol import GROUP_CHAT, ONE_CHAT
from chat.storage.base import IN_LIST, Transaction

MAX_OWED = 50_000
"""Rows that ``owed`` reads in one statement."""


@dataclass(frozen=True, slots=True)
class MailRow:
    """A mailbox row with its log row.

    Attributes:
        seq: the number of the message.
        whole: the message as JSON, from the original system, if the log has no such row; else None.
        name: of the sender.
        kind, sender, target, text, time, extra: of the log row; None if there is none.
    """

    seq: int
    whole: str | None
    kind: int | None
    sender: int | None
    name: str | None
    target: int | None
    text: str | None
    time: str | None
    extra: str | None


@dataclass(frozen=True, slots=True)
class MailShare:
    """The messages of one kind from one sender in a mailbox: how many, and bytes of their text.

    ``sender`` and ``kind`` are None for messages that the log does not have.
    """

    sender: int | None
    kind: int | None
    rows: int
    size: int


class OfflineMessageModel:
    """Mailboxes, within one transaction. Worker or writer thread."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def insert(self, owed: Sequence[tuple[int, int]]) -> None:
        """Add messages to mailboxes: pairs (userid, seq)."""
        # By user and then seq: the order in which all servers must take these locks.
        self._tx.insert_rows("offlinemessage", ("userid", "seq"), sorted(owed))

    def holders(self, seq: int, user_ids: Collection[int]) -> set[int]:
        """Those of these users that are owed this message."""
        sql = "SELECT userid FROM offlinemessage WHERE seq = ? AND userid IN :ids"
        rows = self._tx.query_in(sql, sorted(user_ids), before=(seq,))
        return {user_id for (user_id,) in rows}

    def copies_and_events(self, mailbox: int) -> set[int]:
        """The messages here that only a named device gets: of its owner, and events of groups."""
        user_id = owner(mailbox)
        rows = self._tx.query(
            "SELECT m.seq FROM offlinemessage o JOIN message m ON m.seq = o.seq "
            "WHERE o.userid = ? AND (m.kind NOT IN (?, ?) "
            "OR (m.sender = ? AND NOT (m.kind = ? AND m.target = ?)))",
            (mailbox, ONE_CHAT, GROUP_CHAT, user_id, ONE_CHAT, user_id),
        )
        return {seq for (seq,) in rows}

    def in_both(self, mailbox: int, other: int) -> set[int]:
        """The messages that are in both mailboxes."""
        rows = self._tx.query(
            "SELECT o.seq FROM offlinemessage o JOIN offlinemessage p ON p.seq = o.seq "
            "AND p.userid = ? WHERE o.userid = ?",
            (other, mailbox),
        )
        return {seq for (seq,) in rows}

    def delete(self, received: Sequence[tuple[int, int]]) -> None:
        """Remove received messages from mailboxes: pairs (userid, seq)."""
        self._tx.delete_pairs("offlinemessage", ("userid", "seq"), sorted(received))

    def count(self) -> int:
        """The number of messages in all mailboxes together."""
        ((count,),) = self._tx.query("SELECT COUNT(*) FROM offlinemessage")
        return int(count)

    def count_up_to(self, limit: int) -> int:
        """``count``, but no more than ``limit``, which bounds the work."""
        sql = "SELECT COUNT(*) FROM (SELECT 1 FROM offlinemessage LIMIT ?) AS part"
        ((count,),) = self._tx.query(sql, (limit,))
        return int(count)

    def counts(self, user_ids: Collection[int]) -> dict[int, int]:
        """The number of messages in these mailboxes. An empty mailbox is absent."""
        sql = "SELECT userid, COUNT(*) FROM offlinemessage WHERE userid IN :ids GROUP BY userid"
        return dict(self._tx.query_in(sql, sorted(user_ids)))

    def shares(self, user_id: int, limit: int) -> list[MailShare]:
        """The ``limit`` oldest messages of a mailbox, by sender and kind."""
        text = self._tx.bytes_in("COALESCE(mail.message, message.text)")
        extra = self._tx.bytes_in("message.extra")
        rows = self._tx.query(
            "SELECT message.sender, message.kind, COUNT(*), "
            f"COALESCE(SUM({text}), 0) + COALESCE(SUM({extra}), 0) FROM "
            "(SELECT seq, message FROM offlinemessage WHERE userid = ? ORDER BY seq LIMIT ?) "
            "AS mail LEFT JOIN message ON message.seq = mail.seq "
            "GROUP BY message.sender, message.kind",
            (user_id, limit),
        )
        return [MailShare(sender, kind, count, int(size)) for sender, kind, count, size in rows]

    def numbers_after(self, user_id: int, after: int) -> set[int]:
        """The numbers above ``after`` in a mailbox."""
        sql = "SELECT seq FROM offlinemessage WHERE userid = ? AND seq > ?"
        return {seq for (seq,) in self._tx.query(sql, (user_id, after))}

    def numbers_between(self, first: int, last: int) -> set[int]:
        """The numbers from ``first`` to ``last`` in all mailboxes. It reads the whole table."""
        sql = "SELECT DISTINCT seq FROM offlinemessage WHERE seq BETWEEN ? AND ?"
        return {seq for (seq,) in self._tx.query(sql, (first, last))}

    def owed(self, user_ids: Sequence[int]) -> Iterator[dict[int, list[int]]]:
        """The numbers that each of these users is owed, in order. An empty mailbox is absent.

        They come in parts, which bounds the memory. Of a mailbox with more than MAX_OWED messages
        only the oldest come.
        """
        ids = sorted(user_ids)
        start = 0
        while start < len(ids):
            part = ids[start : start + IN_LIST]
            rows = self._tx.query_in(
                "SELECT userid, seq FROM offlinemessage WHERE userid IN :ids "
                "ORDER BY userid, seq LIMIT ?",
                part,
                after=(MAX_OWED,),
            )
            found: dict[int, list[int]] = {}
            for user_id, seq in rows:
                found.setdefault(user_id, []).append(seq)
            yield found
            # A huge mailbox must not hide those after it: go on behind the user of the last row.
            start = bisect_right(ids, rows[-1][0]) if len(rows) == MAX_OWED else start + len(part)

    def sizes(self, user_id: int, limit: int) -> list[tuple[int, int]]:
        """The oldest messages that a user is owed, in order: number, and bytes of text."""
        text = self._tx.bytes_in("COALESCE(mail.message, message.text)")
        extra = self._tx.bytes_in("message.extra")
        rows = self._tx.query(
            f"SELECT mail.seq, {text} + COALESCE({extra}, 0) "
            "FROM offlinemessage AS mail LEFT JOIN message ON message.seq = mail.seq "
            "WHERE mail.userid = ? ORDER BY mail.seq LIMIT ?",
            (user_id, limit),
        )
        return [(seq, int(size or 0)) for seq, size in rows]

    def messages(self, user_id: int, seqs: Sequence[int]) -> list[MailRow]:
        """Those of these messages that the user is owed, in order."""
        rows = self._tx.query_in(
            "SELECT mail.seq, mail.message, message.kind, message.sender, user.name, "
            "message.target, message.text, message.time, message.extra "
            "FROM offlinemessage AS mail "
            "LEFT JOIN message ON message.seq = mail.seq "
            "LEFT JOIN user ON user.id = message.sender "
            "WHERE mail.userid = ? AND mail.seq IN :ids ORDER BY mail.seq",
            seqs,
            before=(user_id,),
        )
        return [MailRow(*row) for row in rows]
