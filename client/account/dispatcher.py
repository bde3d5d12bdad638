"""Dispatcher: runs the application's callbacks, one after the other, on a thread of its own.

So a callback may take its time and may ask the server something, without anything being
received later for it; and no lock of the client's is held while it runs.
"""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable

_JOIN_SECONDS = 5.0
"""A callback that does not return must not keep the client from being closed."""


class Dispatcher:
    """A queue of calls and the thread that makes them."""

    def __init__(self, run: Callable[[Callable[[], object]], None]) -> None:
        """``run`` makes a call, and deals with what it raises."""
        self._make = run
        self._calls: queue.SimpleQueue[Callable[[], object] | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="chat callbacks", daemon=True)

    def start(self) -> None:
        """Any thread, one at a time; idempotent."""
        if self._thread.ident is None:
            self._thread.start()

    def post(self, call: Callable[[], object]) -> None:
        """Have a call made after those posted before. Any thread; does not block."""
        self._calls.put(call)

    @property
    def is_current(self) -> bool:
        """Whether this is called from a callback. Any thread."""
        return self._thread is threading.current_thread()

    def wait_idle(self, seconds: float) -> None:
        """Wait until the calls posted so far have been made, if they return in time.

        Any thread; from a callback it returns at once.
        """
        if self._thread.is_alive() and not self.is_current:
            idle = threading.Event()
            self.post(idle.set)
            idle.wait(seconds)

    def stop(self) -> None:
        """End after the calls posted so far, and wait for that, bounded. Any thread; idempotent.

        From a callback it returns at once.
        """
        self._calls.put(None)
        if self._thread.ident is not None and not self.is_current:
            self._thread.join(_JOIN_SECONDS)

    def _run(self) -> None:
        while (call := self._calls.get()) is not None:
            self._make(call)
