"""MessageModel: the table ``message``, the log of all messages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from chat.storage.base import Transaction

_COLUMNS = ("sender", "mid", "kind", "target", "text", "time", "extra")


@dataclass(frozen=True, slots=True)
class LogRow:
    """A row of ``message``, except its ``seq``. ``extra``: JSON, or None."""

    sender: int
    mid: str
    kind: int
    target: int
    text: str
    time: str
    extra: str | None


class MessageModel:
    """The log, unique on (sender, mid), within one transaction. Writer thread."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def insert_new(self, rows: Sequence[LogRow]) -> list[int | None]:
        """Log the new messages; returns the ``seq`` of each, None where (sender, mid) existed."""
        return self._tx.insert_new_rows(
            "message",
            _COLUMNS,
            [(r.sender, r.mid, r.kind, r.target, r.text, r.time, r.extra) for r in rows],
            "seq",
        )

    def first_from(self, seq: int) -> tuple[int, str] | None:
        """The first message from this number on: its number and its time."""
        sql = "SELECT seq, time FROM message WHERE seq >= ? ORDER BY seq LIMIT 1"
        rows = self._tx.query(sql, (seq,))
        return (rows[0][0], rows[0][1]) if rows else None

    def numbers(self, after: int, last: int, limit: int) -> list[int]:
        """The numbers above ``after`` and up to ``last``, in order, ``limit`` at most."""
        sql = "SELECT seq FROM message WHERE seq > ? AND seq <= ? ORDER BY seq LIMIT ?"
        return [seq for (seq,) in self._tx.query(sql, (after, last, limit))]

    def delete(self, seqs: Sequence[int]) -> None:
        """Forget messages, with their ``mid``."""
        self._tx.execute_in("DELETE FROM message WHERE seq IN :ids", seqs)

    def newest(self) -> int:
        """The highest ``seq`` in the log; 0 if the log is empty."""
        ((newest,),) = self._tx.query("SELECT MAX(seq) FROM message")
        return newest or 0

    def known_mids(self, sender: int, mids: Sequence[str]) -> set[str]:
        """Those of these ``mid`` that the log has of this sender."""
        sql = "SELECT mid FROM message WHERE sender = ? AND mid IN :ids"
        return {mid for (mid,) in self._tx.query_in(sql, mids, before=(sender,))}

    def find(self, sender: int, mid: str) -> tuple[int, LogRow] | None:
        """The message of this sender with this ``mid``, and its ``seq``."""
        rows = self._tx.query(
            f"SELECT seq, {', '.join(_COLUMNS)} FROM message WHERE sender = ? AND mid = ?",
            (sender, mid),
        )
        return (rows[0][0], LogRow(*rows[0][1:])) if rows else None
