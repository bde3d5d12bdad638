"""ThreadPool: worker threads for tasks that block or compute, with a bounded queue."""

from __future__ import annotations

import logging
import os
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable
from concurrent.futures import CancelledError
from contextvars import copy_context
from functools import partial
from typing import Generic, TypeVar

from muduopy.checks import check_callback, check_loop
from muduopy.errors import StateError
from muduopy.event_loop import EventLoop, escalate_to_main_thread
from muduopy.slow_callbacks import stack_of

log = logging.getLogger(__name__)

T = TypeVar("T")
Task = Callable[[], object]
Done = Callable[["T | None", "BaseException | None"], object]


_pools_lock = threading.Lock()  # guards _pools; held across a fork
_pools: weakref.WeakSet[ThreadPool] = weakref.WeakSet()


class ThreadPool:
    """Runs tasks in ``threads`` threads, in order of arrival.

    Tasks see the context variables (``contextvars``) of the caller. The threads are started by
    the first task, or by ``start``. With 0 threads a task runs inline, in the caller. Exceptions
    of tasks do not end a worker: an ``Exception`` is logged; any other BaseException, such as
    SystemExit, is raised by the ``loop`` method of the main thread's loop.

    All methods: any thread; ``stop`` not in a worker.

    A forked child inherits no thread. There a pool that has started counts as stopped, and its
    queued tasks run in the parent only.
    """

    def __init__(self, threads: int, name: str = "worker", max_queue: int = 1024) -> None:
        """``max_queue``: most tasks that may wait. Raises ValueError for impossible numbers."""
        if threads < 0:
            raise ValueError(f"threads: {threads} must be at least 0")
        if max_queue < 1:
            raise ValueError(f"max_queue: {max_queue} must be at least 1")
        self.name = name
        self.max_queue = max_queue
        self._make_lock()
        self._queue: deque[Task] = deque()
        self._running = True
        self._started = False
        self._make_threads(threads)
        with _pools_lock:
            _pools.add(self)

    def _make_threads(self, count: int) -> None:
        self._threads = [
            threading.Thread(target=self._work, name=f"{self.name}{number}", daemon=True)
            for number in range(count)
        ]

    def _make_lock(self) -> None:
        self._lock = threading.Lock()  # guards _queue, _running and _started
        self._not_empty = threading.Condition(self._lock)
        self._not_full = threading.Condition(self._lock)

    def start(self) -> None:
        """Start the threads, unless the first task has started them. Idempotent.

        Raises RuntimeError if the system cannot start more threads; the pool is stopped then.
        """
        try:
            with self._lock:
                if self._started or not self._running:
                    return
                self._started = True
                for thread in self._threads:
                    thread.start()
        except RuntimeError:
            self.stop(drain=False)
            raise

    @property
    def queue_size(self) -> int:
        """Number of waiting tasks, without the running ones."""
        with self._lock:
            return len(self._queue)

    def run(self, task: Task) -> bool:
        """Queue a task; blocks while the queue is full. False if the pool was stopped.

        Raises TypeError unless it is a function, and for ``async def`` functions.
        """
        check_callback(task, "a task")
        task = _in_context(task)
        if not self._threads:
            return self._run_inline(task)
        if not self._started:
            self.start()
        with self._lock:
            while self._running and len(self._queue) >= self.max_queue:
                self._not_full.wait()
            return self._put(task)

    def try_run(self, task: Task) -> bool:
        """Queue a task. False at once if the queue is full or the pool was stopped.

        For loop threads, which must not block. Raises TypeError as ``run`` does.
        """
        check_callback(task, "a task")
        return self._try_put(_in_context(task))

    def _try_put(self, task: Task) -> bool:
        if not self._threads:
            return self._run_inline(task)
        if not self._started:
            self.start()
        with self._lock:
            return len(self._queue) < self.max_queue and self._put(task)

    def try_run_for(
        self,
        loop: EventLoop,
        work: Callable[[], T],
        done: Done[T],
    ) -> bool:
        """``try_run(work)``, then ``done(result, error)`` in the loop; one of the two is None.

        After True, ``done`` is called once, unless the loop is closed before. ``error`` is the
        exception of ``work``, including SystemExit, or CancelledError if ``stop`` discarded the
        task.
        """
        check_loop(loop)
        check_callback(work, "the work")
        check_callback(done, "done")
        return self._try_put(_LoopTask(loop, work, done))

    def stop(self, *, drain: bool = True, timeout: float | None = None) -> bool:
        """Finish the queued tasks (``drain``) or discard them; join the workers. Idempotent.

        A worker that is still in a task after ``timeout`` seconds is left behind: an error is
        logged that names the thread and shows its stack, and the result is False. The thread is
        a daemon. Raises StateError in a worker, which would wait for itself.
        """
        if threading.current_thread() in self._threads:
            raise StateError("stop() in a worker of the pool: call it in another thread")
        discarded: deque[Task] = deque()
        with self._lock:
            self._running = False
            if not drain:
                discarded, self._queue = self._queue, discarded
            self._not_empty.notify_all()
            self._not_full.notify_all()
        # Outside the lock: a done-callback or a destructor may call this pool.
        while discarded:
            task = discarded.popleft()
            if isinstance(task, _LoopTask):
                task.discard()
            del task
        begin = time.monotonic()
        all_ended = True
        for thread in self._threads:
            if thread.ident is None:  # never started
                continue
            thread.join(None if timeout is None else max(0.0, begin + timeout - time.monotonic()))
            if thread.is_alive():
                all_ended = False
                log.error(
                    "not stopped after %.1f s: a task in thread %s; it is left behind\n%s",
                    time.monotonic() - begin,
                    thread.name,
                    stack_of(thread.ident),
                )
        return all_ended

    def _disown(self) -> None:
        """In a forked child: the threads do not exist, and one of them may have held the lock."""
        self._make_lock()
        if self._started:
            self._running = False
            self._queue = deque()
        else:
            # Python 3.13 does not start a Thread that was made before the fork.
            self._make_threads(len(self._threads))

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
        _run_contained(task, inline=True)
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
            _run_contained(task)
            del task  # it may refer to a connection, which must not live until the next task


class _LoopTask(Generic[T]):
    """A task whose result goes back to a loop."""

    __slots__ = ("_context", "_done", "_loop", "_work")

    def __init__(self, loop: EventLoop, work: Callable[[], T], done: Done[T]) -> None:
        self._loop = loop
        self._work = work
        self._done = done
        self._context = copy_context()

    def __call__(self) -> None:
        result: T | None = None
        error: BaseException | None = None
        try:
            result = self._context.run(self._work)
        except BaseException as exc:  # noqa: BLE001 - passed to done
            error = exc
        self._report(result, error)

    def discard(self) -> None:
        """The task will not run."""
        self._report(None, CancelledError())

    def _report(self, result: T | None, error: BaseException | None) -> None:
        self._loop._queue(lambda: self._context.run(self._done, result, error))


def _in_context(task: Task) -> Task:
    context = copy_context()
    return partial(context.run, task) if context else task


def _run_contained(task: Task, *, inline: bool = False) -> None:
    try:
        task()
    except Exception:
        log.exception("task raised")
    except BaseException as exc:
        if inline:  # the caller's thread
            raise
        log.exception("task raised; the main thread's loop will raise it")
        escalate_to_main_thread(exc)


def _forked() -> None:
    """In the child, which has one thread: the copy of the one that forked."""
    for pool in list(_pools):
        pool._disown()
    _pools_lock.release()


os.register_at_fork(
    before=_pools_lock.acquire, after_in_parent=_pools_lock.release, after_in_child=_forked
)
