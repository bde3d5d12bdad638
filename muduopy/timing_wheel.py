"""Timing wheels: who has been idle for too long?

A wheel turns once in ``seconds``, in steps of ``seconds / buckets``. An item lies in the bucket of
the step at which it will have been idle for too long if nothing happens. When something happens
only the time is noted: the item stays where it lies until its bucket comes up, and is then found
too young and put into the bucket where it belongs. So each item is moved about once a turn,
however busy it is.

An item is reported when it has been idle for more than ``seconds``, and at most one step longer;
later only if the loop is late, by as much as that. Never earlier: times are those of the clock
and not counts of steps, and a loop that was held up reads what has arrived before it turns its
wheels. As all times in a loop, that of an activity is when the pass began in which it happened.
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
"""Default number of steps in a turn: an idle time is 10 % longer than asked for, at the most."""

T = TypeVar("T", bound=Hashable)


class _Entry(Generic[T]):
    __slots__ = ("active", "bucket", "item")

    def __init__(self, item: T, active: float) -> None:
        self.item = item
        self.active = active  # when it was last, as far as the wheel was told
        self.bucket: dict[T, _Entry[T]] = {}  # where it lies


class Wheel(Generic[T]):
    """The wheel without a motor. Pure: the clock's reading comes as an argument.

    Thread contract: none; one owner. Times are seconds of one clock that never goes back.

    Attributes:
        start: the steps begin here and at each ``step`` before and after; turn it then.
        step: seconds.
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
        """As TimingWheel. ``contain(exception, text)``: takes what ``on_idle`` raised.

        Raises ValueError.
        """
        if not 0 < seconds < math.inf:
            raise ValueError(f"{seconds} seconds are no time to be idle")
        if buckets < 1:
            raise ValueError(f"a wheel of {buckets} buckets")
        self.start = 0.0
        self.step = seconds / buckets
        self._seconds = seconds
        self._on_idle = on_idle
        self._last_active = last_active
        self._contain = contain
        self._entries: dict[T, _Entry[T]] = {}
        self._buckets: dict[int, dict[T, _Entry[T]]] = {}  # by the number of the step

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, item: T) -> bool:
        return item in self._entries

    def add(self, item: T, now: float) -> None:
        """Watch an item, which is active now. If it is watched already: the same as touch."""
        entry = self._entries.get(item)
        if entry is not None:
            entry.active = now
            return
        self._entries[item] = entry = _Entry(item, now)
        self._put(entry, now)

    def touch(self, item: T, now: float) -> None:
        """The item is active now. No effect on one that is not watched (any more)."""
        entry = self._entries.get(item)
        if entry is not None:
            entry.active = now

    def remove(self, item: T) -> None:
        """Do not watch the item any more. Idempotent."""
        entry = self._entries.pop(item, None)
        if entry is not None:
            entry.bucket.pop(item, None)

    def clear(self) -> None:
        """Forget all items."""
        self._entries.clear()
        self._buckets.clear()

    def turn(self, now: float) -> None:
        """Report what has become idle, in no particular order; those are not watched any more.

        ``on_idle`` may do anything to the wheel. What it removes or touches is not reported in
        this turn, though it was due; what it adds is watched anew. If it raises, the other
        items are still reported.
        """
        reached = self._step_at(now)
        due = [number for number in self._buckets if number <= reached]
        for number in sorted(due):
            for entry in list(self._buckets.pop(number, {}).values()):
                self._look_at(entry, reached)

    def _look_at(self, entry: _Entry[T], reached: int) -> None:
        item = entry.item
        if self._entries.get(item) is not entry:  # removed by on_idle for one before it
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
        """The first step that begins later than the item's time has run out."""
        return self._step_at(active + self._seconds) + 1

    def _step_at(self, time: float) -> int:
        return math.floor((time - self.start) / self.step)

    def _put(self, entry: _Entry[T], active: float) -> None:
        entry.bucket = self._buckets.setdefault(self._step_for(active), {})
        entry.bucket[entry.item] = entry


class TimingWheel(Generic[T]):
    """A wheel turned by a loop: reports items, connections for instance, that are idle.

        wheel = TimingWheel(loop, 60, TcpConnection.force_close)
        wheel.add(connection)       # when it comes up
        wheel.touch(connection)     # when it sends something
        wheel.remove(connection)    # when it goes down

    Items may be anything hashable. ``touch`` can be left out altogether if the items know
    themselves when they were last active: see ``last_active``. Constructor and all methods:
    loop thread. It owns its timer, not the items and not the loop.
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
        """Watch for items that are idle for ``seconds``, to an accuracy of seconds / buckets.

        ``on_idle(item)``: called once, and the item is not watched any more; add it again if
        it should be. ``last_active(item)``: when it last was, in seconds of
        ``time.monotonic``; asked about once in ``seconds``; whichever of this and ``touch``
        is later counts. Raises ValueError.
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
        self._wheel.start = self._timer.when  # else an item would wait for up to a step more
        self._closed = False

    def __len__(self) -> int:
        return len(self._wheel)

    def __contains__(self, item: T) -> bool:
        return item in self._wheel

    def add(self, item: T) -> None:
        """Watch an item, which is active now; again: the same as touch. O(1).

        Raises StateError after ``close``.
        """
        self._loop.assert_in_loop_thread()
        if self._closed:
            raise StateError("add() on a timing wheel that is closed")
        self._wheel.add(item, self._loop.poll_return_time)

    def touch(self, item: T) -> None:
        """The item is active now. O(1), for every message.

        No effect on an item that is not watched (any more).
        """
        self._wheel.touch(item, self._loop.poll_return_time)

    def remove(self, item: T) -> None:
        """Do not watch the item any more. O(1), idempotent."""
        self._loop.assert_in_loop_thread()
        self._wheel.remove(item)

    def close(self) -> None:
        """Stop, and forget all items without reporting them. Idempotent."""
        self._loop.assert_in_loop_thread()
        self._closed = True
        self._loop.cancel(self._timer)
        self._wheel.clear()

    def _turn(self) -> None:
        self._wheel.turn(self._loop.poll_return_time)
