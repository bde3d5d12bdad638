"""Tables for people: aligned columns, also with wide characters. Pure."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

from wcwidth import wcswidth

from chat.safe_text import escape

GAP = "  "
Cell = str | int | float | None


def table(head: Sequence[str], rows: Sequence[Sequence[Cell]]) -> list[str]:
    """The lines of a table. Numbers stand at the right of their column. None is a dash.

    Texts of users are escaped.
    """
    texts = [list(map(_text, row)) for row in rows]
    widths = [max(map(width, column)) for column in zip(head, *texts, strict=True)]
    right = [
        bool(rows) and all(isinstance(row[place], int | float | None) for row in rows)
        for place in range(len(head))
    ]
    return [_line(cells, widths, right) for cells in (list(head), *texts)]


def pairs(rows: Sequence[tuple[str, Cell]]) -> list[str]:
    """Lines with a name and a value each."""
    widest = max(width(name) for name, _ in rows)
    return [f"{name}{' ' * (widest - width(name))}{GAP}{_text(value)}" for name, value in rows]


def width(text: str) -> int:
    """The columns that a text takes in a terminal."""
    return max(0, wcswidth(text))


def date(seconds: int, never: str = "never") -> str:
    """A local time. ``seconds``: Unix seconds; 0: ``never``."""
    if not seconds:
        return never
    return datetime.datetime.fromtimestamp(seconds).strftime("%Y-%m-%d %H:%M:%S")


def _text(cell: Cell) -> str:
    if cell is None or cell == "":
        return "-"
    return f"{cell:.1f}" if isinstance(cell, float) else escape(str(cell))


def _line(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    padded = []
    for cell, wide, is_right in zip(cells, widths, right, strict=True):
        blanks = " " * (wide - width(cell))
        padded.append(blanks + cell if is_right else cell + blanks)
    return GAP.join(padded).rstrip()
