"""The copy view: messages as plain lines, without indents, wrapping and the list of rooms. Pure."""

from __future__ import annotations

from client.ui.model.message_item import Mark, MessageItem
from client.ui.model.room import Room
from client.ui.text import times
from client.ui.text.cells import lines, one_line

MAX_MESSAGES = 1000
"""Messages that are printed: more than the default scrollback of terminals holds."""


def copy_lines(room: Room) -> list[str]:
    """The loaded messages, below their dates. A text of several lines begins on its own line."""
    found: list[str] = []
    day = None
    for item in room.items[-MAX_MESSAGES:]:
        if item.time is not None and times.day_of(item.time) != day:
            day = times.day_of(item.time)
            found.append("{:04}-{:02}-{:02}".format(*day))
        found += _message(item)
    return found


def _message(item: MessageItem) -> list[str]:
    moment = one_line(item.time_text) if item.time is None else times.to_clock(item.time)
    if item.mark is Mark.NOTICE:
        return [f"{moment} {one_line(item.text)}"]
    head = f"{moment} {one_line(item.sender)}:"
    text = lines(item.text)
    return [f"{head} {text[0]}"] if len(text) == 1 else [head, *text]
