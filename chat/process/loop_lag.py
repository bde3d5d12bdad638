"""LoopLag: measures how late a loop runs its timers. Each event of the loop waits as long."""

from __future__ import annotations

import time

from chat.counters import Histogram
from muduopy import EventLoop

BEAT_SECONDS = 0.25
"""Between two measurements. One costs 5 µs, and an idle server sleeps in between."""


class LoopLag:
    """Four beats a second in one loop. ``start``: any thread, once.

    Attributes:
        seconds: how late the beats were. The loop's thread changes it, any thread reads.
        beat_at: the time of the last beat, monotonic seconds. A loop without beats is stuck.
    """

    def __init__(self, loop: EventLoop) -> None:
        self.seconds = Histogram()
        self.beat_at = time.monotonic()
        self._loop = loop

    def start(self) -> None:
        """Begin to beat, until the loop is closed."""
        self._arm()

    def _arm(self) -> None:
        self._due = time.monotonic() + BEAT_SECONDS
        self._loop.run_at(self._due, self._beat)

    def _beat(self) -> None:
        # The loop's own time is older: it was taken before the events of this pass.
        self.beat_at = now = time.monotonic()
        self.seconds.observe(now - self._due)
        self._arm()
