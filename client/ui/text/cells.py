"""How many cells of a terminal a text takes, and texts cut to so many. Pure.

Widths are those that prompt_toolkit's renderer counts with, character by character. A terminal
that thinks otherwise draws the rest of the line in the wrong place, so ``flatten`` leaves
nothing in a text about which terminals disagree.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from prompt_toolkit.utils import get_cwidth

from client.safe_text import escape, escape_lines

ELLIPSIS = "…"

_flag = re.compile("[\U0001f1e6-\U0001f1ff]+")
_skin = re.compile("(?<=[\u261d\u26f9\u270a-\u270d\U0001f300-\U0001faff])[\U0001f3fb-\U0001f3ff]")


def width(text: str) -> int:
    """Cells that a text takes, which has no control characters in it."""
    return len(text) if text.isascii() else get_cwidth(text)


def one_line(text: str) -> str:
    """What somebody wrote, safe to show on one line, and of a sure width."""
    return flatten(escape(text))


def lines(text: str) -> list[str]:
    """The same for a text that may have several lines."""
    return [flatten(line) for line in escape_lines(text)]


def flatten(text: str) -> str:
    """An escaped text without what terminals give different widths to.

    Flags become the letters that they are made of, and skin the colour that it has by default.
    """
    if text.isascii():
        return text
    return _skin.sub("", _flag.sub(_letters, text))


def clip(text: str, cells: int) -> str:
    """The text, or as much of it as fits with an ellipsis."""
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
    """The text in exactly so many cells."""
    clipped = clip(text, cells)
    return clipped + " " * (cells - width(clipped))


def clusters(text: str) -> Iterator[str]:
    """The text in pieces that stay together: a character and the marks on it."""
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
