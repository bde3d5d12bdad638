"""A conversation for copying: nothing indented, nothing wrapped, no list beside it. Pure."""

from __future__ import annotations

from client.ui.model.message_item import MessageItem
from client.ui.model.room import Room
from client.ui.text import times
from client.ui.text.cells import lines, one_line

MOST = 1000
"""Messages that are printed: more than a terminal can scroll back by default."""


def copy_lines(room: Room) -> list[str]:
    """The messages that are loaded. A text of several lines begins on a line of its own."""
    found: list[str] = []
    day = None
    for item in room.items[-MOST:]:
        if item.when is not None and times.day_of(item.when) != day:
            day = times.day_of(item.when)
            found.append("{:04}-{:02}-{:02}".format(*day))
        found += _message(item)
    return found


def _message(item: MessageItem) -> list[str]:
    moment = one_line(item.time) if item.when is None else times.to_clock(item.when)
    head = f"{moment} {one_line(item.sender)}:"
    text = lines(item.text)
    return [f"{head} {text[0]}"] if len(text) == 1 else [head, *text]
