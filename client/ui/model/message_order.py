"""MessageOrder: the messages of a room in the order of their ``seq``. Pure.

A message that arrives late is inserted at its place. An own message without a ``seq`` stands at the
end until the server confirms it; one that failed stays behind the messages of that time.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Iterable

from client.ui.model.message_item import LAST, MessageItem, Place


class MessageOrder:
    """A sorted list of messages, each ``seq`` once. Not thread-safe.

    Attributes:
        items: the list. Only this class changes it.
        highest_seq: 0 while there is none.
    """

    def __init__(self) -> None:
        self.items: list[MessageItem] = []
        self.highest_seq = 0
        self._by_seq: dict[int, MessageItem] = {}
        self._added = 0  # orders the items without a seq

    def add(self, item: MessageItem) -> bool:
        """Insert by ``seq``, or behind the highest. Returns False for a repeated ``seq``."""
        if item.seq is None:
            self.add_behind_known(item)
            return True
        if item.seq in self._by_seq:
            return False
        self._by_seq[item.seq] = item
        self.highest_seq = max(self.highest_seq, item.seq)
        item.place = (float(item.seq), 0)
        insort(self.items, item, key=_place_of)
        return True

    def add_last(self, item: MessageItem) -> None:
        """Insert at the end, where it stays behind all messages that arrive."""
        self._insert(item, LAST)

    def add_behind_known(self, item: MessageItem) -> None:
        """Insert behind the highest ``seq``; messages that arrive later go behind it."""
        self._insert(item, float(self.highest_seq))

    def _insert(self, item: MessageItem, after: float) -> None:
        self._added += 1
        item.place = (after, self._added)
        insort(self.items, item, key=_place_of)

    def remove(self, item: MessageItem) -> None:
        """Take an item out. It must be in here."""
        del self.items[self.index(item)]

    def keep_only(self, kept: list[MessageItem]) -> None:
        """Drop all items but these, which have no ``seq``."""
        self.items[:] = kept
        self._by_seq.clear()

    def index(self, item: MessageItem) -> int:
        """The index of an item. It must be in here."""
        return bisect_right(self.items, item.place, key=_place_of) - 1

    def has_any(self, items: Iterable[MessageItem]) -> bool:
        """Whether the ``seq`` of one of these is in here."""
        return any(item.seq in self._by_seq for item in items)

    @property
    def has_seqs(self) -> bool:
        """Whether an item with a ``seq`` is in here."""
        return bool(self._by_seq)

    @property
    def oldest_seq(self) -> int | None:
        """The lowest ``seq``."""
        return next((item.seq for item in self.items if item.seq is not None), None)


def _place_of(item: MessageItem) -> Place:
    return item.place
