"""Timers: a heap on the monotonic clock. Pure: the time is an argument."""

from __future__ import annotations

import heapq
import itertools
import logging
from collections.abc import Callable

log = logging.getLogger(__name__)

COMPACT_ABOVE = 64
"""Cancelled timers stay in the heap until they are more than this, and more than half of it."""


class Timer:
    """A scheduled call, as returned by ``run_at``, ``run_after`` and ``run_every``.

    Attributes:
        when: the next due time, seconds of the monotonic clock.
        interval: seconds between repeats; 0 for a single shot.
    """

    __slots__ = ("callback", "cancelled", "interval", "queued", "when")

    def __init__(self, callback: Callable[[], object], when: float, interval: float) -> None:
        self.callback = callback
        self.when = when
        self.interval = interval
        self.cancelled = False
        self.queued = False  # in the heap; False from the moment that it is due

    def __repr__(self) -> str:
        state = "cancelled" if self.cancelled else "waiting" if self.queued else "not queued"
        return f"<Timer when={self.when:.6f} interval={self.interval} {state}>"


def log_error(exc: BaseException, text: str) -> None:
    """Log an exception of a callback. The default."""
    log.error(text, exc_info=exc)


class TimerQueue:
    """The timers of one loop, in the order of due time, then of scheduling.

    Loop thread. EventLoop's methods bring calls of other threads here.
    """

    __slots__ = ("_cancelled", "_compacting", "_contain", "_heap", "_late", "_sequence")

    def __init__(self, contain: Callable[[BaseException, str], object] = log_error) -> None:
        """``contain(exception, text)``: takes the exception of a callback."""
        self._contain = contain
        self._heap: list[tuple[float, int, Timer]] = []
        self._sequence = itertools.count()
        self._cancelled = 0  # how many entries of the heap are cancelled
        self._compacting = False
        self._late: list[Timer] = []  # set by a signal handler while the heap is rebuilt

    def __len__(self) -> int:
        return len(self._heap) - self._cancelled

    def add(self, timer: Timer) -> None:
        if self._compacting:
            self._late.append(timer)
        elif not timer.cancelled:
            timer.queued = True
            heapq.heappush(self._heap, (timer.when, next(self._sequence), timer))

    def cancel(self, timer: Timer) -> None:
        """Idempotent; no effect on a timer that has run.

        A callback may cancel its own timer, and another one that is due in the same pass.
        """
        if timer.cancelled:
            return
        timer.cancelled = True
        timer.callback = _nothing  # free its memory: the entry stays in the heap until it is due
        if not timer.queued:
            return
        self._cancelled += 1
        if self._cancelled > COMPACT_ABOVE and self._cancelled * 2 > len(self._heap):
            self._compact()

    def _compact(self) -> None:
        """Drop the cancelled entries. Timers that a signal handler adds meanwhile are kept."""
        if self._compacting:
            return
        self._compacting = True
        self._heap = [entry for entry in self._heap if not entry[2].cancelled]
        heapq.heapify(self._heap)
        self._cancelled = 0
        self._compacting = False
        while self._late:
            self.add(self._late.pop())

    def seconds_until_next(self, now: float, at_most: float) -> float:
        """Seconds that a poll may sleep: from 0 to ``at_most``."""
        if not self._heap:
            return at_most
        return max(0.0, min(at_most, self._heap[0][0] - now))

    def run_expired(self, now: float) -> None:
        """Run the timers that are due at ``now``. New timers wait for the next pass."""
        if not self._heap or self._heap[0][0] > now:
            return
        # All due timers are taken out before one runs. Else a callback that schedules itself for a
        # time in the past, again and again, would keep this loop busy for ever.
        due: list[Timer] = []
        while self._heap and self._heap[0][0] <= now:
            timer = heapq.heappop(self._heap)[2]
            timer.queued = False
            if timer.cancelled:
                self._cancelled -= 1
            else:
                due.append(timer)
        timers = iter(due)
        try:
            for timer in timers:
                if not timer.cancelled:  # an earlier callback may have cancelled it
                    self._run(timer, now)
        except BaseException:  # KeyboardInterrupt between two timers
            for timer in timers:
                self.add(timer)
            raise

    def _run(self, timer: Timer, now: float) -> None:
        try:
            timer.callback()
        except BaseException as exc:  # noqa: BLE001 - contained
            self._contain(exc, "timer callback raised")
        if timer.interval > 0 and not timer.cancelled:
            # On the original grid, so that repeats do not drift. Missed calls are skipped.
            steps = int((now - timer.when) / timer.interval) + 1
            timer.when += steps * timer.interval
            self.add(timer)


def _nothing() -> None:
    pass
