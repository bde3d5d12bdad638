"""RoomSwitcher: the choice of a room by some letters of its name. Pure."""

from __future__ import annotations

from client.ui.model.room import Room
from client.ui.model.room_list import RoomList
from client.ui.model.room_title import room_title
from client.ui.text import fuzzy
from client.ui.text.translations import Translations


class RoomSwitcher:
    """The rooms that match the typed letters, and the chosen one.

    Attributes:
        matches: the best first.
        index: the place of the chosen one.
    """

    def __init__(self, rooms: RoomList, texts: Translations) -> None:
        self._rooms = rooms
        self._texts = texts
        self.index = 0
        self.matches: list[Room] = []
        self.set_query("")

    def set_query(self, query: str) -> None:
        """Match other letters."""
        self.index = 0
        self.matches = fuzzy.matches(query, self._rooms.ordered(), self._name)

    def move(self, step: int) -> None:
        """Choose the match ``step`` places below."""
        if self.matches:
            self.index = (self.index + step) % len(self.matches)

    @property
    def chosen(self) -> Room | None:
        """The room to open; None without a match."""
        return self.matches[self.index] if self.matches else None

    def _name(self, room: Room) -> str:
        return f"{room_title(room, self._rooms, self._texts)} {room.key.id}"
