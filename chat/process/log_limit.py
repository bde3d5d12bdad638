"""Limits the log lines of each kind to a few a minute: health checks, resets, attacks.

Lines with the same format string are of one kind. The first ten of a minute are written; a line in
the next minute has the number of the others.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

PERIOD_SECONDS = 60.0
LINES_PER_PERIOD = 10

Kind = tuple[str, int, str]


class LogLimiter:
    """Counts the lines of each kind. Pure: the clock comes as an argument. Any thread.

    There are as many kinds as the program has log statements.
    """

    def __init__(self, lines: int = LINES_PER_PERIOD, period: float = PERIOD_SECONDS) -> None:
        self._lines = lines
        self._period = period
        self._lock = threading.Lock()  # guards _counts
        self._counts: dict[Kind, tuple[float, int]] = {}  # the start of the period, the lines

    def allows(self, kind: Kind, now: float) -> bool:
        """Count a line; True if it shall be written."""
        with self._lock:
            begun, count = self._counts.get(kind, (now, 0))
            if count <= self._lines and now >= begun + self._period:
                begun, count = now, 0
            self._counts[kind] = (begun, count + 1)
            return count < self._lines

    def left_out(self, now: float) -> list[tuple[Kind, int]]:
        """The kinds whose period is over and had lines left out, with the number of those lines.

        A new period begins for these kinds.
        """
        with self._lock:
            over = [
                (kind, count - self._lines)
                for kind, (begun, count) in self._counts.items()
                if count > self._lines and now >= begun + self._period
            ]
            for kind, _ in over:
                del self._counts[kind]
        return over


class LogLimit(logging.Filter):
    """Applies a LogLimiter to a handler's records. Any thread."""

    def __init__(
        self, limiter: LogLimiter | None = None, clock: Callable[[], float] = time.monotonic
    ) -> None:
        super().__init__()
        self._limiter = limiter or LogLimiter()
        self._clock = clock

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name == __name__:
            return True
        kind = (record.name, record.levelno, str(record.msg))
        return self._limiter.allows(kind, self._clock())

    def report(self) -> None:
        """Write the numbers of lines that were left out. Call it every few seconds; any thread."""
        for (name, level, text), count in self._limiter.left_out(self._clock()):
            log.log(level, "%d more lines of %s were left out: %s", count, name, text)


log = logging.getLogger(__name__)
