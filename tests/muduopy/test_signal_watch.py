"""Signals as events of a loop, and the functions that plain signal handlers may call."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from muduopy import EventLoop, LoopError, WrongThreadError
from tests.muduopy.netkit import WAIT, ErrorLog, Passes, call_in
from tests.muduopy.test_fork import in_child

USR1, USR2 = signal.SIGUSR1, signal.SIGUSR2


@pytest.fixture(autouse=True)
def handlers_are_restored() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (USR1, USR2, signal.SIGALRM)}
    yield
    assert signal.set_wakeup_fd(-1) == -1
    assert {number: signal.getsignal(number) for number in before} == before


@pytest.fixture
def plain_handlers() -> Iterator[None]:
    """For tests that set handlers with ``signal.signal``."""
    before = {number: signal.getsignal(number) for number in (USR1, signal.SIGALRM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_a_signal_is_an_event(loop: EventLoop, no_safety_net: None) -> None:
    seen: list[object] = []

    def on_usr1() -> None:
        seen.append((threading.get_ident(), loop.iterations))
        loop.quit()

    loop.add_signal_handler(USR1, on_usr1)
    loop.queue_in_loop(lambda: os.kill(os.getpid(), USR1))
    loop.loop()
    assert seen == [(loop.thread_id, loop.iterations)]


def test_a_signal_that_another_thread_caught_wakes_the_loop(
    loop: EventLoop, no_safety_net: None
) -> None:
    loop.add_signal_handler(USR1, loop.quit)
    asleep = threading.Event()
    loop.queue_in_loop(asleep.set)

    def catch() -> None:
        asleep.wait(WAIT)
        signal.pthread_kill(threading.get_ident(), USR1)

    thread = threading.Thread(target=catch)
    thread.start()
    loop.loop()
    thread.join()


def test_each_signal_has_its_callback(passes: Passes) -> None:
    seen: list[str] = []
    passes.loop.add_signal_handler(USR1, lambda: seen.append("one"))
    passes.loop.add_signal_handler(USR2, lambda: seen.append("old"))
    passes.loop.add_signal_handler(USR2, lambda: seen.append("two"))
    signal.raise_signal(USR2)
    signal.raise_signal(USR1)
    passes.until(lambda: len(seen) == 2)
    assert seen == ["two", "one"]


def test_one_that_raises_does_not_cost_the_other(passes: Passes, errors: ErrorLog) -> None:
    seen: list[str] = []

    def fail() -> None:
        raise RuntimeError("handler")

    passes.loop.add_signal_handler(USR1, fail)
    passes.loop.add_signal_handler(USR2, lambda: seen.append("two"))
    signal.raise_signal(USR1)
    signal.raise_signal(USR2)
    passes.until(lambda: seen)
    assert errors.exceptions == ["handler"]


def test_removing_restores(passes: Passes, plain_handlers: None) -> None:
    before: list[int] = []
    signal.signal(USR1, lambda number, frame: before.append(number))
    passes.loop.add_signal_handler(USR1, lambda: pytest.fail("removed"))
    assert passes.loop.remove_signal_handler(USR1)
    assert not passes.loop.remove_signal_handler(USR1)
    signal.raise_signal(USR1)
    passes.settle()
    assert before == [USR1]


def test_closing_restores_the_wake_up_descriptor_of_another() -> None:
    read_end, write_end = os.pipe()
    os.set_blocking(write_end, False)
    signal.set_wakeup_fd(write_end)
    with EventLoop() as loop:
        loop.add_signal_handler(USR1, lambda: None)
    assert signal.set_wakeup_fd(-1) == write_end
    os.close(read_end)
    os.close(write_end)


def test_closing_survives_that_the_other_has_gone() -> None:
    read_end, write_end = os.pipe()
    os.set_blocking(write_end, False)
    signal.set_wakeup_fd(write_end)
    with EventLoop() as loop:
        loop.add_signal_handler(USR1, lambda: None)
        os.close(read_end)
        os.close(write_end)


def test_a_forbidden_payload_raises(loop: EventLoop, other_loop: EventLoop) -> None:
    with pytest.raises(WrongThreadError):
        other_loop.add_signal_handler(USR1, lambda: None)
    with pytest.raises(WrongThreadError, match="main thread"):
        call_in(other_loop, lambda: other_loop.add_signal_handler(USR1, lambda: None))
    with pytest.raises(OSError):
        loop.add_signal_handler(signal.SIGKILL, lambda: None)
    with pytest.raises(ValueError):
        loop.add_signal_handler(12345, lambda: None)
    loop.close()
    with pytest.raises(LoopError):
        loop.add_signal_handler(USR1, lambda: None)


def test_a_forked_child_has_its_own_signals(passes: Passes) -> None:
    passes.loop.add_signal_handler(USR1, lambda: pytest.fail("the child's signal"))
    passes.loop.add_signal_handler(signal.SIGINT, lambda: pytest.fail("the child's signal"))

    def check() -> None:
        assert signal.getsignal(USR1) is signal.SIG_DFL
        assert signal.set_wakeup_fd(-1) == -1
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)

    assert in_child(check) == ""
    passes.settle()


def test_a_child_process_inherits_nothing(loop: EventLoop) -> None:
    loop.add_signal_handler(USR1, lambda: None)
    code = (
        "import os, signal; assert not signal.pthread_sigmask(signal.SIG_BLOCK, []);"
        "assert signal.getsignal(signal.SIGUSR1) is signal.SIG_DFL;"
        "assert len(os.listdir('/proc/self/fd')) == 4"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


# ---------------------------------------------------------------------- signal.signal


@pytest.mark.parametrize("what", ["run_after", "queue_in_loop", "quit"])
def test_a_plain_handler_wakes_the_poll(
    loop: EventLoop, no_safety_net: None, plain_handlers: None, what: str
) -> None:
    def handler(number: int, frame: object) -> None:
        if what == "run_after":
            loop.run_after(0.001, loop.quit)
        elif what == "queue_in_loop":
            loop.queue_in_loop(loop.quit)
        else:
            loop.quit()

    signal.signal(signal.SIGALRM, handler)
    loop.queue_in_loop(lambda: signal.setitimer(signal.ITIMER_REAL, 0.02))
    loop.loop()


def test_plain_handlers_may_interrupt_the_loop_anywhere(
    loop: EventLoop, no_safety_net: None, plain_handlers: None
) -> None:
    """A signal at any place in a pass: no function is lost, and no lock deadlocks."""
    queued, timed, wanted = [0], [0], 2000

    def count(counter: list[int]) -> None:
        counter[0] += 1
        if queued[0] >= wanted and timed[0] >= wanted:
            loop.quit()

    def handler(number: int, frame: object) -> None:
        loop.queue_in_loop(lambda: count(queued))
        loop.run_after(0.0, lambda: count(timed))

    def churn() -> None:
        """Keep the loop in its own code, so that the handler interrupts it there."""
        for timer in [loop.run_after(WAIT, lambda: None) for _ in range(200)]:
            loop.cancel(timer)
        loop.queue_in_loop(churn)

    signal.signal(signal.SIGALRM, handler)
    loop.queue_in_loop(churn)
    signal.setitimer(signal.ITIMER_REAL, 0.0001, 0.0001)
    try:
        loop.loop()
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
    assert queued[0] >= wanted
    assert timed[0] >= wanted
