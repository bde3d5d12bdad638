"""InputHistory: the lines that were entered, for the arrow keys. Pure."""

from __future__ import annotations

MAX_LINES = 200
"""Lines that are kept."""


class InputHistory:
    """The entered lines and a position among them. Not thread-safe."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._index = 0  # len(_lines): behind the last, at the unfinished line
        self._unfinished = ""

    def add(self, line: str) -> None:
        """Add an entered line, and go behind the last."""
        if not self._lines or self._lines[-1] != line:
            self._lines.append(line)
            del self._lines[:-MAX_LINES]
        self._index = len(self._lines)

    def earlier(self, current: str) -> str | None:
        """Go to the line before; None at the first.

        ``current`` is kept as the unfinished line, which ``later`` returns at the end.
        """
        if self._index == 0:
            return None
        if self._index == len(self._lines):
            self._unfinished = current
        self._index -= 1
        return self._lines[self._index]

    def later(self) -> str | None:
        """Go to the line after, then to the unfinished line; None behind it."""
        if self._index == len(self._lines):
            return None
        self._index += 1
        return self._unfinished if self._index == len(self._lines) else self._lines[self._index]
