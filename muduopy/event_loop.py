"""EventLoop: one thread's reactor.

One pass of the loop is: poll, handle the ready channels in the kernel's order, run the timers
that are due, run the functions that were queued. Three rules make it safe and quick:

* Everything that belongs to a loop is touched by the loop's thread only. Others hand it a
  function with ``queue_in_loop``; that queue is the one thing shared, and has the one lock.
* A wake-up costs a system call on both sides, so it is written only when the loop may be
  asleep and nobody has written one since it last looked.
* A descriptor is closed by a queued function, that is after the pass in which it was
  unregistered. Until then the kernel cannot give its number to a new connection, so an event
  of the old one, still in the hands of the pass, cannot reach the new one.

No exception of a callback ends a pass. One rule holds for callbacks of connections, channels,
timers and signals, for queued functions, and for the tasks of a ThreadPool:

* An ``Exception`` is logged. A connection whose callback raised it is closed.
* Any other ``BaseException`` (SystemExit, KeyboardInterrupt, asyncio.CancelledError) also closes
  the connection. Then the main loop quits, and its ``loop`` raises the exception. The main loop
  of a sub-loop is the base loop of its pool; that of another loop thread or of a worker is the
  loop of the main thread. Without a main loop the exception is logged only.

So ``sys.exit()`` ends the program from any callback, and no loop dies alone.
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
"""A poll sleeps no longer than this: a lost wake-up, were there one, would heal."""

READ_CHUNK = 64 * 1024
"""How much one recv takes at the most, in bytes; the buffer is shared by a loop's connections."""

FINAL_PASSES = 100
"""How often functions that queue further functions are followed when the loop ends."""

T = TypeVar("T")
Functor = Callable[[], object]
Escalate = Callable[[BaseException], object]

_current = threading.local()

_loops_lock = threading.Lock()  # guards _loops; held across a fork
_loops: weakref.WeakSet[EventLoop] = weakref.WeakSet()


class EventLoop:
    """Polls, dispatches, keeps time; owned by the thread that constructs it.

    It owns neither the descriptors nor the objects behind its channels. Raises LoopError when
    the thread has a loop already. Use as a context manager or call ``close``.

    A forked child inherits no loop: there it counts as closed and belongs to no thread, so that
    the child cannot disturb the parent's connections, and may make loops of its own.

    Attributes:
        poll_return_time: when the running pass began, seconds of ``time.monotonic``.
        iterations: how many passes there were.
        busy_seconds: how much of the time was not spent waiting in poll.
        connections: how many TcpConnections live in this loop (kept by them).
        scratch: the receive buffer shared by this loop's connections.
    """

    def __init__(
        self, turns: threading.Lock | None = None, escalate: Escalate | None = None
    ) -> None:
        """In the thread that shall run it, which becomes the loop thread.

        ``turns``: held while a pass handles its events; loops that share it take turns.
        Under the global interpreter lock that is quicker than to compete for it at every system
        call (EventLoopThreadPool has the figures). What is called by the events must then not
        wait for another of these loops.
        ``escalate``: takes the exceptions that are no ``Exception`` to the main loop. Without it
        this loop is a main loop: ``loop`` raises them. Called in the loop thread.
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
        self._failure: BaseException | None = None  # what loop() or run_queued() will raise
        self._poller: Poller = new_default_poller()
        self._channels: dict[int, Channel] = {}
        self._timers = TimerQueue(self.contain)
        self._looping = False
        self._closed = False
        self._quit = False
        # Guards _pending and _awake. Reentrant: a signal handler may interrupt its holder in the
        # main thread, so both are valid after every line that runs under it.
        self._pending_lock = threading.RLock()
        self._pending: list[Functor] = []
        self._awake = True  # the loop will look at _pending before it sleeps again
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

        A quit that came before counts. What is queued when the loop ends is still run, and
        what that queues; functions queued later wait for the next ``loop`` or are dropped by
        ``close``. Raises what ``escalate`` was given.
        """
        self.assert_in_loop_thread()
        if self._looping or self._closed:
            raise LoopError(f"loop() on {self!r}")
        self._looping = True
        self.poll_return_time = time.monotonic()  # what was before is not part of a pass
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
        """Run what is queued, and what that queues, without waiting for events. Loop thread.

        For taking things down before or after ``loop``. Raises LoopError inside it, and what
        ``escalate`` was given.
        """
        self.assert_in_loop_thread()
        if self._looping or self._closed:
            raise LoopError(f"run_queued() on {self!r}")
        self._run_what_is_left()
        self._raise_failure()

    @property
    def looping(self) -> bool:
        """``loop`` is running. Any thread; only the loop's own thread can rely on it."""
        return self._looping

    @property
    def closed(self) -> bool:
        """It runs nothing any more. Any thread; False may be out of date the next moment."""
        return self._closed

    @property
    def in_callbacks(self) -> bool:
        """``loop`` is running and not asleep. Any thread; the next moment it may have changed."""
        return self._looping and self._awake

    def warn_of_slow_callbacks(self, seconds: float | None) -> None:
        """Log one warning for each callback that takes longer, with its name and stack.

        Costs the callbacks nothing: a thread looks on, four times in ``seconds``. The loops of a
        pool that is started later and has this base loop are watched, too. None ends it. Raises
        ValueError unless the time is positive, LoopError when the loop is closed. Loop thread.
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
        """What ``warn_of_slow_callbacks`` started, for pools. Loop thread."""
        return self._slow_callbacks

    def quit(self) -> None:
        """End ``loop`` after the pass that is under way. Any thread.

        Raises LoopError for the loop of a pool: its connections would hang. Quit the base loop,
        or stop the server or the pool.
        """
        if self._in_pool:
            raise LoopError("a pool's loop ends with the pool: quit the base loop instead")
        self._end()

    def _end(self) -> None:
        self._quit = True
        self._queue(_nothing)

    def close(self) -> None:
        """Release the poller and the wake-up descriptor; idempotent. Loop thread.

        Does not close what is registered: who opened it does.
        """
        if self._closed:
            return
        self.assert_in_loop_thread()
        if self._looping:
            raise LoopError("close() inside loop(): call quit(), and close() after loop()")
        with _loops_lock:
            _loops.discard(self)
        with self._pending_lock:  # a queue_in_loop under way has finished, or sees _closed
            self._closed = True
            dropped, self._pending = self._pending, []
        for functor in dropped:
            future = getattr(functor, "__self__", None)
            if isinstance(future, LoopFuture):
                try:
                    future.cancel()
                except BaseException as exc:  # noqa: BLE001 - of its done-callbacks; contained
                    self.contain(exc, "cancelling %r", future)
        dropped.clear()  # outside the lock: what dies here may call queue_in_loop
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
            # From here on queueing must wake us, unless there is work already. In this order: a
            # signal handler that queues after the look at _pending finds us asleep.
            self._awake = False
            if self._pending:
                self._awake = True
                timeout = 0.0
        if timeout:
            timeout = self._timers.seconds_until_next(time.monotonic(), timeout)
        self.busy_seconds += time.monotonic() - self.poll_return_time
        events = self._poller.poll(timeout)
        # Without the lock: who still reads False merely writes a wake-up that nobody needs.
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
                if mask == READ:  # nearly always; saves a call
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
            self._pending = []  # what the batch queues runs in the next pass
        functors = iter(batch)
        try:
            for functor in functors:
                try:
                    functor()
                except BaseException as exc:  # noqa: BLE001 - contained
                    self.contain(exc, "function run in the loop raised")
        except BaseException:  # Ctrl-C between two of them
            with self._pending_lock:
                self._pending[:0] = functors
            raise
        return True

    # ------------------------------------------------------------------ exceptions of callbacks

    def contain(self, exc: BaseException, what: str, *args: object) -> None:
        """Log an exception of a callback as ``what % args``, or hand it to the main loop.

        For code that calls its user's functions, in an ``except BaseException`` block. The rule
        is at the top of this module. Loop thread.
        """
        if isinstance(exc, Exception):
            log.error(what, *args, exc_info=exc)
        elif self._escalate is None:
            self._fail(exc)
        else:
            log.error(what + "; the main loop will raise it", *args, exc_info=exc)
            self._escalate(exc)

    def escalate(self, exc: BaseException) -> None:
        """Quit, and have ``loop`` raise ``exc``; or hand it on to this loop's main loop.

        The first such exception is raised, others are logged. Any thread.
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
            del failure  # its traceback holds this frame

    # ------------------------------------------------------------------ from other threads

    def run_in_loop(self, functor: Functor) -> None:
        """Run at once if called in the loop's thread, else queue. Any thread.

        Raises TypeError as ``queue_in_loop``.
        """
        if threading.get_ident() == self.thread_id:
            check_callback(functor, "what run_in_loop() runs")
            functor()
        else:
            self.queue_in_loop(functor)

    def queue_in_loop(self, functor: Functor) -> None:
        """Run in the loop's thread, later, in the order of queueing. Any thread.

        The function sees the caller's context variables (``contextvars``). It is dropped if the
        loop has been closed. Also for handlers of ``signal.signal``, as are ``quit``, ``run_at``,
        ``run_after`` and ``run_every``, and nothing else of a loop; ``add_signal_handler`` has no
        such limits.

        Raises TypeError for what is no function, and for ``async def`` functions.
        """
        # The check of most functions and the body of _queue() stand here: some users call this
        # for every message, and each call would add a tenth to its cost.
        code = getattr(functor, "__code__", None)
        if code is None or code.co_flags & NOT_RUN_BY_A_CALL:
            check_callback(functor, "what queue_in_loop() runs")
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
        cancelled if the loop is closed before. In the loop's own thread ``result()`` raises
        LoopError: the loop would wait for itself. Any thread. Raises LoopError when the loop is
        closed, TypeError as ``queue_in_loop``.
        """
        check_callback(function, "what submit() runs")
        future = LoopFuture(self, function)
        if not self._queue(future.run):
            raise LoopError(f"submit() on {self!r}")
        return future

    def _queue(self, functor: Functor) -> bool:
        """``queue_in_loop`` without checks and context; False if the loop is closed."""
        with self._pending_lock:
            if self._closed:
                return False
            self._pending.append(functor)
            if not self._awake:
                self._awake = True
                # Under the lock, so that close() cannot pull the descriptor away meanwhile.
                self._wakeup.wake()
            return True

    @property
    def queue_size(self) -> int:
        """How many queued functions wait. Any thread."""
        with self._pending_lock:
            return len(self._pending)

    # ------------------------------------------------------------------ timers

    def run_at(self, when: float, callback: Functor) -> Timer:
        """Call once at ``when``, seconds of ``time.monotonic``. Any thread.

        Timers see the context variables of the caller. They raise LoopError when the loop is
        closed, TypeError for what is no function and for ``async def`` functions, ValueError for
        NaN.
        """
        return self._schedule(Timer(callback, when, 0.0))

    def run_after(self, delay: float, callback: Functor) -> Timer:
        """Call once in ``delay`` seconds. Any thread."""
        return self._schedule(Timer(callback, time.monotonic() + delay, 0.0))

    def run_every(self, interval: float, callback: Functor) -> Timer:
        """Call every ``interval`` seconds, on a grid that does not drift. Any thread.

        Beats that were missed while the loop was busy are skipped. Raises ValueError unless
        the interval is positive.
        """
        if interval <= 0:
            raise ValueError(f"interval {interval} is not positive")
        return self._schedule(Timer(callback, time.monotonic() + interval, interval))

    def cancel(self, timer: Timer) -> None:
        """The timer will not run any more; idempotent. Any thread.

        From another thread than the loop's the callback may be running at this moment.
        """
        self.run_in_loop(lambda: self._timers.cancel(timer))

    def _schedule(self, timer: Timer) -> Timer:
        check_callback(timer.callback, "a timer's callback")
        if math.isnan(timer.when):  # compares with nothing, and would jam the heap
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
        if not self._awake:  # a signal handler, which interrupted the poll
            self._wakeup.wake()
        return timer

    def _check_open(self) -> None:
        if self._closed:
            raise LoopError(f"a timer for {self!r}, which runs nothing any more")

    # ------------------------------------------------------------------ signals

    def add_signal_handler(self, signum: int, callback: Functor) -> None:
        """Call back in the loop whenever the process gets a signal. Loop thread: the main thread.

        It runs like any callback, between others, so everything is allowed in it. Replaces the
        handler of that signal until ``remove_signal_handler`` or ``close``, and the wake-up
        descriptor of the ``signal`` module. Neither child processes nor forked copies inherit
        anything of this. Signals of one kind that come together may be reported once.

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
        """Restore the handler that was there before; False if there was none of ours.

        Loop thread.
        """
        self.assert_in_loop_thread()
        return self._signals is not None and self._signals.remove(signum)

    # ------------------------------------------------------------------ threads and channels

    @property
    def is_in_loop_thread(self) -> bool:
        """Any thread."""
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
        """Change what a channel waits for; 0 unregisters it. Loop thread."""
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
        """In a forked child: the loop is the parent's. Its descriptors here are only copies."""
        self._pending_lock = threading.RLock()  # a thread that is not here may have held it
        self._closed = True
        self._looping = False
        self.thread_id = 0  # no thread's
        self._pending = []
        if self._signals is not None:
            self._signals.disown()
            self._signals = None
        self._slow_callbacks = None  # its thread is the parent's
        self._wakeup.close()
        self._poller.close()


def current_loop() -> EventLoop | None:
    """The event loop of the calling thread, if it has one."""
    reference = getattr(_current, "loop", None)
    return reference() if reference is not None else None


def escalate_to_main_thread(exc: BaseException) -> None:
    """Have the loop of the main thread raise ``exc``; log it if there is no such loop.

    Any thread.
    """
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
    """In the child, whose only thread is the one that forked."""
    for loop in list(_loops):
        loop._disown()
    _loops.clear()
    _current.loop = None
    _loops_lock.release()


os.register_at_fork(
    before=_loops_lock.acquire, after_in_parent=_loops_lock.release, after_in_child=_forked
)
