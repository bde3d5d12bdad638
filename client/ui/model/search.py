"""Search: a search in the loaded messages of a room. Pure."""

from __future__ import annotations

from client.ui.model.message_item import MessageItem
from client.ui.model.room import Room


class Search:
    """The text to find, and the last match.

    Attributes:
        text: as it was typed.
        query: the text in folded case.
        found: the last match; None without one.
    """

    def __init__(self, room: Room) -> None:
        self.room = room
        self.text = ""
        self.query = ""
        self.found: MessageItem | None = None

    def set_text(self, text: str) -> bool:
        """Search another text, from the last match upwards. Returns whether it was found."""
        self.text = text
        self.query = text.casefold()
        items = self.room.items
        start = len(items) - 1 if self.found is None else self.room.index(self.found)
        return self._find_in(range(start, -1, -1))

    def find_older(self) -> bool:
        """Go to the next match above. Returns whether there is one."""
        start = len(self.room.items) if self.found is None else self.room.index(self.found)
        return self._find_in(range(start - 1, -1, -1))

    def find_newer(self) -> bool:
        """Go to the next match below. Returns whether there is one."""
        if self.found is None:
            return False
        start = self.room.index(self.found)
        return self._find_in(range(start + 1, len(self.room.items)))

    def find_in_first(self, count: int) -> bool:
        """Go to the last match among the first ``count`` messages, which were just loaded."""
        return self._find_in(range(count - 1, -1, -1))

    @property
    def matches(self) -> bool:
        """Whether the last match also contains the current text."""
        return self.found is not None and self._contains(self.found)

    def _find_in(self, indices: range) -> bool:
        if not self.query:
            self.found = None
            return True
        items = self.room.items
        for index in indices:
            if self._contains(items[index]):
                self.found = items[index]
                return True
        return False

    def _contains(self, item: MessageItem) -> bool:
        return self.query in item.text.casefold()
