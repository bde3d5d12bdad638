"""Backoff: the pause before the next attempt. Pure: chance comes as an argument.

The ceiling doubles with each failure. The pause is a random part of the ceiling ("full jitter":
Brooker, Exponential Backoff And Jitter, 2015). So, when a server comes back, its thousand clients
connect one after the other.
"""

from __future__ import annotations

from collections.abc import Callable


class Backoff:
    """Counts failures. Not thread-safe.

    ``first`` and ``longest`` are ceilings in seconds; ``chance`` returns a number from 0 to 1.
    """

    def __init__(self, first: float, longest: float, chance: Callable[[], float]) -> None:
        self._first = first
        self._longest = longest
        self._chance = chance
        self._ceiling = first

    def __repr__(self) -> str:
        return f"<Backoff up to {self._ceiling:g} s>"

    def next(self, at_least: float = 0.0) -> float:
        """Seconds to wait after another failure; never less than ``at_least``."""
        wait = self._chance() * self._ceiling
        self._ceiling = min(self._ceiling * 2, self._longest)
        return max(wait, at_least)

    def reset(self) -> None:
        """Start over after a success."""
        self._ceiling = self._first
