"""EventLoopThreadPool: with 0, 1 and 3 threads, round robin and by hash."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from muduopy import Channel, EventLoop, EventLoopThreadPool, LoopError, WrongThreadError
from tests.muduopy.netkit import WAIT, call_in

Init = Callable[[EventLoop], object]
Start = Callable[..., EventLoopThreadPool]


@pytest.fixture
def start(loop: EventLoop) -> Iterator[Start]:
    pools: list[EventLoopThreadPool] = []

    def start(
        threads: int, init: Callable[[EventLoop], object] | None = None
    ) -> EventLoopThreadPool:
        pools.append(EventLoopThreadPool(loop, "sub", threads))
        pools[-1].start(init)
        return pools[-1]

    yield start
    for pool in pools:
        pool.stop()


def test_without_threads_it_is_the_base_loop(loop: EventLoop, start: Start) -> None:
    inits: list[EventLoop] = []
    pool = start(0, inits.append)
    assert inits == [loop]
    assert pool.get_all_loops() == [loop]
    assert [pool.get_next_loop() for _ in range(3)] == [loop] * 3
    assert pool.get_loop_for_hash(7) is loop


@pytest.mark.parametrize("threads", [1, 3])
def test_round_robin(loop: EventLoop, start: Start, threads: int) -> None:
    pool = start(threads)
    loops = pool.get_all_loops()
    assert len(set(loops)) == threads
    assert loop not in loops
    assert [pool.get_next_loop() for _ in range(2 * threads + 1)] == [*loops, *loops, loops[0]]


@pytest.mark.parametrize("threads", [1, 3])
def test_by_hash(start: Start, threads: int) -> None:
    pool = start(threads)
    loops = pool.get_all_loops()
    for value in (-1, 0, 1, 2, 3, 1000, hash("someone")):
        assert pool.get_loop_for_hash(value) is loops[value % threads]
    assert {pool.get_loop_for_hash(value) for value in range(threads)} == set(loops)
    assert pool.get_next_loop() is loops[0]  # hashing does not change the next one


def test_each_loop_has_its_thread_and_init_ran_there(start: Start) -> None:
    inits: list[tuple[EventLoop, int]] = []
    pool = start(3, lambda loop: inits.append((loop, threading.get_ident())))
    loops = pool.get_all_loops()
    assert inits == [(loop, loop.thread_id) for loop in loops]
    names = [call_in(loop, lambda: threading.current_thread().name) for loop in loops]
    assert names == ["sub0", "sub1", "sub2"]


def test_the_list_is_a_copy(start: Start) -> None:
    pool = start(1)
    pool.get_all_loops().clear()
    assert len(pool.get_all_loops()) == 1


def test_stop_runs_queued_tasks_and_is_idempotent(loop: EventLoop, start: Start) -> None:
    pool = start(3)
    loops = pool.get_all_loops()
    ran: list[EventLoop] = []
    for sub_loop in loops:
        for _ in range(10):
            sub_loop.queue_in_loop(partial(ran.append, sub_loop))
    pool.stop()
    pool.stop()
    assert sorted(map(id, ran)) == sorted(map(id, loops * 10))
    assert pool.get_next_loop() is loop


def test_starts_once(start: Start) -> None:
    pool = start(1)
    with pytest.raises(LoopError):
        pool.start()
    assert len(pool.get_all_loops()) == 1


def test_a_negative_number_of_threads_is_refused(loop: EventLoop) -> None:
    with pytest.raises(ValueError, match="threads: -1"):
        EventLoopThreadPool(loop, "sub", -1)


def test_an_init_that_raises_leaves_nothing_running_after_stop(
    loop: EventLoop, start: Start
) -> None:
    inits: list[EventLoop] = []

    def init(sub_loop: EventLoop) -> None:
        inits.append(sub_loop)
        if len(inits) == 2:
            raise RuntimeError("second")

    with pytest.raises(RuntimeError, match="second"):
        start(3, init)  # the fixture stops it; no_leaks finds threads


def test_only_in_the_base_loops_thread(other_loop: EventLoop) -> None:
    pool = EventLoopThreadPool(other_loop, "sub", 1)
    calls: list[Callable[[], object]] = [
        pool.start,
        pool.get_next_loop,
        pool.get_all_loops,
        pool.stop,
        lambda: pool.get_loop_for_hash(1),
    ]
    for call in calls:
        with pytest.raises(WrongThreadError):
            call()
    assert not pool.started


@pytest.mark.parametrize("take_turns", [False, True])
def test_loops_that_take_turns_handle_one_pass_at_a_time(
    loop: EventLoop, monkeypatch: pytest.MonkeyPatch, take_turns: bool
) -> None:
    """Two loops have an event each. The first waits in its callback for the other one's."""
    monkeypatch.setattr("muduopy.event_loop_thread_pool._has_gil", lambda: True)
    pool = EventLoopThreadPool(loop, threads=2, take_turns=take_turns)
    pool.start()
    inside, both = threading.Lock(), threading.Event()
    count, done = 0, threading.Semaphore(0)

    def event() -> None:
        nonlocal count
        with inside:
            count += 1
            if count == 2:
                both.set()
        both.wait(0.2 if take_turns else WAIT)
        with inside:
            count -= 1
        done.release()

    pipes = [os.pipe() for _ in range(2)]
    channels = []
    for sub_loop, (read_end, _) in zip(pool.get_all_loops(), pipes, strict=True):
        channel = Channel(sub_loop, read_end)

        def once(channel: Channel = channel) -> None:
            channel.disable_all()
            event()

        channel.read_callback = once
        call_in(sub_loop, channel.enable_reading)
        channels.append(channel)
    for _, write_end in pipes:
        os.write(write_end, b"x")
    for _ in pipes:
        assert done.acquire(timeout=WAIT)
    assert both.is_set() is not take_turns
    pool.stop()
    for ends in pipes:
        for end in ends:
            os.close(end)


def test_without_the_interpreter_lock_threads_take_no_turns(
    loop: EventLoop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys._is_gil_enabled", lambda: False, raising=False)
    assert EventLoopThreadPool(loop, threads=2, take_turns=True)._turns is None
    monkeypatch.setattr("sys._is_gil_enabled", lambda: True, raising=False)
    assert EventLoopThreadPool(loop, threads=2, take_turns=True)._turns is not None
