"""EventLoop: one thread's reactor.

One pass of the loop polls, handles the ready channels in the kernel's order, runs the timers that
are due, and runs the queued functions. Three rules make it safe and fast:

* The objects of a loop are touched by the loop's thread only. Other threads give it functions with
  ``queue_in_loop``. That queue is the only shared thing, and has the only lock.
* A wake-up costs a system call in both threads. So a thread that queues a function writes one only
  if the loop may be asleep and no wake-up has been written since its last look at the queue.
* A descriptor is closed by a queued function, after the pass in which it was unregistered.
  Example: poll reports descriptors 5 and 7. The callback of 5 closes connection 7 and accepts a
  new one. If 7 were closed at once, the new connection could get the number 7, and the old
  event of 7 would reach it.

No exception of a callback ends a pass. The following holds for callbacks of connections, channels,
timers and signals, for queued functions, and for the tasks of a ThreadPool:

* An ``Exception`` is logged. A connection whose callback raised it is closed.
* Any other ``BaseException`` (SystemExit, KeyboardInterrupt, asyncio.CancelledError) also closes
  the connection. Then the main loop quits, and its ``loop`` raises the exception. The main loop
  of a sub-loop is the base loop of its pool; that of another loop thread or of a worker is the
  loop of the main thread. Without a main loop the exception is logged only.

So ``sys.exit()`` in any callback ends the program, and no loop ends alone.
"""

from __future__ import annotations

import logging
import math
import os
import threading
import time
import weakref
from collections.abc import Callable
from concurrent.futures import Future
from contextvars import copy_context
from functools import partial
from types import TracebackType
from typing import TypeVar

from muduopy.channel import Channel
from muduopy.checks import NOT_RUN_BY_A_CALL, check_callback
from muduopy.errors import LoopError, WrongThreadError
from muduopy.loop_future import LoopFuture
from muduopy.poller import READ, Poller, new_default_poller
from muduopy.signal_watch import SignalWatch
from muduopy.slow_callbacks import SlowCallbackWatch
from muduopy.timer_queue import Timer, TimerQueue
from muduopy.wakeup import Wakeup

log = logging.getLogger(__name__)

MAX_POLL_SECONDS = 10.0
"""The longest sleep of a poll. It limits the effect of a lost wake-up, if there were one."""

READ_CHUNK = 64 * 1024
"""The most bytes that one recv takes. The connections of a loop share one buffer of this size."""

FINAL_PASSES = 100
"""The most rounds of queued functions at the end of a loop, as each may queue further ones."""

T = TypeVar("T")
Functor = Callable[[], object]
Escalate = Callable[[BaseException], object]

_current = threading.local()

_loops_lock = threading.Lock()  # guards _loops; held across a fork
_loops: weakref.WeakSet[EventLoop] = weakref.WeakSet()


class EventLoop:
    """Polls, dispatches events and runs timers, in the thread that constructs it.

    It owns neither the descriptors nor the objects behind its channels. Raises LoopError when
    the thread has a loop already. Use it as a context manager, or call ``close``.

    A forked child inherits no loop. Its copy counts as closed and belongs to no thread, so the
    child cannot disturb the parent's connections. It may make loops of its own.

    Attributes:
        poll_return_time: the beginning of the running pass, in seconds of ``time.monotonic``.
        iterations: the number of passes.
        busy_seconds: the time outside poll.
        connections: the number of TcpConnections that are up in this loop; they count themselves.
        scratch: the receive buffer that this loop's connections share.
    """

    def __init__(
        self, turns: threading.Lock | None = None, escalate: Escalate | None = None
    ) -> None:
        """Call it in the thread that will run the loop.

        ``turns``: held while a pass handles its events, so that loops which share it take turns.
        Under the global interpreter lock that is faster than competing for it at every system
        call (EventLoopThreadPool has the figures). A callback must then not wait for another of
        these loops.
        ``escalate``: passes exceptions such as SystemExit to the main loop. Without it this loop
        is a main loop, and ``loop`` raises them. Called in the loop thread.
        """
        if current_loop() is not None:
            raise LoopError("this thread has an event loop already")
        self.thread_id = threading.get_ident()
        self.poll_return_time = time.monotonic()
        self.iterations = 0
        self.busy_seconds = 0.0
        self.connections = 0
        self.scratch = memoryview(bytearray(READ_CHUNK))
        self._turns = turns
        self._escalate = escalate
        self._in_pool = False  # set by EventLoopThread
        self._failure: BaseException | None = None  # loop() or run_queued() will raise it
        self._poller: Poller = new_default_poller()
        self._channels: dict[int, Channel] = {}
        self._timers = TimerQueue(self.contain)
        self._looping = False
        self._closed = False
        self._quit = False
        # Guards _pending and _awake. Reentrant: in the main thread a signal handler may interrupt
        # its holder and call queue_in_loop, so both are valid after every line under the lock.
        self._pending_lock = threading.RLock()
        self._pending: list[Functor] = []
        self._awake = True  # the loop will look at _pending before its next sleep
        self._wakeup = Wakeup()
        self._wakeup_channel = Channel(self, self._wakeup.fd)
        self._wakeup_channel.read_callback = self._wakeup.drain
        self._wakeup_channel.enable_reading()
        self._signals: SignalWatch | None = None
        self._slow_callbacks: SlowCallbackWatch | None = None
        _current.loop = weakref.ref(self)
        with _loops_lock:
            _loops.add(self)

    def __enter__(self) -> EventLoop:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        state = "closed" if self._closed else "looping" if self._looping else "idle"
        return f"<EventLoop {state} channels={len(self._channels)} iterations={self.iterations}>"

    # ------------------------------------------------------------------ running

    def loop(self) -> None:
        """Run until ``quit``. Loop thread.

        A ``quit`` before the call counts. Functions that are queued when the loop ends still run,
        and so do functions that they queue. Functions that are queued later wait for the next
        ``loop``, or are dropped by ``close``. Raises the exception that ``escalate`` got.
        """
        self.assert_in_loop_thread()
        if self._looping or self._closed:
            raise LoopError(f"loop() on {self!r}")
        self._looping = True
        self.poll_return_time = time.monotonic()  # the time before is not part of a pass
        try:
            while not self._quit:
                self._one_pass()
            self._run_what_is_left()
        finally:
            with self._pending_lock:
                self._awake = True
            self._looping = False
            self._quit = False
        self._raise_failure()

    def run_queued(self) -> None:
        """Run the queued functions, and those that they queue. Loop thread.

        It does not wait for events. A program calls it before or after ``loop``, to complete the
        close of connections and servers. Raises LoopError inside ``loop``, and the exception that
        ``escalate`` got.
        """
        self.assert_in_loop_thread()
        if self._looping or self._closed:
            raise LoopError(f"run_queued() on {self!r}")
        self._run_what_is_left()
        self._raise_failure()

    @property
    def looping(self) -> bool:
        """Whether ``loop`` is running. Any thread; only the loop's own thread can rely on it."""
        return self._looping

    @property
    def closed(self) -> bool:
        """Whether it is closed, so it runs nothing more. Any thread; False may be out of date."""
        return self._closed

    @property
    def in_callbacks(self) -> bool:
        """Whether ``loop`` is running and not asleep. Any thread; it may be out of date at once."""
        return self._looping and self._awake

    def warn_of_slow_callbacks(self, seconds: float | None) -> None:
        """Log one warning for each callback that takes longer, with its name and stack.

        A thread takes a sample of the loop four times in ``seconds``, so callbacks cost no more.
        The loops of a pool that has this base loop and starts later are watched, too. None ends
        the watch. Raises ValueError unless the time is positive, LoopError when the loop is
        closed. Loop thread.
        """
        self.assert_in_loop_thread()
        if self._closed and seconds is not None:
            raise LoopError(f"warn_of_slow_callbacks() on {self!r}")
        watch = SlowCallbackWatch(seconds) if seconds is not None else None
        if self._slow_callbacks is not None:
            self._slow_callbacks.close()
        self._slow_callbacks = watch
        if watch is not None:
            watch.add(self)
            watch.start()

    @property
    def slow_callbacks(self) -> SlowCallbackWatch | None:
        """The watch that ``warn_of_slow_callbacks`` started, for pools. Loop thread."""
        return self._slow_callbacks

    def quit(self) -> None:
        """End ``loop`` after the current pass. Any thread.

        Raises LoopError for the loop of a pool, because its connections would hang. Quit the base
        loop, or stop the server or the pool.
        """
        if self._in_pool:
            raise LoopError("a pool's loop ends with the pool: quit the base loop instead")
        self._end()

    def _end(self) -> None:
        self._quit = True
        self._queue(_nothing)

    def close(self) -> None:
        """Release the poller and the wake-up descriptor. Idempotent. Loop thread.

        Registered descriptors stay open; their owners close them.
        """
        if self._closed:
            return
        self.assert_in_loop_thread()
        if self._looping:
            raise LoopError("close() inside loop(): call quit(), and close() after loop()")
        with _loops_lock:
            _loops.discard(self)
        with self._pending_lock:  # a concurrent queue_in_loop has finished, or will see _closed
            self._closed = True
            dropped, self._pending = self._pending, []
        for functor in dropped:
            future = getattr(functor, "__self__", None)
            if isinstance(future, LoopFuture):
                try:
                    future.cancel()
                except BaseException as exc:  # noqa: BLE001 - a done-callback raised; contained
                    self.contain(exc, "cancelling %r", future)
        dropped.clear()  # outside the lock: a destructor may call queue_in_loop
        if self._signals is not None:
            self._signals.close()
            self._signals = None
        self.warn_of_slow_callbacks(None)
        self._wakeup_channel.disable_all()
        self._wakeup.close()
        self._poller.close()
        _current.loop = None
        if self._failure is not None:
            log.error("closed without raising this", exc_info=self._failure)
            self._failure = None

    def _one_pass(self) -> None:
        timeout = MAX_POLL_SECONDS
        with self._pending_lock:
            # From here on a queued function must wake the loop, unless there is work already.
            # _awake is cleared first: a signal handler may queue a function right after the look
            # at _pending, and must then find the loop asleep.
            self._awake = False
            if self._pending:
                self._awake = True
                timeout = 0.0
        if timeout:
            timeout = self._timers.seconds_until_next(time.monotonic(), timeout)
        self.busy_seconds += time.monotonic() - self.poll_return_time
        events = self._poller.poll(timeout)
        # Without the lock: a thread that still reads False writes one needless wake-up.
        self._awake = True
        self.poll_return_time = now = time.monotonic()
        self.iterations += 1
        if self._turns is None:
            self._handle(events)
        else:
            with self._turns:
                self._handle(events)
        self._timers.run_expired(now)
        self._run_pending()

    def _handle(self, events: list[tuple[int, int]]) -> None:
        channels = self._channels
        for fd, mask in events:
            channel = channels.get(fd)
            if channel is None:  # unregistered earlier in this pass
                continue
            try:
                if mask == READ:  # nearly always, and this saves a call
                    channel.read_callback()
                else:
                    channel.handle_event(mask)
            except BaseException as exc:  # noqa: BLE001 - contained
                self.contain(exc, "handling %r raised", channel)

    def _run_what_is_left(self) -> None:
        for _ in range(FINAL_PASSES):
            if not self._run_pending():
                break

    def _run_pending(self) -> bool:
        with self._pending_lock:
            batch = self._pending
            if not batch:
                return False
            self._pending = []  # functions that the batch queues run in the next pass
        functors = iter(batch)
        try:
            for functor in functors:
                try:
                    functor()
                except BaseException as exc:  # noqa: BLE001 - contained
                    self.contain(exc, "function run in the loop raised")
        except BaseException:  # KeyboardInterrupt between two functions
            with self._pending_lock:
                self._pending[:0] = functors
            raise
        return True

    # ------------------------------------------------------------------ exceptions of callbacks

    def contain(self, exc: BaseException, what: str, *args: object) -> None:
        """Log an exception of a callback as ``what % args``, or pass it to the main loop.

        For an ``except BaseException`` block around a call of user code. The rule is at the top
        of this module. Loop thread.
        """
        if isinstance(exc, Exception):
            log.error(what, *args, exc_info=exc)
        elif self._escalate is None:
            self._fail(exc)
        else:
            log.error(what + "; the main loop will raise it", *args, exc_info=exc)
            self._escalate(exc)

    def escalate(self, exc: BaseException) -> None:
        """Quit, and have ``loop`` raise ``exc``; or pass it to this loop's main loop.

        The first such exception is raised, further ones are logged. Any thread.
        """
        if self._escalate is not None:
            self._escalate(exc)
        elif not self._queue(lambda: self._fail(exc)):
            log.critical("%r cannot raise this", self, exc_info=exc)

    def _fail(self, exc: BaseException) -> None:
        if self._failure is None:
            self._failure = exc
            self._quit = True
        else:
            log.error("another exception is to be raised first", exc_info=exc)

    def _raise_failure(self) -> None:
        failure, self._failure = self._failure, None
        if failure is None:
            return
        self._quit = False
        try:
            raise failure
        finally:
            del failure  # its traceback refers to this frame

    # ------------------------------------------------------------------ from other threads

    def run_in_loop(self, functor: Functor) -> None:
        """Run the function at once if this is the loop's thread, else queue it. Any thread.

        Raises TypeError as ``queue_in_loop`` does.
        """
        if threading.get_ident() == self.thread_id:
            # As in queue_in_loop().
            code = getattr(functor.func if type(functor) is partial else functor, "__code__", None)
            if code is None or code.co_flags & NOT_RUN_BY_A_CALL:
                check_callback(functor, "the argument of run_in_loop()")
            functor()
        else:
            self.queue_in_loop(functor)

    def queue_in_loop(self, functor: Functor) -> None:
        """Run the function later in the loop's thread, in the order of queueing. Any thread.

        The function sees the caller's context variables (``contextvars``). A closed loop drops
        it. A handler of ``signal.signal`` may call this, ``quit``, ``run_at``, ``run_after`` and
        ``run_every``, and no other method of a loop. Handlers of ``add_signal_handler`` may call
        all methods.

        Raises TypeError unless it is a function, and for ``async def`` functions.
        """
        # The check of most functions and partials, and the body of _queue(), are repeated here:
        # some programs call this for every message, and each further call would add a tenth to
        # its cost.
        code = getattr(functor.func if type(functor) is partial else functor, "__code__", None)
        if code is None or code.co_flags & NOT_RUN_BY_A_CALL:
            check_callback(functor, "the argument of queue_in_loop()")
        context = copy_context()
        if context:
            functor = partial(context.run, functor)
        with self._pending_lock:
            if self._closed:
                return
            self._pending.append(functor)
            if not self._awake:
                self._awake = True
                self._wakeup.wake()

    def submit(self, function: Callable[[], T]) -> Future[T]:
        """As ``queue_in_loop``; returns a future for the function's result or exception.

        The future also gets SystemExit. It can be cancelled until the function runs, and is
        cancelled if the loop is closed before that. In the loop's own thread ``result()`` raises
        LoopError, because the loop would wait for itself. Any thread. Raises LoopError when the
        loop is closed, TypeError as ``queue_in_loop`` does.
        """
        check_callback(function, "the argument of submit()")
        future = LoopFuture(self, function)
        if not self._queue(future.run):
            raise LoopError(f"submit() on {self!r}")
        return future

    def _queue(self, functor: Functor) -> bool:
        """``queue_in_loop`` without the checks and the context; False if the loop is closed."""
        with self._pending_lock:
            if self._closed:
                return False
            self._pending.append(functor)
            if not self._awake:
                self._awake = True
                # Under the lock, so that close() cannot close the descriptor meanwhile.
                self._wakeup.wake()
            return True

    @property
    def queue_size(self) -> int:
        """The number of queued functions. Any thread."""
        with self._pending_lock:
            return len(self._pending)

    # ------------------------------------------------------------------ timers

    def run_at(self, when: float, callback: Functor) -> Timer:
        """Call once at ``when``, seconds of ``time.monotonic``. Any thread.

        The callback sees the caller's context variables. This and ``run_after`` and ``run_every``
        raise LoopError when the loop is closed, TypeError unless the callback is a function, also
        for ``async def`` functions, and ValueError for NaN.
        """
        return self._schedule(Timer(callback, when, 0.0))

    def run_after(self, delay: float, callback: Functor) -> Timer:
        """Call once in ``delay`` seconds. Any thread."""
        return self._schedule(Timer(callback, time.monotonic() + delay, 0.0))

    def run_every(self, interval: float, callback: Functor) -> Timer:
        """Call every ``interval`` seconds, on a grid that does not drift. Any thread.

        Calls that were missed while the loop was busy are skipped. Raises ValueError unless the
        interval is positive.
        """
        if interval <= 0:
            raise ValueError(f"interval: {interval} must be positive")
        return self._schedule(Timer(callback, time.monotonic() + interval, interval))

    def cancel(self, timer: Timer) -> None:
        """Stop a timer. Idempotent. Any thread.

        For a caller in another thread, the callback may be running at this moment.
        """
        self.run_in_loop(lambda: self._timers.cancel(timer))

    def _schedule(self, timer: Timer) -> Timer:
        check_callback(timer.callback, "a timer's callback")
        if math.isnan(timer.when):  # comparisons with it are false, which would break the heap
            raise ValueError("a timer needs a time, not NaN")
        self._check_open()
        context = copy_context()
        if context:
            timer.callback = partial(context.run, timer.callback)
        if threading.get_ident() != self.thread_id:
            if not self._queue(lambda: self._timers.add(timer)):
                self._check_open()
            return timer
        self._timers.add(timer)
        if not self._awake:  # this is a signal handler, which interrupted the poll
            self._wakeup.wake()
        return timer

    def _check_open(self) -> None:
        if self._closed:
            raise LoopError(f"a timer for {self!r}, which is closed")

    # ------------------------------------------------------------------ signals

    def add_signal_handler(self, signum: int, callback: Functor) -> None:
        """Call back in the loop when the process gets a signal. Loop thread: the main thread.

        The callback runs between other callbacks, so it may do anything. It replaces the handler
        of that signal until ``remove_signal_handler`` or ``close``, and uses the wake-up
        descriptor of the ``signal`` module. Neither child processes nor forked copies inherit it.
        Several signals of one kind may be reported as one.

        Raises WrongThreadError outside the main thread, ValueError or OSError for a signal that
        cannot be caught.
        """
        self.assert_in_loop_thread()
        if self._closed:
            raise LoopError(f"add_signal_handler() on {self!r}")
        check_callback(callback, "a signal handler")
        if self._signals is None:
            self._signals = SignalWatch(self)
        self._signals.add(signum, callback)

    def remove_signal_handler(self, signum: int) -> bool:
        """Restore the previous handler. False if ``add_signal_handler`` set none. Loop thread."""
        self.assert_in_loop_thread()
        return self._signals is not None and self._signals.remove(signum)

    # ------------------------------------------------------------------ threads and channels

    @property
    def is_in_loop_thread(self) -> bool:
        """Whether the calling thread is the loop's. Any thread."""
        return threading.get_ident() == self.thread_id

    def assert_in_loop_thread(self) -> None:
        """Raise WrongThreadError unless called in the loop's thread. Any thread."""
        if threading.get_ident() != self.thread_id:
            if not self.thread_id:
                raise WrongThreadError(f"{self!r} was made before a fork, by the parent process")
            raise WrongThreadError(
                f"{self!r} belongs to thread {self.thread_id}, called in {threading.get_ident()}: "
                "hand it a function with queue_in_loop()"
            )

    def update_channel(self, channel: Channel, events: int) -> None:
        """Change the events that a channel waits for; 0 unregisters it. Loop thread."""
        self.assert_in_loop_thread()
        fd = channel.fd
        if not events:
            del self._channels[fd]
            self._poller.remove(fd)
        elif channel.events:
            self._poller.modify(fd, events)
        else:
            self._poller.add(fd, events)
            self._channels[fd] = channel
        channel.events = events

    def _disown(self) -> None:
        """In a forked child: close the copies of the descriptors. The parent's loop goes on."""
        self._pending_lock = threading.RLock()  # a thread of the parent may have held it
        self._closed = True
        self._looping = False
        self.thread_id = 0  # no thread's
        self._pending = []
        if self._signals is not None:
            self._signals.disown()
            self._signals = None
        self._slow_callbacks = None  # its thread exists in the parent only
        self._wakeup.close()
        self._poller.close()


def current_loop() -> EventLoop | None:
    """The event loop of the calling thread, if it has one."""
    reference = getattr(_current, "loop", None)
    return reference() if reference is not None else None


def escalate_to_main_thread(exc: BaseException) -> None:
    """Have the main thread's loop raise ``exc``; log it if there is no such loop. Any thread."""
    main = threading.main_thread().ident
    with _loops_lock:
        loop = next((loop for loop in _loops if loop.thread_id == main), None)
    if loop is not None:
        loop.escalate(exc)
    else:
        log.critical("the main thread has no event loop that could raise this", exc_info=exc)


def _nothing() -> None:
    pass


def _forked() -> None:
    """In the child, which has one thread: the copy of the one that forked."""
    for loop in list(_loops):
        loop._disown()
    _loops.clear()
    _current.loop = None
    _loops_lock.release()


os.register_at_fork(
    before=_loops_lock.acquire, after_in_parent=_loops_lock.release, after_in_child=_forked
)
