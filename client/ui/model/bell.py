"""Bell: which of the messages that call the user ring. Pure.

A burst of mail rings once, at its first message: 150 messages that waited for a login are one
event. A burst ends with a second in which nothing comes; one that does not end rings again now
and then.
"""

from __future__ import annotations

QUIET_SECONDS = 1.0
"""A message after so long without one begins a new burst. So there is one ring a second at most."""

AGAIN_SECONDS = 10.0
"""A burst that goes on rings after this."""


class Bell:
    """When it rang last. Times are those of any monotonic clock, in seconds."""

    def __init__(self) -> None:
        self._called_at = float("-inf")
        self._rang_at = float("-inf")

    def rings(self, now: float) -> bool:
        """A message calls the user: does it ring?"""
        is_first = now - self._called_at >= QUIET_SECONDS
        self._called_at = now
        if not is_first and now - self._rang_at < AGAIN_SECONDS:
            return False
        self._rang_at = now
        return True
