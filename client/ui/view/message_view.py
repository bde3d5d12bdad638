"""MessageView: the visible part of a room's messages, and how it scrolls. Pure.

Only visible messages are formatted. The scroll position is an anchor: the lowest visible message
and the number of its lines below the edge. Drawing begins there and goes up until the view is
full. A formatted message is cached until its text or the width changes. So a key costs the same
in a room of ten thousand messages as in a room of ten.

An anchored view stays when newer messages arrive below it, or older ones are loaded above it.
When the view loses a row to a notice, its lowest line goes and the top line stays.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

from client.ui.model.message_item import MessageItem
from client.ui.model.room import Anchor, Room
from client.ui.model.search import Search
from client.ui.text.styled_line import Line
from client.ui.text.translations import Translations
from client.ui.view.message_lines import MessageLines, highlight

_AHEAD = 2
"""Pages above the view that are loaded before the user scrolls to them."""


class Shown(NamedTuple):
    """The visible messages: the indices of the first and the last."""

    room: Room
    first: int
    last: int


class MessageView:
    """Draws rooms and scrolls them by lines. The terminal's thread.

    Attributes:
        lines: formats the messages.
        at_top: whether the last drawing showed the beginning of the room.
        shown: the messages of the last drawing; None while the screen is drawn without them.
    """

    def __init__(self, texts: Translations, now: Callable[[], float] = time.time) -> None:
        self.lines = MessageLines(texts, now)
        self.at_top = False
        self.shown: Shown | None = None
        self._drawn: Room | None = None
        self._height = 20

    # ------------------------------------------------------------------ drawing

    def draw(self, room: Room, cells: int, height: int, search: Search | None = None) -> list[Line]:
        """Exactly ``height`` lines of at most ``cells`` cells."""
        self._prepare(room, max(cells, 1), max(height, 1), held=search is not None)
        index, below = self._bottom(room)
        lowest = index
        wanted = self._height + below
        blocks: list[list[Line]] = []
        count = 0
        while index >= -1 and count < wanted:
            block = self._block(room, index, search)
            blocks.append(block)
            count += len(block)
            index -= 1
        drawn = [line for block in reversed(blocks) for line in block]
        self.at_top = index < -1 and count <= wanted
        self.shown = Shown(room, max(index + 1, 0), lowest)
        drawn = drawn[max(0, count - wanted) : count - below]
        return [[] for _ in range(self._height - len(drawn))] + drawn

    def _block(self, room: Room, index: int, search: Search | None) -> list[Line]:
        block = self.lines.block(room, index)
        if search is None or not search.query or index < 0:
            return block
        current = room.items[index] is search.found
        return [highlight(line, search.query, current=current) for line in block]

    def is_near_top(self, room: Room) -> bool:
        """Whether few pages of loaded messages are above the view."""
        shown = self.shown
        return shown is None or shown.room is not room or shown.first < _AHEAD * self._height

    def _prepare(self, room: Room, cells: int, height: int, *, held: bool) -> None:
        """Adapt the scroll position to a new size, and to the wishes of the room."""
        same_width = self._drawn is room and self.lines.width == cells
        lost_rows = self._height - height if same_width else 0
        self.lines.width, self._height, self._drawn = cells, height, room
        room.held = held
        if held and room.anchor is None and room.items:
            room.anchor = Anchor(room.items[-1], 0)
        if room.wanted is not None:
            self._put_on_top(room, room.index(room.wanted))
            room.wanted = None
        elif room.anchor is not None and lost_rows:
            self._move(room, lost_rows)
            self._fill(room)
        if not held and room.anchor is not None and room.anchor == Anchor(room.items[-1], 0):
            room.anchor = None  # a search has held the view at the end

    # ------------------------------------------------------------------ scrolling

    def scroll_lines(self, room: Room, up: int) -> None:
        """Move by ``up`` lines; down if negative."""
        self._move(room, up)
        if up > 0:
            self._fill(room)

    def scroll_pages(self, room: Room, up: int) -> None:
        """Move by ``up`` pages; one line of the old page stays visible."""
        self.scroll_lines(room, up * max(self._height - 1, 1))

    def to_start(self, room: Room) -> None:
        """Go to the oldest message."""
        if room.items:
            room.anchor = Anchor(room.items[0], 0)
            self._fill(room)

    def to_end(self, room: Room) -> None:
        """Go to the newest message, and follow new ones."""
        room.anchor = None

    def show(self, room: Room, item: MessageItem) -> None:
        """Make a message visible. The view stays if it is visible already."""
        shown, index = self.shown, room.index(item)
        if shown is None or shown.room is not room or not shown.first < index <= shown.last:
            self.show_in_middle(room, item)

    def show_in_middle(self, room: Room, item: MessageItem) -> None:
        """Scroll a message to the middle of the view, as far as there are lines."""
        index, below = room.index(item), 0
        half = self._height // 2
        while index < len(room.items) - 1 and below < half:
            index += 1
            below += self._lines_of(room, index)
        self._set_anchor(room, index, max(below - half, 0))
        self._fill(room)

    def _move(self, room: Room, up: int) -> None:
        index, below = self._bottom(room)
        below += up
        while index > -1 and below >= (height := self._lines_of(room, index)):
            below -= height
            index -= 1
        last = len(room.items) - 1
        while below < 0 and index < last:
            index += 1
            below += self._lines_of(room, index)
        self._set_anchor(room, index, max(below, 0))

    def _put_on_top(self, room: Room, index: int) -> None:
        """Scroll a message to the top of the view, as far as there are lines below it."""
        count = self._lines_of(room, index)
        while count < self._height and index < len(room.items) - 1:
            index += 1
            count += self._lines_of(room, index)
        self._set_anchor(room, index, max(count - self._height, 0))

    def _bottom(self, room: Room) -> tuple[int, int]:
        """The index of the lowest visible message, and its lines below the edge."""
        if room.anchor is None:
            return len(room.items) - 1, 0
        index = room.index(room.anchor.item)
        # The message may have fewer lines than before, after a change of the width.
        return index, min(room.anchor.below, self._lines_of(room, index) - 1)

    def _set_anchor(self, room: Room, index: int, below: int) -> None:
        if index < 0:
            index, below = 0, 0
        at_end = index >= len(room.items) - 1 and below == 0 and not room.held
        room.anchor = None if at_end else Anchor(room.items[index], below)

    def _fill(self, room: Room) -> None:
        """Leave no empty rows above the first message of the room."""
        index, below = self._bottom(room)
        visible = -below
        while index >= -1 and visible < self._height:
            visible += self._lines_of(room, index)
            index -= 1
        if visible >= self._height:
            return
        index, count = -1, self._lines_of(room, -1)
        while count < self._height and index < len(room.items) - 1:
            index += 1
            count += self._lines_of(room, index)
        self._set_anchor(room, index, max(count - self._height, 0))

    def _lines_of(self, room: Room, index: int) -> int:
        return len(self.lines.block(room, index))
