"""Clock: the current time, as messages have it and as a number."""

from __future__ import annotations

import time


def utc_text(seconds: int) -> str:
    """A time in seconds since 1970 as ``YYYY-MM-DD HH:MM:SS``, in UTC. Pure."""
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(seconds))


class Clock:
    """The time in UTC. It formats the text once a second. Any thread."""

    def __init__(self) -> None:
        self._cached: tuple[int, str] = (0, "")

    def text(self) -> str:
        """Now, as ``YYYY-MM-DD HH:MM:SS``."""
        now = int(time.time())
        # One attribute holds both values, so another thread never sees one without the other.
        second, text = self._cached
        if second != now:
            text = utc_text(now)
            self._cached = (now, text)
        return text

    def unix(self) -> int:
        """Now, in seconds since 1970."""
        return int(time.time())

    def monotonic(self) -> float:
        """Seconds of a clock that is never set."""
        return time.monotonic()
