"""Backoff: the delays between attempts to connect."""

from __future__ import annotations

import math
import random

FIRST_DELAY = 0.5
LAST_DELAY = 30.0
"""Seconds between attempts: each delay is twice the one before, as in muduo."""


class Backoff:
    """Delays that double from ``first`` to ``last``. It has neither clock nor timer.

    One owner at a time.
    """

    def __init__(self, first: float, last: float, *, jitter: bool = False) -> None:
        """``first``, ``last``: seconds. ``jitter``: take a random part of each delay.

        Example: a server with a thousand clients restarts; without jitter all of them would
        connect at the same moment. Raises ValueError unless 0 < first <= last.
        """
        if not 0 < first <= last < math.inf:
            raise ValueError(f"delays from {first} to {last} seconds: need 0 < first <= last")
        self._first = first
        self._last = last
        self._jitter = jitter
        self._delay = first

    def next_delay(self) -> float:
        """Seconds to wait now; the next delay is twice as long."""
        delay = self._delay
        self._delay = min(2 * delay, self._last)
        return random.uniform(0, delay) if self._jitter else delay

    def reset(self) -> None:
        """Begin with the first delay again."""
        self._delay = self._first

    def spread(self) -> float:
        """Seconds to wait before the attempt after a success: 0 without jitter."""
        return random.uniform(0, self._first) if self._jitter else 0.0
