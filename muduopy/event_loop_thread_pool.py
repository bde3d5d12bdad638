"""EventLoopThreadPool: the threads that run the sub-loops of a server."""

from __future__ import annotations

import sys
import threading
import time

from muduopy.callbacks import ThreadInitCallback
from muduopy.checks import check_loop
from muduopy.errors import LoopError
from muduopy.event_loop import EventLoop
from muduopy.event_loop_thread import EventLoopThread
from muduopy.slow_callbacks import report_left_behind


class EventLoopThreadPool:
    """N loops in N threads, assigned round robin; with N = 0 the base loop itself.

    Under the global interpreter lock, each system call of one loop passes the lock to another
    loop that waits for it. Two loops reached 0.7 of the throughput of one, four 0.68 (echo of 64
    bytes, 100 connections, 2 cores). With ``take_turns`` one loop at a time handles the events of
    a pass: 0.94 and 0.93, at a p99 of 7 to 9 ms instead of 3 to 4. A callback must then not wait
    for another loop of the pool. On an interpreter without that lock it has no effect.

    All methods: base loop's thread.
    """

    def __init__(
        self,
        base_loop: EventLoop,
        name: str = "loop",
        threads: int = 0,
        *,
        take_turns: bool = False,
    ) -> None:
        check_loop(base_loop)
        if threads < 0:
            raise ValueError(f"threads: {threads} must be at least 0")
        self.base_loop = base_loop
        self.name = name
        self.thread_num = threads
        self.started = False
        self._threads: list[EventLoopThread] = []
        self._loops: list[EventLoop] = []
        self._next = 0
        self._turns = threading.Lock() if take_turns and _has_gil() else None

    def start(self, init: ThreadInitCallback | None = None) -> None:
        """Start the threads. Without threads, ``init`` runs for the base loop. Once only."""
        self.base_loop.assert_in_loop_thread()
        if self.started:
            raise LoopError("start() on a pool that has started")
        self.started = True
        for number in range(self.thread_num):
            thread = EventLoopThread(f"{self.name}{number}", init, self._turns, self.base_loop)
            loop = thread.start_loop()
            if self.base_loop.slow_callbacks is not None:
                self.base_loop.slow_callbacks.add(loop)
            self._loops.append(loop)
            self._threads.append(thread)
        if not self._threads and init is not None:
            init(self.base_loop)

    def get_next_loop(self) -> EventLoop:
        """The next loop, round robin."""
        self.base_loop.assert_in_loop_thread()
        if not self._loops:
            return self.base_loop
        loop = self._loops[self._next]
        self._next = (self._next + 1) % len(self._loops)
        return loop

    def get_loop_for_hash(self, value: int) -> EventLoop:
        """A loop; always the same one for the same value."""
        self.base_loop.assert_in_loop_thread()
        return self._loops[value % len(self._loops)] if self._loops else self.base_loop

    def get_all_loops(self) -> list[EventLoop]:
        """All sub-loops; without any, the base loop."""
        self.base_loop.assert_in_loop_thread()
        return list(self._loops) or [self.base_loop]

    def stop(self, timeout: float | None = None, *, waited: float = 0.0) -> bool:
        """Quit the loops, which run their queued functions first, and join the threads. Idempotent.

        A loop that is still in a callback after ``timeout`` seconds is left behind: an error is
        logged that names the callback and the thread, and the result is False. The thread, a
        daemon, ends after that callback. ``waited``: seconds that the caller has waited before,
        for the log.
        """
        self.base_loop.assert_in_loop_thread()
        for loop in self._loops:
            loop._end()
        begin = time.monotonic()
        all_ended = True
        for thread in self._threads:
            left = None if timeout is None else max(0.0, begin + timeout - time.monotonic())
            if not thread.stop(left):
                all_ended = False
                if thread.loop is not None:
                    report_left_behind(thread.loop, waited + time.monotonic() - begin)
        self._threads.clear()
        self._loops.clear()
        return all_ended


def _has_gil() -> bool:
    """Does this interpreter run Python code in one thread at a time?"""
    enabled = getattr(sys, "_is_gil_enabled", None)  # new in Python 3.13
    return enabled is None or bool(enabled())
