"""TextBars: windows for a text of one or several rows."""

from __future__ import annotations

from collections.abc import Callable

from prompt_toolkit.filters import Condition
from prompt_toolkit.layout import ConditionalContainer, Dimension, Window

from client.ui.text.styled_line import Line
from client.ui.view import bars
from client.ui.view.controls import Lines

StyledText = Callable[[], tuple[str, str]]
"""Returns a style and a text for the next drawing."""


class TextBars:
    """Makes windows whose height follows their text. The terminal's thread.

    ``columns`` returns the width of the screen.
    """

    def __init__(self, columns: Callable[[], int]) -> None:
        self._columns = columns

    def window(self, draw: StyledText, beside: int = 0) -> ConditionalContainer:
        """A window of as many rows as its text needs; hidden without a text.

        ``beside``: cells of these rows that other windows use.
        """

        def lines(cells: int, rows: int) -> list[Line]:
            return bars.wrapped(*draw(), cells)

        def height() -> Dimension:
            needed = len(bars.wrapped(*draw(), self._columns() - beside))
            return Dimension(min=1, preferred=max(needed, 1))

        window = Window(Lines(lines), height=height, dont_extend_height=True)
        return ConditionalContainer(window, filter=Condition(lambda: bool(draw()[1])))


def one_row(draw: Callable[[int], Line]) -> Window:
    """A window of one row. ``draw`` returns its line for a width."""
    return Window(Lines(lambda cells, rows: [draw(cells)]), height=1)
