"""The name that a room has on the screen. Pure."""

from __future__ import annotations

from client.ui.model.chats import Chats
from client.ui.model.room import Room, RoomKey
from client.ui.text.cells import one_line
from client.ui.text.translations import Translations


def room_title(room: Room, chats: Chats, texts: Translations) -> str:
    """What a room is called, escaped."""
    if room.title:
        title = one_line(room.title)
        is_me = room.key == RoomKey(False, chats.me[0])
        return texts("myself", name=title) if is_me else title
    return texts("group" if room.key.in_group else "user", id=room.key.id)
