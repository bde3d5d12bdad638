"""HitList: the page with the messages that a search has found, of which one is chosen. Pure."""

from __future__ import annotations

from client.ui.model.page import Page
from client.ui.text.styled_line import Line
from client.values import Hit

LINES = 2
"""Lines of a hit: its time, conversation and sender, and a part of its text."""

_CHOSEN = "class:list.current"


class HitList(Page):
    """A page on which Up and Down move to another hit.

    Attributes:
        query: what was searched for.
        hits: the newest first.
        before: the number to ask for the next hits with; None: there are no others.
        chosen: the index of the chosen hit.
        loading: whether the next hits are being asked for.
    """

    def __init__(self, title: str, query: str) -> None:
        super().__init__(title, [])
        self.query = query
        self.hits: list[Hit] = []
        self.before: int | None = None
        self.chosen = 0
        self.loading = False

    def add(self, hits: list[tuple[Hit, list[Line]]], before: int | None) -> None:
        """Add hits at the end, each with its LINES lines."""
        for hit, lines in hits:
            self.hits.append(hit)
            self.lines += lines
        self.before = before

    @property
    def wants_more(self) -> bool:
        """Whether the last hit is chosen, and others follow."""
        return self.chosen >= len(self.hits) - 1 and self.before is not None and not self.loading

    def scroll(self, down: int) -> None:
        """Choose the hit ``down`` hits below, as far as there are hits."""
        self.chosen = max(min(self.chosen + down, len(self.hits) - 1), 0)
        first = self.chosen * LINES
        self.offset = min(max(self.offset, first + LINES - self.height), first)

    def visible(self, height: int) -> list[Line]:
        """The lines for a window of this height, with the chosen hit marked."""
        shown = super().visible(height)
        first = self.chosen * LINES - self.offset
        return [
            [(f"{_CHOSEN} {style}", text) for style, text in line]
            if first <= index < first + LINES
            else line
            for index, line in enumerate(shown)
        ]
