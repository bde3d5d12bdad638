"""ConnectRace: connects to the first of several addresses that answers.

After RFC 8305 ("Happy Eyeballs"). IPv6 and IPv4 addresses take turns. The next address is tried
when the one before has failed, or has not answered for a quarter of a second. The first connection
wins, and the others are dropped. So a host with a broken IPv6 route costs 0.25 s and not the whole
time-out. Both families come from one ``getaddrinfo``, so the RFC's section 3 does not apply.
"""

from __future__ import annotations

import errno
import socket
from collections import deque
from collections.abc import Callable, Sequence
from itertools import chain, zip_longest

from muduopy.address import Address
from muduopy.connect_attempt import ConnectAttempt
from muduopy.event_loop import EventLoop
from muduopy.timer_queue import Timer

ATTEMPT_DELAY = 0.25
"""Seconds until the next address is tried beside the one before: the RFC's recommendation."""

HOPELESS = {errno.EACCES, errno.EPERM, errno.EAFNOSUPPORT, errno.EINVAL, errno.ENAMETOOLONG}
"""Errors that a later attempt would meet again. Others may pass: a server that starts later, a
network that is down, a lack of ports or descriptors."""


class ConnectRace:
    """One attempt for each address; hands over the first socket that is connected. Loop thread.

    It owns the sockets until then. Used by Connector.
    """

    def __init__(
        self,
        loop: EventLoop,
        addresses: Sequence[Address],
        won: Callable[[socket.socket], object],
        lost: Callable[[OSError], object],
    ) -> None:
        """``won`` or ``lost`` is called once, possibly inside ``start``."""
        self._loop = loop
        self._waiting = deque(alternate(addresses))
        self._running: set[ConnectAttempt] = set()
        self._errors: list[OSError] = []
        self._won = won
        self._lost = lost
        self._timer: Timer | None = None  # until the next address is tried

    def start(self) -> None:
        """Try the first address."""
        self._next()

    def cancel(self) -> None:
        """Drop all attempts; no callback follows. Idempotent."""
        self._stop_timer()
        self._waiting.clear()
        for attempt in self._running:
            attempt.cancel()
        self._running.clear()

    def _next(self) -> None:
        self._stop_timer()
        while self._waiting:
            address = self._waiting.popleft()
            attempt = ConnectAttempt(self._loop, address, self._connected, self._failed)
            error = attempt.start()
            if error is None:
                self._running.add(attempt)
                if self._waiting:
                    self._timer = self._loop.run_after(ATTEMPT_DELAY, self._next)
                return
            self._errors.append(error)
        if not self._running:
            self._lost(most_hopeful(self._errors))

    def _failed(self, attempt: ConnectAttempt, error: OSError) -> None:
        self._running.discard(attempt)
        self._errors.append(error)
        if self._waiting or not self._running:
            self._next()

    def _connected(self, attempt: ConnectAttempt, sock: socket.socket) -> None:
        self._running.discard(attempt)
        self.cancel()
        self._won(sock)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._loop.cancel(self._timer)
            self._timer = None


def alternate(addresses: Sequence[Address]) -> list[Address]:
    """Let the families take turns, the first address's first; keep the order within each."""
    first = [one for one in addresses if one.family == addresses[0].family]
    others = [one for one in addresses if one.family != addresses[0].family]
    return [one for one in chain(*zip_longest(first, others)) if one is not None]


def most_hopeful(errors: Sequence[OSError]) -> OSError:
    """The last error that may pass; if there is none, the last error."""
    for error in reversed(errors):
        if error.errno not in HOPELESS:
            return error
    return errors[-1]
