"""Dispatcher: runs the application's callbacks, one after the other, on a thread of its own.

So a callback may block, or may wait for an answer of the server: the receiver's thread still
receives messages. The client holds no lock while a callback runs.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable

_JOIN_SECONDS = 5.0
"""The time that ``stop`` waits for a callback that does not return."""

Call = Callable[[], object]


class Dispatcher:
    """A queue of calls, and the thread that makes them. It knows nothing of chat."""

    def __init__(self) -> None:
        self._calls: queue.SimpleQueue[Call | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        self._start_lock = threading.Lock()  # guards the making of the thread

    def start(self, run: Callable[[Call], None]) -> None:
        """Start the thread. It passes each call to ``run``, which handles exceptions.

        Any thread; idempotent.
        """
        with self._start_lock:
            if self._thread is None:
                self._thread = threading.Thread(
                    target=self._run, args=(run,), name="chat callbacks", daemon=True
                )
                self._thread.start()

    def post(self, call: Call) -> None:
        """Add a call to the end of the queue. Any thread; does not block."""
        self._calls.put(call)

    @property
    def is_current(self) -> bool:
        """Whether the calling thread is the dispatcher's, so the caller is a callback."""
        return self._thread is threading.current_thread()

    def wait_idle(self, seconds: float) -> None:
        """Wait until the calls posted so far have been made, at most ``seconds``.

        Any thread; from a callback it returns at once.
        """
        if self._thread is not None and self._thread.is_alive() and not self.is_current:
            idle = threading.Event()
            self.post(idle.set)
            idle.wait(seconds)

    def stop(self) -> None:
        """End the thread after the calls posted so far. Any thread; idempotent.

        Waits for that some seconds at most; from a callback it returns at once.
        """
        self._calls.put(None)
        if self._thread is not None and not self.is_current:
            self._thread.join(_JOIN_SECONDS)

    def _run(self, run: Callable[[Call], None]) -> None:
        while (call := self._calls.get()) is not None:
            run(call)
