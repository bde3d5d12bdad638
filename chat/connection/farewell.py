"""Farewell: ends the connections of a server that stops, spread over some seconds.

Clients reconnect when they get BYE_MSG. If 10,000 of them got it at once, they would log in at the
other servers at once, which takes those servers many seconds. So the connections end one after
another. The others are served as before until their turn comes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from functools import partial

from chat.connection.connection import ClientConnection
from muduopy import EventLoop, TcpConnection

RATE = 200
"""Connections that end in a second at the least. A server logs some hundred users in a second."""

STEP_SECONDS = 0.02

FINISH_SECONDS = 2.0
"""For the answers to the last requests, after the last BYE_MSG."""


class Farewell:
    """Sends each connection away, once. Base loop's thread."""

    def __init__(
        self,
        loop: EventLoop,
        connections: Iterable[TcpConnection],
        drain_seconds: float,
        done: Callable[[float], object],
    ) -> None:
        """``drain_seconds``: for everything. ``done`` is called when the last connection has been
        told to go, with the seconds that it has to finish."""
        self._loop = loop
        self._waiting = list(connections)
        self._waiting.reverse()  # the oldest is the last, and goes first
        self._done = done
        self._finish = min(drain_seconds, FINISH_SECONDS)
        spread = drain_seconds - self._finish
        count = len(self._waiting)
        rate = max(RATE, count / spread) if spread else math.inf
        self._step = count if rate == math.inf else math.ceil(rate * STEP_SECONDS)

    def start(self) -> None:
        """Send the first ones away; the others follow."""
        for _ in range(min(self._step, len(self._waiting))):
            tcp = self._waiting.pop()
            tcp.loop.queue_in_loop(partial(send_away, tcp))
        if self._waiting:
            self._loop.run_after(STEP_SECONDS, self.start)
        else:
            self._done(self._finish)


def send_away(tcp: TcpConnection) -> None:
    """Say goodbye, and close when the received requests are answered. The connection's loop."""
    connection = tcp.context
    if isinstance(connection, ClientConnection):
        connection.drain()
    else:
        tcp.shutdown()
