"""WebFront: HTTP on the chat port: the page's files, the health of the server, and ``/ws``."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from http import HTTPStatus
from typing import TYPE_CHECKING

from chat.connection.framing import Framer
from chat.web.forwarded import client_of
from chat.web.message_framer import MessageFramer
from chat.web.page_files import PageFile, PageFiles
from muduopy import TcpConnection
from muduopy.http import HttpLimits, HttpRequest, HttpResponse, HttpSession
from muduopy.websocket import CloseCode, WebSocketConnection, WebSocketEndpoint, WebSocketLimits

if TYPE_CHECKING:
    from chat.connection.connection import AnyConnection

log = logging.getLogger(__name__)

WEBSOCKET = "/ws"

LIMITS = HttpLimits(
    max_header_bytes=16 * 1024,
    max_body_bytes=0,
    idle_seconds=15.0,
    request_seconds=10.0,
)

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
"""What the page may load: its own files, and nothing from elsewhere or from its texts."""

SECURITY = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

Check = Callable[[], bool]
"""Whether the server is well. Any thread."""

SpeaksMessages = Callable[["AnyConnection", Framer, Callable[[str | None], object]], object]
Received = Callable[[TcpConnection, bytes, float], object]
"""See ``chat.connection.server.HttpFront.serve``."""

CODES = {
    "draining": CloseCode.SERVICE_RESTART,
    "abuse": CloseCode.POLICY_VIOLATION,
    "frame too large": CloseCode.TOO_BIG,
}
"""Close codes for the reasons of an end; the others are a normal end."""


class WebFront:
    """Serves HTTP on connections of the chat port. Each method: the connection's loop."""

    def __init__(
        self,
        files: PageFiles,
        origins: Collection[str],
        max_frame: int,
        frame_seconds: float,
        checks: dict[str, Check],
        is_proxy: Callable[[str], bool],
    ) -> None:
        """
        ``origins``: other sites whose pages may connect, such as "https://example.org".
        ``max_frame``: bytes of one message. ``frame_seconds``: for one message to arrive.
        ``checks``: the addresses that show the health of the server, such as "/healthz".
        ``is_proxy``: whether this host names its clients in X-Forwarded-For. Any thread.
        """
        self._is_proxy = is_proxy
        self._files = files
        self._checks = checks
        self._endpoint: WebSocketEndpoint[None] = WebSocketEndpoint(
            limits=WebSocketLimits(
                # The framer refuses a message above the limit with an error that says so. One that
                # is much larger is not read to its end.
                max_message_bytes=2 * max_frame,
                message_seconds=frame_seconds,
                ping_seconds=float("inf"),  # the protocol has a heartbeat of its own
            ),
            origins=sorted(origins),
        )
        self._endpoint.set_connection_callback(self._websocket_changed)
        self._endpoint.set_text_callback(self._text_arrived)
        self._max_frame = max_frame
        self._speaks_messages: SpeaksMessages = _ignore
        self._received: Received = _ignore

    def serve(self, speaks_messages: SpeaksMessages, received: Received) -> None:
        """Set the functions that get WebSockets and their messages. Before the server starts."""
        self._speaks_messages = speaks_messages
        self._received = received

    def begin(self, connection: AnyConnection, data: bytes) -> HttpSession:
        """The connection has begun with an HTTP request; ``data`` are its first bytes."""
        tcp = connection.tcp
        tcp.input_buffer.append(data)
        session = HttpSession(tcp, self._answer, LIMITS, upgraded=_ignore)
        session.start()
        return session

    # ------------------------------------------------------------------ HTTP

    def _answer(self, request: HttpRequest, response: HttpResponse) -> None:
        for name, value in SECURITY.items():
            response.set_header(name, value)
        if request.raw_path == WEBSOCKET:
            self._upgrade(request, response)
            return
        file, check = self._files.get(request.raw_path), self._checks.get(request.raw_path)
        if file is None and check is None:
            response.set_text("404: there is no such page\n", 404)
        elif request.method not in ("GET", "HEAD"):
            response.set_header("Allow", "GET, HEAD")
            response.set_text("405: only GET\n", 405)
        elif check is not None:
            _show_health(response, check())
        elif file is not None:
            _show_file(request, response, file)

    def _upgrade(self, request: HttpRequest, response: HttpResponse) -> None:
        if request.asks_for("websocket"):
            response.upgrade(self._take_over)
        else:
            response.set_header("Upgrade", "websocket")
            response.set_text("426: this address speaks WebSocket\n", 426)

    # ------------------------------------------------------------------ WebSocket

    def _take_over(self, tcp: TcpConnection, request: HttpRequest) -> None:
        former: AnyConnection = tcp.context
        if self._is_proxy(former.peer):
            client = client_of(request.headers.get("x-forwarded-for", ""), self._is_proxy)
            if client is not None:
                former.introduce(client, former.label.number)
        self._endpoint.accept_request(tcp, request)

    def _websocket_changed(self, websocket: WebSocketConnection[None]) -> None:
        if not websocket.connected:
            return
        former: AnyConnection = websocket.connection.context

        def shut_down(reason: str | None) -> None:
            websocket.close(CODES.get(reason or "", CloseCode.NORMAL), reason or "")

        framer = MessageFramer(self._max_frame, websocket.connection.bytes_received)
        self._speaks_messages(former, framer, shut_down)

    def _text_arrived(self, websocket: WebSocketConnection[None], text: str, when: float) -> None:
        if text:  # an empty one is ignored, as an empty line is
            self._received(websocket.connection, text.encode(), when)


def _ignore(*_: object) -> None:
    pass


def _show_health(response: HttpResponse, is_well: bool) -> None:
    """The status only: the reasons are for the operator, on the status page."""
    response.set_header("Cache-Control", "no-store")
    if is_well:
        response.set_text("ok\n")
    else:
        response.set_text("no\n", HTTPStatus.SERVICE_UNAVAILABLE)


def _show_file(request: HttpRequest, response: HttpResponse, file: PageFile) -> None:
    response.set_header("Cache-Control", file.cache_control)
    response.set_header("Vary", "Accept-Encoding")
    accepts_gzip = "gzip" in request.headers.tokens("accept-encoding")
    zipped = file.zipped if accepts_gzip else None
    etag = file.etag if zipped is None else file.etag[:-1] + '-gzip"'
    response.set_header("ETag", etag)
    if etag in request.headers.tokens("if-none-match"):
        response.status = HTTPStatus.NOT_MODIFIED
        return
    response.set_header("Content-Type", file.content_type)
    if zipped is None:
        response.body = file.body
    else:
        response.set_header("Content-Encoding", "gzip")
        response.body = zipped
