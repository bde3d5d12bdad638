"""Heartbeat: a thread that calls a function at an interval.

It needs a thread of its own, because the others may be blocked: the receiver in ``recv``, and the
main thread in a write to a stopped terminal. It knows nothing of connections.
"""

from __future__ import annotations

import threading
from collections.abc import Callable


class Heartbeat:
    """Calls ``beat`` every ``interval`` seconds, on its own thread, until ``stop``.

    Attributes:
        interval: the interval in seconds. ``set_interval`` changes it.
    """

    def __init__(self, interval: float, beat: Callable[[], None]) -> None:
        self.interval = interval
        self._beat = beat
        self._woken = threading.Event()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="heartbeat", daemon=True)

    def start(self) -> None:
        """Start the thread. Any thread, once."""
        self._thread.start()

    def set_interval(self, interval: float) -> None:
        """Change the interval, in seconds. The next one begins now. Any thread."""
        self.interval = interval
        self._woken.set()

    def stop(self) -> None:
        """End the thread, and wait for it and its running ``beat``. Any thread; idempotent."""
        self._stopping.set()
        self._woken.set()
        if self._thread.ident is not None and self._thread is not threading.current_thread():
            self._thread.join()

    def _run(self) -> None:
        while not self._stopping.is_set():
            if self._woken.wait(self.interval):
                self._woken.clear()
            else:
                self._beat()
