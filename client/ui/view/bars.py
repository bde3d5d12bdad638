"""The bars above and below the messages, and texts of several rows, as lines. Pure."""

from __future__ import annotations

import time

from client.ui.model.room import Room, RoomKey
from client.ui.model.room_list import RoomList
from client.ui.model.room_title import room_title
from client.ui.model.screen_state import ScreenState
from client.ui.text.cells import clip, one_line, pad, width
from client.ui.text.styled_line import Line
from client.ui.text.translations import Translations
from client.ui.text.wrap import wrap

MAX_ROWS = 4
"""Rows of a notice. The terminal's own texts fit in 80 columns; a server's may be longer."""


def title_line(rooms: RoomList, texts: Translations, cells: int, server: str) -> Line:
    """The bar above: the open room, the presence in it, and the server."""
    room = rooms.current
    server = clip(one_line(server), cells // 3)
    space = cells - width(server) - 4
    if room is None:
        title, presence = "", ""
    else:
        title, presence = room_title(room, rooms, texts), _presence(room, rooms, texts)
        if room.title and room.key != RoomKey(False, rooms.directory.me[0]):
            title = f"{title} ({room.key.id})"
    title = clip(title, space)
    presence = clip(presence, max(space - width(title) - 2, 0))
    gap = " " * max(cells - 2 - width(title) - width(presence) - width(server) - 2, 0)
    return [
        ("class:title", f" {title}  "),
        ("class:title.state", f"{presence}{gap}{server} "),
    ]


def _presence(room: Room, rooms: RoomList, texts: Translations) -> str:
    parts = [_typing(room, rooms, texts) or _members_or_state(room, rooms, texts)]
    if room.muted:
        parts.append(texts("is muted"))
    return "  ".join(part for part in parts if part)


def _typing(room: Room, rooms: RoomList, texts: Translations) -> str:
    writers = rooms.typing_in(room.key, time.monotonic())
    if not writers:
        return ""
    if not room.key.in_group:
        return texts("types")
    names = ", ".join(one_line(rooms.directory.name_of(user_id)) for user_id in writers[:3])
    return texts("in group types", names=names)


def _members_or_state(room: Room, rooms: RoomList, texts: Translations) -> str:
    if room.key.in_group:
        online, members = rooms.directory.members_online(room.key.id)
        group = rooms.directory.group(room.key.id)
        desc = one_line(group.desc) if group is not None else ""
        if not members:
            count = ""
        elif online is None:
            count = texts("members", all=members)
        else:
            count = texts("members online", online=online, all=members)
        return "  ".join(part for part in (count, desc) if part)
    presence = rooms.directory.is_online(room.key)
    if presence is None:
        return ""
    return texts("state online") if presence else texts("state offline")


def status_line(state: ScreenState, cells: int, *, below: bool, above: int = 0) -> Line:
    """The bar below: the user's name, and the counts of unread and unsent messages.

    ``below``: messages are below the view. ``above``: the number of unread messages above it.
    A count that does not fit is left out.
    """
    user_id, name = state.rooms.directory.me
    shown_name = clip(one_line(name), max(cells // 4, 6))
    left = f" {shown_name} ({user_id}) {'●' if state.is_online else '○'} "
    hint = f" {state.texts('help hint')} "
    space = max(cells - width(left) - width(hint), 0)
    alerts = _alerts(state, below=below, above=above)
    while len(alerts) > 1 and width(" · ".join(alerts)) > space:
        alerts.pop()
    middle = clip(" · ".join(alerts), space)
    gap = " " * max(cells - width(left) - width(middle) - width(hint), 0)
    line = [("class:status", left), ("class:status.alert", middle), ("class:status", gap)]
    return [*line, ("class:status", clip(hint, max(cells - width(left), 0)))]


def _alerts(state: ScreenState, *, below: bool, above: int) -> list[str]:
    """The counts, the most important first."""
    texts, alerts = state.texts, []
    if above:
        alerts.append(texts("new above", count=above))
    if below:
        room = state.rooms.current
        count = 0 if room is None else room.unread - above
        alerts.append(texts("new below", count=count) if count else texts("scrolled"))
    messages, rooms = state.rooms.unread
    if rooms > 1:
        alerts.append(texts("unread in", count=messages, rooms=rooms))
    elif messages:
        alerts.append(texts("unread", count=messages))
    if state.unsent:
        alerts.append(texts("unsent", count=state.unsent))
    return alerts


def wrapped(style: str, text: str, cells: int) -> list[Line]:
    """A text in as many rows as it needs, up to ``MAX_ROWS``, each as wide as the screen."""
    if not text:
        return []
    pieces = wrap(text, max(cells - 2, 1))
    if len(pieces) > MAX_ROWS:
        pieces[MAX_ROWS - 1 :] = [clip(" ".join(pieces[MAX_ROWS - 1 :]), max(cells - 2, 1))]
    return [[(style, pad(f" {piece}", cells))] for piece in pieces]
