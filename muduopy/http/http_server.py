"""HttpServer: accepts connections, and has a callback answer the requests."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from muduopy.address import Address
from muduopy.callbacks import ConnectionCallback, ignore_connection
from muduopy.checks import check_callback, check_seconds
from muduopy.errors import LoopError
from muduopy.event_loop import EventLoop
from muduopy.event_loop_thread_pool import EventLoopThreadPool
from muduopy.http.http_limits import DEFAULT_LIMITS, HttpLimits
from muduopy.http.http_request import HttpRequest
from muduopy.http.http_response import HttpResponse
from muduopy.http.http_session import HttpCallback, HttpSession
from muduopy.http.http_upload import UploadCallback
from muduopy.tcp_connection import TcpConnection
from muduopy.tcp_server import DRAIN_SECONDS, HANDSHAKE_SECONDS, TcpServer
from muduopy.timer_queue import Timer

if TYPE_CHECKING:
    import ssl


def not_found(request: HttpRequest, response: HttpResponse) -> None:
    """The default callback."""
    response.set_text("404 Not Found\n", 404)


class HttpServer:
    """Binds in the constructor, listens from ``start`` on, until ``stop``.

    It speaks HTTP/1.1 and HTTP/1.0, with bodies, keep-alive and pipelining. It owns its TcpServer
    and the sessions, not the base loop. ``stop``: any thread; all other methods: base loop's
    thread. The callbacks run in the connections' loops.

    A connection that a callback upgrades stays one of this server: it counts for
    ``max_connections``, and ``stop`` ends it.

    Attributes:
        address: the bound address, with the port that the kernel chose for port 0.
        name: prefix of its connections' names.
    """

    def __init__(
        self,
        loop: EventLoop,
        address: Address,
        name: str = "http",
        *,
        limits: HttpLimits = DEFAULT_LIMITS,
        reuse_port: bool = False,
        max_connections: int | None = None,
        idle_timeout: float | None = None,
        thread_pool: EventLoopThreadPool | None = None,
        tls: ssl.SSLContext | None = None,
        handshake_seconds: float = HANDSHAKE_SECONDS,
        file_mode: int | None = None,
    ) -> None:
        """
        ``limits``: what one client may do, and how long.
        ``idle_timeout``: as that of TcpServer, for peers that neither send anything nor take any
        waiting output. It also ends connections whose answer is late, or that were upgraded.
        ``HttpLimits`` has time-outs for the phases of a request, which hold without it.
        The other options are those of TcpServer, and so are the exceptions.
        """
        self._loop = loop
        self._limits = limits
        self._server: TcpServer[Any] = TcpServer(
            loop,
            address,
            name,
            reuse_port=reuse_port,
            max_connections=max_connections,
            idle_timeout=idle_timeout,
            thread_pool=thread_pool,
            tls=tls,
            handshake_seconds=handshake_seconds,
            file_mode=file_mode,
        )
        self._server.set_connection_callback(self._on_connection)
        self._server.set_departure_callback(self._on_departure)
        self.address = self._server.address
        self.name = name
        self._http_callback: HttpCallback = not_found
        self._upload_callback: UploadCallback | None = None
        self._sessions: dict[TcpConnection, HttpSession | None] = {}  # None after an upgrade
        self._farewell: ConnectionCallback = TcpConnection.shutdown
        self._draining = False
        self._drain_timer: Timer | None = None
        self._drained = False
        self._stopped_callbacks: list[Callable[[], object]] = []

    def __repr__(self) -> str:
        return f"<HttpServer {self.name} at {self.address} connections={len(self._sessions)}>"

    @property
    def thread_pool(self) -> EventLoopThreadPool:
        """The sub-loops; running from ``start`` on."""
        return self._server.thread_pool

    def set_thread_num(self, count: int) -> None:
        """The number of sub-loops: 0 leaves all connections in the base loop. Before start."""
        self._server.set_thread_num(count)

    def set_tls(self, context: ssl.SSLContext) -> None:
        """Use another TLS context for new connections, as ``TcpServer.set_tls`` does."""
        self._server.set_tls(context)

    def set_http_callback(self, callback: HttpCallback) -> None:
        """``callback(request, response)`` fills the response. Before start.

        If it raises, the exception is logged and the answer is 500. To answer later, or from
        another thread, see ``HttpResponse.defer``. Raises StateError after start, TypeError unless
        it is a function, also for ``async def`` functions.
        """
        self._server.check_not_started("set_http_callback")
        check_callback(callback, "the HTTP callback")
        self._http_callback = callback

    def set_upload_callback(self, callback: UploadCallback) -> None:
        """``callback(request, response, upload)`` may take a body in parts. Before start.

        It runs when the head of a request with a body has arrived. If it sets no part callback,
        the body is collected, and the HTTP callback gets the request. The same rules hold as for
        that callback, and the same exceptions are raised.
        """
        self._server.check_not_started("set_upload_callback")
        check_callback(callback, "the upload callback")
        self._upload_callback = callback

    def start(self) -> None:
        """Start the sub-loops, then listen. Idempotent. Raises OSError."""
        self._server.start()

    def stop(
        self,
        drain_seconds: float = DRAIN_SECONDS,
        stopped: Callable[[], object] | None = None,
        farewell: ConnectionCallback = TcpConnection.shutdown,
    ) -> None:
        """Stop accepting, drain, close, join the sub-loops; then call ``stopped``. Any thread.

        The requests that the callback has got are answered, including deferred ones. Others are
        not read. ``farewell`` is called with each upgraded connection, in its loop, and should end
        it soon. Connections that remain after ``drain_seconds`` are closed by force. This method
        returns at once. The base loop must go on running, and calls ``stopped`` in its thread.
        Raises LoopError, TypeError and ValueError as ``TcpServer.stop`` does.
        """
        if self._loop.closed:
            raise LoopError(f"stop() on {self!r}, whose base loop is closed: stop before that")
        check_seconds(drain_seconds, "drain_seconds")
        if stopped is not None:
            check_callback(stopped, "stopped")
        check_callback(farewell, "farewell")
        # Queued: connections that have come up in other loops have queued _add before it.
        self._loop.queue_in_loop(lambda: self._stop_in_loop(drain_seconds, stopped, farewell))

    # ------------------------------------------------------------------ connections

    def _on_connection(self, connection: TcpConnection) -> None:
        """In the connection's loop. After an upgrade, its new owner is called instead."""
        session = connection.context
        if connection.connected:
            session = HttpSession(
                connection,
                self._http_callback,
                self._limits,
                upload_callback=self._upload_callback,
                upgraded=self._on_upgrade,
            )
            connection.context = session
            self._loop.run_in_loop(lambda: self._add(session))
            session.start()
        elif isinstance(session, HttpSession):
            session.gone()

    def _on_upgrade(self, session: HttpSession) -> None:
        """In the connection's loop."""
        connection = session.connection
        connection.set_connection_callback(ignore_connection)
        connection.context = None
        self._loop.run_in_loop(lambda: self._add_upgraded(connection))

    def _add(self, session: HttpSession) -> None:
        # Not if it is down already: the loop of the connection may be ahead of this one.
        if session.connection.name in self._server.connections:
            self._sessions[session.connection] = session
            if self._draining:
                session.drain()

    def _add_upgraded(self, connection: TcpConnection) -> None:
        if connection.name in self._server.connections:
            self._sessions[connection] = None
            if self._draining:
                self._dismiss(connection)

    def _dismiss(self, connection: TcpConnection) -> None:
        farewell = self._farewell
        connection.loop.run_in_loop(lambda: connection.dismiss(farewell))

    def _on_departure(self, connection: TcpConnection) -> None:
        """In the base loop."""
        self._sessions.pop(connection, None)
        if self._draining and not self._sessions:
            self._close()

    # ------------------------------------------------------------------ the end

    def _stop_in_loop(
        self,
        drain_seconds: float,
        stopped: Callable[[], object] | None,
        farewell: ConnectionCallback,
    ) -> None:
        if self._drained:
            self._server.stop(0.0, stopped)
            return
        if stopped is not None:
            self._stopped_callbacks.append(stopped)
        if self._draining:
            return
        self._draining = True
        self._farewell = farewell
        self._server.stop_accepting()
        self._drain_timer = self._loop.run_after(drain_seconds, self._close)
        # A copy, because a farewell may end a connection of this loop at once.
        for connection, session in list(self._sessions.items()):
            if session is not None:
                session.drain()
            else:
                self._dismiss(connection)
        if not self._sessions:
            self._close()

    def _close(self) -> None:
        if self._drained:
            return
        self._drained = True
        if self._drain_timer is not None:
            self._loop.cancel(self._drain_timer)
        callbacks, self._stopped_callbacks = self._stopped_callbacks, []
        self._server.stop(0.0)
        for callback in callbacks:
            self._server.stop(0.0, callback)
