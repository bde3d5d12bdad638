"""HttpServer: accepts connections, and has a callback answer the requests."""

from __future__ import annotations

from collections.abc import Callable

from muduopy.address import Address
from muduopy.checks import check_callback, check_seconds
from muduopy.errors import LoopError
from muduopy.event_loop import EventLoop
from muduopy.event_loop_thread_pool import EventLoopThreadPool
from muduopy.http.http_limits import DEFAULT_LIMITS, HttpLimits
from muduopy.http.http_request import HttpRequest
from muduopy.http.http_response import HttpResponse
from muduopy.http.http_session import HttpCallback, HttpSession
from muduopy.tcp_connection import TcpConnection
from muduopy.tcp_server import DRAIN_SECONDS, TcpServer
from muduopy.timer_queue import Timer


def not_found(request: HttpRequest, response: HttpResponse) -> None:
    """The default callback."""
    response.set_text("404 Not Found\n", 404)


class HttpServer:
    """Binds in the constructor, listens from ``start`` on, until ``stop``.

    It speaks HTTP/1.1 with bodies, keep-alive and pipelining; an HTTP/1.0 client gets one answer
    for each connection. It owns its TcpServer and the sessions, not the base loop. ``stop``: any
    thread; all other methods: base loop's thread. The callback runs in the connections' loops.

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
    ) -> None:
        """Raises OSError when the address cannot be bound."""
        self._loop = loop
        self._limits = limits
        self._server = TcpServer(loop, address, name, reuse_port=reuse_port)
        self._server.set_connection_callback(self._on_connection)
        self.address = self._server.address
        self.name = name
        self._http_callback: HttpCallback = not_found
        self._sessions: set[HttpSession] = set()  # base loop's thread
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

    def set_http_callback(self, callback: HttpCallback) -> None:
        """``callback(request, response)`` fills the response. Before start.

        If it raises, the exception is logged and the answer is 500. To answer later, or from
        another thread, see ``HttpResponse.defer``. Raises StateError after start, TypeError unless
        it is a function, also for ``async def`` functions.
        """
        self._server.check_not_started("set_http_callback")
        check_callback(callback, "the HTTP callback")
        self._http_callback = callback

    def start(self) -> None:
        """Start the sub-loops, then listen. Idempotent. Raises OSError."""
        self._server.start()

    def stop(
        self, drain_seconds: float = DRAIN_SECONDS, stopped: Callable[[], object] | None = None
    ) -> None:
        """Stop accepting, drain, close, join the sub-loops; then call ``stopped``. Any thread.

        The requests that the callback has got are answered, including deferred ones. Others are
        not read. Connections that remain after ``drain_seconds`` are closed by force. This method
        returns at once. The base loop must go on running, and calls ``stopped`` in its thread.
        Raises LoopError, TypeError and ValueError as ``TcpServer.stop`` does.
        """
        if self._loop.closed:
            raise LoopError(f"stop() on {self!r}, whose base loop is closed: stop before that")
        check_seconds(drain_seconds, "drain_seconds")
        if stopped is not None:
            check_callback(stopped, "stopped")
        # Queued: connections that have come up in other loops have queued _add before it.
        self._loop.queue_in_loop(lambda: self._stop_in_loop(drain_seconds, stopped))

    # ------------------------------------------------------------------ connections

    def _on_connection(self, connection: TcpConnection) -> None:
        """In the connection's loop."""
        if connection.connected:
            session = HttpSession(connection, self._http_callback, self._limits)
            connection.context = session
            self._loop.run_in_loop(lambda: self._add(session))
            return
        gone = connection.context
        if isinstance(gone, HttpSession):
            gone.gone()
            self._loop.run_in_loop(lambda: self._remove(gone))

    def _add(self, session: HttpSession) -> None:
        self._sessions.add(session)
        if self._draining:
            session.drain()

    def _remove(self, session: HttpSession) -> None:
        self._sessions.discard(session)
        if self._draining and not self._sessions:
            self._close()

    # ------------------------------------------------------------------ the end

    def _stop_in_loop(self, drain_seconds: float, stopped: Callable[[], object] | None) -> None:
        if self._drained:
            self._server.stop(0.0, stopped)
            return
        if stopped is not None:
            self._stopped_callbacks.append(stopped)
        if self._draining:
            return
        self._draining = True
        self._server.stop_accepting()
        self._drain_timer = self._loop.run_after(drain_seconds, self._close)
        for session in self._sessions:
            session.drain()
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
