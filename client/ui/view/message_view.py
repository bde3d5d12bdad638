"""MessageView: a room's messages as lines on the screen. Pure.

Only what is to be seen is drawn. A room is scrolled by its anchor, the lowest item to be
seen; from there the message_view goes upwards until it is full. An item's lines are kept with it
until it changes or the width does. So a key costs as much in a room of ten thousand messages
as in one of ten, and nobody ever has to know how many lines there are in all.

What comes below a room that is scrolled, and older messages above it, move nothing; when a bar
takes a line of the message_view, the lowest one goes and the top one stays.

::

     12:01 bob: hello          the state of one's own messages, the time, the name, the text;
    ✓12:02 ann: how are        further lines are indented as far as the name
           you?
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import NamedTuple

from client.ui.model.message_item import Mark, MessageItem
from client.ui.model.room import Anchor, HistoryState, Room
from client.ui.model.search import Search
from client.ui.text import times
from client.ui.text.cells import clip, lines, one_line, width
from client.ui.text.links import fragments, links_in
from client.ui.text.styled_line import Line
from client.ui.text.translations import Translations
from client.ui.text.wrap import wrap
from client.ui.view.themes import name_class

_MARKS = {Mark.RECEIVED: " ", Mark.SENDING: "…", Mark.STORED: "✓", Mark.FAILED: "✗"}
_MARK_STYLES = {
    Mark.RECEIVED: "",
    Mark.SENDING: "class:mark.sending",
    Mark.STORED: "class:mark.stored",
    Mark.FAILED: "class:mark.failed",
}

_CLOCK = 7  # cells: mark, time, space
_NARROW = 34
"""Cells below which the time is left out."""

_NARROW_GUTTER = 2
_LONGEST_NAME = 20

_AHEAD = 2
"""Pages above the view that are loaded before the user scrolls to them."""

_LOOK_BACK = 50
"""Entries without a readable time that are passed over to find out the day before."""

_PAST_KEYS = {
    HistoryState.UNKNOWN: "load older",
    HistoryState.LOADING: "loading older",
    HistoryState.MORE: "load older",
    HistoryState.COMPLETE: "beginning",
    HistoryState.UNAVAILABLE: "no history",
}


class Shown(NamedTuple):
    """The items of a room on the screen, from the first to the last."""

    room: Room
    first: int
    last: int


class MessageView:
    """Draws rooms, and scrolls them by lines. The thread of the terminal.

    Attributes:
        formatted: items that were broken into lines so far; what drawing costs.
        at_top: the beginning of the room was to be seen when it was drawn last.
        shown: the items on the screen at that time; reset when a drawing of the screen begins.
    """

    def __init__(self, texts: Translations, now: Callable[[], float] = time.time) -> None:
        self.formatted = 0
        self.at_top = False
        self.shown: Shown | None = None
        self._drawn: Room | None = None
        self._texts = texts
        self._now = now
        self._width = 80
        self._height = 20

    # ------------------------------------------------------------------ drawing

    def draw(self, room: Room, cells: int, height: int, search: Search | None = None) -> list[Line]:
        """Exactly ``height`` lines of at most ``cells`` cells."""
        self._begin(room, max(cells, 1), max(height, 1), held=search is not None)
        index, below = self._bottom(room)
        lowest = index
        wanted = self._height + below
        divider = room.divider
        blocks: list[list[Line]] = []
        count = 0
        while index >= -1 and count < wanted:
            block = self._block(room, index, divider)
            if search is not None and search.query and index >= 0:
                block = [
                    _highlight(line, search.query, room.items[index] is search.found)
                    for line in block
                ]
            blocks.append(block)
            count += len(block)
            index -= 1
        drawn = [line for block in reversed(blocks) for line in block]
        self.at_top = index < -1 and count <= wanted
        self.shown = Shown(room, max(index + 1, 0), lowest)
        drawn = drawn[max(0, count - wanted) : count - below]
        return [[] for _ in range(self._height - len(drawn))] + drawn

    def is_near_top(self, room: Room) -> bool:
        """Whether less than some pages are above what is shown."""
        shown = self.shown
        return shown is None or shown.room is not room or shown.first < _AHEAD * self._height

    def _begin(self, room: Room, cells: int, height: int, *, held: bool) -> None:
        """The size may be another than before, and the room may want to be elsewhere."""
        lost = self._height - height if self._drawn is room and self._width == cells else 0
        self._width, self._height, self._drawn = cells, height, room
        room.held = held
        if held and room.anchor is None and room.items:
            room.anchor = Anchor(room.items[-1], 0)
        if room.wanted is not None:
            self._put_on_top(room, room.index(room.wanted))
            room.wanted = None
        elif room.anchor is not None and lost:
            self._move(room, lost)
            self._fill(room)
        if not held and room.anchor is not None and room.anchor == Anchor(room.items[-1], 0):
            room.anchor = None  # it was held there

    # ------------------------------------------------------------------ scrolling

    def scroll(self, room: Room, up: int) -> None:
        """Move by so many lines: upwards, or downwards if negative."""
        self._move(room, up)
        if up > 0:
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

    def page(self, room: Room, up: int) -> None:
        """Move by so many pages; a line of the old one stays."""
        self.scroll(room, up * max(self._height - 1, 1))

    def to_start(self, room: Room) -> None:
        """To the oldest item."""
        if room.items:
            room.anchor = Anchor(room.items[0], 0)
            self._fill(room)

    def to_end(self, room: Room) -> None:
        """To the newest item, and follow what comes."""
        room.anchor = None

    def show(self, room: Room, item: MessageItem) -> None:
        """Have an item in the view; one that is there already does not move."""
        shown, index = self.shown, room.index(item)
        if shown is None or shown.room is not room or not shown.first < index <= shown.last:
            self.reveal(room, item)

    def reveal(self, room: Room, item: MessageItem) -> None:
        """Scroll so that an item is in the middle, if there is enough on both sides."""
        index, below = room.index(item), 0
        half = self._height // 2
        while index < len(room.items) - 1 and below < half:
            index += 1
            below += self._lines_of(room, index)
        self._set_anchor(room, index, max(below - half, 0))
        self._fill(room)

    def _put_on_top(self, room: Room, index: int) -> None:
        """Scroll so that an item is the first to be seen; if not all below it fits."""
        count = self._lines_of(room, index)
        while count < self._height and index < len(room.items) - 1:
            index += 1
            count += self._lines_of(room, index)
        self._set_anchor(room, index, max(count - self._height, 0))

    def _bottom(self, room: Room) -> tuple[int, int]:
        """The lowest item to be seen, and its lines below the edge."""
        if room.anchor is None:
            return len(room.items) - 1, 0
        index = room.index(room.anchor.item)
        # The width may have changed, or the item.
        return index, min(room.anchor.below, self._lines_of(room, index) - 1)

    def _set_anchor(self, room: Room, index: int, below: int) -> None:
        if index < 0:
            index, below = 0, 0
        at_end = index >= len(room.items) - 1 and below == 0 and not room.held
        room.anchor = None if at_end else Anchor(room.items[index], below)

    def _fill(self, room: Room) -> None:
        """If the top of the room is below the top of the screen, put it there."""
        index, below = self._bottom(room)
        seen = -below
        while index >= -1 and seen < self._height:
            seen += self._lines_of(room, index)
            index -= 1
        if seen >= self._height:
            return
        index, count = -1, self._lines_of(room, -1)
        while count < self._height and index < len(room.items) - 1:
            index += 1
            count += self._lines_of(room, index)
        self._set_anchor(room, index, max(count - self._height, 0))

    # ------------------------------------------------------------------ blocks of lines

    def _lines_of(self, room: Room, index: int) -> int:
        return len(self._block(room, index, room.divider))

    def _block(self, room: Room, index: int, divider: MessageItem | None) -> list[Line]:
        """An item with what stands above it; -1 is the head of the room."""
        if index < 0:
            return [_note(self._head(room), self._width)]
        item = room.items[index]
        body = self._body(item)
        above = self._above(room, index, item, divider)
        return above + body if above else body

    def _head(self, room: Room) -> str:
        if not room.items and room.history is HistoryState.COMPLETE:
            return self._texts("nothing said")
        return self._texts(_PAST_KEYS[room.history])

    def _above(
        self, room: Room, index: int, item: MessageItem, divider: MessageItem | None
    ) -> list[Line]:
        above = []
        if item.when is not None:
            day, before = times.day_of(item.when), _day_before(room, index)
            if day != before:
                above.append(_rule(self._day(item.when), "class:date", self._width))
        if item is divider:
            above.append(_rule(self._texts("new messages"), "class:divider", self._width))
        return above

    def _day(self, moment: float) -> str:
        texts = self._texts
        year, month, day = times.day_of(moment)
        date = texts(
            "day",
            weekday=texts("weekdays").split()[times.weekday_of(moment)],
            day=day,
            month=texts("months").split()[month - 1],
            year=year,
        )
        now = self._now()
        if (year, month, day) == times.day_of(now):
            return f"{texts('today')}, {date}"
        if (year, month, day) == times.day_of(now - times.DAY):
            return f"{texts('yesterday')}, {date}"
        return date

    def _body(self, item: MessageItem) -> list[Line]:
        key = (self._width, self._texts.language)
        if isinstance(item.rendered, tuple) and item.rendered[0] == key:
            kept: list[Line] = item.rendered[1]
            return kept
        self.formatted += 1
        body = self._format(item)
        item.rendered = (key, body)
        return body

    def _format(self, item: MessageItem) -> list[Line]:
        gutter = _CLOCK if self._width >= _NARROW else _NARROW_GUTTER
        head = self._gutter(item, gutter)
        name = clip(one_line(item.sender), min(_LONGEST_NAME, max(self._width // 3, 4)))
        style = "class:name.me" if item.mine else name_class(item.sender_id)
        text_style = "class:mention" if item.mention else ""
        indent = " " * gutter
        room = self._width - gutter
        first = room - width(name) - 2
        found: list[Line] = []
        for number, text in enumerate(lines(item.text)):
            links, position = links_in(text), 0
            for piece in wrap(text, room, first if number == 0 else None):
                position = text.find(piece, position)  # behind the spaces of a line's end
                shown = fragments(piece, position, links, text_style)
                position += len(piece)
                if found:
                    found.append([("", indent), *shown])
                else:
                    found.append([*head, (style, name), ("", ": "), *shown])
        if item.mark is Mark.FAILED:
            why = self._texts("failed mark", why=one_line(item.why))
            for piece in wrap(why, room):
                found.append([("", indent), ("class:mark.failed", piece)])
        return found

    def _gutter(self, item: MessageItem, cells: int) -> Line:
        mark = (_MARK_STYLES[item.mark], _MARKS[item.mark])
        if cells == _NARROW_GUTTER:
            return [mark, ("", " ")]
        if item.when is not None:
            return [mark, ("class:time", times.to_clock(item.when) + " ")]
        # A classic client's own idea of the time.
        shown = clip(one_line(item.time), cells - 2)
        return [mark, ("class:time", shown + " " * (cells - 1 - width(shown)))]


def _day_before(room: Room, index: int) -> tuple[int, int, int] | None:
    for earlier in range(index - 1, max(index - _LOOK_BACK, -1), -1):
        moment = room.items[earlier].when
        if moment is not None:
            return times.day_of(moment)
    return None


def _rule(text: str, style: str, cells: int) -> Line:
    """A line across the message_view with a text in its middle."""
    text = clip(text, max(cells - 4, 1))
    dashes = max(cells - width(text) - 2, 0)
    left = dashes // 2
    return [(style, "─" * left + f" {text} " + "─" * (dashes - left))]


def _note(text: str, cells: int) -> Line:
    text = clip(text, cells)
    return [("class:note", " " * ((cells - width(text)) // 2) + text)]


def _highlight(line: Line, query: str, found: bool) -> Line:
    """The line with every place marked where the query stands within one fragment."""
    style = "class:match.found" if found else "class:match"
    marked: Line = []
    for fragment_style, text in line:
        folded = text.casefold()
        if len(folded) != len(text) or query not in folded:
            marked.append((fragment_style, text))
            continue
        start = 0
        while (at := folded.find(query, start)) >= 0:
            marked.append((fragment_style, text[start:at]))
            marked.append((f"{fragment_style} {style}", text[at : at + len(query)]))
            start = at + len(query)
        marked.append((fragment_style, text[start:]))
    return marked
