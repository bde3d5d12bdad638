"""submit(): results across threads; and context variables, which follow the calls."""

from __future__ import annotations

import contextvars
import queue
import sys
import threading
from concurrent.futures import CancelledError, Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from functools import partial

import pytest

from muduopy import EventLoop, EventLoopThread, LoopError, ThreadPool
from tests.muduopy.netkit import WAIT, ErrorLog, Passes, ServerMaker, echo, eventually, read_exactly

# ---------------------------------------------------------------------- submit


def test_the_result_crosses_threads(other_loop: EventLoop) -> None:
    assert other_loop.submit(threading.get_ident).result(WAIT) == other_loop.thread_id


@pytest.mark.parametrize("kind", [ValueError, SystemExit, KeyboardInterrupt])
def test_its_exception_goes_to_the_future(other_loop: EventLoop, kind: type[BaseException]) -> None:
    def fail() -> None:
        raise kind("submitted")

    with pytest.raises(kind, match="submitted"):
        other_loop.submit(fail).result(WAIT)
    assert other_loop.submit(lambda: 1).result(WAIT) == 1


def test_it_is_queued_never_inline(passes: Passes) -> None:
    future = passes.loop.submit(lambda: 5)
    assert not future.done()
    with pytest.raises(LoopError, match="wait for itself"):
        future.result()
    with pytest.raises(LoopError, match="wait for itself"):
        future.exception(0)
    passes.one()
    assert future.result() == 5
    assert future.exception() is None


def test_a_cancelled_one_does_not_run(passes: Passes) -> None:
    future = passes.loop.submit(lambda: pytest.fail("cancelled"))
    assert future.cancel()
    passes.one()
    with pytest.raises(CancelledError):
        future.result()


def test_a_time_out(other_loop: EventLoop) -> None:
    go_on = threading.Event()
    blocking = other_loop.submit(lambda: go_on.wait(WAIT))
    with pytest.raises(FutureTimeoutError):
        blocking.result(0.001)
    go_on.set()
    assert blocking.result(WAIT)


def test_closing_cancels_waiting_functions() -> None:
    loop = EventLoop()
    future = loop.submit(lambda: None)
    loop.close()
    assert future.cancelled()
    with pytest.raises(LoopError):
        loop.submit(lambda: None)


def test_no_future_is_left_by_a_loop_that_ends() -> None:
    """Submit and the end of the loop race: each future is done in the end."""
    for _ in range(20):
        thread = EventLoopThread()
        loop = thread.start_loop()
        futures: list[Future[int]] = []

        def submit(loop: EventLoop = loop, futures: list[Future[int]] = futures) -> None:
            try:
                while True:
                    futures.append(loop.submit(lambda: 1))
            except LoopError:
                pass

        submitter = threading.Thread(target=submit)
        submitter.start()
        eventually(partial(len, futures))
        assert thread.stop(WAIT)
        submitter.join()
        assert all(future.done() for future in futures)


def test_done_callbacks_that_exit_do_not_cost_the_loop(loop: EventLoop) -> None:
    future = loop.submit(lambda: 1)
    future.add_done_callback(lambda done: sys.exit(3))
    with pytest.raises(SystemExit):
        loop.loop()
    assert future.result() == 1


# ---------------------------------------------------------------------- context variables

request: contextvars.ContextVar[str] = contextvars.ContextVar("request", default="none")


def test_queued_functions_timers_and_futures_see_the_callers_variables(
    other_loop: EventLoop,
) -> None:
    seen: queue.SimpleQueue[tuple[str, str]] = queue.SimpleQueue()

    def ask_all() -> None:
        request.set("mine")
        other_loop.queue_in_loop(lambda: seen.put(("queued", request.get())))
        other_loop.run_in_loop(lambda: seen.put(("run", request.get())))
        other_loop.run_after(0.0, lambda: seen.put(("timer", request.get())))
        assert other_loop.submit(request.get).result(WAIT) == "mine"
        request.set("later")

    contextvars.copy_context().run(ask_all)
    assert sorted(seen.get(timeout=WAIT) for _ in range(3)) == [
        ("queued", "mine"),
        ("run", "mine"),
        ("timer", "mine"),
    ]
    assert other_loop.submit(request.get).result(WAIT) == "none"


@pytest.mark.parametrize("threads", [0, 1])
def test_tasks_and_their_done_see_them(other_loop: EventLoop, threads: int) -> None:
    pool = ThreadPool(threads)
    seen: queue.SimpleQueue[object] = queue.SimpleQueue()

    def ask() -> None:
        request.set("mine")
        pool.run(lambda: seen.put(request.get()))
        pool.try_run(lambda: seen.put(request.get()))
        pool.try_run_for(
            other_loop, request.get, lambda result, error: seen.put((result, request.get()))
        )

    contextvars.copy_context().run(ask)
    assert [seen.get(timeout=WAIT) for _ in range(3)] == ["mine", "mine", ("mine", "mine")]
    pool.stop()


def test_variables_of_a_function_stay_with_it(passes: Passes) -> None:
    def queue_and_look() -> None:
        request.set("outer")
        passes.loop.queue_in_loop(lambda: request.set("inner"))
        passes.one()
        assert request.get() == "outer"

    contextvars.copy_context().run(queue_and_look)


# ---------------------------------------------------------------------- counters


@pytest.mark.parametrize("threads", [0, 1])
def test_bytes_are_counted(run_server: ServerMaker, threads: int) -> None:
    running = run_server(threads, lambda server: server.set_message_callback(echo))
    client, connection = running.accept()
    big = 3_000_000
    client.sendall(b"x" * 10)
    assert len(read_exactly(client, 10)) == 10
    sender = threading.Thread(target=client.sendall, args=(bytes(big),))
    sender.start()
    assert len(read_exactly(client, big)) == big
    sender.join()
    # In the loop: it counts bytes after the kernel has taken them.
    counts = running.call(lambda: (connection.bytes_received, connection.bytes_sent))
    assert counts == (big + 10, big + 10)
    server = running.server
    assert running.call(lambda: (server.bytes_received, server.bytes_sent)) == counts
    client.close()
    running.downs.get(timeout=WAIT)
    eventually(lambda: not running.call(lambda: server.connections))
    assert running.call(lambda: (server.bytes_received, server.bytes_sent)) == counts


def test_closing_survives_done_callbacks_that_exit(errors: ErrorLog) -> None:
    loop = EventLoop()
    loop.submit(lambda: None).add_done_callback(lambda future: sys.exit(3))
    loop.close()
    assert errors.exceptions == ["3"]
