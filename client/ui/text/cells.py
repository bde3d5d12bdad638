"""The width of a text in cells of the terminal, and texts cut to a width. Pure.

The widths are those of prompt_toolkit's renderer, which adds up characters. A terminal with
another width for a character draws the rest of the line in the wrong place. So ``flatten`` removes
the characters on which terminals differ.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from prompt_toolkit.utils import get_cwidth

from chat.safe_text import escape, escape_lines

ELLIPSIS = "…"

_flag = re.compile("[\U0001f1e6-\U0001f1ff]+")
_skin = re.compile("(?<=[\u261d\u26f9\u270a-\u270d\U0001f300-\U0001faff])[\U0001f3fb-\U0001f3ff]")


def width(text: str) -> int:
    """The cells of a text without control characters."""
    return len(text) if text.isascii() else get_cwidth(text)


def one_line(text: str) -> str:
    """A text of another user, escaped for one line, with a known width."""
    return flatten(escape(text))


def lines(text: str) -> list[str]:
    """The same for a text of several lines."""
    return [flatten(line) for line in escape_lines(text)]


def flatten(text: str) -> str:
    """An escaped text without the characters on which terminals differ.

    A flag becomes its two letters, and an emoji gets its default skin colour.
    """
    if text.isascii():
        return text
    return _skin.sub("", _flag.sub(_letters, text))


def clip(text: str, cells: int) -> str:
    """The text; one that does not fit ends in an ellipsis."""
    if width(text) <= cells:
        return text
    if cells <= 0:
        return ""
    taken, room = "", cells - 1
    for cluster in clusters(text):
        room -= width(cluster)
        if room < 0:
            break
        taken += cluster
    return taken + ELLIPSIS


def pad(text: str, cells: int) -> str:
    """The text clipped or padded to exactly this width."""
    clipped = clip(text, cells)
    return clipped + " " * (cells - width(clipped))


def clusters(text: str) -> Iterator[str]:
    """The characters of a text, each with its combining marks."""
    if text.isascii():
        yield from text
        return
    start = 0
    for position in range(1, len(text)):
        if get_cwidth(text[position]) > 0:
            yield text[start:position]
            start = position
    if text:
        yield text[start:]


def _letters(match: re.Match[str]) -> str:
    return "".join(chr(ord(char) - 0x1F1E6 + ord("A")) for char in match[0])
