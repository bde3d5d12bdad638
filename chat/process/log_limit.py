"""Limits the log lines of each kind to a few a minute: health checks, resets, attacks.

Lines with the same format string are of one kind. The first ten of a minute are written; a line in
the next minute has the number of the others. Lines about peers are limited for each peer, and for
all peers together. So one peer that floods the log hides no other one from fail2ban.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from chat.process.peer_label import label_of

PERIOD_SECONDS = 60.0
LINES_PER_PERIOD = 10

PEERS = 6
"""So many times the lines of one peer are written of a kind, about all peers together."""

MOST_KINDS = 1000
"""There are fewer log statements. Beyond it, all further kinds count as one."""

Kind = tuple[str, int, str]
OTHER: Kind = (__name__, logging.WARNING, "lines of many kinds")


class _Count:
    """The lines of one kind in one period. ``peers`` has no more entries than written lines."""

    __slots__ = ("begun", "left_out", "peers", "written")

    def __init__(self, begun: float) -> None:
        self.begun = begun
        self.written = 0
        self.left_out = 0
        self.peers: dict[str, int] = {}


class LogLimiter:
    """Counts the lines of each kind. Pure: the clock comes as an argument. Any thread.

    Attributes:
        total: lines that were left out since the start. Changed under the lock.
    """

    def __init__(self, lines: int = LINES_PER_PERIOD, period: float = PERIOD_SECONDS) -> None:
        self.total = 0
        self._lines = lines
        self._period = period
        self._lock = threading.Lock()  # guards _counts and total
        self._counts: dict[Kind, _Count] = {}

    def allows(self, kind: Kind, now: float, peer: str = "") -> bool:
        """Count a line; True if it shall be written. ``peer``: the host that it is about."""
        with self._lock:
            if kind not in self._counts and len(self._counts) >= MOST_KINDS:
                kind = OTHER
            count = self._counts.get(kind)
            if count is None or (not count.left_out and now >= count.begun + self._period):
                count = self._counts[kind] = _Count(now)
            most = self._lines * PEERS if peer else self._lines
            of_peer = count.peers.get(peer, 0)
            if count.written >= most or of_peer >= self._lines:
                count.left_out += 1
                self.total += 1
                return False
            count.written += 1
            count.peers[peer] = of_peer + 1
            return True

    def left_out(self, now: float) -> list[tuple[Kind, int]]:
        """The kinds whose period is over and had lines left out, with the number of those lines.

        A new period begins for these kinds.
        """
        with self._lock:
            over = [
                (kind, count.left_out)
                for kind, count in self._counts.items()
                if count.left_out and now >= count.begun + self._period
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
        label = label_of(record.args)
        return self._limiter.allows(kind, self._clock(), label.peer if label is not None else "")

    @property
    def total(self) -> int:
        """Lines that were left out since the start. Any thread."""
        return self._limiter.total

    def report(self) -> None:
        """Write the numbers of lines that were left out. Call it every few seconds; any thread."""
        for (name, level, text), count in self._limiter.left_out(self._clock()):
            log.log(level, "%d more lines of %s were left out: %s", count, name, text)


log = logging.getLogger(__name__)
