"""Timing wheels: find the items that have been idle for too long.

A wheel turns once in ``seconds``, in steps of ``seconds / buckets``. Each item is in the bucket of
the step at which it becomes idle if nothing happens. An activity only stores its time, and the item
stays in its bucket. When the bucket comes up, items that were active meanwhile move to a later
bucket, and the others are reported. So each item moves about once a turn, however busy it is.

Example, with 60 seconds and 10 buckets: a connection is added at 0:00 and sends at 0:50. Its bucket
comes up at 1:06. Its last activity is 16 seconds old, so it moves to the bucket of 1:54.

An item is reported when it has been idle for more than ``seconds``, and at most one step longer,
plus the delay of the loop. It is never reported earlier: the wheel compares times of the clock, and
a loop that was late reads the bytes that have arrived before it turns its wheels. The time of an
activity is the beginning of the pass in which it happened, as for all times in a loop.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from muduopy.checks import check_callback
from muduopy.errors import StateError
from muduopy.event_loop import EventLoop
from muduopy.timer_queue import log_error

BUCKETS = 10
"""Default number of steps in a turn: an idle time is at most 10 % longer than requested."""

T = TypeVar("T", bound=Hashable)


class _Entry(Generic[T]):
    __slots__ = ("active", "bucket", "item")

    def __init__(self, item: T, active: float) -> None:
        self.item = item
        self.active = active  # time of the last activity that the wheel was told
        self.bucket: dict[T, _Entry[T]] = {}  # the bucket that it is in


class Wheel(Generic[T]):
    """A timing wheel without a timer. Pure: the time is an argument.

    Thread contract: none; one owner. Times are seconds of one clock that never goes back.

    Attributes:
        start: the time at which one step begins. The others begin at multiples of ``step`` from it.
        step: the seconds from one call of ``turn`` to the next.
    """

    __slots__ = (
        "_buckets",
        "_contain",
        "_entries",
        "_last_active",
        "_on_idle",
        "_seconds",
        "start",
        "step",
    )

    def __init__(
        self,
        seconds: float,
        on_idle: Callable[[T], object],
        *,
        buckets: int = BUCKETS,
        last_active: Callable[[T], float] | None = None,
        contain: Callable[[BaseException, str], object] = log_error,
    ) -> None:
        """As TimingWheel. ``contain(exception, text)``: takes the exception of ``on_idle``.

        Raises ValueError.
        """
        if not 0 < seconds < math.inf:
            raise ValueError(f"seconds: {seconds} must be positive and finite")
        if buckets < 1:
            raise ValueError(f"buckets: {buckets} must be at least 1")
        self.start = 0.0
        self.step = seconds / buckets
        self._seconds = seconds
        self._on_idle = on_idle
        self._last_active = last_active
        self._contain = contain
        self._entries: dict[T, _Entry[T]] = {}
        self._buckets: dict[int, dict[T, _Entry[T]]] = {}  # by number of the step

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, item: T) -> bool:
        return item in self._entries

    def add(self, item: T, now: float) -> None:
        """Watch an item, which is active now. For a watched item the same as ``touch``."""
        entry = self._entries.get(item)
        if entry is not None:
            entry.active = now
            return
        self._entries[item] = entry = _Entry(item, now)
        self._put(entry, now)

    def touch(self, item: T, now: float) -> None:
        """The item is active now. No effect on an item that is not watched."""
        entry = self._entries.get(item)
        if entry is not None:
            entry.active = now

    def remove(self, item: T) -> None:
        """End the watch of an item. Idempotent."""
        entry = self._entries.pop(item, None)
        if entry is not None:
            entry.bucket.pop(item, None)

    def clear(self) -> None:
        """Forget all items."""
        self._entries.clear()
        self._buckets.clear()

    def turn(self, now: float) -> None:
        """Report the idle items, in no particular order, and end their watch.

        ``on_idle`` may change the wheel. An item that it removes or touches is not reported in
        this turn, even if it was due; an item that it adds is watched again. If it raises, the
        other items are still reported.
        """
        reached = self._step_at(now)
        due = [number for number in self._buckets if number <= reached]
        for number in sorted(due):
            for entry in list(self._buckets.pop(number, {}).values()):
                self._look_at(entry, reached)

    def _look_at(self, entry: _Entry[T], reached: int) -> None:
        item = entry.item
        if self._entries.get(item) is not entry:  # an earlier call of on_idle has removed it
            return
        active = entry.active
        if self._last_active is not None:
            try:
                active = max(active, self._last_active(item))
            except BaseException as exc:  # noqa: BLE001 - contained
                self._contain(exc, "last_active raised")
        if self._step_for(active) > reached:
            self._put(entry, active)
            return
        del self._entries[item]
        try:
            self._on_idle(item)
        except BaseException as exc:  # noqa: BLE001 - contained
            self._contain(exc, "idle callback raised")

    def _step_for(self, active: float) -> int:
        """The first step that begins after the item has become idle."""
        return self._step_at(active + self._seconds) + 1

    def _step_at(self, time: float) -> int:
        return math.floor((time - self.start) / self.step)

    def _put(self, entry: _Entry[T], active: float) -> None:
        entry.bucket = self._buckets.setdefault(self._step_for(active), {})
        entry.bucket[entry.item] = entry


class TimingWheel(Generic[T]):
    """Reports idle items, connections for instance. A timer of the loop turns it.

        wheel = TimingWheel(loop, 60, TcpConnection.force_close)
        wheel.add(connection)       # when it comes up
        wheel.touch(connection)     # when it sends something
        wheel.remove(connection)    # when it goes down

    Items may be any hashable objects. ``touch`` is not needed if ``last_active`` tells the time of
    an item's last activity. Constructor and all methods: loop thread. It owns its timer, not the
    items and not the loop.
    """

    __slots__ = ("_closed", "_loop", "_timer", "_wheel")

    def __init__(
        self,
        loop: EventLoop,
        seconds: float,
        on_idle: Callable[[T], object],
        *,
        buckets: int = BUCKETS,
        last_active: Callable[[T], float] | None = None,
    ) -> None:
        """Report items that are idle for ``seconds``, with an accuracy of seconds / buckets.

        ``on_idle(item)``: called once; the watch of the item has ended then.
        ``last_active(item)``: the time of its last activity, in seconds of ``time.monotonic``. It
        is called about once in ``seconds``, and the later of this time and the last ``touch``
        counts. Raises ValueError.
        """
        loop.assert_in_loop_thread()
        check_callback(on_idle, "on_idle")
        if last_active is not None:
            check_callback(last_active, "last_active")
        self._loop = loop
        self._wheel = Wheel(
            seconds, on_idle, buckets=buckets, last_active=last_active, contain=loop.contain
        )
        self._timer = loop.run_every(self._wheel.step, self._turn)
        self._wheel.start = self._timer.when  # else an item could wait for one more step
        self._closed = False

    def __len__(self) -> int:
        return len(self._wheel)

    def __contains__(self, item: T) -> bool:
        return item in self._wheel

    def add(self, item: T) -> None:
        """Watch an item, which is active now. For a watched item the same as ``touch``. O(1).

        Raises StateError after ``close``.
        """
        self._loop.assert_in_loop_thread()
        if self._closed:
            raise StateError("add() on a timing wheel that is closed")
        self._wheel.add(item, self._loop.poll_return_time)

    def touch(self, item: T) -> None:
        """The item is active now. No effect on an item that is not watched.

        O(1), and cheap enough for every message.
        """
        self._wheel.touch(item, self._loop.poll_return_time)

    def remove(self, item: T) -> None:
        """End the watch of an item. O(1), idempotent."""
        self._loop.assert_in_loop_thread()
        self._wheel.remove(item)

    def close(self) -> None:
        """Stop the timer, and forget all items without a report. Idempotent."""
        self._loop.assert_in_loop_thread()
        self._closed = True
        self._loop.cancel(self._timer)
        self._wheel.clear()

    def _turn(self) -> None:
        self._wheel.turn(self._loop.poll_return_time)
