"""UploadFeed: offers bodies to the program, and hands over the parts of those that it takes."""

from __future__ import annotations

from typing import Protocol

from muduopy.http.http_context import HttpContext
from muduopy.http.http_exchange import HttpExchange
from muduopy.http.http_request import HttpRequest
from muduopy.http.http_response import HttpResponse
from muduopy.http.http_upload import HttpUpload, UploadCallback


class UploadOwner(Protocol):
    """The part of a session that its feed uses."""

    def _new_response(self, exchange: HttpExchange) -> HttpResponse:
        """A response whose ``finish`` answers the exchange."""

    def _answer_unless_deferred(self, exchange: HttpExchange, response: HttpResponse) -> None:
        """Take the answer that a callback has filled."""

    def _answer_failed(self, exchange: HttpExchange, exc: BaseException) -> None:
        """Log the exception of a callback, and answer with 500."""

    def _wake(self) -> None:
        """Have the session go on. Any thread."""


class UploadFeed:
    """At most one upload of a connection at a time. Loop thread; one owner, the session."""

    __slots__ = ("_callback", "_context", "_exchange", "_owner", "_response", "_upload")

    def __init__(self, context: HttpContext, callback: UploadCallback, owner: UploadOwner) -> None:
        self._context = context
        self._callback = callback
        self._owner = owner
        self._upload: HttpUpload | None = None
        self._exchange: HttpExchange | None = None
        self._response: HttpResponse | None = None

    def offer(self, exchange: HttpExchange, request: HttpRequest, now: float) -> None:
        """Ask the program whether it takes the body of an incomplete request in parts."""
        owner = self._owner
        response = owner._new_response(exchange)
        upload = HttpUpload(owner._wake)
        try:
            self._callback(request, response, upload)
        except BaseException as exc:  # noqa: BLE001 - contained
            owner._answer_failed(exchange, exc)
            return
        if upload.refused:
            owner._answer_unless_deferred(exchange, response)
        elif upload.part_callback is None:
            self._context.collect(now)
        else:
            self._upload, self._exchange, self._response = upload, exchange, response
            self.hand_over_parts(now)

    def hand_over_parts(self, now: float) -> bool:
        """Hand over what has arrived, unless the program has paused. False if there may be more."""
        upload, exchange, response = self._upload, self._exchange, self._response
        if upload is None or exchange is None or response is None:
            return True
        try:
            ended = self._hand_over(upload, now)
        except BaseException as exc:  # noqa: BLE001 - contained
            self._owner._answer_failed(exchange, exc)
            ended = False
        if ended:
            self._forget()
            self._owner._answer_unless_deferred(exchange, response)
        elif exchange.answered:
            self.abort(self._context.refused or "it was answered before its end")
        return ended

    def abort(self, reason: str) -> None:
        """No more parts. Idempotent."""
        upload = self._upload
        self._forget()
        if upload is not None:
            upload.abort(reason)

    def _hand_over(self, upload: HttpUpload, now: float) -> bool:
        """True at the end of the body. Raises the exceptions of the program's callbacks."""
        while not upload.paused:
            part = self._context.next_part(now)
            if part is None:
                return False
            upload.take(part)
            if not part:
                return True
        self._context.hold_back()
        return False

    def _forget(self) -> None:
        self._upload = self._exchange = self._response = None
