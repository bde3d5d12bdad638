"""BodyWriter: the program's end of an answer whose body is written bit by bit."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from muduopy.checks import check_callback
from muduopy.errors import StateError

log = logging.getLogger(__name__)

WRITER_MARK = 256 * 1024
"""Bytes that wait in a writer until ``write`` tells the program to pause."""


def _nothing() -> None:
    pass


class BodyWriter:
    """Takes the parts of a body, in order. From ``HttpResponse.open_writer``.

        def produce(writer):                        # in a thread of the program
            for row in rows:
                writer.write(row)
                writer.wait(60)                     # while the client is slow
            writer.finish()

    In the loop's thread, which must not wait, a program writes while ``write`` returns True, and
    goes on in ``set_ready_callback``. If the client goes away, further parts are dropped.

    Attributes:
        closed: no part is sent any more, because the client has gone, the body has ended, or the
            request was HEAD. Any thread; never goes back to False.
    """

    def __init__(self) -> None:
        """For HttpResponse."""
        self._waiting = threading.Condition()  # guards all following attributes
        self._parts: list[bytes] = []
        self._bytes = 0
        self._finished = False
        self._was_full = False
        self.closed = False
        self._ready_callback: Callable[[], object] = _nothing
        self._wake: Callable[[], object] = _nothing

    def __repr__(self) -> str:
        state = "closed" if self.closed else "finished" if self._finished else "open"
        return f"<BodyWriter {state} {self._bytes} bytes>"

    # ------------------------------------------------------------------ for the program

    def write(self, data: bytes) -> bool:
        """Add a part; never waits. False if the program should pause. Any thread.

        Raises TypeError unless it is bytes, StateError after ``finish``.
        """
        if not isinstance(data, bytes | bytearray | memoryview):
            raise TypeError(f"a part of a body is bytes, not {type(data).__name__}")
        with self._waiting:
            if self._finished:
                raise StateError("write() on a body that was finished")
            if self.closed:
                return True
            is_first = not self._parts
            self._parts.append(bytes(data))
            self._bytes += len(data)
            # It stays full until the taken parts have been sent. Example: a part fills it, and the
            # loop takes that part; then a second thread writes a byte. The first one still waits.
            self._was_full = full = self._was_full or self._bytes >= WRITER_MARK
            wake = self._wake
        if is_first:
            wake()
        return not full

    def finish(self) -> None:
        """The body is complete. Idempotent. Any thread."""
        with self._waiting:
            self._finished = True
            wake = self._wake
        wake()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until ``write`` would return True; False after ``seconds``. Not in a loop's thread.

        If the client has gone, it returns True at once: see ``closed``.
        """
        with self._waiting:
            return self._waiting.wait_for(lambda: self.closed or not self._was_full, seconds)

    def set_ready_callback(self, callback: Callable[[], object]) -> None:
        """Called in the connection's loop when a paused program may go on, or has to stop.

        The latter when ``closed``. If it raises, that is logged. Any thread, before the first
        ``write``. Raises TypeError unless it is a function.
        """
        check_callback(callback, "the ready callback")
        with self._waiting:
            self._ready_callback = callback

    # ------------------------------------------------------------------ for the server

    def attach(self, wake: Callable[[], object]) -> None:
        """``wake``: has the loop take the parts; any thread. Once."""
        with self._waiting:
            self._wake = wake
        wake()

    def take(self) -> tuple[list[bytes], bool]:
        """Take all parts; whether the body ends with them. Loop thread."""
        with self._waiting:
            parts, self._parts = self._parts, []
            self._bytes = 0
            return parts, self._finished

    def resume(self) -> None:
        """The taken parts have been sent, so a paused program may go on. Loop thread."""
        with self._waiting:
            if not self._was_full or self._bytes:
                return
            self._was_full = False
            self._waiting.notify_all()
            callback = self._ready_callback
        _run(callback)

    def close(self) -> None:
        """No part is sent any more. Idempotent. Loop thread."""
        with self._waiting:
            if self.closed:
                return
            self.closed = True
            self._parts.clear()
            self._bytes = 0
            self._waiting.notify_all()
            callback = self._ready_callback if not self._finished else _nothing
        _run(callback)


def _run(callback: Callable[[], object]) -> None:
    """Run a ready callback. If it raises, the session's work goes on, as it is half done here."""
    try:
        callback()
    except Exception:
        log.exception("the ready callback of a body raised")
