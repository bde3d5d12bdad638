"""Bell: decides which messages to the user ring. Pure.

A burst of messages rings once, at its first message. Example: a login brings 150 waiting
messages; they are one event. A second without a message ends a burst. A longer burst rings again
from time to time.
"""

from __future__ import annotations

QUIET_SECONDS = 1.0
"""A message after so long a pause begins a new burst; so the bell rings once a second at most."""

AGAIN_SECONDS = 10.0
"""A burst that lasts longer rings again after this."""


class Bell:
    """The times of the last message and of the last ring, in seconds of a monotonic clock."""

    def __init__(self) -> None:
        self._message_at = float("-inf")
        self._rang_at = float("-inf")

    def rings(self, now: float) -> bool:
        """Note a message to the user. Returns whether it rings."""
        is_first = now - self._message_at >= QUIET_SECONDS
        self._message_at = now
        if not is_first and now - self._rang_at < AGAIN_SECONDS:
            return False
        self._rang_at = now
        return True
