"""Backoff: the pause before the next attempt. Pure: it has no clock, and chance is an argument.

The ceiling doubles with each failure, and the pause is a random part of the ceiling ("full jitter":
Brooker, Exponential Backoff And Jitter, 2015). Example: a server with a thousand clients restarts;
without chance all of them would connect at the same moment.
"""

from __future__ import annotations

from collections.abc import Callable


class Backoff:
    """The pauses of one series of failures. Not thread-safe.

    ``first`` and ``longest`` are the first and the longest ceiling, in seconds. ``chance`` returns
    a random number from 0 to 1.
    """

    def __init__(self, first: float, longest: float, chance: Callable[[], float]) -> None:
        self._first = first
        self._longest = longest
        self._chance = chance
        self._ceiling = first

    def __repr__(self) -> str:
        return f"<Backoff up to {self._ceiling:g} s>"

    def next(self, at_least: float = 0.0) -> float:
        """Seconds to wait after another failure, at least ``at_least``."""
        wait = self._chance() * self._ceiling
        self._ceiling = min(self._ceiling * 2, self._longest)
        return max(wait, at_least)

    def reset(self) -> None:
        """Start over after a success."""
        self._ceiling = self._first
