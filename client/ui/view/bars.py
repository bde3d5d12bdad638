"""The list of conversations, the bars above and below, and the banner: as lines. Pure."""

from __future__ import annotations

from client.account.lifecycle import State, Status
from client.errors import RefusedError, ReplacedError
from client.ui.model.chats import Chats
from client.ui.model.room import Room, RoomKey
from client.ui.model.room_title import room_title
from client.ui.text import times
from client.ui.text.cells import clip, one_line, pad, width
from client.ui.text.error_texts import error_text
from client.ui.text.styled_line import Line
from client.ui.text.translations import Translations
from client.ui.text.wrap import wrap

_TIME = 6  # cells: space and time
_NAME_AT_LEAST = 8
_MOST = 99

MOST_ROWS = 4
"""Rows of a notice. No text of ours needs so many in 80 columns; a server's may."""


def list_lines(
    chats: Chats, texts: Translations, cells: int, height: int, now: float
) -> list[Line]:
    """The list, scrolled so that the current room is in it."""
    rooms = chats.ordered()
    if not rooms:
        return [[("class:note", clip(texts("no conversations"), cells))]]
    at = rooms.index(chats.current) if chats.current in rooms else 0
    first = max(0, min(at - height // 2, len(rooms) - height))
    return [_list_line(room, chats, texts, cells, now) for room in rooms[first : first + height]]


def _list_line(room: Room, chats: Chats, texts: Translations, cells: int, now: float) -> Line:
    mark, mark_style = _presence(room, chats)
    badge = _badge(room)
    has_time = room.active > 0 and cells >= _NAME_AT_LEAST + 2 + len(badge) + _TIME
    moment = f" {times.briefly(room.active, now)}" if has_time else ""
    name = pad(room_title(room, chats, texts), cells - 2 - len(badge) - len(moment))
    name_style = badge_style = ""
    if room.unread:
        name_style = "class:list.unread"
        badge_style = "class:list.mention" if room.mentioned else "class:list.unread"
    line = [
        (mark_style, f"{mark} "),
        (name_style, name),
        (badge_style, badge),
        ("class:list.time", moment),
    ]
    if room is chats.current:
        return [(f"{style} class:list.current", text) for style, text in line]
    return line


def _presence(room: Room, chats: Chats) -> tuple[str, str]:
    if room.key.in_group:
        return "#", "class:offline"
    online = chats.is_online(room)
    if online is None:
        return " ", ""
    return ("●", "class:online") if online else ("○", "class:offline")


def _badge(room: Room) -> str:
    if not room.unread:
        return ""
    count = str(room.unread) if room.unread <= _MOST else f"{_MOST}+"
    return f" @{count}" if room.mentioned else f" {count}"


def title_line(chats: Chats, texts: Translations, cells: int, server: str) -> Line:
    """The bar above: whom one talks with, and whether they are there."""
    room = chats.current
    server = clip(one_line(server), cells // 3)
    room_for_title = cells - width(server) - 4
    if room is None:
        title, state = "", ""
    else:
        title, state = room_title(room, chats, texts), _state(room, chats, texts)
        if room.title and room.key != RoomKey(False, chats.me[0]):
            title = f"{title} ({room.key.id})"
    title = clip(title, room_for_title)
    state = clip(state, max(room_for_title - width(title) - 2, 0))
    gap = " " * max(cells - 2 - width(title) - width(state) - width(server) - 2, 0)
    return [
        ("class:title", f" {title}  "),
        ("class:title.state", f"{state}{gap}{server} "),
    ]


def _state(room: Room, chats: Chats, texts: Translations) -> str:
    if room.key.in_group:
        online, everybody = chats.members_online(room)
        group = chats.group(room.key.id)
        desc = one_line(group.desc) if group is not None else ""
        count = texts("members online", online=online, all=everybody) if everybody else ""
        return "  ".join(part for part in (count, desc) if part)
    presence = chats.is_online(room)
    if presence is None:
        return ""
    return texts("state online") if presence else texts("state offline")


def status_line(
    chats: Chats,
    texts: Translations,
    cells: int,
    state: State,
    unsent: int,
    below: bool,
    above: int = 0,
) -> Line:
    """The bar below: the user's name, and counts of unread and unsent messages.

    ``below``: there are messages below the view. ``above``: the number of unread ones above it.
    A part that does not fit is left out.
    """
    user_id, name = chats.me
    who = clip(one_line(name), max(cells // 4, 6))
    online = state is State.ONLINE
    left = f" {who} ({user_id}) {'●' if online else '○'} "
    alerts = []
    if above:
        alerts.append(texts("new above", count=above))
    if below:
        room = chats.current
        count = 0 if room is None else room.unread - above
        alerts.append(texts("new below", count=count) if count else texts("scrolled"))
    messages, rooms = chats.unread
    if messages:
        many = rooms > 1
        alerts.append(
            texts("unread in", count=messages, rooms=rooms)
            if many
            else texts("unread", count=messages)
        )
    if unsent:
        alerts.append(texts("unsent", count=unsent))
    hint = f" {texts('help hint')} "
    space = max(cells - width(left) - width(hint), 0)
    while len(alerts) > 1 and width(" · ".join(alerts)) > space:
        alerts.pop()
    middle = clip(" · ".join(alerts), space)
    gap = " " * max(cells - width(left) - width(middle) - width(hint), 0)
    line = [("class:status", left), ("class:status.alert", middle), ("class:status", gap)]
    return [*line, ("class:status", clip(hint, max(cells - width(left), 0)))]


def wrapped(style: str, text: str, cells: int) -> list[Line]:
    """A text over as many lines as it needs, each as wide as the screen. Not more than some."""
    if not text:
        return []
    pieces = wrap(text, max(cells - 2, 1))
    if len(pieces) > MOST_ROWS:
        pieces[MOST_ROWS - 1 :] = [clip(" ".join(pieces[MOST_ROWS - 1 :]), max(cells - 2, 1))]
    return [[(style, pad(f" {piece}", cells))] for piece in pieces]


def banner(status: Status, texts: Translations, now: float) -> str:
    """What is to be said while there is no connection; empty if there is one.

    ``now``: ``time.monotonic()`` seconds, as in the status.
    """
    error = status.error
    reason = error_text(error, texts) if error is not None else ""
    if status.state is State.WAITING:
        seconds = max(0, round((status.retry_at or now) - now))
        return texts("offline banner", why=reason, seconds=seconds)
    if status.state in (State.IDLE, State.CONNECTING, State.CONNECTED):
        return texts("connecting why banner", why=reason) if reason else texts("connecting banner")
    if status.state is State.LOGGING_IN:
        return texts("signing in banner")
    if status.state is State.STOPPED:
        return _stopped(error, texts, reason)
    return ""


def form_banner(status: Status, texts: Translations, now: float) -> str:
    """The same in the form, before a request: only errors of the connection."""
    waits = status.state is State.WAITING
    fails = status.state is State.CONNECTING and status.error is not None
    return banner(status, texts, now) if waits or fails else ""


def _stopped(error: Exception | None, texts: Translations, reason: str) -> str:
    if isinstance(error, ReplacedError):
        if error.reason == "replaced":
            return texts("replaced banner")
        return texts("sent away banner", why=one_line(error.reason))
    if isinstance(error, RefusedError):
        return texts("refused banner", why=reason)
    return reason
