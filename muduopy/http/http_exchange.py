"""HttpExchange: one request with its response."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import unquote

from muduopy.address import Address
from muduopy.file_part import FilePart
from muduopy.http.body_writer import BodyWriter
from muduopy.http.errors import BadResponseError
from muduopy.http.http_request import HttpRequest
from muduopy.http.http_response import HttpResponse, UpgradeCallback, close_source
from muduopy.http.request_head import CHUNKED, RequestHead
from muduopy.http.response_head import REASONS, format_head

if TYPE_CHECKING:
    from collections.abc import Sequence

Segment: TypeAlias = "bytes | FilePart"

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})
"""Pipelined requests with these methods may run in parallel (RFC 9112, 9.3.2)."""

_SCHEME_AND_HOST = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://[^/?]*")


class HttpExchange:
    """Joins the parts of one request, and turns one response into bytes.

    Pure: no socket, no clock. Thread contract: none; it belongs to its HttpContext.

    Attributes:
        head: the request's head; None before.
        request: the request, when it is handed out; None before.
        is_safe: the request has no effect on which another one could depend.
        incomplete: the request was handed out before its body, which follows in parts.
        continued: "100 Continue" was sent.
        handed_out: time at which the request was handed out, in seconds.
        answered: the head of an answer was made.
        done: the whole answer was made.
        output: the parts of the answer that are ready and not taken yet.
        source: makes the rest of the body; None if there is no more, or no one makes it.
        upgrade: takes the connection over instead of an answer; None for all other requests.
        is_last: no request can follow this one. Final when ``answered``.
    """

    __slots__ = (
        "_body",
        "_left",
        "answered",
        "continued",
        "done",
        "handed_out",
        "head",
        "incomplete",
        "is_last",
        "is_safe",
        "output",
        "request",
        "source",
        "upgrade",
    )

    def __init__(self) -> None:
        self.head: RequestHead | None = None
        self.request: HttpRequest | None = None
        self.is_safe = False
        self.incomplete = False
        self.continued = False
        self.handed_out = 0.0
        self.answered = False
        self.done = False
        self.output: list[Segment] = []
        self.source: Iterator[bytes] | BodyWriter | None = None
        self.upgrade: UpgradeCallback | None = None
        self.is_last = False
        self._body: bytes | bytearray = b""
        self._left = 0

    def __repr__(self) -> str:
        state = "reading" if self.request is None else "done" if self.done else "waiting"
        method = self.head.method if self.head else "-"
        return f"<HttpExchange {method} {state}>"

    # ------------------------------------------------------------------ the request

    @property
    def expects_continue(self) -> bool:
        """Whether the client waits for "100 Continue", which was not sent yet."""
        head = self.head
        return head is not None and head.expects_continue and not self.continued

    def begin(self, head: RequestHead) -> None:
        """The head has arrived."""
        self.head = head
        # After a request for an upgrade, the bytes may be those of another protocol.
        self.is_safe = head.method in SAFE_METHODS and not head.wants_upgrade
        self.is_last = not head.keeps_alive

    def add(self, part: bytes) -> int:
        """Keep a part of the body; returns the number of bytes of all parts."""
        if not self._body:
            self._body = part
        else:
            # A list of parts would cost 40 bytes for each chunk of a byte.
            if isinstance(self._body, bytes):
                self._body = bytearray(self._body)
            self._body += part
        return len(self._body)

    def complete(self, peer: Address, now: float) -> HttpRequest:
        """Make the request from its head and the parts of its body."""
        head = self.head
        assert head is not None
        target = head.target
        path, query = _split_target(target)
        body, self._body = bytes(self._body), b""
        self.request = HttpRequest(
            method=head.method,
            target=target,
            path=unquote(path) if "%" in path else path,
            raw_path=path,
            query=query,
            version=head.version,
            headers=head.headers,
            body=body,
            peer=peer,
            when=now,
        )
        return self.request

    # ------------------------------------------------------------------ the response

    def respond(self, response: HttpResponse, date: str) -> None:
        """Make the head of the answer, and its body unless a source makes that.

        Raises BadResponseError; nothing has changed then.
        """
        request = self.head
        if response.upgrade_callback is not None:
            if request is None or not request.wants_upgrade:
                raise BadResponseError("upgrade() for a request without Upgrade")
            self.upgrade = response.upgrade_callback
            self.answered = self.done = True
            return
        head = format_head(
            response,
            version=request.version if request is not None else "1.1",
            is_head=request is not None and request.method == "HEAD",
            closes=self.is_last,
            date=date,
        )
        self.is_last = head.closes
        self.answered = True
        self._left = head.length
        source = response.take_source()
        if head.length == 0:
            self.output.append(head.data)
            self.done = True
            close_source(source)
            return
        if source is not None:
            self.output.append(head.data)
            self.source = source
            return
        self._add_segments(head.data, response.take_segments())
        self.done = True

    def refuse(self, status: int, reason: str, date: str) -> None:
        """Answer with an error, as the last exchange of the connection."""
        response = HttpResponse()
        response.set_text(f"{status} {REASONS[status]}: {reason}\n", status)
        response.close = True
        self.respond(response, date)

    def frame(self, data: bytes) -> bytes:
        """Bytes of the source as they are sent. Raises BadResponseError beyond the length."""
        if self._left == CHUNKED:
            return b"%x\r\n%b\r\n" % (len(data), data) if data else b""
        if self._left >= 0:
            if len(data) > self._left:
                raise BadResponseError("the body is longer than its announced length")
            self._left -= len(data)
        return data

    def end_body(self) -> None:
        """The source has ended. Raises BadResponseError before the announced length."""
        self.source = None
        if self._left > 0:
            raise BadResponseError("the body is shorter than its announced length")
        if self._left == CHUNKED:
            self.output.append(b"0\r\n\r\n")
        self.done = True

    def drop_source(self) -> None:
        """Nothing takes the rest of the body. Idempotent."""
        source, self.source = self.source, None
        close_source(source)

    def _add_segments(self, head: bytes, segments: Sequence[Segment]) -> None:
        if self._left != CHUNKED:
            self.output.append(head)
            self.output.extend(segments)
            return
        self.output.append(head)
        for segment in segments:
            if segment:
                self.output += [b"%x\r\n" % len(segment), segment, b"\r\n"]
        self.output.append(b"0\r\n\r\n")


def _split_target(target: str) -> tuple[str, str]:
    """Path and query of a request's target, which may be a complete URL ("GET http://...")."""
    if not target.startswith("/"):
        url = _SCHEME_AND_HOST.match(target)
        if url is not None:
            target = target[url.end() :]
            if not target.startswith("/"):
                target = "/" + target
    path, _, query = target.partition("?")
    return path, query
