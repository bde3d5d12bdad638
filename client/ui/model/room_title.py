"""The name of a room on the screen. Pure."""

from __future__ import annotations

from client.ui.model.room import Room, RoomKey
from client.ui.model.room_list import RoomList
from client.ui.text.cells import one_line
from client.ui.text.translations import Translations


def room_title(room: Room, rooms: RoomList, texts: Translations) -> str:
    """The title, escaped; "user 5" or "group 5" without one."""
    if room.title:
        title = one_line(room.title)
        is_me = room.key == RoomKey(False, rooms.directory.me[0])
        return texts("myself", name=title) if is_me else title
    return texts("group" if room.key.in_group else "user", id=room.key.id)
