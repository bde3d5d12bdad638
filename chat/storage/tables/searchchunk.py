"""SearchChunkModel: the table ``searchchunk``, filters of messages that stand one after another.

A chunk is a range of one conversation, from the message behind ``after`` to ``last``. Its filter
(chat/search/filters.py) has several parts, each a row.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from chat.storage.base import Transaction

Chunk = tuple[int, int, int, str]
"""One part of the filter of a chunk: the conversation, ``after``, ``last``, and the bits. A search
reads thousands, so it is a plain tuple."""


class SearchChunkModel:
    """The chunks, within one transaction. Worker or writer thread."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def insert(self, conversation: int, after: int, last: int, parts: Sequence[str]) -> None:
        """Add a chunk with all parts of its filter. Raises UniqueViolation if it is there."""
        self._tx.insert_rows(
            "searchchunk",
            ("conversation", "part", "last", "after", "bits"),
            [(conversation, number, last, after, bits) for number, bits in enumerate(parts)],
        )

    def newest(self, conversation: int) -> int:
        """The last message of the newest chunk; 0 if there is none."""
        sql = "SELECT MAX(last) FROM searchchunk WHERE conversation = ? AND part = 0"
        ((last,),) = self._tx.query(sql, (conversation,))
        return last or 0

    def between(
        self, conversations: Collection[int], part: int, above: int, below: int
    ) -> list[Chunk]:
        """The chunks of these conversations whose ``last`` is between the two numbers."""
        return self._tx.query_in(
            "SELECT conversation, after, last, bits FROM searchchunk "
            "WHERE conversation IN :ids AND part = ? AND last > ? AND last < ?",
            list(conversations),
            after=(part, above, below),
        )

    def holding(self, conversations: Collection[int], part: int, seq: int) -> list[Chunk]:
        """The oldest chunk of each conversation that ends at or behind this number."""
        one = (
            "SELECT * FROM (SELECT conversation, after, last, bits FROM searchchunk "
            "WHERE conversation = ? AND part = ? AND last >= ? ORDER BY last LIMIT 1) AS c"
        )
        found: list[Chunk] = []
        ids = list(conversations)
        for start in range(0, len(ids), _UNION):
            group = ids[start : start + _UNION]
            params = [value for id_ in group for value in (id_, part, seq)]
            found += self._tx.query(" UNION ALL ".join([one] * len(group)), params)
        return found

    def parts(self, lasts: Collection[int], part: int) -> dict[int, str]:
        """One part of the filters of these chunks, by ``last``."""
        rows = self._tx.query_in(
            "SELECT last, bits FROM searchchunk WHERE last IN :ids AND part = ?",
            list(lasts),
            after=(part,),
        )
        return dict(rows)

    def delete_up_to(self, boundary: int, limit: int) -> int:
        """Delete ``limit`` chunks at most that end at or before the boundary; returns how many."""
        sql = "SELECT DISTINCT last FROM searchchunk WHERE last <= ? ORDER BY last LIMIT ?"
        lasts = [last for (last,) in self._tx.query(sql, (boundary, limit))]
        self._tx.execute_in("DELETE FROM searchchunk WHERE last IN :ids", lasts)
        return len(lasts)


_UNION = 50
"""SELECTs in one statement. SQLite takes 500."""
