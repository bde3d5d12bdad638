"""Line breaking by cells. Pure.

A word that fits on a line stays whole. Chinese, Japanese and Korean text breaks between any two
characters, but no line begins with a closing mark or ends with an opening one.
"""

from __future__ import annotations

from client.ui.text.cells import clusters, width

_NOT_FIRST = frozenset("，。、；：？！）》」』】〕”’…—～·)]},.;:?!%‰℃")
_NOT_LAST = frozenset("（《「『【〔“‘([{")


def wrap(text: str, cells: int, first: int | None = None) -> list[str]:
    """The lines of a text, at least one. ``first``: the cells of the first line, if fewer.

    The spaces at a break are dropped. A character that is wider than a line gets its own line.
    """
    room = cells if first is None else first
    if text.isascii():
        return _wrap_ascii(text, max(cells, 1), max(room, 1))
    return _wrap_any(text, max(cells, 1), max(room, 1))


def _wrap_ascii(text: str, cells: int, room: int) -> list[str]:
    """The same for one cell a character, which is much faster."""
    found = []
    start = 0
    while len(text) - start > room:
        end = text.rfind(" ", start, start + room + 1)
        if end <= start or text[start:end].isspace():
            end = start + room  # within a word longer than the line, or among spaces
        found.append(text[start:end].rstrip(" "))
        start = end
        while text.startswith(" ", start):
            start += 1
        room = cells
    if start < len(text) or not found:
        found.append(text[start:])
    return found


def _wrap_any(text: str, cells: int, room: int) -> list[str]:
    found: list[str] = []
    line: list[str] = []
    used = 0
    breaks = 0  # the index of the last cluster before which the line may break
    has_ink = False  # the line has more than spaces
    for cluster in clusters(text):
        size = width(cluster)
        if has_ink and _may_break(line[-1], cluster):
            breaks = len(line)
        if used + size > room and cluster != " " and line:
            at = breaks or len(line)
            found.append("".join(line[:at]).rstrip(" "))
            line = line[at:]
            used = sum(map(width, line))
            room, breaks = cells, 0
            if used + size > room and line:  # the carried part fills a line by itself
                found.append("".join(line))
                line, used = [], 0
            has_ink = bool(line)
        line.append(cluster)
        used += size
        has_ink = has_ink or cluster != " "
    found.append("".join(line).rstrip(" ") if used > room else "".join(line))
    return found


def _may_break(before: str, after: str) -> bool:
    if after == " ":
        return False
    if before == " ":
        return True
    if after in _NOT_FIRST or before in _NOT_LAST:
        return False
    return width(before) > 1 or width(after) > 1
