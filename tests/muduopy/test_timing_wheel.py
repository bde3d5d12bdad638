"""Wheel, with times from the tests; and TimingWheel in a loop with a fake clock."""

from __future__ import annotations

import contextlib
import math
import random
from collections.abc import Iterator
from operator import attrgetter

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from muduopy import Buffer, EventLoop, StateError, TcpConnection, WrongThreadError
from muduopy.timing_wheel import TimingWheel, Wheel
from tests.muduopy.netkit import ErrorLog, Link, Passes
from tests.tiers import examples

SECONDS, BUCKETS = 8.0, 4
STEP = SECONDS / BUCKETS

# Quarters of a second: exact as floats, so that the model has no rounding errors.
PERIODS = st.integers(0, 80).map(lambda quarters: quarters / 4)
ITEMS = st.integers(0, 5)


class Wheeled:
    """A wheel, and the entries that it reported."""

    def __init__(self, start: float = 0.0) -> None:
        self.idle: list[str] = []
        self.wheel: Wheel[str] = Wheel(SECONDS, self.idle.append, buckets=BUCKETS)
        self.wheel.start = start

    def turn(self, now: float) -> list[str]:
        self.idle.clear()
        self.wheel.turn(now)
        return list(self.idle)


@pytest.fixture
def wheeled() -> Wheeled:
    return Wheeled()


# ---------------------------------------------------------------------- the wheel


def test_an_item_goes_idle_once(wheeled: Wheeled) -> None:
    wheeled.wheel.add("a", 0.5)
    assert "a" in wheeled.wheel
    assert wheeled.turn(8.0) == []
    assert wheeled.turn(9.75) == []
    assert wheeled.turn(10.0) == ["a"]
    assert "a" not in wheeled.wheel
    assert len(wheeled.wheel) == 0
    assert wheeled.turn(1000.0) == []


def test_touching_puts_it_off(wheeled: Wheeled) -> None:
    wheeled.wheel.add("a", 0.0)
    wheeled.wheel.add("b", 0.0)
    for now in range(1, 100):
        wheeled.wheel.touch("a", now)
        assert wheeled.turn(now) == (["b"] if now == 10 else [])
    assert wheeled.turn(107.0) == []
    assert wheeled.turn(108.0) == ["a"]


def test_adding_again_is_touching(wheeled: Wheeled) -> None:
    wheeled.wheel.add("a", 0.0)
    wheeled.wheel.add("a", 6.0)
    assert len(wheeled.wheel) == 1
    assert wheeled.turn(14.0) == []
    assert wheeled.turn(16.0) == ["a"]


def test_items_that_are_not_watched_are_left_alone(wheeled: Wheeled) -> None:
    wheeled.wheel.touch("a", 0.0)
    wheeled.wheel.remove("a")
    assert "a" not in wheeled.wheel
    wheeled.wheel.add("a", 0.0)
    wheeled.wheel.remove("a")
    wheeled.wheel.remove("a")
    wheeled.wheel.touch("a", 1.0)
    assert "a" not in wheeled.wheel
    assert wheeled.turn(1000.0) == []


def test_removing_leaves_nothing_behind(wheeled: Wheeled) -> None:
    for now in range(1000):
        wheeled.wheel.add("a", now / 1000)
        wheeled.wheel.remove("a")
    assert not wheeled.wheel._entries
    assert not any(wheeled.wheel._buckets.values())


def test_missed_steps_are_caught_up(wheeled: Wheeled) -> None:
    for number, name in enumerate("abcde"):
        wheeled.wheel.add(name, number * STEP)
    wheeled.wheel.touch("b", 996.0)
    assert wheeled.turn(1000.0) == ["a", "c", "d", "e"]
    assert wheeled.turn(1005.0) == []
    assert wheeled.turn(1006.0) == ["b"]


def test_steps_begin_where_they_should() -> None:
    wheeled = Wheeled(start=101.5)
    wheeled.wheel.add("a", 100.0)  # before the start, too
    wheeled.wheel.add("b", 102.0)
    assert wheeled.turn(109.25) == []
    assert wheeled.turn(109.5) == ["a"]
    assert wheeled.turn(111.25) == []
    assert wheeled.turn(111.5) == ["b"]


def test_items_may_know_themselves() -> None:
    class Item:
        active = 0.0

    idle: list[Item] = []
    wheel: Wheel[Item] = Wheel(
        SECONDS, idle.append, buckets=BUCKETS, last_active=attrgetter("active")
    )
    item = Item()
    wheel.add(item, 1.0)
    item.active = 7.0
    wheel.turn(10.0)
    wheel.touch(item, 11.0)  # the later of the two counts
    wheel.turn(16.0)
    wheel.turn(18.0)
    assert not idle
    wheel.turn(20.0)
    assert idle == [item]


def test_the_idle_callback_may_do_anything() -> None:
    done: list[str] = []

    def on_idle(item: str) -> None:
        done.append(item)
        if item == "removes":
            wheel.remove("removed")
        elif item == "touches":
            wheel.touch("touched", 100.0)
        elif item == "again" and done.count("again") == 1:
            wheel.add("again", 100.0)
        elif item == "renews":
            wheel.remove("renewed")
            wheel.add("renewed", 100.0)

    wheel: Wheel[str] = Wheel(SECONDS, on_idle, buckets=BUCKETS)
    for item in ("removes", "touches", "again", "renews", "removed", "touched", "renewed"):
        wheel.add(item, 0.0)
    wheel.turn(100.0)
    assert done == ["removes", "touches", "again", "renews"]
    wheel.turn(200.0)
    assert sorted(done[4:]) == ["again", "renewed", "touched"]
    assert len(wheel) == 0


def test_the_idle_callback_may_clear_the_wheel() -> None:
    wheel: Wheel[int] = Wheel(SECONDS, lambda item: wheel.clear(), buckets=BUCKETS)
    for item in range(20):
        wheel.add(item, float(item))
    wheel.turn(100.0)
    assert len(wheel) == 0


def test_a_callback_that_raises_harms_no_other(wheeled: Wheeled, errors: ErrorLog) -> None:
    def on_idle(item: str) -> None:
        wheeled.idle.append(item)
        raise RuntimeError(f"no {item}")

    wheel: Wheel[str] = Wheel(SECONDS, on_idle)
    wheel.add("a", 0.0)
    wheel.add("b", 0.0)
    wheel.turn(100.0)
    assert sorted(wheeled.idle) == ["a", "b"]
    assert sorted(errors.exceptions) == ["no a", "no b"]
    assert len(wheel) == 0


@pytest.mark.parametrize("seconds", [0, -1, math.inf, math.nan])
def test_times_that_are_none(seconds: float) -> None:
    with pytest.raises(ValueError, match="must be positive"):
        Wheel(seconds, print)


@pytest.mark.parametrize("buckets", [0, -1])
def test_no_buckets(buckets: int) -> None:
    with pytest.raises(ValueError, match="buckets"):
        Wheel(1.0, print, buckets=buckets)


@pytest.mark.parametrize("seconds", [0.1, 0.3, 7.0, 60.0, 1 / 3, 1e6])
@pytest.mark.parametrize("buckets", [1, 3, 10])
def test_the_accuracy_holds_despite_rounding(seconds: float, buckets: int) -> None:
    rng = random.Random(f"{seconds} {buckets}")
    active: dict[int, float] = {}
    wheel: Wheel[int] = Wheel(seconds, active.__delitem__, buckets=buckets)
    wheel.start = now = 86_400.0 + rng.random()
    slack = 1e-9 * now
    for item in range(500):
        now += rng.random() * wheel.step
        wheel.turn(now)
        assert all(now - when < seconds + wheel.step + slack for when in active.values())
        young = {item for item, when in active.items() if now - when < seconds - slack}
        assert young <= active.keys()
        active[item] = now
        wheel.add(item, now)
        for old in rng.sample(sorted(active), min(3, len(active))):
            active[old] = now
            wheel.touch(old, now)


class WheelMachine(RuleBasedStateMachine):
    """A wheel beside the times when each item was last active."""

    @initialize(start=PERIODS)
    def begin(self, start: float) -> None:
        self.now = start
        self.active: dict[int, float] = {}
        self.reported: list[int] = []
        self.wheel: Wheel[int] = Wheel(SECONDS, self.reported.append, buckets=BUCKETS)
        self.wheel.start = start

    @rule(item=ITEMS)
    def add(self, item: int) -> None:
        self.active[item] = self.now
        self.wheel.add(item, self.now)

    @rule(item=ITEMS)
    def touch(self, item: int) -> None:
        if item in self.active:
            self.active[item] = self.now
        self.wheel.touch(item, self.now)

    @precondition(lambda self: self.active)
    @rule(data=st.data())
    def touch_one_that_is_there(self, data: st.DataObject) -> None:
        self.touch(data.draw(st.sampled_from(sorted(self.active))))

    @rule(item=ITEMS)
    def remove(self, item: int) -> None:
        self.active.pop(item, None)
        self.wheel.remove(item)

    @rule(period=PERIODS)
    def wait(self, period: float) -> None:
        self.now += period

    @rule(period=PERIODS)
    def turn(self, period: float) -> None:
        self.now += period
        self.reported.clear()
        self.wheel.turn(self.now)
        assert len(set(self.reported)) == len(self.reported)
        for item in self.reported:
            assert self.now - self.active.pop(item) > SECONDS
        for when in self.active.values():
            assert self.now - when < SECONDS + STEP

    @rule()
    def clear(self) -> None:
        self.active.clear()
        self.wheel.clear()

    @invariant()
    def all_is_there(self) -> None:
        assert len(self.wheel) == len(self.active)
        assert all(item in self.wheel for item in self.active)
        lying = [item for bucket in self.wheel._buckets.values() for item in bucket]
        assert sorted(lying) == sorted(self.active)

    def teardown(self) -> None:
        if hasattr(self, "wheel"):
            self.turn(SECONDS + STEP)
            assert not self.active


WheelMachine.TestCase.settings = settings(max_examples=examples(200), deadline=None, database=None)
TestWheel = WheelMachine.TestCase


# ---------------------------------------------------------------------- in a loop


class FakeTime:
    """Replaces the module ``time`` for the event loop."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


class Turning:
    """A TimingWheel in the test's loop, with a clock that only the test moves."""

    def __init__(self, passes: Passes, clock: FakeTime) -> None:
        self.passes = passes
        self.clock = clock
        self.idle: list[object] = []
        self.wheel: TimingWheel[object] = TimingWheel(
            passes.loop, SECONDS, self.idle.append, buckets=BUCKETS
        )

    def wait(self, seconds: float) -> list[object]:
        """Run one pass, so much later. Returns the reported entries."""
        self.idle.clear()
        self.clock.now += seconds
        self.passes.one()
        return list(self.idle)


@pytest.fixture
def turning(loop: EventLoop, monkeypatch: pytest.MonkeyPatch) -> Iterator[Turning]:
    clock = FakeTime()
    monkeypatch.setattr("muduopy.event_loop.time", clock)
    passes = Passes(loop)
    passes.one()
    clock.now += 0.75  # time passes between the beginning of the pass and the constructor
    turning = Turning(passes, clock)
    yield turning
    turning.wheel.close()


def test_the_loop_turns_it(turning: Turning) -> None:
    """Items of all ages within a step: each is reported within the documented accuracy."""
    for quarters in range(int(4 * STEP)):
        assert turning.wait(0.25) == []
        turning.wheel.add(quarters)
    idle_for = []
    for quarters in range(int(4 * (SECONDS + STEP))):
        now = int(4 * STEP) + quarters
        idle_for += [(now - item) / 4 for item in turning.wait(0.25) if isinstance(item, int)]
    assert len(idle_for) == 4 * STEP
    assert min(idle_for) == SECONDS + 0.25
    assert max(idle_for) == SECONDS + STEP


def test_touching_in_a_loop(turning: Turning) -> None:
    turning.wheel.add("a")
    for _ in range(20):
        assert turning.wait(SECONDS / 2) == []
        turning.wheel.touch("a")
    assert "a" in turning.wheel
    assert turning.wait(SECONDS + STEP) == ["a"]


def test_removed_items_are_not_reported(turning: Turning) -> None:
    turning.wheel.add("a")
    turning.wheel.remove("a")
    assert turning.wait(1000.0) == []


def test_a_busy_loop_catches_up(turning: Turning) -> None:
    turning.wheel.add("a")
    assert turning.wait(1000.0) == ["a"]
    turning.wheel.add("b")
    assert turning.wait(SECONDS) == []
    assert turning.wait(STEP) == ["b"]


def test_a_busy_loop_does_not_blame_others(turning: Turning, link: Link) -> None:
    def message(conn: TcpConnection, buffer: Buffer, when: float) -> None:
        turning.wheel.touch(conn)
        link.seen.append(buffer.retrieve_all())

    link.conn.set_message_callback(message)
    link.up()
    turning.wheel.add(link.conn)
    link.peer.sendall(b"hello")
    # After a long pause, one pass finds both the message and the due timer.
    assert turning.wait(1000.0) == []
    assert link.seen == ["UP", b"hello"]
    assert turning.wait(SECONDS) == []
    assert turning.wait(STEP) == [link.conn]


def test_a_connection_knows_when_it_was_active(
    turning: Turning, loop: EventLoop, link: Link
) -> None:
    idle: list[TcpConnection] = []
    with contextlib.closing(
        TimingWheel(loop, SECONDS, idle.append, last_active=attrgetter("received_at"))
    ) as wheel:
        link.up()
        wheel.add(link.conn)
        for number in range(1, 21):
            link.peer.sendall(b"x")
            turning.wait(SECONDS / 2)
            assert link.seen == ["UP", *[b"x"] * number]
        assert not idle
        turning.wait(SECONDS + STEP)
        assert idle == [link.conn]


def test_closing(turning: Turning) -> None:
    turning.wheel.add("a")
    turning.wheel.close()
    turning.wheel.close()
    assert len(turning.wheel) == 0
    assert turning.wait(1000.0) == []
    turning.wheel.touch("a")
    turning.wheel.remove("a")
    with pytest.raises(StateError):
        turning.wheel.add("a")
    assert "a" not in turning.wheel
    turning.passes.settle()
    assert len(turning.passes.loop._timers) == 0


def test_closing_while_it_reports(loop: EventLoop, turning: Turning) -> None:
    seen: list[str] = []

    def on_idle(item: str) -> None:
        seen.append(item)
        wheel.close()

    wheel: TimingWheel[str] = TimingWheel(loop, SECONDS, on_idle)
    for item in "abc":
        wheel.add(item)
    turning.wait(1000.0)
    turning.wait(1000.0)
    assert seen == ["a"]


def test_only_in_the_loop_thread(other_loop: EventLoop, turning: Turning) -> None:
    with pytest.raises(WrongThreadError):
        TimingWheel(other_loop, 1.0, print)
    wheel = turning.wheel
    wheel._loop = other_loop
    try:
        for method in (wheel.add, wheel.remove):
            with pytest.raises(WrongThreadError):
                method("a")
        with pytest.raises(WrongThreadError):
            wheel.close()
    finally:
        wheel._loop = turning.passes.loop


def test_with_the_real_clock(loop: EventLoop, passes: Passes, link: Link) -> None:
    wheel: TimingWheel[TcpConnection] = TimingWheel(loop, 0.02, TcpConnection.force_close)
    link.up()
    wheel.add(link.conn)
    began = loop.poll_return_time
    link.gone()
    assert loop.poll_return_time - began > 0.02
    wheel.close()
