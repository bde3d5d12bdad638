"""IdleWatch: closes the connections of one loop that have been idle for too long."""

from __future__ import annotations

from muduopy.connection_state import State
from muduopy.event_loop import EventLoop
from muduopy.tcp_connection import TcpConnection
from muduopy.timing_wheel import TimingWheel

LINGER_SECONDS = 5.0
"""The time that an idle peer gets to read the waiting output and to close."""


class IdleWatch:
    """Shuts down idle connections. Idle: the peer neither sends nor takes waiting output.

    There is one timing wheel for a loop, so a connection needs no timer of its own and no lock. It
    owns the wheel, not the connections. Constructor: any thread; all methods: loop thread.
    """

    def __init__(self, loop: EventLoop, seconds: float, linger: float = LINGER_SECONDS) -> None:
        self._loop = loop
        self._seconds = seconds
        self._linger = linger
        self._wheel: TimingWheel[TcpConnection] | None = None  # made in the loop's thread
        self._closed = False

    def establish(self, connection: TcpConnection) -> None:
        """Establish a connection and watch it."""
        connection.establish()
        if connection.state is State.DISCONNECTED or self._closed:
            return
        if self._wheel is None:
            self._wheel = TimingWheel(
                self._loop, self._seconds, self._end, last_active=_last_active
            )
        self._wheel.add(connection)

    def forget(self, connection: TcpConnection) -> None:
        """End the watch of a connection that is down. Idempotent."""
        if self._wheel is not None:
            self._wheel.remove(connection)

    def close(self) -> None:
        """End the watch. Idempotent."""
        self._closed = True
        if self._wheel is not None:
            self._wheel.close()

    def _end(self, connection: TcpConnection) -> None:
        if self._linger > 0:
            connection.shutdown()
            connection.force_close_after(self._linger)
        else:
            connection.force_close()


def _last_active(connection: TcpConnection) -> float:
    return max(connection.received_at, connection.drained_at)
