"""TimerQueue, with times from the tests; and the timers of a loop."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Iterable
from functools import partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from muduopy import EventLoop, Timer
from muduopy.timer_queue import COMPACT_ABOVE, TimerQueue
from tests.muduopy.netkit import WAIT, ErrorLog, Passes, call_in


class Clock:
    """A queue whose timers have names, and the names of those that ran."""

    def __init__(self) -> None:
        self.queue = TimerQueue()
        self.fired: list[str] = []

    def add(
        self,
        name: str,
        when: float,
        interval: float = 0.0,
        then: Callable[[], object] | None = None,
    ) -> Timer:
        def callback() -> None:
            self.fired.append(name)
            if then is not None:
                then()

        timer = Timer(callback, when, interval)
        self.queue.add(timer)
        return timer

    def at(self, now: float) -> list[str]:
        """The names of the timers that run at this time."""
        self.fired.clear()
        self.queue.run_expired(now)
        return list(self.fired)


def cancel_all(clock: Clock, timers: Iterable[Timer]) -> None:
    for timer in timers:
        clock.queue.cancel(timer)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_order_is_by_time_then_by_scheduling(clock: Clock) -> None:
    for name, when in [("c", 3), ("a", 1), ("b1", 2), ("b2", 2), ("b3", 2), ("d", 4)]:
        clock.add(name, when)
    assert clock.at(0.5) == []
    assert clock.at(3) == ["a", "b1", "b2", "b3", "c"]
    assert clock.at(3) == []
    assert clock.at(100) == ["d"]
    assert len(clock.queue) == 0


def test_how_long_a_poll_may_sleep(clock: Clock) -> None:
    assert clock.queue.seconds_until_next(100, 10) == 10
    clock.add("far", 105)
    assert clock.queue.seconds_until_next(100, 10) == 5
    assert clock.queue.seconds_until_next(90, 10) == 10
    assert clock.queue.seconds_until_next(200, 10) == 0
    clock.add("near", 101)
    assert clock.queue.seconds_until_next(100, 10) == 1


def test_cancel_before_it_is_due_is_idempotent(clock: Clock) -> None:
    timer = clock.add("a", 1)
    clock.add("b", 1)
    assert "waiting" in repr(timer)
    clock.queue.cancel(timer)
    clock.queue.cancel(timer)
    assert "cancelled" in repr(timer)
    assert len(clock.queue) == 1
    assert clock.at(2) == ["b"]


def test_cancel_of_one_that_has_run_is_harmless(clock: Clock) -> None:
    timer = clock.add("a", 1)
    clock.add("b", 5)
    assert clock.at(1) == ["a"]
    clock.queue.cancel(timer)
    assert len(clock.queue) == 1
    assert clock.at(5) == ["b"]
    assert len(clock.queue) == 0


def test_cancel_before_add_arrives(clock: Clock) -> None:
    timer = Timer(lambda: clock.fired.append("a"), 1, 0)
    clock.queue.cancel(timer)
    clock.queue.add(timer)
    assert clock.at(2) == []
    assert len(clock.queue) == 0


def test_cancel_inside_the_same_expired_batch(clock: Clock) -> None:
    victims: list[Timer] = []
    clock.add("killer", 1, then=partial(cancel_all, clock, victims))
    victims.append(clock.add("single", 2))
    victims.append(clock.add("repeating", 2, interval=1))
    clock.add("bystander", 3)
    assert clock.at(3) == ["killer", "bystander"]
    assert clock.at(100) == []
    assert len(clock.queue) == 0


def test_cancel_of_the_own_repeating_timer(clock: Clock) -> None:
    timers: list[Timer] = []
    timers.append(clock.add("a", 1, interval=1, then=lambda: clock.queue.cancel(timers[0])))
    assert clock.at(1) == ["a"]
    assert clock.at(10) == []
    assert len(clock.queue) == 0


def test_repeats_do_not_drift(clock: Clock) -> None:
    timer = clock.add("tick", 10, interval=10)
    for beat in range(1, 1000):
        # Each call is up to 9.9 of 10 seconds late. The next one is due on the grid.
        late = beat * 10 + (beat * 37 % 100) / 10.1
        assert clock.at(beat * 10 - 0.001) == []
        assert clock.at(late) == ["tick"]
        assert timer.when == (beat + 1) * 10


def test_missed_beats_are_skipped(clock: Clock) -> None:
    clock.add("tick", 10, interval=10)
    assert clock.at(57) == ["tick"]
    assert clock.at(59.9) == []
    assert clock.at(60) == ["tick"]


def test_new_timers_wait_for_the_next_pass(clock: Clock) -> None:
    clock.add("a", 1, then=lambda: clock.add("new", 0))
    assert clock.at(5) == ["a"]
    assert clock.queue.seconds_until_next(5, 10) == 0
    assert clock.at(5) == ["new"]


def test_a_timer_that_always_schedules_for_the_past_starves_no_other(clock: Clock) -> None:
    def again() -> None:
        clock.add("greedy", 0, then=again)

    clock.add("greedy", 0, then=again)
    clock.add("patient", 3)
    assert clock.at(5) == ["greedy", "patient"]
    assert clock.at(5) == ["greedy"]


def test_a_callback_that_raises_is_logged(clock: Clock, errors: ErrorLog) -> None:
    def fail() -> None:
        raise RuntimeError("timer")

    clock.add("bad", 1, interval=1, then=fail)
    clock.add("good", 1)
    assert clock.at(1) == ["bad", "good"]
    assert clock.at(2) == ["bad"]  # it still repeats
    assert errors.exceptions == ["timer", "timer"]


def test_cancelled_timers_do_not_pile_up(clock: Clock) -> None:
    clock.add("last", 1e6)
    for number in range(100 * COMPACT_ABOVE):
        clock.queue.cancel(clock.add("idle", 1000 + number))
        assert len(clock.queue) == 1
        assert len(clock.queue._heap) <= 2 * COMPACT_ABOVE
    assert clock.at(1e6) == ["last"]


def test_compaction_inside_a_callback(clock: Clock) -> None:
    idle = [clock.add("idle", 1 + number / 1000) for number in range(4 * COMPACT_ABOVE)]
    clock.add("clean", 0.5, then=partial(cancel_all, clock, idle[1:]))
    assert clock.at(100) == ["clean", "idle"]
    assert len(clock.queue) == 0


@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("add"), st.integers(0, 50)),
            st.tuples(st.just("cancel"), st.integers(0, 200)),
            st.tuples(st.just("run"), st.integers(0, 8)),
        ),
        max_size=300,
    )
)
@settings(deadline=None, database=None)
def test_against_a_sorted_list(steps: list[tuple[str, int]]) -> None:
    clock = Clock()
    now = 0
    timers: list[Timer] = []
    model: dict[int, float] = {}  # number: due; in order of scheduling
    for step, value in steps:
        if step == "add":
            model[len(timers)] = now + value
            timers.append(clock.add(str(len(timers)), now + value))
        elif step == "cancel" and timers:
            clock.queue.cancel(timers[value % len(timers)])
            model.pop(value % len(timers), None)
        elif step == "run":
            now += value
            due = sorted((when, number) for number, when in model.items() if when <= now)
            assert clock.at(now) == [str(number) for _, number in due]
            for _, number in due:
                del model[number]
        assert len(clock.queue) == len(model)


# ---------------------------------------------------------------------- as a loop offers them


def test_a_timer_is_never_early(passes: Passes) -> None:
    fired: list[float] = []
    timers = [
        passes.loop.run_after(delay / 1000, lambda: fired.append(passes.loop.poll_return_time))
        for delay in range(0, 30, 3)
    ]
    passes.until(lambda: len(fired) == len(timers), "the timers")
    for timer, when in zip(timers, fired, strict=True):
        assert when >= timer.when


def test_run_at_is_a_time_of_the_monotonic_clock(passes: Passes) -> None:
    fired: list[str] = []
    passes.loop.run_at(passes.loop.poll_return_time - 1, lambda: fired.append("past"))
    passes.loop.run_at(passes.loop.poll_return_time + 3600, lambda: fired.append("future"))
    passes.one()
    assert fired == ["past"]


def test_run_every_until_cancelled_in_its_callback(passes: Passes) -> None:
    beats: list[int] = []

    def beat() -> None:
        beats.append(passes.loop.iterations)
        if len(beats) == 3:
            passes.loop.cancel(timer)

    timer = passes.loop.run_every(0.001, beat)
    done: list[bool] = []
    passes.until(lambda: len(beats) == 3, "three beats")
    passes.loop.run_after(0.02, lambda: done.append(True))
    passes.until(lambda: done, "20 beats' time")
    assert len(beats) == 3
    assert len(set(beats)) == 3  # never twice in one pass


@pytest.mark.parametrize("interval", [0, -1, math.nan])
def test_an_interval_must_be_positive(loop: EventLoop, interval: float) -> None:
    with pytest.raises(ValueError):
        loop.run_every(interval, lambda: None)


def test_nan_is_no_time(loop: EventLoop) -> None:
    with pytest.raises(ValueError, match="NaN"):
        loop.run_at(math.nan, lambda: None)
    with pytest.raises(ValueError, match="NaN"):
        loop.run_after(math.nan, lambda: None)


def test_a_timer_from_another_thread_wakes_the_loop(
    other_loop: EventLoop, no_safety_net: None
) -> None:
    fired = threading.Event()
    call_in(other_loop, lambda: None)
    other_loop.run_after(0.001, fired.set)
    assert fired.wait(WAIT)


def test_cancel_from_another_thread(other_loop: EventLoop) -> None:
    fired: list[str] = []
    timer = other_loop.run_after(3600, lambda: fired.append("cancelled"))
    other_loop.cancel(timer)
    assert call_in(other_loop, lambda: len(other_loop._timers)) == 0
    assert fired == []


def test_the_callback_runs_in_the_loop_thread(other_loop: EventLoop) -> None:
    ran_in: list[int] = []
    done = threading.Event()

    def record() -> None:
        ran_in.append(threading.get_ident())
        done.set()

    other_loop.run_after(0, record)
    assert done.wait(WAIT)
    assert ran_in == [other_loop.thread_id]
