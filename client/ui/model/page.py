"""Page: lines over the conversation, read and closed: help, members, friends. Pure."""

from __future__ import annotations

from client.ui.text.styled_line import Line


class Page:
    """A titled page that scrolls by lines.

    Attributes:
        offset: the index of the first visible line.
        height: the visible lines at the last drawing.
    """

    def __init__(self, title: str, lines: list[Line]) -> None:
        self.title = title
        self.lines = lines
        self.offset = 0
        self.height = 1

    def scroll(self, down: int) -> None:
        """Move by ``down`` lines, as far as there are lines."""
        last = max(len(self.lines) - self.height, 0)
        self.offset = min(max(self.offset + down, 0), last)

    def visible(self, height: int) -> list[Line]:
        """The lines for a window of this height."""
        self.height = max(height, 1)
        self.scroll(0)
        return self.lines[self.offset : self.offset + self.height]
