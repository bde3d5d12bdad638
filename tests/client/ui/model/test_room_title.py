from __future__ import annotations

from client.ui.model.room_title import room_title
from client.ui.text.translations import Translations
from tests.client.ui.uikit import bob_room, make_chats


def test_titles_are_escaped() -> None:
    chats = make_chats()
    room = bob_room(chats)
    room.title = "b\x1bob\n"
    assert room_title(room, chats, Translations("en")) == "b\\x1bob\\n"
