"""Message views and their lines as text, for the tests of the view."""

from __future__ import annotations

from client.ui.model.room import Room, RoomKey
from client.ui.text import times
from client.ui.text.styled_line import Line
from client.ui.text.translations import Translations
from client.ui.view.message_view import MessageView
from tests.client.ui.uikit import item


def noon() -> float:
    """Unix seconds of the day of the messages."""
    moment = times.parse("2026-11-23 12:00:00")
    assert moment is not None
    return moment


def make_view(language: str = "en") -> MessageView:
    """A view on that day."""
    return MessageView(Translations(language), noon)


def stripped(lines: list[Line]) -> list[str]:
    """Lines as text, without styles and spaces at their ends."""
    return ["".join(text for _, text in line).rstrip() for line in lines]


def drawn(room: Room, cells: int = 40, height: int = 8, language: str = "en") -> list[str]:
    """A room drawn once, as text."""
    return stripped(make_view(language).draw(room, cells, height))


def numbered(count: int) -> Room:
    """A room with this number of messages."""
    room = Room(RoomKey(False, 2), "bob")
    for seq in range(1, count + 1):
        room.receive(item(seq, f"message {seq}"))
    return room
