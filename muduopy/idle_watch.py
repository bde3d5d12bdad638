"""IdleWatch: closes the connections of one loop that have been idle for too long."""

from __future__ import annotations

from muduopy.connection_state import State
from muduopy.event_loop import EventLoop
from muduopy.tcp_connection import TcpConnection
from muduopy.timing_wheel import TimingWheel

LINGER_SECONDS = 5.0
"""What an idle peer gets to read what is waiting for it and to close in turn."""


class IdleWatch:
    """Idle is who neither sends anything nor takes what it is sent.

    One timing wheel a loop, so that connections cost it no lock and no timer of their own. It
    owns the wheel, not the connections. Constructor: any thread; the rest: loop thread.
    """

    def __init__(self, loop: EventLoop, seconds: float, linger: float = LINGER_SECONDS) -> None:
        self._loop = loop
        self._seconds = seconds
        self._linger = linger
        self._wheel: TimingWheel[TcpConnection] | None = None  # made in the loop's thread
        self._closed = False

    def establish(self, connection: TcpConnection) -> None:
        """Establish a connection, and watch it from its first moment on."""
        connection.establish()
        if connection.state is State.DISCONNECTED or self._closed:
            return
        if self._wheel is None:
            self._wheel = TimingWheel(
                self._loop, self._seconds, self._say_goodbye, last_active=_last_active
            )
        self._wheel.add(connection)

    def forget(self, connection: TcpConnection) -> None:
        """It is down. Idempotent."""
        if self._wheel is not None:
            self._wheel.remove(connection)

    def close(self) -> None:
        """Watch no more. Idempotent."""
        self._closed = True
        if self._wheel is not None:
            self._wheel.close()

    def _say_goodbye(self, connection: TcpConnection) -> None:
        if self._linger > 0:
            connection.shutdown()
            connection.force_close_after(self._linger)
        else:
            connection.force_close()


def _last_active(connection: TcpConnection) -> float:
    return max(connection.received_at, connection.drained_at)
