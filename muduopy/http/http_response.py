"""HttpResponse: the answer that a callback fills."""

from __future__ import annotations

from collections.abc import Callable

from muduopy.errors import StateError


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
            204 and 304.
        close: end the connection after this answer.
    """

    __slots__ = (
        "_answered",
        "_body",
        "_deferred",
        "_finished",
        "_status",
        "close",
        "headers",
        "reason",
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
        self._body = bytes(body)

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
