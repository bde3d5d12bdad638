"""Snippets: the part of a message around the first word that a search has found. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from client.ui.text.cells import ELLIPSIS, one_line, width
from client.ui.text.styled_line import Line

BEFORE = 20
"""Characters before the first mark."""

WHOLE_CELLS = 36
"""A text whose first mark begins before this column is shown from its beginning."""

LENGTH = 300
"""Characters of a snippet. The screen cuts what does not fit."""


def snippet(text: str, marks: Sequence[tuple[int, int]]) -> Line:
    """One line with the marked parts in the style of a match."""
    start = _start(text, marks[0][0]) if marks else 0
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


def _start(text: str, mark: int) -> int:
    """The index of the first character to show: the beginning of a word, if there is one."""
    if mark <= WHOLE_CELLS and width(one_line(text[:mark])) <= WHOLE_CELLS:
        return 0
    start = max(mark - BEFORE, 0)
    blank = text.find(" ", start, mark)
    return start if blank < 0 else blank + 1
