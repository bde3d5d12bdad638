"""Clock: the time as messages carry it, formatted once a second."""

from __future__ import annotations

import time


class Clock:
    """UTC wall-clock time. Any thread."""

    def __init__(self) -> None:
        self._cached: tuple[int, str] = (0, "")

    def text(self) -> str:
        """Now, as ``YYYY-MM-DD HH:MM:SS``."""
        now = int(time.time())
        second, text = self._cached  # one attribute: number and text always belong together
        if second != now:
            text = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(now))
            self._cached = (now, text)
        return text

    def unix(self) -> int:
        """Now, in seconds since 1970."""
        return int(time.time())

    def monotonic(self) -> float:
        return time.monotonic()
