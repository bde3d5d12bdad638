"""FailureLimiter: slows the guessing of passwords. Pure: the clock comes as an argument."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Hashable

MAX_KEYS = 10_000
"""How many keys are remembered; the longest untouched are forgotten first."""


class FailureLimiter:
    """Allows ``limit`` failures per key in ``window`` seconds. Any thread.

    The window begins with its first failure. Tries that run at the same time may exceed the limit
    by a few, because ``retry_after`` reserves no try.
    """

    def __init__(self, limit: int, window: float) -> None:
        self._limit = limit
        self._window = window
        self._lock = threading.Lock()  # guards _failures
        self._failures: OrderedDict[Hashable, tuple[float, int]] = OrderedDict()

    def retry_after(self, key: Hashable, now: float) -> float:
        """Seconds until another try is allowed; 0 when it is allowed now."""
        with self._lock:
            begun, count = self._failures.get(key, (now, 0))
        if count < self._limit or now >= begun + self._window:
            return 0.0
        return begun + self._window - now

    def failed(self, key: Hashable, now: float) -> None:
        """Count a failure."""
        with self._lock:
            begun, count = self._failures.pop(key, (now, 0))
            if now >= begun + self._window:
                begun, count = now, 0
            self._failures[key] = (begun, count + 1)
            if len(self._failures) > MAX_KEYS:
                self._failures.popitem(last=False)

    def succeeded(self, key: Hashable) -> None:
        """Forget the failures."""
        with self._lock:
            self._failures.pop(key, None)
