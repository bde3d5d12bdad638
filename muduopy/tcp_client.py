"""TcpClient: one outgoing connection, with retries."""

from __future__ import annotations

import errno
import itertools
import logging
import socket
import threading
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Generic

from muduopy.address import Address, address_of
from muduopy.backoff import FIRST_DELAY, LAST_DELAY
from muduopy.callbacks import (
    ConnectionCallback,
    ContextT,
    MessageCallback,
    WriteCompleteCallback,
    discard_message,
    ignore_connection,
)
from muduopy.checks import check_callback, check_loop
from muduopy.connector import CONNECT_SECONDS, Connector
from muduopy.errors import StateError
from muduopy.event_loop import EventLoop
from muduopy.host_address import HostAddress
from muduopy.inet_address import InetAddress
from muduopy.tcp_connection import TcpConnection
from muduopy.tls_settings import TlsSettings

if TYPE_CHECKING:
    import ssl

log = logging.getLogger(__name__)

STABLE_SECONDS = 5.0
"""A connection that was up for this long is stable: when it goes down, the delays begin anew."""


class TcpClient(Generic[ContextT]):
    """Connects to a server and gives the TcpConnection to the callbacks.

    It tries until the first connection is up or ``stop`` is called. After a connection has gone
    down, it connects again only if ``enable_retry`` was called: at once if the connection was up
    for ``stable_seconds``, else after a delay as after a failed attempt. So a server that accepts
    and closes gets no storm of connections. A TLS connection that fails before the peer's program
    has sent a byte counts as a failed handshake.

    Set the callbacks before ``connect``; they run in the loop's thread. All other methods: any
    thread; they take effect in the order of the calls.

    The loop keeps a client alive while it is connecting or connected, so the last reference to it
    may be dropped in any thread. ``close``, or the end of a ``with``, ends it.
    """

    def __init__(
        self,
        loop: EventLoop,
        address: Address | HostAddress,
        name: str = "client",
        *,
        connect_seconds: float = CONNECT_SECONDS,
        first_delay: float = FIRST_DELAY,
        last_delay: float = LAST_DELAY,
        jitter: bool = False,
        stable_seconds: float = STABLE_SECONDS,
        half_close: bool = False,
        tls: ssl.SSLContext | None = None,
        server_hostname: str | None = None,
    ) -> None:
        """
        ``address``: a ``HostAddress`` is resolved before each attempt, in another thread. If it
        has several addresses, the first that answers is used (RFC 8305).
        ``connect_seconds``: the time-out of one attempt, and of a TLS handshake.
        ``first_delay``, ``last_delay``: seconds between attempts; each delay is twice the one
        before, up to the last. ``jitter``: wait a random part of each delay, so that the clients
        of a server that restarts do not all come back at the same moment.
        ``stable_seconds``: a connection that is up for this long is stable.
        ``half_close``: a server that has finished sending still gets the waiting output.
        ``tls``: encrypt. The certificate must be for ``server_hostname``, or else for the host of
        a ``HostAddress``.

        Raises ValueError for impossible numbers, and for a TLS context or a ``server_hostname``
        with which no handshake can begin; TypeError for a loop, address or context of another
        type.
        """
        check_loop(loop)
        settings: TlsSettings | None = None
        if tls is not None:
            if server_hostname is None and isinstance(address, HostAddress):
                server_hostname = address.host
            settings = TlsSettings(tls, False, server_hostname, connect_seconds)
        if not stable_seconds >= 0:
            raise ValueError(f"stable_seconds: {stable_seconds} must not be negative")
        self.loop = loop
        self.name = name
        self._connector = Connector(
            loop,
            address,
            connect_seconds=connect_seconds,
            first_delay=first_delay,
            last_delay=last_delay,
            jitter=jitter,
        )
        self._connector.new_connection_callback = self._new_connection
        self._half_close = half_close
        self._stable_seconds = stable_seconds
        self._tls = settings
        self._numbers = itertools.count(1)
        self._connect_called = False
        self._connection_callback: ConnectionCallback[ContextT] = ignore_connection
        self._message_callback: MessageCallback[ContextT] = discard_message
        self._write_complete_callback: WriteCompleteCallback[ContextT] | None = None
        self._lock = threading.Lock()  # guards _connection, which only the loop changes
        self._connection: TcpConnection[ContextT] | None = None
        # Loop thread:
        self._wanted = False  # connect() was called, and neither disconnect() nor stop() since
        self._again = False  # connect() was called while a connection was on its way down
        self._left = False  # disconnect() or close() was called for this connection
        self._came_up = False  # this connection was reported as up
        self._retry = False
        self._up_at = 0.0  # monotonic seconds

    def __enter__(self) -> TcpClient[ContextT]:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<TcpClient {self.name} to {self.address} connection={self.connection!r}>"

    @property
    def address(self) -> Address | HostAddress:
        """The address of the server."""
        return self._connector.address

    @property
    def connection(self) -> TcpConnection[ContextT] | None:
        """The connection that is up or in its TLS handshake; None if there is none. Any thread."""
        with self._lock:
            return self._connection

    # ------------------------------------------------------------------ set-up

    def set_connection_callback(self, callback: ConnectionCallback[ContextT]) -> None:
        """For UP and DOWN. Before connect.

        This and the other set-up methods raise StateError after ``connect``, and TypeError unless
        the callback is a function, also for ``async def`` functions.
        """
        self._check_set_up("set_connection_callback", callback)
        self._connection_callback = callback

    def set_message_callback(self, callback: MessageCallback[ContextT]) -> None:
        """For arriving bytes. Before connect."""
        self._check_set_up("set_message_callback", callback)
        self._message_callback = callback

    def set_write_complete_callback(self, callback: WriteCompleteCallback[ContextT]) -> None:
        """For output that the kernel has taken completely. Before connect."""
        self._check_set_up("set_write_complete_callback", callback)
        self._write_complete_callback = callback

    def set_connect_failed_callback(
        self, callback: Callable[[OSError, float | None], object]
    ) -> None:
        """For failed attempts: (error, seconds until the next attempt or None). Before connect.

        It is also called, after DOWN, for a connection that went down before it was stable, if
        there is a next attempt.
        """
        self._check_set_up("set_connect_failed_callback", callback)
        self._connector.failed_callback = callback

    def _check_set_up(self, method: str, callback: Callable[..., object]) -> None:
        if self._connect_called:
            raise StateError(f"{method}() on {self!r}: call it before connect()")
        check_callback(callback, f"{method}()'s callback")

    def enable_retry(self) -> None:
        """Connect again each time that the connection goes down. Any thread."""
        self.loop.run_in_loop(self._enable_retry_in_loop)

    def _enable_retry_in_loop(self) -> None:
        self._retry = True

    # ------------------------------------------------------------------ any thread

    def connect(self) -> None:
        """Connect, unless connected or connecting already. Any thread.

        After ``disconnect``, and in the DOWN callback, it connects when the old connection is
        down.
        """
        self._connect_called = True
        self.loop.run_in_loop(self._connect_in_loop)

    def _connect_in_loop(self) -> None:
        self._wanted = True
        connection = self._connection
        if connection is None:
            self._connector.start()
        elif connection.closing:
            self._again = True

    def disconnect(self) -> None:
        """Send the waiting output, then end-of-file. Do not connect again. Any thread."""
        self._leave(TcpConnection.shutdown)

    def stop(self) -> None:
        """Cancel the attempt that is under way. A connection stays up. Any thread."""
        self._leave(None)

    def close(self) -> None:
        """Cancel the attempt, close the connection, drop the waiting output. Any thread."""
        self._leave(TcpConnection.force_close)

    def _leave(self, farewell: Callable[[TcpConnection[ContextT]], object] | None) -> None:
        # In the loop, so that it does not miss a connection which the loop is setting up.
        self.loop.run_in_loop(lambda: self._leave_in_loop(farewell))

    def _leave_in_loop(self, farewell: Callable[[TcpConnection[ContextT]], object] | None) -> None:
        self._wanted = self._again = False
        self._connector.stop()
        if self._connection is not None and farewell is not None:
            self._left = True
            farewell(self._connection)

    # ------------------------------------------------------------------ in the loop

    def _new_connection(self, sock: socket.socket) -> None:
        try:
            peer = address_of(sock.getpeername())
        except OSError:  # the peer has gone; the first read finds that
            peer = self._expected_peer()
        name = f"{self.name}:{peer}#{next(self._numbers)}"
        connection: TcpConnection[ContextT] = TcpConnection(self.loop, sock, name, peer, self._tls)
        connection.set_connection_callback(self._up_or_down)
        connection.set_message_callback(self._message_callback)
        connection.set_write_complete_callback(self._write_complete_callback)
        connection.set_close_callback(self._connection_closed)
        if self._half_close:
            connection.set_half_close_callback(TcpConnection.shutdown)
        self._left = self._came_up = False
        self._set_connection(connection)
        connection.establish()

    def _expected_peer(self) -> Address:
        address = self.address
        return InetAddress(address.port) if isinstance(address, HostAddress) else address

    def _set_connection(self, connection: TcpConnection[ContextT] | None) -> None:
        with self._lock:
            self._connection = connection

    def _up_or_down(self, connection: TcpConnection[ContextT]) -> None:
        if connection.connected:
            self._came_up = True
            self._up_at = self.loop.poll_return_time
        self._connection_callback(connection)

    def _connection_closed(self, connection: TcpConnection[ContextT]) -> None:
        self._set_connection(None)
        if not self._came_up:
            self._handshake_failed(connection.error or _ended_after(0.0))
            return
        age = self.loop.poll_return_time - self._up_at
        stood = self._left or age >= self._stable_seconds
        refused = not stood and connection._handshake_refused
        wanted = self._again or (self._wanted and (self._retry or refused))
        self._again = False
        if not wanted:
            if not stood:
                self._connector.hold_off()
        elif self._left:
            self._connector.start()
        elif stood:
            log.info("%s: connecting to %s again", self.name, self.address)
            self._connector.restart()
        else:
            self._connector.failed(connection.error or _ended_after(age))

    def _handshake_failed(self, reason: OSError) -> None:
        """Try again as after a failed attempt to connect."""
        self._again = False
        if self._wanted and self._left:  # given up by the user, who then called connect()
            self._connector.start()
        elif self._wanted:
            self._connector.failed(reason)


def _ended_after(seconds: float) -> OSError:
    return ConnectionAbortedError(
        errno.ECONNABORTED, f"the server ended the connection after {seconds:.1f} s"
    )
