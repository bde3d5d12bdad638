"""HttpResponse: the answer that a callback fills."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, TypeAlias

from muduopy.checks import check_callback
from muduopy.errors import StateError
from muduopy.file_part import FilePart, HasFileno
from muduopy.http.body_writer import BodyWriter
from muduopy.http.request_head import CHUNKED

if TYPE_CHECKING:
    from muduopy.http.http_request import HttpRequest
    from muduopy.tcp_connection import TcpConnection

log = logging.getLogger(__name__)

UpgradeCallback: TypeAlias = "Callable[[TcpConnection, HttpRequest], object]"
"""Takes over a connection: see HttpResponse.upgrade. Runs in the connection's loop."""


def _ignore(response: HttpResponse) -> None:
    pass


def _check_header(name: str, value: str) -> None:
    for text in (name, value):
        if not isinstance(text, str):
            raise TypeError(f"a header's name and value are str, not {type(text).__name__}")


class HttpResponse:
    """An answer. It is sent when the callback returns, or later if it was deferred.

        def callback(request, response):
            response.defer()
            workers.try_run(lambda: (response.set_text(compute()), response.finish()))

    It has one owner: the callback, and after ``defer`` the thread that will call ``finish``.
    After ``finish`` no thread may use it. It has no socket: if the client has gone, ``finish`` has
    no effect. The methods that fill it: the owner's thread.

    Attributes:
        status: 200..999. Setting another type raises TypeError, another number ValueError.
        reason: the text after the status; the standard text if None.
        headers: pairs of name and value, sent in this order. Content-Length, Date and, where
            needed, Connection are added. "Transfer-Encoding: chunked" sends the body in one
            chunk.
        body: bytes; setting another type raises TypeError. Not sent in answer to HEAD, nor with
            204 and 304. For larger bodies see ``add_file``, ``set_source`` and ``open_writer``.
        close: end the connection after this answer.
    """

    __slots__ = (
        "_answered",
        "_body",
        "_deferred",
        "_finished",
        "_segments",
        "_source",
        "_source_length",
        "_status",
        "close",
        "headers",
        "reason",
        "upgrade_callback",
    )

    def __init__(
        self,
        status: int = 200,
        body: bytes = b"",
        *,
        finished: Callable[[HttpResponse], object] = _ignore,
    ) -> None:
        """``finished``: for the server; ``finish`` calls it. Raises TypeError, ValueError."""
        self.status = status
        self.reason: str | None = None
        self.headers: list[tuple[str, str]] = []
        self.upgrade_callback: UpgradeCallback | None = None
        self.body = body
        self.close = False
        self._answered = False
        self._deferred = False
        self._finished = finished

    def __repr__(self) -> str:
        deferred = " deferred" if self._deferred else ""
        return f"<HttpResponse {self.status} {len(self.body)} bytes{deferred}>"

    @property
    def status(self) -> int:
        return self._status

    @status.setter
    def status(self, status: int) -> None:
        if not isinstance(status, int):
            raise TypeError(f"a status is an int, not {type(status).__name__}")
        if not 200 <= status <= 999:
            raise ValueError(f"a status of {int(status)} is not in 200..999")
        self._status = int(status)  # http.HTTPStatus becomes a plain int

    @property
    def body(self) -> bytes:
        return self._body

    @body.setter
    def body(self, body: bytes) -> None:
        if isinstance(body, str):
            raise TypeError("a body is bytes, not str: use set_text(), or encode it")
        if not isinstance(body, bytes | bytearray | memoryview):
            raise TypeError(f"a body is bytes, not {type(body).__name__}")
        self._body = body if type(body) is bytes else bytes(body)
        self._segments: list[bytes | FilePart] | None = None
        self._source: Iterator[bytes] | BodyWriter | None = None

    @property
    def body_length(self) -> int:
        """Number of bytes in the body, or CHUNKED if it is not known. For the server."""
        if self._source is not None:
            return self._source_length
        if self._segments is not None:
            return sum(map(len, self._segments))
        return len(self._body)

    @property
    def has_no_body(self) -> bool:
        """Whether no body was set. For the server."""
        return self._source is None and self._segments is None and not self._body

    @property
    def deferred(self) -> bool:
        """Whether the answer waits for ``finish``. Owner's thread."""
        return self._deferred

    def set_header(self, name: str, value: str) -> None:
        """Set a header field, and remove others of that name. Owner's thread.

        Raises TypeError unless both are text.
        """
        _check_header(name, value)
        wanted = name.lower()
        self.headers = [pair for pair in self.headers if pair[0].lower() != wanted]
        self.headers.append((name, value))

    def add_header(self, name: str, value: str) -> None:
        """Add a header field, and keep others of that name: Set-Cookie, for instance.

        Owner's thread. Raises TypeError unless both are text.
        """
        _check_header(name, value)
        self.headers.append((name, value))

    def set_text(self, text: str, status: int = 200) -> None:
        """Answer with plain text. Owner's thread."""
        self.status = status
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.body = text.encode()

    # ------------------------------------------------------------------ larger bodies

    def add_file(self, file: HasFileno, offset: int = 0, count: int | None = None) -> None:
        """Append a part of a file to the body: ``count`` bytes, or None for all. Owner's thread.

        The kernel copies the bytes from the file to the socket, as ``TcpConnection.send_file``
        does; the same rules hold. ``file`` may be closed at once. Raises ValueError, TypeError and
        OSError.
        """
        self._add_segment(FilePart(file, offset, count))

    def add_bytes(self, data: bytes) -> None:
        """Append bytes to the body, between parts of files for instance. Owner's thread."""
        self._add_segment(bytes(data))

    def _add_segment(self, segment: bytes | FilePart) -> None:
        if self._segments is None:
            self._segments = [self._body] if self._body else []
        self._segments.append(segment)

    def set_source(self, source: Iterable[bytes], length: int | None = None) -> None:
        """Send what a generator makes, as fast as the client takes it. Owner's thread.

        The connection's loop asks it for the next part, so it must not block; see ``open_writer``
        for a program that has to wait. ``length``: the number of bytes in all; if it is not known,
        the parts are sent in chunks. If the client goes away, the generator is closed. If it
        raises, or if its length is another one, the connection is closed, as the client must not
        take the body for a complete one.
        """
        self._source = iter(source)
        self._source_length = _check_length(length)

    def open_writer(self, length: int | None = None) -> BodyWriter:
        """Send what the program writes, from any thread, at any time. Owner's thread.

        The head leaves as the answer does: when the callback returns, or on ``finish``. ``length``
        as in ``set_source``.
        """
        writer = BodyWriter()
        self._source = writer
        self._source_length = _check_length(length)
        return writer

    def upgrade(self, callback: UpgradeCallback) -> None:
        """Hand the connection over instead of an answer, to speak another protocol on it.

        ``callback(connection, request)`` runs in the connection's loop, after the answers to
        earlier requests were sent. The HTTP server has sent nothing then: the callback sends "101
        Switching Protocols" itself, and sets its callbacks on the connection, including that for
        DOWN. ``connection.input_buffer`` has the bytes that came after the request. Only for a
        request with an Upgrade field; else the answer is 500. While the server stops, it is 503.
        Owner's thread. Raises TypeError unless it is a function.
        """
        check_callback(callback, "the upgrade callback")
        self.upgrade_callback = callback

    def take_source(self) -> Iterator[bytes] | BodyWriter | None:
        """The maker of the body, if it has one. For the server; once."""
        source, self._source = self._source, None
        return source

    def drop_source(self) -> None:
        """No one takes the body. For the server."""
        close_source(self.take_source())

    def take_segments(self) -> list[bytes | FilePart]:
        """The bytes and files of the body. For the server; once."""
        segments, self._segments = self._segments, None
        return [self._body] if segments is None else segments

    # ------------------------------------------------------------------ the end

    def defer(self) -> None:
        """Send the answer on ``finish`` instead of when the callback returns.

        Loop thread: in the callback, before another thread gets the response. Raises StateError
        after the callback has returned, as the answer has been sent then.
        """
        if self._answered:
            raise StateError("defer() on a response that was sent: call it in the callback")
        self._deferred = True

    def answered(self) -> None:
        """The answer has been sent, so it cannot be deferred. For the server; loop thread."""
        self._answered = True

    def finish(self) -> None:
        """Send a deferred answer. Any thread.

        Further calls have no effect, nor has a call after ``answer_seconds``. Raises StateError
        if it was not deferred.
        """
        if not self._deferred:
            raise StateError("finish() on a response that was not deferred")
        self._finished(self)


def close_source(source: Iterator[bytes] | BodyWriter | None) -> None:
    """Tell a generator or a writer that no one takes the rest of its body."""
    close = getattr(source, "close", None)
    if close is not None:
        try:
            close()
        except Exception:
            log.exception("the end of a generator raised")


def _check_length(length: int | None) -> int:
    if length is None:
        return CHUNKED
    if length < 0:
        raise ValueError(f"a length of {length} bytes is negative")
    return length
