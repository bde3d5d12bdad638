"""SearchBlockModel: the table ``searchblock``, filters of messages that stand one after another.

A block is a range of one conversation, from the message behind ``after`` to ``last``. It has
several chunks, and several parts (chat/search/filters.py), each a row. A further row with the part
ENDS has the places where its chunks end.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from chat.storage.base import Transaction

ENDS = -1

Part = tuple[int, int, int, int, bytes]
"""One part of a block: the conversation, the part, ``after``, ``last``, and the bits. A search
reads thousands, so it is a plain tuple."""

_LEVELS = (0, 1, 2)
"""Sizes of blocks: the level is the second column of the key."""

_COLUMNS = ("conversation", "level", "part", "last", "after", "bits")


class BlockRange(NamedTuple):
    """The messages of a block: those behind ``after``, up to ``last``."""

    after: int
    last: int


class SearchBlockModel:
    """The blocks, within one transaction. Worker or writer thread."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    def insert(
        self, conversation: int, level: int, block: BlockRange, parts: Mapping[int, bytes]
    ) -> None:
        """Add a block with all its parts. Raises UniqueViolation if it is there."""
        rows = [
            (conversation, level, part, block.last, block.after, bits)
            for part, bits in parts.items()
        ]
        self._tx.insert_rows("searchblock", _COLUMNS, rows)

    def newest(self, conversation: int) -> int:
        """The last message of the newest block; 0 if there is none."""
        one = (
            "SELECT MAX(last) AS last FROM searchblock "
            "WHERE conversation = ? AND level = ? AND part = ?"
        )
        sql = f"SELECT MAX(last) FROM ({' UNION ALL '.join([one] * len(_LEVELS))}) AS newest"
        params = [value for level in _LEVELS for value in (conversation, level, ENDS)]
        ((last,),) = self._tx.query(sql, params)
        return last or 0

    def of_level(self, conversation: int, level: int, limit: int) -> list[BlockRange]:
        """The oldest blocks of a level, in order."""
        rows = self._tx.query(
            "SELECT after, last FROM searchblock WHERE conversation = ? AND level = ? "
            "AND part = ? ORDER BY last LIMIT ?",
            (conversation, level, ENDS, limit),
        )
        return [BlockRange(*row) for row in rows]

    def between(
        self, conversations: Collection[int], parts: Sequence[int], above: int, below: int
    ) -> list[Part]:
        """These parts of the blocks whose ``last`` is between the two numbers."""
        return self._tx.query_in(
            "SELECT conversation, part, after, last, bits FROM searchblock "
            f"WHERE conversation IN :ids AND level IN {_list(_LEVELS)} "
            f"AND part IN {_list(parts)} AND last > ? AND last < ?",
            list(conversations),
            after=(above, below),
        )

    def holding(self, conversations: Collection[int], parts: Sequence[int], seq: int) -> list[Part]:
        """Of each conversation and level, the oldest block that ends at or behind this number."""
        one = (
            "SELECT * FROM (SELECT conversation, part, after, last, bits FROM searchblock "
            "WHERE conversation = ? AND level = ? AND part = ? AND last >= ? "
            "ORDER BY last LIMIT 1) AS b"
        )
        keys = [(id_, level, part) for id_ in conversations for level in _LEVELS for part in parts]
        found: list[Part] = []
        for start in range(0, len(keys), _UNION):
            group = keys[start : start + _UNION]
            params = [value for key in group for value in (*key, seq)]
            found += self._tx.query(" UNION ALL ".join([one] * len(group)), params)
        return found

    def part(self, lasts: Collection[int], part: int) -> dict[int, bytes]:
        """One part of these blocks, by ``last``."""
        rows = self._tx.query_in(
            "SELECT last, bits FROM searchblock WHERE last IN :ids AND part = ?",
            list(lasts),
            after=(part,),
        )
        return dict(rows)

    def delete(self, lasts: Collection[int]) -> None:
        """Delete blocks."""
        self._tx.execute_in("DELETE FROM searchblock WHERE last IN :ids", list(lasts))

    def delete_up_to(self, boundary: int, limit: int) -> int:
        """Delete ``limit`` blocks at most that end at or before the boundary; returns how many."""
        sql = "SELECT DISTINCT last FROM searchblock WHERE last <= ? ORDER BY last LIMIT ?"
        lasts = [last for (last,) in self._tx.query(sql, (boundary, limit))]
        self.delete(lasts)
        return len(lasts)


_UNION = 50
"""SELECTs in one statement. SQLite takes 500."""


def _list(numbers: Sequence[int]) -> str:
    """Numbers of ours as a list in SQL."""
    return f"({','.join(map(str, numbers))})"
