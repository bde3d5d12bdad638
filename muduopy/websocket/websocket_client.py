"""WebSocketClient: one outgoing WebSocket, with retries."""

from __future__ import annotations

import ipaddress
import ssl
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from types import TracebackType
from typing import Any

from muduopy.address import Address
from muduopy.callbacks import ContextT
from muduopy.checks import check_callback
from muduopy.errors import StateError
from muduopy.event_loop import EventLoop
from muduopy.host_address import HostAddress
from muduopy.inet_address import InetAddress
from muduopy.tcp_client import TcpClient
from muduopy.tcp_connection import TcpConnection
from muduopy.websocket.close_code import CloseCode
from muduopy.websocket.errors import HandshakeError
from muduopy.websocket.handshake import ClientHandshake, parse_url
from muduopy.websocket.websocket_callbacks import WebSocketCallbacks
from muduopy.websocket.websocket_connection import WebSocketConnection
from muduopy.websocket.websocket_limits import DEFAULT_LIMITS, WebSocketLimits

HandshakeFailedCallback = Callable[[HandshakeError], object]
"""The server is there, and there is no WebSocket: its refusal."""


class WebSocketClient(WebSocketCallbacks[ContextT]):
    """Connects to a server and gives the WebSocket to the callbacks.

        client = WebSocketClient(loop, "ws://127.0.0.1:8080/chat")
        client.set_text_callback(lambda websocket, text, when: print(text))
        client.connect()

    It tries until the first TCP connection is up; with ``enable_retry``, again after each end, as
    TcpClient does. Set the callbacks before ``connect``; they run in the loop's thread. All other
    methods: any thread.
    """

    def __init__(
        self,
        loop: EventLoop,
        url: str,
        name: str = "client",
        *,
        address: Address | HostAddress | None = None,
        origin: str | None = None,
        subprotocols: Sequence[str] = (),
        headers: Iterable[tuple[str, str]] = (),
        deflate: bool = False,
        limits: WebSocketLimits = DEFAULT_LIMITS,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """
        ``url``: "ws://host:port/path?query", or "wss://…" for TLS.
        ``address``: connect there instead of to the URL's host, for instance to a UnixAddress.
        ``origin``, ``headers``: further fields of the request.
        ``subprotocols``: offers, in the order of preference.
        ``deflate``: ask for compression.
        ``tls``: for "wss"; without it, the system's certificates are trusted.

        Raises ValueError for a URL, field or number that cannot be, TypeError as TcpClient does.
        """
        super().__init__()
        parts = parse_url(url)
        if tls is not None and not parts.secure:
            raise ValueError(f"tls is for wss://, not for {url}")
        if parts.secure and tls is None:
            tls = ssl.create_default_context()
        self.loop = loop
        self.url = url
        self.name = name
        self._limits = limits
        self._new_handshake = partial(
            ClientHandshake,
            url,
            origin=origin,
            subprotocols=tuple(subprotocols),
            headers=tuple(headers),
            deflate=deflate,
        )
        self._new_handshake()  # raises for wrong arguments here, and not in the loop
        self._connect_called = False
        self._handshake_failed_callback: HandshakeFailedCallback | None = None
        self._tcp_client: TcpClient[Any] = TcpClient(
            loop,
            address or _address_of(parts.host, parts.port),
            name,
            tls=tls,
            server_hostname=parts.host if tls is not None else None,
        )
        self._tcp_client.set_connection_callback(self._on_connection)

    def __enter__(self) -> WebSocketClient[ContextT]:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<WebSocketClient {self.name} to {self.url} {self.websocket!r}>"

    @property
    def websocket(self) -> WebSocketConnection[ContextT] | None:
        """The WebSocket that is up or in its handshake; None if there is none. Any thread."""
        connection = self._tcp_client.connection
        return connection.context if connection is not None else None

    # ------------------------------------------------------------------ set-up

    def set_connect_failed_callback(
        self, callback: Callable[[OSError, float | None], object]
    ) -> None:
        """For failed attempts to connect: see TcpClient. Before connect."""
        self._set_up("set_connect_failed_callback", callback)
        self._tcp_client.set_connect_failed_callback(callback)

    def set_handshake_failed_callback(self, callback: HandshakeFailedCallback) -> None:
        """For a server that refuses, answers wrongly, or ends in the handshake. Before connect."""
        self._set_up("set_handshake_failed_callback", callback)
        self._handshake_failed_callback = callback

    def _set_up(self, method: str, callback: Callable[..., object]) -> None:
        if self._connect_called:
            raise StateError(f"{method}() on {self!r}: call it before connect()")
        check_callback(callback, f"{method}()'s callback")

    def enable_retry(self) -> None:
        """Connect again each time that the WebSocket goes down. Any thread."""
        self._tcp_client.enable_retry()

    # ------------------------------------------------------------------ any thread

    def connect(self) -> None:
        """Connect, unless connected or connecting already. Any thread."""
        self._connect_called = True
        self._tcp_client.connect()

    def disconnect(self, code: int = CloseCode.NORMAL, reason: str = "") -> None:
        """Close the WebSocket with a Close, and do not connect again. Any thread.

        Raises ValueError as ``WebSocketConnection.close`` does.
        """
        self._tcp_client.stop()  # in the loop, before the next one
        self.loop.run_in_loop(partial(self._disconnect_in_loop, code, reason))

    def _disconnect_in_loop(self, code: int, reason: str) -> None:
        websocket = self.websocket
        if websocket is not None:
            websocket.close(code, reason)

    def close(self) -> None:
        """Cancel the attempt, close the connection, drop the waiting output. Any thread."""
        self._tcp_client.close()

    # ------------------------------------------------------------------ in the loop

    def _on_connection(self, connection: TcpConnection) -> None:
        if not connection.connected:
            return
        handshake = self._new_handshake()
        websocket: WebSocketConnection[ContextT] = WebSocketConnection(
            connection,
            self,
            self._limits,
            handshake.check,
            is_client=True,
            report=self._report_failure,
        )
        websocket.take_over()
        connection.send(handshake.request)

    def _report_failure(
        self, websocket: WebSocketConnection[ContextT], error: HandshakeError
    ) -> None:
        if self._handshake_failed_callback is not None:
            self._handshake_failed_callback(error)


def _address_of(host: str, port: int) -> Address | HostAddress:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return HostAddress(host, port)
    return InetAddress(host, port)
