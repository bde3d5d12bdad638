"""Each loop runs its own share, in one call."""

from __future__ import annotations

import threading

from chat.process.loops import queue_in_loops
from muduopy import EventLoop, EventLoopThread
from tests.chat.loopkit import WAIT


def test_each_loop_gets_its_share_in_one_call(no_leaks: None) -> None:
    threads = [EventLoopThread(f"loop {number}") for number in range(2)]
    first, second = (thread.start_loop() for thread in threads)
    calls: dict[EventLoop, list[int]] = {}
    done = threading.Semaphore(0)

    def call(share: list[int]) -> None:
        loop = first if first.is_in_loop_thread else second
        assert loop.is_in_loop_thread
        assert loop not in calls
        calls[loop] = share
        done.release()

    try:
        queue_in_loops(call, {first: [1, 2], second: [3]})
        assert done.acquire(timeout=WAIT)
        assert done.acquire(timeout=WAIT)
    finally:
        for thread in threads:
            thread.stop()
    assert calls == {first: [1, 2], second: [3]}


def test_no_shares_no_calls() -> None:
    def call(share: object) -> None:
        raise AssertionError(share)

    queue_in_loops(call, {})
