"""MessageLines: the messages of a room as lines of a given width. Pure, but for today's date.

::

     12:01 bob: hello          the delivery mark, the time, the name and the text;
    ✓12:02 ann: how are        further lines are indented
           you? ✓✓             the other user has read up to this message
"""

from __future__ import annotations

from collections.abc import Callable

from client.ui.model.message_item import Mark, MessageItem
from client.ui.model.room import HistoryState, Room
from client.ui.text import times
from client.ui.text.cells import clip, lines, one_line, width
from client.ui.text.links import fragments, links_in
from client.ui.text.styled_line import Line
from client.ui.text.translations import Translations
from client.ui.text.wrap import wrap
from client.ui.view.themes import name_class

_MARKS = {
    Mark.RECEIVED: " ",
    Mark.NOTICE: " ",
    Mark.SENDING: "…",
    Mark.STORED: "✓",
    Mark.FAILED: "✗",
}
_MARK_STYLES = {
    Mark.RECEIVED: "",
    Mark.NOTICE: "",
    Mark.SENDING: "class:mark.sending",
    Mark.STORED: "class:mark.stored",
    Mark.FAILED: "class:mark.failed",
}

_RECEIPT = "✓✓"
"""Behind the last own message that the other user has read."""

_CLOCK = 7  # cells: mark, time, space
_NARROW = 34
"""Cells below which the time is left out."""

_NARROW_GUTTER = 2
_LONGEST_NAME = 20

_LOOK_BACK = 50
"""Messages without a readable time that are skipped in the search for the day before."""

_HISTORY_KEYS = {
    HistoryState.UNKNOWN: "load older",
    HistoryState.LOADING: "loading older",
    HistoryState.MORE: "load older",
    HistoryState.COMPLETE: "beginning",
    HistoryState.UNAVAILABLE: "no history",
}


class MessageLines:
    """Formats messages, and caches the result in them. The terminal's thread.

    Attributes:
        width: cells of a line.
        formatted: the number of messages that were formatted; the cost of drawing.
    """

    def __init__(self, texts: Translations, now: Callable[[], float]) -> None:
        """``now`` returns unix seconds, to tell today."""
        self.width = 80
        self.formatted = 0
        self._texts = texts
        self._now = now

    def block(self, room: Room, index: int) -> list[Line]:
        """A message below its date and divider; -1 is the line above all messages."""
        if index < 0:
            return [_centred(self._history_text(room), self.width)]
        item = room.items[index]
        body = self._body(item)
        above = self._above(room, index, item)
        return above + body if above else body

    def _history_text(self, room: Room) -> str:
        if not room.items and room.history is HistoryState.COMPLETE:
            return self._texts("nothing said")
        return self._texts(_HISTORY_KEYS[room.history])

    def _above(self, room: Room, index: int, item: MessageItem) -> list[Line]:
        above = []
        if item.time is not None:
            day, before = times.day_of(item.time), _day_before(room, index)
            if day != before:
                above.append(_rule(self._day(item.time), "class:date", self.width))
        if item is room.divider:
            above.append(_rule(self._texts("new messages"), "class:divider", self.width))
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
        key = (self.width, self._texts.language)
        if isinstance(item.rendered, tuple) and item.rendered[0] == key:
            cached: list[Line] = item.rendered[1]
            return cached
        self.formatted += 1
        body = self._format(item)
        item.rendered = (key, body)
        return body

    def _format(self, item: MessageItem) -> list[Line]:
        gutter = _CLOCK if self.width >= _NARROW else _NARROW_GUTTER
        head = self._gutter(item, gutter)
        if item.mark is Mark.NOTICE:
            return self._format_notice(item, head, gutter)
        name = clip(one_line(item.sender), min(_LONGEST_NAME, max(self.width // 3, 4)))
        style = "class:name.me" if item.mine else name_class(item.sender_id)
        text_style = "class:mention" if item.mention else ""
        indent = " " * gutter
        space = self.width - gutter
        first = space - width(name) - 2
        found: list[Line] = []
        for number, text in enumerate(lines(item.text)):
            links, position = links_in(text), 0
            for piece in wrap(text, space, first if number == 0 else None):
                position = text.find(piece, position)  # wrap drops spaces between the pieces
                shown = fragments(piece, position, links, text_style)
                position += len(piece)
                if found:
                    found.append([("", indent), *shown])
                else:
                    found.append([*head, (style, name), ("", ": "), *shown])
        if item.receipt:
            _add_receipt(found, indent, self.width)
        if item.mark is Mark.FAILED:
            reason = self._texts("failed mark", reason=one_line(item.failure))
            for piece in wrap(reason, space):
                found.append([("", indent), ("class:mark.failed", piece)])
        return found

    def _format_notice(self, item: MessageItem, head: Line, gutter: int) -> list[Line]:
        pieces = wrap(one_line(item.text), self.width - gutter)
        found: list[Line] = [[*head, ("class:note", pieces[0])]]
        found.extend([("", " " * gutter), ("class:note", piece)] for piece in pieces[1:])
        return found

    def _gutter(self, item: MessageItem, cells: int) -> Line:
        mark = (_MARK_STYLES[item.mark], _MARKS[item.mark])
        if cells == _NARROW_GUTTER:
            return [mark, ("", " ")]
        if item.time is not None:
            return [mark, ("class:time", times.to_clock(item.time) + " ")]
        # A classic client sends a time in its own format.
        shown = clip(one_line(item.time_text), cells - 2)
        return [mark, ("class:time", shown + " " * (cells - 1 - width(shown)))]


def _add_receipt(found: list[Line], indent: str, cells: int) -> None:
    """Put ✓✓ behind a message, on its last line if that has room."""
    used = sum(width(text) for _, text in found[-1])
    mark = ("class:mark.read", _RECEIPT)
    if used + 1 + width(_RECEIPT) <= cells:
        found[-1] = [*found[-1], ("", " "), mark]
    else:
        found.append([("", indent), mark])


def highlight(line: Line, query: str, *, current: bool) -> Line:
    """The line with each match marked. A match across two fragments is not marked.

    ``query``: in folded case. ``current``: the line belongs to the last match.
    """
    style = "class:match.found" if current else "class:match"
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


def _day_before(room: Room, index: int) -> tuple[int, int, int] | None:
    for earlier in range(index - 1, max(index - _LOOK_BACK, -1), -1):
        moment = room.items[earlier].time
        if moment is not None:
            return times.day_of(moment)
    return None


def _rule(text: str, style: str, cells: int) -> Line:
    """A horizontal rule with a text in its middle."""
    text = clip(text, max(cells - 4, 1))
    dashes = max(cells - width(text) - 2, 0)
    left = dashes // 2
    return [(style, "─" * left + f" {text} " + "─" * (dashes - left))]


def _centred(text: str, cells: int) -> Line:
    text = clip(text, cells)
    return [("class:note", " " * ((cells - width(text)) // 2) + text)]
