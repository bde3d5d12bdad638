"""RoomSwitcher: the choice of a room by some letters of its name. Pure."""

from __future__ import annotations

from client.ui.model.chats import Chats
from client.ui.model.room import Room
from client.ui.model.room_title import room_title
from client.ui.text import fuzzy
from client.ui.text.translations import Translations


class RoomSwitcher:
    """The rooms that match what is typed, and the chosen one.

    Attributes:
        rooms: the matches, the best first.
        index: the place of the chosen one.
    """

    def __init__(self, chats: Chats, texts: Translations) -> None:
        self._chats = chats
        self._texts = texts
        self.index = 0
        self.rooms: list[Room] = []
        self.set_query("")

    def set_query(self, query: str) -> None:
        """Match other letters."""
        self.index = 0
        self.rooms = fuzzy.matches(query, self._chats.ordered(), self._name)

    def move(self, step: int) -> None:
        """Choose the match ``step`` places below."""
        if self.rooms:
            self.index = (self.index + step) % len(self.rooms)

    @property
    def chosen(self) -> Room | None:
        """The room to open; None without a match."""
        return self.rooms[self.index] if self.rooms else None

    def _name(self, room: Room) -> str:
        return f"{room_title(room, self._chats, self._texts)} {room.key.id}"
