"""Limits on the input of a connection: a token bucket, small before its login. Pure: no clock."""

from __future__ import annotations

from dataclasses import dataclass

from chat.protocol import Limits
from muduopy.event_loop import READ_CHUNK

BURST_SECONDS = 3
"""The bucket holds the tokens of this many seconds: a connection may send them at once."""

BYTES_PER_TOKEN = 1024
"""Each frame costs one token, and one more for so many bytes."""

GUEST_READ = 4096
"""Bytes read at once before the login; a flood of line feeds costs 1 µs for each 20 of them."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """The bounds of a connection's input.

    Attributes:
        frame: the largest frame, in bytes.
        rate: tokens a second.
        read: bytes read at once.
    """

    frame: int
    rate: int
    read: int = READ_CHUNK


@dataclass(frozen=True, slots=True)
class Allowances:
    """``guest``: before the login. ``user``: after it."""

    guest: Allowance
    user: Allowance

    @classmethod
    def of(cls, max_frame: int, limits: Limits) -> Allowances:
        """From the settings."""
        guest_frame = min(max_frame, limits.guest_frame)
        return cls(
            Allowance(guest_frame, limits.guest_rate, GUEST_READ),
            Allowance(max_frame, limits.user_rate),
        )


class TokenBucket:
    """Fills at ``rate`` tokens a second, up to the burst. One thread.

    The owner subtracts from ``tokens`` itself, and calls ``refill`` when they are negative. So the
    clock is not read for each frame.

    Attributes:
        rate: tokens a second.
        tokens: how many are left.
        shortages: how often in a row it was empty before it had filled up again.
    """

    __slots__ = ("_burst", "_filled_at", "_granted", "rate", "shortages", "tokens")

    def __init__(self, rate: int, now: float) -> None:
        self.rate = rate
        self._burst = self.tokens = self._granted = rate * BURST_SECONDS
        self._filled_at = now
        self.shortages = 0

    @property
    def used(self) -> int:
        """The tokens that the owner has subtracted so far."""
        return self._granted - self.tokens

    def refill(self, now: float) -> float:
        """Add the tokens for the time since the last call. Returns the seconds to pause; 0: none.

        After the pause the bucket holds the tokens of one second.
        """
        before = self.tokens
        self.tokens = min(self._burst, before + int((now - self._filled_at) * self.rate))
        self._granted += self.tokens - before
        self._filled_at = now
        if self.tokens == self._burst:
            self.shortages = 0
        if self.tokens > 0:
            return 0.0
        self.shortages += 1
        return 1.0 - self.tokens / self.rate
