"""Search: a search in the messages of a room. Pure."""

from __future__ import annotations

from client.ui.model.message_item import MessageItem
from client.ui.model.room import Room


class Search:
    """What is looked for in a room, and where it was found.

    Attributes:
        text: as it was typed.
        query: folded, so that upper and lower case are the same.
        found: the message it was found in last; None if nowhere.
    """

    def __init__(self, room: Room) -> None:
        self.room = room
        self.text = ""
        self.query = ""
        self.found: MessageItem | None = None

    def look_for(self, text: str) -> bool:
        """Look for another text, from where the search is upwards. Returns whether it is there."""
        self.text = text
        self.query = text.casefold()
        items = self.room.items
        start = len(items) - 1 if self.found is None else self.room.index(self.found)
        return self._go(range(start, -1, -1))

    def older(self) -> bool:
        """Go to the next place above. Returns whether there is one."""
        start = len(self.room.items) if self.found is None else self.room.index(self.found)
        return self._go(range(start - 1, -1, -1))

    @property
    def matches(self) -> bool:
        """Whether the last match also matches the new query."""
        return self.found is not None and self._is_in(self.found)

    def is_in_first(self, count: int) -> bool:
        """Go to the last place among so many messages, which were loaded just now."""
        return self._go(range(count - 1, -1, -1))

    def newer(self) -> bool:
        """Go to the next place below. Returns whether there is one."""
        if self.found is None:
            return False
        start = self.room.index(self.found)
        return self._go(range(start + 1, len(self.room.items)))

    def _go(self, indices: range) -> bool:
        if not self.query:
            self.found = None
            return True
        items = self.room.items
        for index in indices:
            if self._is_in(items[index]):
                self.found = items[index]
                return True
        return False

    def _is_in(self, item: MessageItem) -> bool:
        return self.query in item.text.casefold()
