"""EventLoop: its life, its queue of functions, its threads."""

from __future__ import annotations

import gc
import os
import signal
import threading
import time
import weakref
from functools import partial

import pytest

from muduopy import Channel, EventLoop, LoopError, MuduoError, WrongThreadError, current_loop
from muduopy.event_loop import _current
from tests.muduopy.netkit import WAIT, ErrorLog, Passes, call_in, eventually, in_turn

# ---------------------------------------------------------------------- life


def test_one_loop_per_thread() -> None:
    assert current_loop() is None
    with EventLoop() as loop:
        assert current_loop() is loop
        with pytest.raises(LoopError):
            EventLoop()
        assert current_loop() is loop
    assert current_loop() is None
    with EventLoop() as second:
        assert current_loop() is second


def test_each_thread_has_its_own(loop: EventLoop, other_loop: EventLoop) -> None:
    assert call_in(other_loop, current_loop) is other_loop
    assert current_loop() is loop
    assert loop.is_in_loop_thread
    assert not other_loop.is_in_loop_thread


def test_quit_before_loop_counts(loop: EventLoop) -> None:
    loop.quit()
    loop.loop()
    assert loop.iterations == 0


def test_quit_before_loop_from_another_thread_counts(loop: EventLoop) -> None:
    thread = threading.Thread(target=loop.quit)
    thread.start()
    thread.join()
    loop.loop()


def test_a_quit_counts_once(loop: EventLoop) -> None:
    loop.quit()
    loop.loop()
    ran: list[str] = []
    loop.run_after(0, in_turn(partial(ran.append, "second loop"), loop.quit))
    loop.loop()
    assert ran == ["second loop"]


def test_quit_from_another_thread_wakes_a_sleeping_loop(
    loop: EventLoop, no_safety_net: None
) -> None:
    asleep = threading.Event()
    loop.queue_in_loop(asleep.set)

    def quit_it() -> None:
        asleep.wait(WAIT)
        loop.quit()

    thread = threading.Thread(target=quit_it)
    thread.start()
    loop.loop()
    thread.join()


def test_quit_finishes_the_pass(loop: EventLoop) -> None:
    """The pass still runs its ready channels, due timers and queued functions."""
    ran: list[str] = []
    pipes = [os.pipe() for _ in range(2)]
    channels = [Channel(loop, read_end) for read_end, _ in pipes]

    def read(channel: Channel) -> None:
        channel.disable_all()
        ran.append("channel")
        loop.quit()

    for channel, (_, write_end) in zip(channels, pipes, strict=True):
        channel.read_callback = partial(read, channel)
        channel.enable_reading()
        os.write(write_end, b"x")
    loop.run_at(0, lambda: ran.append("timer"))
    loop.queue_in_loop(lambda: ran.append("function"))
    loop.loop()
    assert ran == ["channel", "channel", "timer", "function"]
    assert loop.iterations == 1
    for pipe in pipes:
        for fd in pipe:
            os.close(fd)


def test_functions_queued_at_the_end_still_run(loop: EventLoop) -> None:
    ran: list[int] = []

    def step(number: int) -> None:
        ran.append(number)
        if number < 20:
            loop.queue_in_loop(lambda: step(number + 1))

    loop.queue_in_loop(in_turn(loop.quit, partial(step, 0)))
    loop.loop()
    assert ran == list(range(21))
    assert loop.queue_size == 0


def test_functions_that_queue_for_ever_cannot_hold_the_end_up(loop: EventLoop) -> None:
    ran: list[int] = []

    def again() -> None:
        ran.append(1)
        loop.queue_in_loop(again)

    loop.quit()
    again()
    loop.loop()
    assert len(ran) > 10


def test_loop_inside_loop_fails(loop: EventLoop, errors: ErrorLog) -> None:
    loop.queue_in_loop(loop.loop)
    loop.queue_in_loop(loop.close)
    loop.queue_in_loop(loop.quit)
    loop.loop()
    assert [record.exc_info[0] for record in errors.records if record.exc_info] == [
        LoopError,
        LoopError,
    ]


def test_close_is_idempotent_and_final(loop: EventLoop) -> None:
    loop.queue_in_loop(lambda: pytest.fail("dropped by close"))
    loop.close()
    loop.close()
    assert repr(loop) == "<EventLoop closed channels=0 iterations=0>"
    with pytest.raises(LoopError):
        loop.loop()
    loop.queue_in_loop(lambda: pytest.fail("dropped after close"))
    loop.quit()
    assert loop.queue_size == 0


def test_close_drops_queued_functions(loop: EventLoop) -> None:
    """A destructor of a dropped function may use the loop, as a connection's finalizer does."""

    class UsesTheLoop:
        def __call__(self) -> None:
            pytest.fail("dropped by close")

        def __del__(self) -> None:
            loop.queue_in_loop(lambda: None)

    functor = UsesTheLoop()
    alive = weakref.ref(functor)
    loop.queue_in_loop(functor)
    del functor
    loop.close()
    assert alive() is None


def test_a_keyboard_interrupt_comes_through(loop: EventLoop) -> None:
    def interrupt() -> None:
        raise KeyboardInterrupt

    loop.queue_in_loop(interrupt)
    with pytest.raises(KeyboardInterrupt):
        loop.loop()
    loop.quit()
    loop.loop()  # the loop still works


def test_a_signal_interrupts_a_sleeping_loop(loop: EventLoop, no_safety_net: None) -> None:
    class Interrupted(BaseException):
        pass

    def handler(signum: int, frame: object) -> None:
        raise Interrupted

    before = signal.signal(signal.SIGUSR1, handler)
    try:
        arguments = (threading.get_ident(), signal.SIGUSR1)
        sender = threading.Thread(target=signal.pthread_kill, args=arguments)
        loop.queue_in_loop(sender.start)
        with pytest.raises(Interrupted):
            loop.loop()
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_a_closed_loop_can_be_freed() -> None:
    with EventLoop() as loop:
        reference = weakref.ref(loop)
    del loop
    gc.collect()
    assert reference() is None


# ---------------------------------------------------------------------- functions


def test_run_in_loop_is_inline_in_the_loop_thread(loop: EventLoop) -> None:
    ran: list[str] = []
    loop.run_in_loop(lambda: ran.append("now"))
    assert ran == ["now"]


def test_queue_in_loop_is_never_inline(passes: Passes) -> None:
    ran: list[str] = []
    passes.loop.queue_in_loop(lambda: ran.append("later"))
    assert ran == []
    assert passes.loop.queue_size == 1
    passes.loop._one_pass()
    assert ran == ["later"]
    assert passes.loop.queue_size == 0


def test_run_in_loop_from_another_thread_is_queued(other_loop: EventLoop) -> None:
    ran_in: list[int] = []
    other_loop.run_in_loop(lambda: ran_in.append(threading.get_ident()))
    call_in(other_loop, lambda: None)
    assert ran_in == [other_loop.thread_id] != [threading.get_ident()]


def test_functions_queued_by_functions_run_in_the_next_pass(
    passes: Passes, no_safety_net: None
) -> None:
    ran: list[tuple[str, int]] = []

    def second() -> None:
        ran.append(("second", passes.loop.iterations))

    def first() -> None:
        ran.append(("first", passes.loop.iterations))
        passes.loop.queue_in_loop(second)

    passes.loop.queue_in_loop(first)
    passes.loop._one_pass()
    assert ran == [("first", 1)]
    passes.loop._one_pass()  # does not sleep: there is work
    assert ran == [("first", 1), ("second", 2)]


def test_order_is_first_in_first_out(loop: EventLoop) -> None:
    ran: list[int] = []
    for number in range(1000):
        loop.queue_in_loop(partial(ran.append, number))
    loop.quit()
    loop.loop()
    assert ran == list(range(1000))


def test_a_function_that_raises_costs_no_other(loop: EventLoop, errors: ErrorLog) -> None:
    ran: list[str] = []

    def fail() -> None:
        raise RuntimeError("functor")

    loop.queue_in_loop(fail)
    loop.queue_in_loop(lambda: ran.append("next"))
    loop.queue_in_loop(loop.quit)
    loop.loop()
    assert ran == ["next"]
    assert errors.exceptions == ["functor"]


def test_no_function_is_lost_between_threads(other_loop: EventLoop, no_safety_net: None) -> None:
    """Each thread queues one function at a time and waits for it, so that the loop falls asleep.

    A lost wake-up would be a hang.
    """
    failures: list[str] = []

    def ping() -> None:
        for _ in range(500):
            pong = threading.Event()
            other_loop.queue_in_loop(pong.set)
            if not pong.wait(WAIT):
                failures.append("lost")
                return

    threads = [threading.Thread(target=ping) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures


def test_each_threads_functions_keep_their_order(other_loop: EventLoop) -> None:
    ran: list[tuple[int, int]] = []

    def queue(thread: int) -> None:
        for number in range(1000):
            other_loop.queue_in_loop(partial(ran.append, (thread, number)))

    threads = [threading.Thread(target=queue, args=(number,)) for number in range(4)]
    for running in threads:
        running.start()
    for running in threads:
        running.join()
    call_in(other_loop, lambda: None)
    for thread in range(4):
        assert [number for who, number in ran if who == thread] == list(range(1000))


def test_a_sleeping_loop_costs_no_processor_time(passes: Passes) -> None:
    """A woken loop goes back to sleep, because it reads the wake-up from the descriptor."""
    woken: list[bool] = []
    rested: list[bool] = []

    def wake() -> None:
        eventually(lambda: not passes.loop._awake, "the loop to fall asleep")
        passes.loop.queue_in_loop(lambda: woken.append(True))

    thread = threading.Thread(target=wake)
    thread.start()
    passes.until(lambda: woken, "the wake-up")
    thread.join()
    before = passes.loop.iterations
    passes.loop.run_after(0.1, lambda: rested.append(True))
    passes.until(lambda: rested, "the timer")
    assert passes.loop.iterations - before < 10


# ---------------------------------------------------------------------- passes


def test_poll_return_time_and_iterations(passes: Passes) -> None:
    before = time.monotonic()
    passes.one()
    assert before <= passes.loop.poll_return_time <= time.monotonic()
    assert passes.loop.iterations == 1
    assert repr(passes.loop) == "<EventLoop idle channels=1 iterations=1>"


def test_events_then_timers_then_functions(passes: Passes) -> None:
    ran: list[str] = []
    read_end, write_end = os.pipe()
    channel = Channel(passes.loop, read_end)
    channel.read_callback = in_turn(partial(ran.append, "event"), channel.disable_all)
    channel.enable_reading()
    os.write(write_end, b"x")
    passes.loop.queue_in_loop(lambda: ran.append("function"))
    passes.loop.run_at(0, lambda: ran.append("timer"))
    passes.loop._one_pass()
    assert ran == ["event", "timer", "function"]
    os.close(read_end)
    os.close(write_end)


# ---------------------------------------------------------------------- wrong threads


def test_loop_only_methods_raise_in_other_threads(other_loop: EventLoop) -> None:
    before = repr(other_loop)
    for method in (other_loop.loop, other_loop.close, other_loop.assert_in_loop_thread):
        with pytest.raises(WrongThreadError):
            method()
    with pytest.raises(WrongThreadError):
        other_loop.update_channel(Channel(other_loop, 0), 1)
    assert "closed" not in before
    assert call_in(other_loop, lambda: "still there") == "still there"


def test_errors_have_one_root() -> None:
    assert issubclass(LoopError, MuduoError)
    assert issubclass(WrongThreadError, MuduoError)


def test_run_queued_runs_the_rest_without_waiting(loop: EventLoop) -> None:
    ran: list[str] = []
    loop.queue_in_loop(
        in_turn(partial(ran.append, "a"), partial(loop.queue_in_loop, partial(ran.append, "b")))
    )
    loop.run_after(0.0, lambda: ran.append("timer"))
    loop.run_queued()
    assert ran == ["a", "b"]


def test_run_queued_inside_loop_fails(loop: EventLoop, errors: ErrorLog) -> None:
    loop.queue_in_loop(loop.run_queued)
    loop.quit()
    assert not loop.looping
    loop.loop()
    assert any("run_queued" in text for text in errors.exceptions)


def test_disowned_by_a_fork() -> None:
    """The step that a forked child takes for each loop. test_fork.py does fork."""
    loop = EventLoop()
    loop._disown()
    loop.queue_in_loop(lambda: pytest.fail("ran"))
    with pytest.raises(WrongThreadError, match="fork"):
        loop.loop()
    loop.close()
    _current.loop = None
