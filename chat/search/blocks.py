"""Joining blocks: eight small blocks of a conversation become one larger block (filters.py)."""

from __future__ import annotations

from chat.search.filters import FAN, LEVELS, PARTS, ends_of, join, pack_ends
from chat.storage.tables import ENDS, BlockRange, SearchBlockModel


def join_blocks(blocks: SearchBlockModel, conversation: int) -> None:
    """Join the blocks of each level that has FAN of them. After a new block; raises StorageError.

    A search sees the small blocks or the large one, because this is one transaction.
    """
    for level in range(LEVELS - 1):
        small = blocks.of_level(conversation, level, FAN)
        if len(small) < FAN:
            return
        after, last = small[0].after, small[-1].last
        lasts = [block.last for block in small]
        parts: dict[int, bytes] = {}
        for part in range(PARTS):
            bits = blocks.part(lasts, part)
            parts[part] = join([bits[last] for last in lasts])
        ends = blocks.part(lasts, ENDS)
        parts[ENDS] = pack_ends(
            after, [end for block in small for end in ends_of(block.after, ends[block.last])]
        )
        blocks.delete(lasts)
        blocks.insert(conversation, level + 1, BlockRange(after, last), parts)
