"""WebSocketServer: a server that speaks WebSocket on a port of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any

from muduopy.address import Address
from muduopy.callbacks import ContextT
from muduopy.event_loop import EventLoop
from muduopy.event_loop_thread_pool import EventLoopThreadPool
from muduopy.tcp_connection import TcpConnection
from muduopy.tcp_server import DRAIN_SECONDS, TcpServer
from muduopy.websocket.websocket_endpoint import WebSocketEndpoint, say_goodbye
from muduopy.websocket.websocket_limits import DEFAULT_LIMITS, WebSocketLimits

if TYPE_CHECKING:
    import ssl


class WebSocketServer(WebSocketEndpoint[ContextT]):
    """Binds in the constructor, listens from ``start`` on, until ``stop`` or ``close``.

    An endpoint with a TcpServer. Set-up methods: before ``start``. ``stop``: any thread; all other
    methods: base loop's thread. The callbacks run in the connections' loops.

    Attributes:
        tcp_server: the TcpServer, for admission, socket options and counters. Its connection and
            message callbacks belong to this object.
        address: the bound address, with the port that the kernel chose for port 0.
        name: prefix of its connections' names.
    """

    def __init__(
        self,
        loop: EventLoop,
        address: Address,
        name: str = "websocket",
        *,
        limits: WebSocketLimits = DEFAULT_LIMITS,
        origins: Sequence[str] = (),
        subprotocols: Sequence[str] = (),
        deflate: bool = False,
        reuse_port: bool = False,
        max_connections: int | None = None,
        thread_pool: EventLoopThreadPool | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """The handshake's parameters are those of WebSocketEndpoint, the others of TcpServer.

        Raises OSError when the address cannot be bound.
        """
        super().__init__(limits=limits, origins=origins, subprotocols=subprotocols, deflate=deflate)
        self.tcp_server: TcpServer[Any] = TcpServer(
            loop,
            address,
            name,
            reuse_port=reuse_port,
            max_connections=max_connections,
            thread_pool=thread_pool,
            tls=tls,
        )
        self.tcp_server.set_connection_callback(self._on_connection)
        self.address = self.tcp_server.address
        self.name = name

    def __enter__(self) -> WebSocketServer[ContextT]:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        connections = len(self.tcp_server.connections)
        return f"<WebSocketServer {self.name} at {self.address} connections={connections}>"

    @property
    def thread_pool(self) -> EventLoopThreadPool:
        """The sub-loops; running from ``start`` on."""
        return self.tcp_server.thread_pool

    def set_thread_num(self, count: int) -> None:
        """The number of sub-loops: 0 leaves all connections in the base loop. Before start."""
        self.tcp_server.set_thread_num(count)

    def start(self) -> None:
        """Start the sub-loops, then listen. Idempotent. Raises OSError."""
        self.tcp_server.start()

    def stop(
        self, drain_seconds: float = DRAIN_SECONDS, stopped: Callable[[], object] | None = None
    ) -> None:
        """Stop accepting, close all WebSockets with 1001, then call ``stopped``. Any thread.

        Connections that remain after ``drain_seconds`` are closed by force. Raises as
        ``TcpServer.stop`` does.
        """
        self.tcp_server.stop(drain_seconds, stopped, farewell=say_goodbye)

    def close(self) -> None:
        """Close all connections at once, without a Close, as ``TcpServer.close`` does."""
        self.tcp_server.close()

    def _on_connection(self, connection: TcpConnection) -> None:
        """In the connection's loop."""
        if connection.connected:
            self.accept(connection)

    def _set_up(self, method: str, callback: Callable[..., object]) -> None:
        self.tcp_server.check_not_started(method)
        super()._set_up(method, callback)
