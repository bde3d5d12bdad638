"""ThreadPool: worker threads for what blocks or computes, with a bounded queue."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from typing import TypeVar

from muduopy.event_loop import EventLoop

log = logging.getLogger(__name__)

T = TypeVar("T")
Task = Callable[[], object]


class ThreadPool:
    """Runs tasks in ``threads`` threads, in order of arrival.

    With 0 threads a task runs inline, in the caller. A task that raises is logged and the
    worker lives on. All methods: any thread, ``stop`` excepted (not from a worker).
    """

    def __init__(self, threads: int, name: str = "worker", max_queue: int = 1024) -> None:
        """``max_queue``: how many tasks may wait. Raises ValueError for impossible numbers."""
        if threads < 0 or max_queue < 1:
            raise ValueError(f"{threads} threads, a queue of {max_queue}")
        self.name = name
        self.max_queue = max_queue
        self._lock = threading.Lock()  # guards _queue and _running
        self._not_empty = threading.Condition(self._lock)
        self._not_full = threading.Condition(self._lock)
        self._queue: deque[Task] = deque()
        self._running = True
        self._threads = [
            threading.Thread(target=self._work, name=f"{name}{number}", daemon=True)
            for number in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def queue_size(self) -> int:
        """How many tasks wait, those being run not counted."""
        with self._lock:
            return len(self._queue)

    def run(self, task: Task) -> bool:
        """Queue a task; blocks while the queue is full. False if the pool was stopped."""
        if not self._threads:
            return self._run_inline(task)
        with self._lock:
            while self._running and len(self._queue) >= self.max_queue:
                self._not_full.wait()
            return self._put(task)

    def try_run(self, task: Task) -> bool:
        """Queue a task, or return False at once if the queue is full or the pool stopped.

        The form for loop threads, which must not block.
        """
        if not self._threads:
            return self._run_inline(task)
        with self._lock:
            return len(self._queue) < self.max_queue and self._put(task)

    def try_run_for(
        self,
        loop: EventLoop,
        work: Callable[[], T],
        done: Callable[[T | None, Exception | None], object],
    ) -> bool:
        """``try_run(work)``, then ``done(result, error)`` in the loop; one of the two is None."""

        def task() -> None:
            result: T | None = None
            error: Exception | None = None
            try:
                result = work()
            except Exception as exc:  # noqa: BLE001 - handed to done
                error = exc
            loop.queue_in_loop(lambda: done(result, error))

        return self.try_run(task)

    def stop(self, *, drain: bool = True) -> None:
        """Finish what is queued (``drain``) or discard it; join the workers. Idempotent."""
        discarded: deque[Task] = deque()
        with self._lock:
            self._running = False
            if not drain:
                discarded, self._queue = self._queue, discarded
            self._not_empty.notify_all()
            self._not_full.notify_all()
        discarded.clear()  # outside the lock: what dies here may call this pool
        for thread in self._threads:
            thread.join()

    def _put(self, task: Task) -> bool:
        if not self._running:
            return False
        self._queue.append(task)
        self._not_empty.notify()
        return True

    def _run_inline(self, task: Task) -> bool:
        with self._lock:
            if not self._running:
                return False
        _run_logged(task)
        return True

    def _work(self) -> None:
        while True:
            with self._lock:
                while self._running and not self._queue:
                    self._not_empty.wait()
                if not self._queue:
                    return
                task = self._queue.popleft()
                self._not_full.notify()
            _run_logged(task)
            del task  # it may hold a connection


def _run_logged(task: Task) -> None:
    try:
        task()
    except Exception:
        log.exception("task raised")
