"""TcpClient: one outgoing connection, which comes back when it is asked to."""

from __future__ import annotations

import itertools
import logging
import socket
import threading
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING

from muduopy.address import Address, address_of
from muduopy.callbacks import ConnectionCallback, MessageCallback, WriteCompleteCallback
from muduopy.connector import CONNECT_SECONDS, Connector
from muduopy.event_loop import EventLoop
from muduopy.tcp_connection import TcpConnection, discard_message, ignore_connection

if TYPE_CHECKING:
    import ssl

log = logging.getLogger(__name__)


class TcpClient:
    """Connects to a server, and again after a failure; hands over a TcpConnection.

    The first connection is tried until it stands or ``stop`` is called. One that stood and went
    down is connected again only after ``enable_retry``. Callbacks run in the loop's thread and
    are set before ``connect``; all other methods are for any thread.

    The loop keeps a client alive while it is connecting or connected, so the last reference to
    one may be dropped anywhere; ``close``, or the end of a ``with``, ends it.
    """

    def __init__(
        self,
        loop: EventLoop,
        address: Address,
        name: str = "client",
        *,
        connect_seconds: float = CONNECT_SECONDS,
        jitter: bool = False,
        half_close: bool = False,
        tls: ssl.SSLContext | None = None,
        server_hostname: str | None = None,
    ) -> None:
        """``connect_seconds``: for one attempt, and for a TLS handshake. ``jitter``: see
        Connector. ``half_close``: a server that has finished sending still gets what is waiting
        for it. ``tls``: encrypt, expecting a certificate for ``server_hostname``."""
        self.loop = loop
        self.name = name
        self._connector = Connector(loop, address, connect_seconds=connect_seconds, jitter=jitter)
        self._connector.new_connection_callback = self._new_connection
        self._half_close = half_close
        self._connect_seconds = connect_seconds
        self._tls = tls
        self._server_hostname = server_hostname
        self._numbers = itertools.count(1)
        self._connection_callback: ConnectionCallback = ignore_connection
        self._message_callback: MessageCallback = discard_message
        self._write_complete_callback: WriteCompleteCallback | None = None
        self._lock = threading.Lock()  # guards _connection, _wanted and _retry
        self._connection: TcpConnection | None = None
        self._wanted = False  # connect() was called, and neither disconnect() nor stop() since
        self._retry = False

    def __enter__(self) -> TcpClient:
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
    def address(self) -> Address:
        """Where it connects to."""
        return self._connector.address

    @property
    def connection(self) -> TcpConnection | None:
        """The connection that is up or in its TLS handshake; None if there is none. Any thread."""
        with self._lock:
            return self._connection

    # ------------------------------------------------------------------ set-up

    def set_connection_callback(self, callback: ConnectionCallback) -> None:
        """For UP and DOWN. Before connect."""
        self._connection_callback = callback

    def set_message_callback(self, callback: MessageCallback) -> None:
        """For arriving bytes. Before connect."""
        self._message_callback = callback

    def set_write_complete_callback(self, callback: WriteCompleteCallback) -> None:
        """For output that has become empty. Before connect."""
        self._write_complete_callback = callback

    def set_connect_failed_callback(
        self, callback: Callable[[OSError, float | None], object]
    ) -> None:
        """For attempts that fail: (why, seconds until the next or None). Before connect."""
        self._connector.failed_callback = callback

    def enable_retry(self) -> None:
        """Connect again whenever a connection that stood goes down. Any thread."""
        with self._lock:
            self._retry = True

    # ------------------------------------------------------------------ any thread

    def connect(self) -> None:
        """Connect, unless connected or connecting already. Any thread."""
        with self._lock:
            self._wanted = True
        self.loop.run_in_loop(self._connect_in_loop)

    def _connect_in_loop(self) -> None:
        with self._lock:
            idle = self._wanted and self._connection is None
        if idle:
            self._connector.start()

    def disconnect(self) -> None:
        """Send what is waiting, then end-of-file; and do not connect again. Any thread."""
        self._leave(TcpConnection.shutdown)

    def stop(self) -> None:
        """Abandon an attempt that is under way; a connection that stands is left. Any thread."""
        self._leave(None)

    def close(self) -> None:
        """Abandon everything; a connection is closed, dropping what waits. Any thread."""
        self._leave(TcpConnection.force_close)

    def _leave(self, farewell: Callable[[TcpConnection], object] | None) -> None:
        with self._lock:
            self._wanted = False
        # In the loop: a connection that is just being handed over is found there.
        self.loop.run_in_loop(lambda: self._leave_in_loop(farewell))

    def _leave_in_loop(self, farewell: Callable[[TcpConnection], object] | None) -> None:
        with self._lock:
            if self._wanted:  # connect() was called since
                return
            connection = self._connection
        self._connector.stop()
        if connection is not None and farewell is not None:
            farewell(connection)

    # ------------------------------------------------------------------ in the loop

    def _new_connection(self, sock: socket.socket) -> None:
        try:
            peer = address_of(sock.getpeername())
        except OSError:  # it has gone already; reading will tell
            peer = self.address
        connection = self._make(sock, f"{self.name}:{peer}#{next(self._numbers)}", peer)
        connection.set_connection_callback(self._connection_callback)
        connection.set_message_callback(self._message_callback)
        connection.set_write_complete_callback(self._write_complete_callback)
        connection.set_close_callback(self._connection_closed)
        if self._half_close:
            connection.set_half_close_callback(TcpConnection.shutdown)
        with self._lock:
            self._connection = connection
        connection.establish()

    def _make(self, sock: socket.socket, name: str, peer: Address) -> TcpConnection:
        if self._tls is None:
            return TcpConnection(self.loop, sock, name, peer)
        from muduopy.tls_connection import TlsConnection  # ssl costs 10 ms to import

        connection = TlsConnection(
            self.loop,
            sock,
            name,
            peer,
            self._tls,
            server_side=False,
            server_hostname=self._server_hostname,
            handshake_seconds=self._connect_seconds,
        )
        connection.set_handshake_failed_callback(self._handshake_failed)
        return connection

    def _handshake_failed(self, connection: TcpConnection, reason: OSError) -> None:
        """No connection after all: as if connecting had failed, and tried again like that."""
        with self._lock:
            self._connection = None
            wanted = self._wanted
        if wanted:
            self._connector.failed(reason)

    def _connection_closed(self, connection: TcpConnection) -> None:
        with self._lock:
            if self._connection is not connection:  # its handshake had failed
                return
            self._connection = None
            again = self._retry and self._wanted
        if again:
            log.info("%s: connecting to %s again", self.name, self.address)
            self._connector.start()
