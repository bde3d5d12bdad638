"""Snippets: the part of a message around the first word that a search has found. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from client.ui.text.cells import ELLIPSIS, one_line
from client.ui.text.styled_line import Line

BEFORE = 20
"""Characters before the first mark."""

LENGTH = 300
"""Characters of a snippet. The screen cuts what does not fit."""


def snippet(text: str, marks: Sequence[tuple[int, int]]) -> Line:
    """One line with the marked parts in the style of a match."""
    start = max(marks[0][0] - BEFORE, 0) if marks else 0
    end = start + LENGTH
    line: Line = [("", ELLIPSIS)] if start else []
    place = start
    for first, behind in marks:
        if first >= end:
            break
        line.append(("", one_line(text[place:first])))
        line.append(("class:match", one_line(text[first : min(behind, end)])))
        place = behind
    line.append(("", one_line(text[place:end])))
    return [(style, piece) for style, piece in line if piece]
