"""PeerClock: how long a peer may take for its part."""

from __future__ import annotations

import math
from enum import Enum

from muduopy.websocket.websocket_limits import WebSocketLimits

_NEVER = -math.inf


class Due(Enum):
    """What the time has come for. Immutable; any thread."""

    PING = "send a Ping"
    NO_PONG = "a Ping had no answer"
    SLOW_MESSAGE = "a message was not complete in time"


class PeerClock:
    """The deadlines of one WebSocket. Pure: times are arguments, in seconds of one clock.

    Thread contract: none; one owner.

    Attributes:
        began: when the present handshake began, the opening or the closing one.
    """

    __slots__ = ("_limits", "_message_began", "_pinged", "_resumed", "began")

    def __init__(self, limits: WebSocketLimits, now: float) -> None:
        self.began = now
        self._limits = limits
        self._message_began: float | None = None
        self._pinged = self._resumed = _NEVER

    def open_deadline(self) -> float:
        """The end of the opening handshake."""
        return self.began + self._limits.handshake_seconds

    def close_deadline(self, took_output: float) -> float:
        """The end by force. ``took_output``: when the peer last took some, if output waits."""
        return max(self.began, took_output) + self._limits.close_seconds

    def resume(self, now: float) -> None:
        """Reading was stopped, and the peer could not be heard."""
        self._resumed = now
        self._message_began = None

    def has_read(self, incomplete: bool, had_message: bool, now: float) -> bool:
        """Note the outcome of a read. True if a message has begun with it, so a deadline is new."""
        if not incomplete:
            self._message_began = None
        elif had_message or self._message_began is None:
            self._message_began = now
            return True
        return False

    def pinged(self, now: float) -> None:
        """A Ping was sent."""
        self._pinged = now

    def deadline(self, heard: float) -> float:
        """The time of the next ``due``. ``heard``: when the peer last showed life."""
        heard = max(heard, self._resumed)
        if self._pinged > heard:
            when = self._pinged + self._limits.pong_seconds
        else:
            when = heard + self._limits.ping_seconds
        if self._message_began is not None:
            when = min(when, self._message_began + self._limits.message_seconds)
        return when

    def due(self, heard: float, now: float) -> Due:
        """What to do at the deadline."""
        began = self._message_began
        if began is not None and began + self._limits.message_seconds <= now:
            return Due.SLOW_MESSAGE
        return Due.NO_PONG if self._pinged > max(heard, self._resumed) else Due.PING
