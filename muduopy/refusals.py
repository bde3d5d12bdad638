"""Refusals: tells refused peers the reason, and closes their sockets a moment later.

A socket that is closed while bytes of the peer are unread resets the connection, and the reset can
destroy the reason before the peer has read it. So the socket stays open for a second. The number of
such sockets is bounded, because an attacker may cause any number of refusals.
"""

from __future__ import annotations

import socket
from collections import deque

from muduopy.event_loop import EventLoop
from muduopy.timer_queue import Timer

REFUSAL_SECONDS = 1.0
MAX_LINGERING = 64
"""Sockets that wait; further ones are closed at once."""


class Refusals:
    """The refused sockets of one server. Loop thread."""

    def __init__(self, loop: EventLoop) -> None:
        self._loop = loop
        self._lingering: deque[socket.socket] = deque()
        self._timers: deque[Timer] = deque()

    def refuse(self, sock: socket.socket, reason: bytes) -> None:
        """Send the reason, if there is one, and close. Takes the socket over."""
        if not reason:
            sock.close()
            return
        try:
            sock.send(reason)  # an empty send buffer takes it, or it is lost
            sock.shutdown(socket.SHUT_WR)
        except OSError:
            sock.close()
            return
        if len(self._lingering) >= MAX_LINGERING:
            sock.close()
            return
        self._lingering.append(sock)
        self._timers.append(self._loop.run_after(REFUSAL_SECONDS, self._close_oldest))

    def close(self) -> None:
        """Close all sockets. Idempotent."""
        for timer in self._timers:
            self._loop.cancel(timer)
        self._timers.clear()
        while self._lingering:
            self._lingering.popleft().close()

    def _close_oldest(self) -> None:
        self._timers.popleft()
        self._lingering.popleft().close()
