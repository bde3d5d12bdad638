"""ServerStop: the end of a server: farewell, drain, force, and the end of its loops."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Generic

from muduopy.callbacks import ConnectionCallback, ContextT
from muduopy.event_loop import EventLoop
from muduopy.slow_callbacks import report_left_behind
from muduopy.tcp_connection import TcpConnection
from muduopy.timer_queue import Timer

LEAVE_SECONDS = 2.0
"""The time that ``stop`` waits for sub-loops after the drain, while no connection ends."""

Connections = dict[str, TcpConnection[ContextT]]
EndLoops = Callable[[float, float], object]
"""Ends the loops of the server: (seconds to wait for them, seconds that were waited before)."""


class ServerStop(Generic[ContextT]):
    """Empties the table of connections, then ends the loops. Base loop's thread.

    Attributes:
        begun: the server is stopping, or has stopped.
    """

    def __init__(
        self,
        loop: EventLoop,
        connections: Connections[ContextT],
        end_loops: EndLoops,
        *,
        owns_loops: bool,
    ) -> None:
        """``connections``: the table of the server, which removes those that are down.
        ``owns_loops``: the server has a pool of its own, which reports its stuck loops."""
        self.begun = False
        self._loop = loop
        self._connections = connections
        self._end_loops = end_loops
        self._owns_loops = owns_loops
        self._stopped_callbacks: list[Callable[[], object]] = []
        self._drain_timer: Timer | None = None  # until the end, and None before and after

    def begin(
        self,
        drain_seconds: float,
        stopped: Callable[[], object] | None,
        farewell: ConnectionCallback[ContextT],
    ) -> None:
        """Dismiss all connections; see TcpServer.stop. The server accepts no more."""
        if stopped is not None:
            self._stopped_callbacks.append(stopped)
        if self.begun:
            if self._drain_timer is None:  # an earlier stop() has finished
                self._report_stopped()
            return
        self.begun = True
        self._drain_timer = self._loop.run_after(drain_seconds, self._drain_is_over)
        for connection in list(self._connections.values()):
            connection.loop.queue_in_loop(partial(connection.dismiss, farewell))
        if not self._connections:
            self._loop.queue_in_loop(self.finish)

    def close_connections(self) -> None:
        """Close all connections by force."""
        for connection in list(self._connections.values()):
            connection.force_close()

    def finish(self, seconds: float = LEAVE_SECONDS, waited: float = 0.0) -> None:
        """The last connection is down: end the loops. Does nothing before ``begin``, or twice."""
        if self._drain_timer is None:
            return
        self._loop.cancel(self._drain_timer)
        self._drain_timer = None
        self._end_loops(seconds, waited)
        self._report_stopped()

    def _drain_is_over(self) -> None:
        self.close_connections()
        self._wait_for_the_rest()

    def _wait_for_the_rest(self) -> None:
        left = len(self._connections)
        self._drain_timer = self._loop.run_after(LEAVE_SECONDS, lambda: self._leave_behind(left))

    def _leave_behind(self, left: int) -> None:
        """Some loops have not closed their connections: they are busy, or stuck in a callback."""
        if len(self._connections) < left:
            self._wait_for_the_rest()
            return
        for loop in {connection.loop for connection in self._connections.values()}:
            if not self._owns_loops or loop is self._loop:
                report_left_behind(loop, LEAVE_SECONDS)  # for other loops the pool does
        self._connections.clear()
        self.finish(0.0, LEAVE_SECONDS)

    def _report_stopped(self) -> None:
        callbacks, self._stopped_callbacks = self._stopped_callbacks, []
        for callback in callbacks:
            self._loop.queue_in_loop(callback)  # queued, so one that raises does not stop others
