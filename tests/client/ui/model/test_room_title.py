from __future__ import annotations

from client.ui.model.room_title import room_title
from client.ui.text.translations import Translations
from tests.client.ui.uikit import bob_room, make_rooms


def test_titles_are_escaped() -> None:
    rooms = make_rooms()
    room = bob_room(rooms)
    room.title = "b\x1bob\n"
    assert room_title(room, rooms, Translations("en")) == "b\\x1bob\\n"
