"""Counters that one thread changes and any thread reads.

Each value is one integer or float of a list, so a reader in another thread gets a value that is at
worst out of date. No counter has a lock, and none is an object of a metrics library: the status
page reads them when it is asked (chat/status/metrics.py).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence

SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""Upper bounds of the buckets of a time, in seconds."""

SIZES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
"""Upper bounds of the buckets of a batch, in items."""


class Histogram:
    """Counts measurements in fixed buckets. One thread, or the holders of one lock, observe.

    Attributes:
        bounds: the upper bounds of the buckets, each included in its bucket.
        counts: the measurements of each bucket; the last one has those above all bounds.
        total: the sum of all measurements.
    """

    __slots__ = ("bounds", "counts", "total")

    def __init__(self, bounds: Sequence[float] = SECONDS) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.total = 0.0

    def observe(self, value: float) -> None:
        """Count a measurement."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    @property
    def count(self) -> int:
        """The number of measurements. Any thread."""
        return sum(self.counts)


class Tally:
    """Counts events by name. One thread, or the holders of one lock, count. Any thread reads.

    The names are fixed at the start, so no peer can make the table grow, and a reader never meets
    a dictionary that changes its size. An unknown name counts as ``other``.
    """

    __slots__ = ("counts",)

    OTHER = "other"

    def __init__(self, *names: str) -> None:
        self.counts = dict.fromkeys([*names, self.OTHER], 0)

    def add(self, name: str, count: int = 1) -> None:
        """Count events of this name."""
        self.counts[name if name in self.counts else self.OTHER] += count
