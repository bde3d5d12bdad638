"""The opening handshake (RFC 6455, 4). The one place that uses the protocols of websockets.

A handshake is one head of HTTP in each direction. The functions here take a whole head, and return
values; nothing of websockets remains after them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

try:
    from websockets.client import ClientProtocol
    from websockets.extensions.permessage_deflate import (
        ClientPerMessageDeflateFactory,
        PerMessageDeflate,
        ServerPerMessageDeflateFactory,
    )
    from websockets.http11 import Request, Response
    from websockets.server import ServerProtocol
    from websockets.uri import parse_uri
except ModuleNotFoundError as exc:
    raise ModuleNotFoundError(
        "muduopy.websocket needs websockets; try: pip install websockets", name="websockets"
    ) from exc

from muduopy.websocket.errors import HandshakeError
from muduopy.websocket.message_deflate import DeflateParameters

if TYPE_CHECKING:
    from muduopy.address import Address
    from muduopy.buffer import Buffer

END_OF_HEAD = b"\r\n\r\n"

VERSION = "13"

WINDOW_BITS = 12
"""The size of the windows of compression that a server asks for: 4 KiB. With it, the two streams of
a connection take 50 KiB. A client that does not agree gets 15 bits, which is 32 KiB."""


@dataclass(frozen=True, slots=True, eq=False)
class WebSocketRequest:
    """A client's request for a WebSocket. Immutable; any thread.

    Attributes:
        target: the second word of the request line, unchanged: "/chat?room=1".
        headers: the header fields; names in lower case, several values joined with ", ".
        origin: where the page is from that asks, as the browser says; None from other clients.
        subprotocols: the names that the client offers, in its order.
        peer: address of the other end.
    """

    target: str
    headers: Mapping[str, str]
    origin: str | None
    subprotocols: tuple[str, ...]
    peer: Address

    @property
    def path(self) -> str:
        """The target without the query; %xx is not decoded."""
        return self.target.partition("?")[0]

    @property
    def is_of_same_host(self) -> bool:
        """Whether the page is from the host and port that the client asked."""
        if self.origin is None:
            return False
        host = self.origin.partition("://")[2]
        return bool(host) and host.lower() == self.headers.get("host", "").lower()


@dataclass(frozen=True, slots=True)
class Opening:
    """The outcome of a handshake. Immutable; any thread.

    Attributes:
        answer: the bytes that a server sends; empty for a client.
        refusal: None if the WebSocket is open, else the error.
        target: of the request.
        subprotocol: the agreed one; None without one.
        deflate: the agreed compression; None without.
    """

    answer: bytes = b""
    refusal: HandshakeError | None = None
    target: str = ""
    subprotocol: str | None = None
    deflate: DeflateParameters | None = None


Admit = Callable[[WebSocketRequest], "HTTPStatus | int | None"]
"""Decides on a request: None admits it; a status refuses it."""


def refuse(status: int, reason: str) -> Opening:
    """A server's refusal, with a text for human readers."""
    response = ServerProtocol().reject(status, f"{reason}\n")
    return Opening(answer=_bytes_of(response), refusal=HandshakeError(status, reason))


def take_head(buffer: Buffer, most: int) -> bytes | None:
    """Take a head out of the buffer; None if it is not complete.

    Raises HandshakeError for a head of more than ``most`` bytes, complete or not.
    """
    end = buffer.find(END_OF_HEAD)
    if (end if end >= 0 else len(buffer)) > most:
        raise HandshakeError(431, f"The head has more than {most} bytes.")
    return buffer.retrieve_as_bytes(end + len(END_OF_HEAD)) if end >= 0 else None


def answer_request(
    head: bytes,
    peer: Address,
    subprotocols: Sequence[str],
    *,
    deflate: bool,
    admit: Admit,
) -> Opening:
    """Answer the head of a request. Pure, except for ``admit`` and the date."""
    protocol = ServerProtocol(
        extensions=_SERVER_DEFLATE if deflate else None,
        subprotocols=list(subprotocols) or None,  # type: ignore[arg-type]
        select_subprotocol=_select_subprotocol,
    )
    protocol.receive_data(head)
    events = protocol.events_received()
    if not events:
        return refuse(HTTPStatus.BAD_REQUEST, "This is no request that a WebSocket can begin with.")
    http_request = events[0]
    assert isinstance(http_request, Request)
    response = protocol.accept(http_request)
    if response.status_code != HTTPStatus.SWITCHING_PROTOCOLS:
        reason = str(protocol.handshake_exc)
        if http_request.headers.get_all("Sec-WebSocket-Version") not in ([], [VERSION]):
            response = protocol.reject(HTTPStatus.UPGRADE_REQUIRED, f"{reason}\n")
            response.headers["Upgrade"] = "websocket"
            response.headers["Sec-WebSocket-Version"] = VERSION  # RFC 6455, 4.4
        return Opening(_bytes_of(response), HandshakeError(response.status_code, reason))
    request = _request_of(http_request, peer)
    if len(http_request.headers.get_all("Host")) != 1:
        return refuse(HTTPStatus.BAD_REQUEST, "The request has no Host field, or several.")
    status = admit(request)
    if status is not None:
        return refuse(status, HTTPStatus(status).phrase)
    return Opening(
        answer=_bytes_of(response),
        target=request.target,
        subprotocol=protocol.subprotocol,
        deflate=_agreed(protocol),
    )


def _request_of(request: Request, peer: Address) -> WebSocketRequest:
    fields: dict[str, str] = {}
    for written, value in request.headers.raw_items():
        name = written.lower()
        fields[name] = f"{fields[name]}, {value}" if name in fields else value
    offered = fields.get("sec-websocket-protocol", "")
    return WebSocketRequest(
        target=request.path,
        headers=fields,
        origin=fields.get("origin"),
        subprotocols=tuple(part.strip() for part in offered.split(",") if part.strip()),
        peer=peer,
    )


def _select_subprotocol(protocol: ServerProtocol, offered: Sequence[Any]) -> Any:
    """The server's first choice among the offers; none without a common one (RFC 6455, 4.2.2)."""
    return next((one for one in protocol.available_subprotocols or () if one in offered), None)


_SERVER_DEFLATE = [
    ServerPerMessageDeflateFactory(
        server_max_window_bits=WINDOW_BITS, client_max_window_bits=WINDOW_BITS
    )
]

_CLIENT_DEFLATE = [ClientPerMessageDeflateFactory(client_max_window_bits=True)]


def _agreed(protocol: ServerProtocol | ClientProtocol) -> DeflateParameters | None:
    for extension in protocol.extensions:
        if isinstance(extension, PerMessageDeflate):
            return DeflateParameters(
                inflate_bits=extension.remote_max_window_bits,
                deflate_bits=extension.local_max_window_bits,
                inflate_forgets=extension.remote_no_context_takeover,
                deflate_forgets=extension.local_no_context_takeover,
            )
    return None


def _bytes_of(response: Response) -> bytes:
    return response.serialize()


class ClientHandshake:
    """A client's side: one request, and the check of its answer. Pure. One owner."""

    __slots__ = ("_protocol", "request", "target")

    def __init__(
        self,
        url: str,
        *,
        origin: str | None,
        subprotocols: Sequence[str],
        headers: Iterable[tuple[str, str]],
        deflate: bool,
    ) -> None:
        """Raises ValueError for a URL that is not ``ws://`` or ``wss://``, and for bad fields."""
        self._protocol = ClientProtocol(
            parse_url(url),
            origin=origin,  # type: ignore[arg-type]
            extensions=_CLIENT_DEFLATE if deflate else None,
            subprotocols=list(subprotocols) or None,  # type: ignore[arg-type]
        )
        request = self._protocol.connect()
        for name, value in headers:
            if not name.isascii() or any(sign in name + value for sign in "\r\n\0"):
                raise ValueError(f"a header field that HTTP cannot express: {name!r}: {value!r}")
            request.headers[name] = value
        self.target = request.path
        self.request = request.serialize()

    def check(self, head: bytes) -> Opening:
        """Take the head of the answer. A wrong one is in ``refusal``."""
        words = head.split(b"\r\n", 1)[0].split(b" ", 2)
        if len(words) > 1 and words[0] == b"HTTP/1.1" and words[1].isdigit():
            status = int(words[1])
            if status != HTTPStatus.SWITCHING_PROTOCOLS:
                reason = words[2].decode("latin-1") if len(words) > 2 else ""
                return Opening(refusal=HandshakeError(status, f"the server refused: {reason}"))
        self._protocol.receive_data(head)
        error = self._protocol.handshake_exc
        if error is not None:
            return Opening(refusal=HandshakeError(0, f"not a WebSocket's answer: {error}"))
        return Opening(
            target=self.target,
            subprotocol=self._protocol.subprotocol,
            deflate=_agreed(self._protocol),
        )


def parse_url(url: str) -> Any:
    """The parts of a URL: host, port, secure. Raises ValueError."""
    try:
        return parse_uri(url)
    except Exception as exc:
        raise ValueError(f"not a WebSocket's URL (ws://host:port/path): {url}") from exc
