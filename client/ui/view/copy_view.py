"""A conversation for copying: nothing indented, nothing wrapped, no list beside it. Pure."""

from __future__ import annotations

from client.ui.model.message_item import Entry
from client.ui.model.room import Room
from client.ui.text import times
from client.ui.text.cells import lines, one_line

MOST = 1000
"""Messages that are printed: more than a terminal can scroll back by default."""


def bare_lines(room: Room) -> list[str]:
    """The messages that are loaded. A text of several lines begins on a line of its own."""
    found: list[str] = []
    day = None
    for entry in room.entries[-MOST:]:
        if entry.when is not None and times.day_of(entry.when) != day:
            day = times.day_of(entry.when)
            found.append("{:04}-{:02}-{:02}".format(*day))
        found += _message(entry)
    return found


def _message(entry: Entry) -> list[str]:
    moment = one_line(entry.time) if entry.when is None else times.to_clock(entry.when)
    head = f"{moment} {one_line(entry.sender)}:"
    text = lines(entry.text)
    return [f"{head} {text[0]}"] if len(text) == 1 else [head, *text]
