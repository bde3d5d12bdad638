"""EventLoopThread: started, never started, stopped early, failing."""

from __future__ import annotations

import resource
import threading
from functools import partial

import pytest

from muduopy import EventLoop, EventLoopThread, current_loop
from tests.muduopy.netkit import WAIT, call_in


def test_never_started() -> None:
    thread = EventLoopThread()
    assert thread.stop()
    assert thread.stop()


def test_the_loop_runs_in_the_named_thread() -> None:
    thread = EventLoopThread("io-7")
    loop = thread.start_loop()
    assert call_in(loop, lambda: threading.current_thread().name) == "io-7"
    assert call_in(loop, current_loop) is loop
    assert not loop.is_in_loop_thread
    assert thread.stop(WAIT)


def test_stop_at_once_is_not_lost() -> None:
    # In muduo a quit before loop() is lost. Here it counts, in each of many attempts.
    for _ in range(50):
        thread = EventLoopThread()
        thread.start_loop()
        assert thread.stop(WAIT)


def test_quit_before_stop() -> None:
    thread = EventLoopThread()
    thread.start_loop().quit()
    assert thread.stop(WAIT)
    assert thread.stop(WAIT)


def test_stop_runs_queued_functions() -> None:
    thread = EventLoopThread()
    loop = thread.start_loop()
    ran: list[int] = []
    for number in range(100):
        loop.queue_in_loop(partial(ran.append, number))
    assert thread.stop(WAIT)
    assert ran == list(range(100))
    assert "closed" in repr(loop)


def test_stop_has_a_time_out() -> None:
    thread = EventLoopThread()
    go_on = threading.Event()
    thread.start_loop().queue_in_loop(lambda: go_on.wait(WAIT))
    assert not thread.stop(0.001)
    go_on.set()
    assert thread.stop(WAIT)


def test_init_runs_in_the_thread_before_the_loop() -> None:
    seen: list[object] = []

    def init(loop: EventLoop) -> None:
        seen.extend((loop, current_loop(), loop.iterations, loop.is_in_loop_thread))

    thread = EventLoopThread("loop", init)
    loop = thread.start_loop()
    assert seen == [loop, loop, 0, True]
    assert thread.stop(WAIT)


def test_an_exception_of_init_comes_out_of_start_loop() -> None:
    def init(loop: EventLoop) -> None:
        raise RuntimeError("init")

    thread = EventLoopThread("loop", init)
    with pytest.raises(RuntimeError, match="init"):
        thread.start_loop()
    assert thread.stop(WAIT)


def test_an_exception_of_the_constructor_comes_out_of_start_loop() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    thread = EventLoopThread()
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, hard))
    try:
        with pytest.raises(OSError, match="Too many open files"):
            thread.start_loop()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert thread.stop(WAIT)
