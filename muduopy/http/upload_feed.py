"""UploadFeed: hands the parts of one request's body to the program."""

from __future__ import annotations

from muduopy.http.http_context import HttpContext
from muduopy.http.http_exchange import HttpExchange
from muduopy.http.http_response import HttpResponse
from muduopy.http.http_upload import HttpUpload


class UploadFeed:
    """Joins an upload with its exchange and its response. Loop thread; one owner, the session.

    Attributes:
        exchange: the incomplete request.
        response: what the end callback fills.
    """

    __slots__ = ("_context", "_upload", "exchange", "response")

    def __init__(
        self,
        context: HttpContext,
        upload: HttpUpload,
        exchange: HttpExchange,
        response: HttpResponse,
    ) -> None:
        self._context = context
        self._upload = upload
        self.exchange = exchange
        self.response = response

    def hand_over_parts(self, now: float) -> bool:
        """Hand over what has arrived, unless the program has paused. True at the end of the body.

        Raises the exceptions of the program's callbacks.
        """
        while not self._upload.paused:
            part = self._context.next_part(now)
            if part is None:
                return False
            self._upload.take(part)
            if not part:
                return True
        self._context.hold_back()
        return False

    def abort(self, reason: str) -> None:
        """No more parts. Idempotent. Raises the exceptions of the abort callback."""
        self._upload.abort(reason)
