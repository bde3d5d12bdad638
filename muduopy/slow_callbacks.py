"""SlowCallbackWatch: warns of callbacks that take too long. It runs in a thread of its own.

The thread takes samples of the loops' stacks. A loop itself measures nothing, so its callbacks cost
no more. The thread reads a stack only if the loop is in the same pass as at the last sample. If two
samples show the same frame, that call has not returned in between. Many short callbacks in one long
pass have different frames, and cause no warning.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
import traceback
import weakref
from types import FrameType

from muduopy.loop_thread import LoopThread

log = logging.getLogger(__name__)

SAMPLES = 4
"""Number of samples in the time that a callback may take."""

_CALLBACKS_BEGIN = frozenset({"_one_pass", "_run_what_is_left"})
_BETWEEN_CALLBACKS = frozenset({"poll", "_one_pass"})  # asleep, or waiting for its turn
_PACKAGE = os.path.dirname(os.path.abspath(__file__)) + os.sep


def running_callback(loop: LoopThread) -> FrameType | None:
    """The frame of the callback that a loop is in; None between callbacks. Any thread.

    A callback in C has no frame. Then the result is the frame of its caller in this package.
    """
    stack: list[FrameType] = []
    frame = sys._current_frames().get(loop.thread_id)
    while frame is not None:
        stack.append(frame)
        frame = frame.f_back
    inside = False
    last: FrameType | None = None
    for frame in reversed(stack):
        ours = frame.f_code.co_filename.startswith(_PACKAGE)
        if inside and not ours:
            return frame
        inside = inside or (ours and frame.f_code.co_name in _CALLBACKS_BEGIN)
        last = frame
    if not inside or last is None or last.f_code.co_name in _BETWEEN_CALLBACKS:
        return None
    return last


def describe(loop: LoopThread, frame: FrameType | None) -> str:
    """Text for the log: a loop's thread and callback. Any thread."""
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    thread = f"thread {names.get(loop.thread_id, loop.thread_id)}"
    if frame is None:
        return f"{thread} (in no callback)"
    code = frame.f_code
    where = f"{os.path.basename(code.co_filename)}:{frame.f_lineno}"
    return f"{code.co_qualname} ({where}) in {thread}"


def stack_of(thread_id: int) -> str:
    """A thread's stack as text, empty if it has ended. Any thread."""
    frame = sys._current_frames().get(thread_id)
    return "" if frame is None else "".join(traceback.format_stack(frame)).rstrip()


def report_left_behind(loop: LoopThread, seconds: float) -> None:
    """Log that a loop does not end, with the callback that it is in. Any thread."""
    log.error(
        "not stopped after %.1f s: %s; it is left behind\n%s",
        seconds,
        describe(loop, running_callback(loop)),
        stack_of(loop.thread_id),
    )


class _Watched:
    """The last sample of one loop."""

    __slots__ = ("frame", "iterations", "loop", "since", "warned")

    def __init__(self, loop: LoopThread) -> None:
        self.loop = weakref.ref(loop)
        self.iterations = -1
        self.frame: FrameType | None = None
        self.since = 0.0
        self.warned = False


class SlowCallbackWatch:
    """Warns once of each callback that takes longer than ``seconds``.

    It owns its thread, not the loops. All methods: any thread; ``close`` not in its own thread.
    """

    def __init__(self, seconds: float) -> None:
        """Raises ValueError unless the time is positive."""
        if not 0 < seconds < threading.TIMEOUT_MAX:
            raise ValueError(f"seconds: {seconds} must be positive")
        self.seconds = seconds
        self._lock = threading.Lock()  # guards _watched
        self._watched: list[_Watched] = []
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="slow-callbacks", daemon=True)

    def start(self) -> None:
        """Start the thread that takes samples. Once only."""
        self._thread.start()

    def add(self, loop: LoopThread) -> None:
        """Watch a loop for as long as it lives."""
        with self._lock:
            self._watched.append(_Watched(loop))

    def close(self) -> None:
        """End the thread. Idempotent. ``start`` must have been called."""
        self._end.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._end.wait(self.seconds / SAMPLES):
            with self._lock:
                self._watched = [one for one in self._watched if one.loop() is not None]
                watched = list(self._watched)
            for one in watched:
                loop = one.loop()
                if loop is not None:
                    self._look_at(one, loop)

    def _look_at(self, one: _Watched, loop: LoopThread) -> None:
        iterations = loop.iterations
        if iterations != one.iterations or not loop.in_callbacks:
            one.iterations, one.frame, one.warned = iterations, None, False
            return
        frame = running_callback(loop)
        now = time.monotonic()
        if frame is not one.frame:
            one.frame, one.since, one.warned = frame, now, False
        elif frame is not None and not one.warned and now - one.since >= self.seconds:
            one.warned = True
            log.warning(
                "a callback takes longer than %g s: %s\n%s",
                self.seconds,
                describe(loop, frame),
                stack_of(loop.thread_id),
            )
