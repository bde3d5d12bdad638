"""HttpExchange: one request and its response. The one place that uses h11.

An h11 connection must send its answer before it reads the next request. Therefore each exchange has
an h11 connection of its own, and passes the bytes after its request to the next exchange. So
pipelined requests can be read, and answered in any order, while earlier ones are outstanding.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote

try:
    import h11
except ModuleNotFoundError as exc:
    raise ModuleNotFoundError("muduopy.http needs h11; try: pip install h11", name="h11") from exc

from muduopy.address import Address
from muduopy.http.errors import BadRequestError, BadResponseError
from muduopy.http.http_headers import HttpHeaders
from muduopy.http.http_limits import HttpLimits
from muduopy.http.http_request import HttpRequest
from muduopy.http.http_response import HttpResponse

REASONS = {status.value: status.phrase for status in HTTPStatus}

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
"""Pipelined requests with these methods may run in parallel (RFC 9112, 9.3.2)."""

WITHOUT_BODY = frozenset({204, 304})

_SCHEME_AND_HOST = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?]*")


class HttpExchange:
    """Reads one request from bytes, and turns one response into bytes.

    Pure: no socket, no clock. Thread contract: none; it belongs to its HttpContext.

    Attributes:
        started: time of the request's first byte; None before.
        handed_out: time at which the request was handed out, in seconds of the same clock.
        request: the request, when it is complete; None before.
        answer: the bytes to send, after ``respond`` or ``refuse``; None before.
        is_last: no request can follow this one. Final when ``answer`` is set.
    """

    __slots__ = (
        "_body",
        "_body_bytes",
        "_fed",
        "_head",
        "_headers",
        "_limits",
        "_peer",
        "_peer_finished",
        "_wire",
        "answer",
        "handed_out",
        "is_last",
        "request",
        "started",
    )

    def __init__(self, limits: HttpLimits, peer: Address) -> None:
        self.started: float | None = None
        self.handed_out = 0.0
        self.request: HttpRequest | None = None
        self.answer: bytes | None = None
        self.is_last = False
        self._limits = limits
        self._peer = peer
        self._wire = h11.Connection(h11.SERVER, limits.max_header_bytes)
        self._fed = 0
        self._peer_finished = False
        self._head: h11.Request | None = None
        self._headers = HttpHeaders()
        self._body: list[bytes] = []
        self._body_bytes = 0

    def __repr__(self) -> str:
        state = "reading" if self.request is None else "waiting" if self.answer is None else "done"
        method = self._head.method.decode("latin-1") if self._head else "-"
        return f"<HttpExchange {method} {state}>"

    # ------------------------------------------------------------------ the request

    @property
    def is_safe(self) -> bool:
        """Whether the request has no effect on which another one could depend."""
        return self.request is not None and self.request.method in SAFE_METHODS

    @property
    def peer_has_left(self) -> bool:
        """Whether the peer has finished sending, and no request has begun."""
        return self._peer_finished and self.started is None

    @property
    def expects_continue(self) -> bool:
        """Whether the client waits for "100 Continue" before it sends its body."""
        return self.answer is None and self._wire.they_are_waiting_for_100_continue

    def feed(self, data: bytes, now: float) -> None:
        """Take bytes; ``b""`` for the end of the stream."""
        if not data:
            self._peer_finished = True
            self._wire.receive_data(b"")
            return
        if self.started is None:
            data = data.lstrip(b"\r\n")  # RFC 9112, 2.2: some clients send an empty line first
            if not data:
                return
            self.started = now
        self._fed += len(data)
        self._wire.receive_data(data)

    def parse(self, now: float) -> bool:
        """Parse the bytes that were fed. True if the request is complete.

        Raises BadRequestError.
        """
        try:
            while self.request is None:
                event = self._wire.next_event()
                handle = _HANDLERS.get(type(event))
                if handle is None:  # more data is needed, or the stream ended without a request
                    return False
                handle(self, event, now)
        except h11.RemoteProtocolError as exc:
            status = exc.error_status_hint
            if status == 431 and b"\n" not in self.leftover():  # the first line is not complete
                status = 414
            raise BadRequestError(status, str(exc)) from exc
        return True

    def leftover(self) -> bytes:
        """The bytes that were fed and belong to the next request."""
        return self._wire.trailing_data[0]

    def _on_head(self, head: h11.Request, now: float) -> None:
        self._head = head
        self._headers = headers = HttpHeaders(
            (name.decode("ascii"), value.decode("latin-1")) for name, value in head.headers
        )
        # h11 limits an incomplete header only, and this one may have come in one piece.
        if self._fed - len(self.leftover()) > self._limits.max_header_bytes:
            raise BadRequestError(431, "the header is too large")
        if not head.http_version.startswith(b"1."):
            raise BadRequestError(505, "only version 1 is spoken here")
        if head.method == b"CONNECT":
            raise BadRequestError(501, "this is not a proxy")
        # Two lengths, or chunks in version 1.0. A proxy in front of this server may have found
        # another end of the request, and the rest would be a request that it has not checked
        # (request smuggling; RFC 9112, 6.1).
        if "transfer-encoding" in headers and (
            "content-length" in headers or head.http_version == b"1.0"
        ):
            raise BadRequestError(400, "ambiguous length of the body")
        if headers.tokens("expect") not in ([], ["100-continue"]):
            raise BadRequestError(417, "unknown expectation")
        if int(headers.tokens("content-length")[0] if "content-length" in headers else 0) > (
            self._limits.max_body_bytes
        ):
            raise BadRequestError(413, "the body is too large")

    def _on_data(self, data: h11.Data, now: float) -> None:
        self._body_bytes += len(data.data)
        if self._body_bytes > self._limits.max_body_bytes:
            raise BadRequestError(413, "the body is too large")
        self._body.append(bytes(data.data))

    def _on_end(self, end: h11.EndOfMessage, now: float) -> None:
        head = self._head
        assert head is not None
        target = head.target.decode("latin-1")
        path, query = _split_target(target)
        version = "1.0" if head.http_version == b"1.0" else "1.1"
        self.is_last = version == "1.0" or "close" in self._headers.tokens("connection")
        self.request = HttpRequest(
            method=head.method.decode("ascii"),
            target=target,
            path=unquote(path),
            query=query,
            version=version,
            headers=self._headers,
            body=b"".join(self._body),
            peer=self._peer,
            when=now,
        )
        self._body.clear()

    # ------------------------------------------------------------------ the response

    def let_continue(self) -> bytes:
        """The bytes of "100 Continue", which has the client send its body."""
        return self._wire.send(
            h11.InformationalResponse(status_code=100, headers=[], reason="Continue")
        )

    def respond(self, response: HttpResponse, date: str) -> None:
        """Turn a response into ``answer``. Raises BadResponseError; nothing has changed then."""
        try:
            head, body = self._head_of(response, date), bytes(response.body)
        except (h11.LocalProtocolError, TypeError, ValueError, AttributeError) as exc:
            raise BadResponseError(str(exc)) from exc
        parts = [self._wire.send(head)]
        if body and self._may_have_body(response):
            parts.append(self._wire.send(h11.Data(data=body)))
        parts.append(self._wire.send(h11.EndOfMessage()))
        self.answer = b"".join(parts)
        self.is_last = self.is_last or self._wire.our_state is not h11.DONE

    def refuse(self, status: int, reason: str, date: str) -> None:
        """Answer with an error, as the last exchange of the connection."""
        response = HttpResponse()
        response.set_text(f"{status} {REASONS[status]}: {reason}\n", status)
        response.close = True
        self.respond(response, date)

    def _may_have_body(self, response: HttpResponse) -> bool:
        is_head = self._head is not None and self._head.method == b"HEAD"
        return not is_head and response.status not in WITHOUT_BODY

    def _head_of(self, response: HttpResponse, date: str) -> h11.Response:
        closes = response.close or self.is_last
        names = {name.lower() for name, _ in response.headers}
        ours = {"connection"} if closes else set()
        # Content-Length is set here. Exception: for HEAD a callback may set the length of a body
        # that it did not make.
        is_head = self._head is not None and self._head.method == b"HEAD"
        if not (is_head and not response.body and "content-length" in names):
            ours.add("content-length")
        pairs = [
            (name.encode("ascii"), value.encode("latin-1"))
            for name, value in response.headers
            if name.lower() not in ours
        ]
        counted = response.status not in WITHOUT_BODY and "transfer-encoding" not in names
        if counted and "content-length" in ours:
            pairs.append((b"Content-Length", b"%d" % len(response.body)))
        if "date" not in names:
            pairs.append((b"Date", date.encode("ascii")))
        if closes:
            pairs.append((b"Connection", b"close"))
        reason = REASONS.get(response.status, "") if response.reason is None else response.reason
        if not reason.isprintable():  # h11 checks all other parts, but not this one
            raise ValueError(f"illegal reason {reason!r}")
        return h11.Response(status_code=response.status, headers=pairs, reason=reason)


_HANDLERS: dict[Any, Callable[[HttpExchange, Any, float], None]] = {
    h11.Request: HttpExchange._on_head,
    h11.Data: HttpExchange._on_data,
    h11.EndOfMessage: HttpExchange._on_end,
}


def _split_target(target: str) -> tuple[str, str]:
    """Path and query of a request's target, which may be a complete URL ("GET http://...")."""
    url = _SCHEME_AND_HOST.match(target)
    if url is not None:
        target = target[url.end() :]
        if not target.startswith("/"):
            target = "/" + target
    path, _, query = target.partition("?")
    return path, query
