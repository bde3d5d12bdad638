"""TcpServer: accepts connections and spreads them over loops."""

from __future__ import annotations

import itertools
import logging
import math
import socket
import threading
import time
from collections.abc import Callable
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING

from muduopy.acceptor import Acceptor
from muduopy.address import Address
from muduopy.callbacks import (
    ConnectionCallback,
    ContextT,
)
from muduopy.checks import check_callback, check_loop, check_seconds
from muduopy.early_end import has_ended
from muduopy.errors import LoopError, StateError
from muduopy.event_loop import EventLoop
from muduopy.event_loop_thread_pool import EventLoopThreadPool
from muduopy.handshakes import Handshakes
from muduopy.idle_watch import LINGER_SECONDS, IdleWatch
from muduopy.refusals import Refusals
from muduopy.server_callbacks import ServerCallbacks
from muduopy.server_stop import ServerStop
from muduopy.slow_callbacks import report_left_behind
from muduopy.tcp_connection import TcpConnection
from muduopy.tls_settings import TlsSettings

if TYPE_CHECKING:
    import ssl

log = logging.getLogger(__name__)

DRAIN_SECONDS = 3.0
CLOSE_SECONDS = 10.0
"""The time that ``close`` waits for sub-loops that are in a callback."""

HANDSHAKE_SECONDS = 10.0
"""The time-out of a TLS handshake, so that a silent peer cannot keep a connection for ever."""


class TcpServer(ServerCallbacks[ContextT]):
    """Binds in the constructor, listens from ``start`` on, until ``stop`` or ``close``.

        with EventLoop() as loop, TcpServer(loop, address) as server:
            server.start()
            loop.loop()

    It owns its connections and its sub-loops; it owns neither the base loop nor a pool that it was
    given. Set-up methods: before ``start``, in the thread that makes it. ``stop``: any thread. All
    other methods: base loop's thread.

    Attributes:
        address: the bound address, with the port that the kernel chose for port 0.
        name: prefix of its connections' names.
        connections: the connections by name, from accepting to DOWN. The ``connections`` of each of
            ``thread_pool.get_all_loops()`` count them by loop. Base loop's thread.
        refused: the number of connections that were closed because of ``max_connections``, or that
            the admission callback refused. Base loop's thread.
        gone_early: the number of connections that were closed because of ``peer_speaks_first``.
            Base loop's thread.
        handshakes_ended: the number of TLS handshakes that ended early, because of
            ``max_handshakes`` or by ``end_handshake``. Base loop's thread.
    """

    def __init__(
        self,
        loop: EventLoop,
        address: Address,
        name: str = "server",
        *,
        reuse_port: bool = False,
        half_close: bool = False,
        max_connections: int | None = None,
        idle_timeout: float | None = None,
        idle_linger: float = LINGER_SECONDS,
        thread_pool: EventLoopThreadPool | None = None,
        tls: ssl.SSLContext | None = None,
        handshake_seconds: float = HANDSHAKE_SECONDS,
        max_handshakes: int | None = None,
        peer_speaks_first: bool = False,
        file_mode: int | None = None,
    ) -> None:
        """
        ``half_close``: a peer that has finished sending still gets the waiting output.
        ``max_connections``: further connections are closed at once, before UP.
        ``idle_timeout``: seconds (up to a tenth more) after which a connection is shut down whose
        peer neither sends anything nor takes any waiting output.
        ``idle_linger``: seconds that an idle peer then has to close. After them the connection is
        closed by force; with 0, at once.
        ``thread_pool``: loops to share with other servers. It must have this base loop. The server
        starts it unless it runs already, and leaves it running.
        ``tls``: encrypt. ``handshake_seconds``: the time-out of a TLS handshake.
        ``max_handshakes``: TLS handshakes at the same time; a further one ends another one, as
        ``end_handshake`` does.
        ``peer_speaks_first``: a peer that by the time of its accept has reset the connection, or
        has closed it without sending anything, is closed at once, before UP. In a storm of such
        peers that costs a tenth. Not for a server that sends something before it has received
        anything.
        ``file_mode``: the permissions of a Unix socket's file, such as 0o600; without it, the
        umask decides.

        Raises OSError, with the address in its text, when that cannot be bound; ValueError for
        impossible numbers and for a TLS context of the wrong side; TypeError for a loop, address
        or context of another type.
        """
        _check_numbers(
            max_connections, idle_timeout, idle_linger, handshake_seconds, max_handshakes
        )
        check_loop(loop)
        settings = None if tls is None else TlsSettings(tls, True, None, handshake_seconds)
        if thread_pool is not None and thread_pool.base_loop is not loop:
            raise ValueError("the thread pool has another base loop")
        super().__init__()
        self._loop = loop
        self._acceptor = Acceptor(loop, address, reuse_port=reuse_port, file_mode=file_mode)
        self._acceptor.new_connection_callback = self._new_connection
        self.address = self._acceptor.address
        self.name = name
        self.connections: dict[str, TcpConnection[ContextT]] = {}
        self.refused = self.gone_early = self.handshakes_ended = 0
        self._gone_received = self._gone_sent = 0  # bytes of former connections
        self._max_connections = math.inf if max_connections is None else max_connections
        self._peer_speaks_first = peer_speaks_first
        self._max_handshakes = math.inf if max_handshakes is None else max_handshakes
        self._handshakes: Handshakes[ContextT] = Handshakes()
        self._refusals = Refusals(loop)
        self._idle_timeout = idle_timeout
        self._idle_linger = idle_linger
        self._watches: dict[EventLoop, IdleWatch] = {}  # made on demand, in the base loop
        self._half_close = half_close
        self._tls = settings
        self._owns_pool = thread_pool is None
        self._pool = thread_pool or EventLoopThreadPool(loop, f"{name}-loop")
        self._numbers = itertools.count(1)
        self._socket_options: list[tuple[int, int, int | bytes]] = []
        self._stopping = ServerStop(
            loop, self.connections, self._end_loops, owns_loops=self._owns_pool
        )

    def __enter__(self) -> TcpServer[ContextT]:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<TcpServer {self.name} at {self.address} connections={len(self.connections)}>"

    @property
    def bytes_received(self) -> int:
        """Bytes from all connections, including former ones. Base loop's thread."""
        return self._gone_received + sum(c.bytes_received for c in self.connections.values())

    @property
    def bytes_sent(self) -> int:
        """Bytes that the kernel has taken for all connections. Base loop's thread."""
        return self._gone_sent + sum(c.bytes_sent for c in self.connections.values())

    @property
    def thread_pool(self) -> EventLoopThreadPool:
        """The sub-loops; running from ``start`` on."""
        return self._pool

    def set_thread_num(self, count: int, *, take_turns: bool = False) -> None:
        """The number of sub-loops: 0 leaves all connections in the base loop. Before start.

        ``take_turns``: as in EventLoopThreadPool. Raises StateError if the server has started, or
        was given a pool.
        """
        if self._started or not self._owns_pool:
            raise StateError("set_thread_num() on a server that has started, or was given a pool")
        self._pool = EventLoopThreadPool(
            self._loop, f"{self.name}-loop", count, take_turns=take_turns
        )

    def set_tls(self, context: ssl.SSLContext) -> None:
        """Use another TLS context for new connections, such as one with a new certificate.

        The established connections keep theirs. Base loop's thread. Raises StateError for a server
        without TLS, and ValueError or TypeError as the constructor does.
        """
        self._loop.assert_in_loop_thread()
        if self._tls is None:
            raise StateError("set_tls() on a server that was made without TLS")
        self._tls = TlsSettings(context, True, None, self._tls.handshake_seconds)

    def set_socket_option(self, level: int, option: int, value: int | bytes) -> None:
        """``setsockopt`` on each connection before UP. Before start.

        It is also set on the listening socket at once. That finds mistakes early, and lets
        SO_RCVBUF take effect in the TCP handshake. Raises OSError.
        """
        self.check_not_started("set_socket_option")
        self._acceptor.set_socket_option(level, option, value)
        self._socket_options.append((level, option, value))

    def start(self) -> None:
        """Listen and start the sub-loops. Idempotent. Raises OSError; StateError after stop."""
        self._loop.assert_in_loop_thread()
        if self._stopping.begun:
            raise StateError("start() on a server that was stopped: make a new one")
        if self._started:
            return
        self._acceptor.listen()  # the loop accepts connections after this callback
        self._started = True
        if not self._pool.started:
            self._pool.start(self._thread_init)

    def stop(
        self,
        drain_seconds: float = DRAIN_SECONDS,
        stopped: Callable[[], object] | None = None,
        farewell: ConnectionCallback[ContextT] = TcpConnection.shutdown,
    ) -> None:
        """Stop accepting, drain, close, join the sub-loops; then call ``stopped``. Any thread.

        ``farewell`` is called with each connection, in its loop, and should end it soon. The
        default sends the waiting output, then end-of-file. After ``drain_seconds`` the remaining
        connections are closed by force. This method returns at once. The base loop must go on
        running, and calls ``stopped`` in its thread.

        A sub-loop that is in one callback for two seconds after that is left behind: an error is
        logged that names the callback and the thread, and ``stopped`` is called. The loop's
        connections are closed when that callback returns.

        Raises LoopError when the base loop is closed, as nothing would call ``stopped``; TypeError
        for arguments of another type, ValueError for NaN.
        """
        if self._loop.closed:
            raise LoopError(f"stop() on {self!r}, whose base loop is closed: stop before that")
        check_seconds(drain_seconds, "drain_seconds")
        if stopped is not None:
            check_callback(stopped, "stopped")
        check_callback(farewell, "farewell")
        self._loop.run_in_loop(lambda: self._stop_in_loop(drain_seconds, stopped, farewell))

    def _stop_in_loop(
        self,
        drain_seconds: float,
        stopped: Callable[[], object] | None,
        farewell: ConnectionCallback[ContextT],
    ) -> None:
        self.stop_accepting()
        self._stopping.begin(drain_seconds, stopped, farewell)

    def stop_accepting(self) -> None:
        """Release the port and leave the connections as they are. Idempotent."""
        self._acceptor.close()

    def end_handshake(self) -> bool:
        """Close a connection whose TLS handshake is under way; False if there is none.

        It is the oldest one of the IPv4 address, or the IPv6 /64, that has most of them.
        """
        while (connection := self._handshakes.take()) is not None:
            if not connection.was_up:  # else this loop has not heard yet that it came up
                self.handshakes_ended += 1
                connection.force_close()
                return True
        return False

    def close(self, seconds: float = CLOSE_SECONDS) -> None:
        """Stop at once: close all connections, which get their DOWN, and join the sub-loops.

        Waiting output is dropped; ``stop`` sends it. Idempotent. If the base loop is not running,
        everything has ended on return. Else the base loop's own connections go down in its next
        pass. Waits up to ``seconds`` for the sub-loops, and then leaves them behind as ``stop``
        does.
        """
        self._loop.assert_in_loop_thread()
        self._stopping.begun = True
        self.stop_accepting()
        self._refusals.close()
        self._stopping.close_connections()
        if not self._owns_pool:
            self._await_other_loops(seconds)
        self._end_loops(seconds)
        if not self._loop.looping:
            self._loop.run_queued()

    def _new_connection(self, sock: socket.socket, peer: Address) -> None:
        if self._peer_speaks_first and has_ended(sock, self._early_end_callback):
            self.gone_early += 1
            sock.close()
            return
        if len(self.connections) >= self._max_connections:
            self.refused += 1
            sock.close()
            return
        if self._admission_callback is not None:
            refusal = self._admission_callback(peer)
            if refusal is not None:
                self.refused += 1
                self._refusals.refuse(sock, b"" if self._tls is not None else refusal)
                return
        self._serve(sock, peer)

    def _serve(self, sock: socket.socket, peer: Address) -> None:
        for option in self._socket_options:
            sock.setsockopt(*option)
        loop = self._pool.get_next_loop()
        name = f"{self.name}-{self.address}#{next(self._numbers)}"
        connection: TcpConnection[ContextT] = TcpConnection(loop, sock, name, peer, self._tls)
        if self._naming_callback is not None:
            connection.log_name = self._naming_callback(peer)
        if self._tls is None:
            connection.set_connection_callback(self._connection_callback)
        else:
            self._add_handshake(connection)
        connection.set_message_callback(self._message_callback)
        connection.set_write_complete_callback(self._write_complete_callback)
        if self._high_water is not None:
            connection.set_high_water_callback(*self._high_water)
        if self._low_water is not None:
            connection.set_low_water_callback(*self._low_water)
        if self._half_close:
            connection.set_half_close_callback(TcpConnection.shutdown)
        self.connections[name] = connection
        if self._idle_timeout is None:
            connection.set_close_callback(self._connection_closed)
            loop.run_in_loop(connection.establish)
            return
        watch = self._watches.get(loop)
        if watch is None:
            watch = self._watches[loop] = IdleWatch(loop, self._idle_timeout, self._idle_linger)
        connection.set_close_callback(partial(self._watched_connection_closed, watch))
        loop.run_in_loop(partial(watch.establish, connection))

    def _add_handshake(self, connection: TcpConnection[ContextT]) -> None:
        if len(self._handshakes) >= self._max_handshakes:
            self.end_handshake()
        self._handshakes.add(connection)
        connection.set_connection_callback(self._handshake_done)

    def _handshake_done(self, connection: TcpConnection[ContextT]) -> None:
        """UP. In the connection's loop."""
        connection.set_connection_callback(self._connection_callback)
        self._loop.run_in_loop(lambda: self._handshakes.remove(connection))
        self._connection_callback(connection)

    def _connection_closed(self, connection: TcpConnection[ContextT]) -> None:
        """In the connection's loop."""
        self._loop.run_in_loop(lambda: self._forget(connection))

    def _watched_connection_closed(
        self, watch: IdleWatch, connection: TcpConnection[ContextT]
    ) -> None:
        """In the connection's loop."""
        watch.forget(connection)
        self._connection_closed(connection)

    def _forget(self, connection: TcpConnection[ContextT]) -> None:
        if self.connections.pop(connection.name, None) is None:  # left behind with its loop
            return
        self._handshakes.remove(connection)
        self._gone_received += connection.bytes_received
        self._gone_sent += connection.bytes_sent
        self._departure_callback(connection)
        if self._stopping.begun and not self.connections:
            self._stopping.finish()

    def _end_loops(self, seconds: float, waited: float = 0.0) -> None:
        self._refusals.close()
        for loop, watch in self._watches.items():
            loop.queue_in_loop(watch.close)
        self._watches.clear()
        if self._owns_pool:
            self._pool.stop(seconds, waited=waited)

    def _await_other_loops(self, seconds: float) -> None:
        """Wait until the loops of a shared pool have run the functions that are queued now."""
        end = time.monotonic() + seconds
        for loop in self._pool.get_all_loops():
            if loop is not self._loop:
                passed = threading.Event()
                loop.queue_in_loop(passed.set)
                if not passed.wait(max(0.0, end - time.monotonic())):
                    report_left_behind(loop, seconds)


def _check_numbers(
    max_connections: int | None,
    idle_timeout: float | None,
    idle_linger: float,
    handshake_seconds: float,
    max_handshakes: int | None,
) -> None:
    """Raises ValueError for an impossible number."""
    if max_connections is not None and max_connections < 1:
        raise ValueError(f"max_connections: {max_connections} must be at least 1")
    if idle_timeout is not None and not 0 < idle_timeout < math.inf:
        raise ValueError(f"idle_timeout: {idle_timeout} must be positive and finite")
    if not 0 <= idle_linger < math.inf:
        raise ValueError(f"idle_linger: {idle_linger} must be finite and not negative")
    if max_handshakes is not None and max_handshakes < 1:
        raise ValueError(f"max_handshakes: {max_handshakes} must be at least 1")
    if not handshake_seconds > 0:
        raise ValueError(f"handshake_seconds: {handshake_seconds} must be positive")
