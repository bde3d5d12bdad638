"""WebSocketEndpoint: makes WebSockets of connections that a server has accepted."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from http import HTTPStatus
from typing import Protocol, TypeAlias

from muduopy.callbacks import ContextT
from muduopy.tcp_connection import TcpConnection
from muduopy.websocket.close_code import CloseCode
from muduopy.websocket.handshake import WebSocketRequest, answer_request
from muduopy.websocket.websocket_callbacks import WebSocketCallbacks
from muduopy.websocket.websocket_connection import WebSocketConnection
from muduopy.websocket.websocket_limits import DEFAULT_LIMITS, WebSocketLimits

HandshakeCallback: TypeAlias = "Callable[[WebSocketRequest], int | None]"
"""Decides on a request: None admits it; an HTTP status, such as 401, refuses it."""

ANY_ORIGIN = "*"


def admit(request: WebSocketRequest) -> int | None:
    """The default handshake callback."""
    return None


class ParsedRequest(Protocol):
    """What the endpoint reads of an HTTP request, such as HttpRequest."""

    @property
    def method(self) -> str: ...

    @property
    def target(self) -> str: ...

    @property
    def headers(self) -> Mapping[str, str]: ...


class WebSocketEndpoint(WebSocketCallbacks[ContextT]):
    """The callbacks, limits and handshake rules of a server's WebSockets.

        endpoint = WebSocketEndpoint()
        endpoint.set_text_callback(lambda websocket, text, when: websocket.send(text))

        def on_first_bytes(connection, buffer, when):       # of a TcpServer
            endpoint.accept(connection)

    It lets a server speak WebSocket on some of its connections: on those whose first bytes are an
    HTTP request, or those that an HTTP server hands over. It owns no socket. One endpoint serves
    any number of connections, in any number of loops. Set it up before the first ``accept``.
    """

    def __init__(
        self,
        *,
        limits: WebSocketLimits = DEFAULT_LIMITS,
        origins: Sequence[str] = (),
        subprotocols: Sequence[str] = (),
        deflate: bool = False,
    ) -> None:
        """
        ``origins``: the sites whose pages may connect, such as "https://example.com". "*" stands
        for all. A page of the host that it connects to may always do so, and so may a client
        that sends no Origin, which is not a browser. Others are refused with 403.
        ``subprotocols``: the ones that the server speaks; the first that the client offers, too,
        is agreed on.
        ``deflate``: compress messages for clients that ask for it.
        """
        super().__init__()
        if isinstance(origins, str) or isinstance(subprotocols, str):
            raise TypeError("origins and subprotocols are lists of strings, not one string")
        self._limits = limits
        self._origins = frozenset(origin.lower() for origin in origins)
        self._subprotocols = tuple(subprotocols)
        self._deflate = deflate
        self._handshake_callback: HandshakeCallback = admit

    def set_handshake_callback(self, callback: HandshakeCallback) -> None:
        """Decides on each request, after the check of its Origin.

        It returns None to admit the client, or an HTTP status to refuse it: 404 for a path that
        does not exist, 401 for a missing token. If it raises, the answer is 500.
        """
        self._set_up("set_handshake_callback", callback)
        self._handshake_callback = callback

    def accept(self, connection: TcpConnection, data: bytes = b"") -> WebSocketConnection[ContextT]:
        """Answer the handshake on a connection that is up. Loop thread of the connection.

        ``data``: the bytes that were taken from the input buffer already. Together with those in
        the buffer they begin with the request; the rest may still be on its way. The callbacks of
        the connection are replaced; its connection callback still gets DOWN. Its ``context``
        becomes the WebSocket, if it is None. A wrong request is answered and the connection closed.

        The connection callback of the WebSocket, and others, may run before this method returns.
        """
        websocket = self._new_websocket(connection)
        websocket.take_over(data)
        return websocket

    def accept_request(
        self, connection: TcpConnection, request: ParsedRequest
    ) -> WebSocketConnection[ContextT]:
        """``accept``, for a request that an HTTP server has parsed. Loop thread of the connection.

        For ``HttpResponse.upgrade``. The bytes after the request are in the input buffer.
        """
        lines = [f"{request.method} {request.target} HTTP/1.1"]
        lines += [f"{name}: {value}" for name, value in request.headers.items()]
        return self.accept(connection, "\r\n".join([*lines, "", ""]).encode("latin-1"))

    def _new_websocket(self, connection: TcpConnection) -> WebSocketConnection[ContextT]:
        open_with = partial(
            answer_request,
            peer=connection.peer_address,
            subprotocols=self._subprotocols,
            deflate=self._deflate,
            admit=self._admit,
        )
        return WebSocketConnection(connection, self, self._limits, open_with)

    def _admit(self, request: WebSocketRequest) -> int | None:
        origin = request.origin
        if (
            origin is not None
            and not request.is_of_same_host
            and not self._origins & {ANY_ORIGIN, origin.lower()}
        ):
            return HTTPStatus.FORBIDDEN
        return self._handshake_callback(request)


def say_goodbye(connection: TcpConnection) -> None:
    """Close the WebSocket of a connection with 1001; shut other connections down. Loop thread.

    A ``farewell`` for the ``stop`` of the server whose connections an endpoint has taken over.
    """
    websocket = connection.context
    if isinstance(websocket, WebSocketConnection):
        websocket.close(CloseCode.GOING_AWAY, "the server stops")
    else:
        connection.shutdown()
