"""HttpResponse: what a callback fills."""

from __future__ import annotations

from collections.abc import Callable

from muduopy.errors import StateError


def _nobody(response: HttpResponse) -> None:
    pass


class HttpResponse:
    """An answer, sent when the callback returns; or later, if it was deferred.

        def callback(request, response):
            response.defer()
            workers.try_run(lambda: (response.set_text(compute()), response.finish()))

    It belongs to the callback, from ``defer`` on to whoever will call ``finish``, and after
    that to nobody. It holds no socket: if the client has gone, finishing it has no effect.

    Attributes:
        status: 200..999.
        reason: the words after it; the usual ones if None.
        headers: pairs, sent in this order. Content-Length, Date and, where needed, Connection
            are added. "Transfer-Encoding: chunked" sends the body in one chunk.
        body: bytes. Not sent in answer to HEAD, nor with 204 and 304.
        close: end the connection after this answer.
    """

    __slots__ = ("_deferred", "_finished", "body", "close", "headers", "reason", "status")

    def __init__(
        self,
        status: int = 200,
        body: bytes = b"",
        *,
        finished: Callable[[HttpResponse], object] = _nobody,
    ) -> None:
        """``finished``: for the server, what ``finish`` calls."""
        self.status = status
        self.reason: str | None = None
        self.headers: list[tuple[str, str]] = []
        self.body = body
        self.close = False
        self._deferred = False
        self._finished = finished

    def __repr__(self) -> str:
        deferred = " deferred" if self._deferred else ""
        return f"<HttpResponse {self.status} {len(self.body)} bytes{deferred}>"

    @property
    def deferred(self) -> bool:
        """Whether the answer waits for ``finish``. Whose the response is."""
        return self._deferred

    def set_header(self, name: str, value: str) -> None:
        """Set a header field, instead of any of that name. Whose the response is."""
        wanted = name.lower()
        self.headers = [pair for pair in self.headers if pair[0].lower() != wanted]
        self.headers.append((name, value))

    def add_header(self, name: str, value: str) -> None:
        """Add a header field, to others of that name if there are any: Set-Cookie, for
        instance. Whose the response is."""
        self.headers.append((name, value))

    def set_text(self, text: str, status: int = 200) -> None:
        """Answer with plain text. Whose the response is."""
        self.status = status
        self.set_header("Content-Type", "text/plain; charset=utf-8")
        self.body = text.encode()

    def defer(self) -> None:
        """Do not send the answer when the callback returns, but on ``finish``.

        Loop thread: in the callback, before the response is handed to another thread.
        """
        self._deferred = True

    def finish(self) -> None:
        """Send what was deferred. Any thread.

        Only the first call counts, and none if ``answer_seconds`` have run out. Raises
        StateError if it was not deferred.
        """
        if not self._deferred:
            raise StateError("finish() on a response that was not deferred")
        self._finished(self)
