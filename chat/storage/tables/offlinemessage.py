"""OfflineMessageModel: the table ``offlinemessage``, what each user is still owed."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from chat.storage.base import Transaction, placeholders

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

    def holders(self, seq: int, user_ids: Collection[int]) -> set[int]:
        """Which of these users are owed this message."""
        found: set[int] = set()
        ids = sorted(user_ids)
        for start in range(0, len(ids), IN_LIST):
            part = ids[start : start + IN_LIST]
            rows = self._tx.query(
                "SELECT userid FROM offlinemessage "
                f"WHERE seq = ? AND userid IN {placeholders(len(part))}",
                (seq, *part),
            )
            found.update([user_id for (user_id,) in rows])
        return found

    def delete(self, received: Sequence[tuple[int, int]]) -> None:
        """Forget what was received: pairs (userid, seq)."""
        self._tx.delete_pairs("offlinemessage", ("userid", "seq"), sorted(received))

    def count(self) -> int:
        """How many messages wait, in all mailboxes together."""
        ((count,),) = self._tx.query("SELECT COUNT(*) FROM offlinemessage")
        return int(count)

    def owed(self, user_ids: Sequence[int]) -> Iterator[dict[int, list[int]]]:
        """What each of these users is owed: the numbers, in order; who is owed nothing is absent.

        In parts, so that not all is in memory at once. Of very many only the oldest.
        """
        ids = sorted(user_ids)
        start = 0
        while start < len(ids):
            part = ids[start : start + IN_LIST]
            rows = self._tx.query(
                f"SELECT userid, seq FROM offlinemessage WHERE userid IN {placeholders(len(part))} "
                "ORDER BY userid, seq LIMIT ?",
                (*part, MAX_OWED),
            )
            found: dict[int, list[int]] = {}
            for user_id, seq in rows:
                found.setdefault(user_id, []).append(seq)
            yield found
            # Nobody may hide behind a huge mailbox: go on behind the one that filled this part.
            start = bisect_right(ids, rows[-1][0]) if len(rows) == MAX_OWED else start + len(part)

    def sizes(self, user_id: int, limit: int) -> list[tuple[int, int]]:
        """The oldest messages that a user is owed, in order: number, and how many bytes of text."""
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
        found: list[MailRow] = []
        for start in range(0, len(seqs), IN_LIST):
            part = seqs[start : start + IN_LIST]
            rows = self._tx.query(
                "SELECT mail.seq, mail.message, message.kind, message.sender, user.name, "
                "message.target, message.text, message.time, message.extra "
                "FROM offlinemessage AS mail "
                "LEFT JOIN message ON message.seq = mail.seq "
                "LEFT JOIN user ON user.id = message.sender "
                f"WHERE mail.userid = ? AND mail.seq IN {placeholders(len(part))} "
                "ORDER BY mail.seq",
                (user_id, *part),
            )
            found += [MailRow(*row) for row in rows]
        return found
