"""InputHistory: what was sent before, for the arrow keys. Pure."""

from __future__ import annotations

MOST = 200
"""Lines that are remembered."""


class InputHistory:
    """A list of lines, and where one is in it. Not thread-safe."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._index = 0
        self._unfinished = ""

    def add(self, line: str) -> None:
        """A line was sent; one is behind the last again."""
        if not self._lines or self._lines[-1] != line:
            self._lines.append(line)
            del self._lines[:-MOST]
        self._index = len(self._lines)

    def earlier(self, current: str) -> str | None:
        """The line before; ``current`` can be had back by ``later``. None if there is none."""
        if self._index == 0:
            return None
        if self._index == len(self._lines):
            self._unfinished = current
        self._index -= 1
        return self._lines[self._index]

    def later(self) -> str | None:
        """The line after, at last what was not finished. None if there is none."""
        if self._index == len(self._lines):
            return None
        self._index += 1
        return self._unfinished if self._index == len(self._lines) else self._lines[self._index]
