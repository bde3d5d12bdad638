"""HttpUpload: the body of a request that arrives in parts."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TypeAlias

from muduopy.checks import check_callback
from muduopy.http.http_request import HttpRequest
from muduopy.http.http_response import HttpResponse

log = logging.getLogger(__name__)


def _ignore(reason: str) -> None:
    pass


def _nothing() -> None:
    pass


class HttpUpload:
    """Hands over a body as it comes, so memory stays small and the program can pause.

        def on_upload(request, response, upload):        # when the head has arrived
            file = open("upload", "wb")
            upload.set_part_callback(file.write)
            upload.set_end_callback(lambda: (file.close(), response.set_text("saved\\n")))
            upload.set_abort_callback(lambda reason: file.close())

    All callbacks run in the connection's loop. ``pause`` and ``resume``: any thread; all other
    methods: in the upload callback.

    Attributes:
        received: the number of bytes in the parts so far. Loop thread.
        finished: the body has ended, or the upload was aborted. Loop thread.
    """

    __slots__ = (
        "_abort_callback",
        "_changed",
        "_end_callback",
        "_paused",
        "finished",
        "part_callback",
        "received",
        "refused",
    )

    def __init__(self, changed: Callable[[], object]) -> None:
        """``changed``: for the server; ``resume`` calls it."""
        self.received = 0
        self.finished = False
        self.refused = False
        self.part_callback: Callable[[bytes], object] | None = None
        self._end_callback: Callable[[], object] = _nothing
        self._abort_callback: Callable[[str], object] = _ignore
        self._changed = changed
        self._paused = False

    def set_part_callback(self, callback: Callable[[bytes], object]) -> None:
        """``callback(data)`` takes the next bytes. Without it, the body is collected in memory.

        Then the HTTP callback gets the request as ever, with a response of its own. The parts are
        as long as they come, and ``max_body_bytes`` does not hold for them. If the callback
        raises, that is logged, and the answer is 500. Raises TypeError unless it is a function.
        """
        check_callback(callback, "the part callback")
        self.part_callback = callback

    def set_end_callback(self, callback: Callable[[], object]) -> None:
        """Called after the last part. The response is sent when it returns, unless deferred."""
        check_callback(callback, "the end callback")
        self._end_callback = callback

    def set_abort_callback(self, callback: Callable[[str], object]) -> None:
        """``callback(reason)``: the body will not be complete, and the end callback not called.

        The client has gone, was too slow or wrong, or an answer was sent before the end. If the
        callback raises, that is logged.
        """
        check_callback(callback, "the abort callback")
        self._abort_callback = callback

    def refuse(self) -> None:
        """Do not read the body: send the response as it is, then close the connection.

        If the response is deferred, ``finish`` sends it.

        A client that waits for "100 Continue" sends nothing. Another one may still be sending
        when it gets the answer.
        """
        self.refused = True

    def pause(self) -> None:
        """Have no more parts for a while: the client has to wait. Any thread.

        In another thread it takes effect soon, so a few parts may still come. After
        ``answer_seconds`` of a pause the answer is 503.
        """
        self._paused = True

    def resume(self) -> None:
        """Undo ``pause``. Any thread."""
        self._paused = False
        self._changed()

    # ------------------------------------------------------------------ for the server

    @property
    def paused(self) -> bool:
        return self._paused

    def take(self, part: bytes) -> None:
        """Hand over a part; ``b""`` is the end."""
        if part:
            self.received += len(part)
            assert self.part_callback is not None
            self.part_callback(part)
        else:
            self.finished = True
            self._end_callback()

    def abort(self, reason: str) -> None:
        """No more parts. Idempotent."""
        if not self.finished:
            self.finished = True
            try:
                self._abort_callback(reason)
            except Exception:  # the session's work is half done here, and goes on
                log.exception("the abort callback of an upload raised")


UploadCallback: TypeAlias = "Callable[[HttpRequest, HttpResponse, HttpUpload], object]"
"""Runs when the head of a request with a body has arrived; the request's ``body`` is empty."""
