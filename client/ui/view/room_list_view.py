"""The list of rooms, and the matches of the room switcher, as lines. Pure."""

from __future__ import annotations

from client.ui.model.room import Room
from client.ui.model.room_list import RoomList
from client.ui.model.room_switcher import RoomSwitcher
from client.ui.model.room_title import room_title
from client.ui.text import times
from client.ui.text.cells import clip, one_line, pad, width
from client.ui.text.styled_line import Line
from client.ui.text.translations import Translations

_TIME = 6  # cells: space and time
_NAME_AT_LEAST = 8
_MAX_COUNT = 99
_OVERVIEW_NAME = 20
_OVERVIEW_COUNT = 5  # cells of the count, with a space


def list_lines(
    rooms: RoomList, texts: Translations, cells: int, height: int, now: float
) -> list[Line]:
    """One line a room, scrolled so that the open room is visible. ``now``: unix seconds."""
    listed = rooms.ordered()
    if not listed:
        return [[("class:note", clip(texts("no conversations"), cells))]]
    at = listed.index(rooms.current) if rooms.current in listed else 0
    first = max(0, min(at - height // 2, len(listed) - height))
    visible = listed[first : first + height]
    return [_list_line(room, rooms, texts, cells, now) for room in visible]


def overview_lines(
    rooms: RoomList, texts: Translations, cells: int, height: int, now: float
) -> list[Line]:
    """The conversations with their last messages, while none is open. ``now``: unix seconds."""
    listed = [room for room in rooms.ordered() if room.last_line]
    return [_overview_line(room, rooms, texts, cells, now) for room in listed[:height]]


def _overview_line(
    room: Room, rooms: RoomList, texts: Translations, cells: int, now: float
) -> Line:
    mark, mark_style = _presence(room, rooms)
    badge = _badge(room)
    name = pad(room_title(room, rooms, texts), max(min(_OVERVIEW_NAME, cells // 3), 1))
    time = f" {times.briefly(room.active, now)}" if room.active else ""
    space = max(cells - 2 - width(name) - _OVERVIEW_COUNT - width(time), 0)
    is_new = room.unread and not room.muted
    style = "class:list.unread" if is_new else ""
    return [
        (mark_style, f"{mark} "),
        (style, name),
        (style, pad(badge, _OVERVIEW_COUNT)),
        ("" if is_new else "class:note", pad(clip(one_line(room.last_line), space), space)),
        ("class:list.time", time),
    ]


def switcher_lines(
    switcher: RoomSwitcher, rooms: RoomList, texts: Translations, cells: int, height: int
) -> list[Line]:
    """One line a match, scrolled so that the chosen one is visible."""
    first = max(0, switcher.index - height + 1)
    lines: list[Line] = []
    for number, room in enumerate(switcher.matches[first : first + height], first):
        title = room_title(room, rooms, texts)
        style = "class:list.current" if number == switcher.index else ""
        badge = f"  {room.unread}" if room.unread else ""
        lines.append([(style, pad(f" {title} ({room.key.id}){badge}", cells))])
    return lines


def _list_line(room: Room, rooms: RoomList, texts: Translations, cells: int, now: float) -> Line:
    mark, mark_style = _presence(room, rooms)
    badge = _badge(room)
    has_time = room.active > 0 and cells >= _NAME_AT_LEAST + 2 + len(badge) + _TIME
    time = f" {times.briefly(room.active, now)}" if has_time else ""
    name = pad(room_title(room, rooms, texts), cells - 2 - len(badge) - len(time))
    name_style = badge_style = ""
    if room.unread and room.muted and not room.mentioned:
        badge_style = "class:list.time"
    elif room.unread:
        name_style = "class:list.unread"
        badge_style = "class:list.mention" if room.mentioned else "class:list.unread"
    line = [
        (mark_style, f"{mark} "),
        (name_style, name),
        (badge_style, badge),
        ("class:list.time", time),
    ]
    if room is rooms.current:
        return [(f"{style} class:list.current", text) for style, text in line]
    return line


def _presence(room: Room, rooms: RoomList) -> tuple[str, str]:
    if room.key.in_group:
        return "#", "class:offline"
    online = rooms.directory.is_online(room.key)
    if online is None:
        return " ", ""
    return ("●", "class:online") if online else ("○", "class:offline")


def _badge(room: Room) -> str:
    if not room.unread:
        return ""
    count = str(room.unread) if room.unread <= _MAX_COUNT else f"{_MAX_COUNT}+"
    return f" @{count}" if room.mentioned else f" {count}"
