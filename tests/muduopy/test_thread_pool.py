"""ThreadPool: order, bounds, both ways to stop, and tasks that raise."""

from __future__ import annotations

import queue
import signal
import threading
import weakref
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from muduopy import EventLoop, ThreadPool
from tests.muduopy.netkit import WAIT, ErrorLog, eventually

Make = Callable[..., ThreadPool]


@pytest.fixture
def make_pool() -> Iterator[Make]:
    pools: list[ThreadPool] = []

    def make(threads: int, **options: int) -> ThreadPool:
        pools.append(ThreadPool(threads, "work", **options))
        return pools[-1]

    yield make
    for pool in pools:
        pool.stop(drain=False)


class Gate:
    """A task that blocks its worker until ``open``."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self._open = threading.Event()

    def __call__(self) -> None:
        self.entered.set()
        self._open.wait(WAIT)

    def open(self) -> None:
        self._open.set()


def blocked(pool: ThreadPool) -> Gate:
    """Occupies the pool's one worker."""
    gate = Gate()
    pool.run(gate)
    assert gate.entered.wait(WAIT)
    return gate


def test_one_worker_runs_tasks_in_order(make_pool: Make) -> None:
    pool = make_pool(1)
    ran: list[int] = []
    for number in range(500):
        assert pool.run(partial(ran.append, number))
    pool.stop()
    assert ran == list(range(500))


def test_workers_are_threads_with_names(make_pool: Make) -> None:
    pool = make_pool(3)
    names: queue.SimpleQueue[str] = queue.SimpleQueue()
    together = threading.Barrier(3)

    def task() -> None:
        together.wait(WAIT)  # so that each worker takes one
        names.put(threading.current_thread().name)

    for _ in range(3):
        pool.run(task)
    assert {names.get(timeout=WAIT) for _ in range(3)} == {"work0", "work1", "work2"}


def test_without_threads_tasks_run_inline(make_pool: Make) -> None:
    pool = make_pool(0)
    ran_in: list[int] = []
    assert pool.run(lambda: ran_in.append(threading.get_ident()))
    assert pool.try_run(lambda: ran_in.append(threading.get_ident()))
    assert ran_in == [threading.get_ident()] * 2
    pool.stop()
    assert not pool.run(lambda: pytest.fail("stopped"))
    assert not pool.try_run(lambda: pytest.fail("stopped"))


def test_try_run_does_not_wait(make_pool: Make) -> None:
    pool = make_pool(1, max_queue=2)
    gate = blocked(pool)
    ran: list[str] = []
    assert pool.try_run(lambda: ran.append("a"))
    assert pool.try_run(lambda: ran.append("b"))
    assert not pool.try_run(lambda: ran.append("refused"))
    assert pool.queue_size == 2
    gate.open()
    pool.stop()
    assert ran == ["a", "b"]


def test_run_waits_for_a_place(make_pool: Make) -> None:
    pool = make_pool(1, max_queue=1)
    gate = blocked(pool)
    pool.run(lambda: None)
    results: queue.SimpleQueue[bool] = queue.SimpleQueue()
    ran: list[str] = []
    thread = threading.Thread(target=lambda: results.put(pool.run(lambda: ran.append("waited"))))
    thread.start()
    eventually(lambda: pool._not_full._waiters, "run to wait")  # type: ignore[attr-defined]
    assert results.empty()
    assert pool.queue_size == 1
    gate.open()
    assert results.get(timeout=WAIT)
    thread.join()
    pool.stop()
    assert ran == ["waited"]


def test_stop_releases_callers_that_wait_for_room(make_pool: Make) -> None:
    pool = make_pool(1, max_queue=1)
    gate = blocked(pool)
    pool.run(lambda: None)
    results: queue.SimpleQueue[bool] = queue.SimpleQueue()
    threads = [
        threading.Thread(target=lambda: results.put(pool.run(lambda: pytest.fail("refused"))))
        for _ in range(3)
    ]
    for thread in threads:
        thread.start()
    eventually(lambda: len(pool._not_full._waiters) == 3, "run to wait")  # type: ignore[attr-defined]
    stopper = threading.Thread(target=pool.stop)
    stopper.start()
    assert [results.get(timeout=WAIT) for _ in range(3)] == [False] * 3
    gate.open()
    for thread in (*threads, stopper):
        thread.join()


def test_stop_drains(make_pool: Make) -> None:
    pool = make_pool(2)
    gates = [Gate(), Gate()]
    for gate in gates:
        pool.run(gate)
    ran: list[int] = []
    for number in range(20):
        pool.run(partial(ran.append, number))
    for gate in gates:
        gate.open()
    pool.stop(drain=True)
    assert sorted(ran) == list(range(20))
    pool.stop()


def test_stop_discards(make_pool: Make) -> None:
    pool = make_pool(1)
    gate = blocked(pool)
    pool.run(lambda: pytest.fail("discarded"))
    stopper = threading.Thread(target=lambda: pool.stop(drain=False))
    stopper.start()
    eventually(lambda: pool.queue_size == 0, "the queue to be discarded")
    gate.open()
    stopper.join()


def test_a_discarded_task_may_use_the_pool_as_it_dies(make_pool: Make) -> None:
    pool = make_pool(1)
    gate = blocked(pool)
    sizes: list[int] = []

    class UsesThePool:
        def __call__(self) -> None:
            pytest.fail("discarded")

        def __del__(self) -> None:
            sizes.append(pool.queue_size)

    pool.run(UsesThePool())
    stopper = threading.Thread(target=lambda: pool.stop(drain=False), daemon=True)
    stopper.start()
    eventually(lambda: sizes, "the task to be dropped")
    gate.open()
    stopper.join()
    assert sizes == [0]


def test_after_stop_nothing_runs(make_pool: Make) -> None:
    pool = make_pool(1)
    pool.stop()
    assert not pool.run(lambda: pytest.fail("stopped"))
    assert not pool.try_run(lambda: pytest.fail("stopped"))
    assert pool.queue_size == 0


@pytest.mark.parametrize("threads", [0, 1])
def test_a_task_that_raises_is_logged_and_the_worker_lives(
    make_pool: Make, errors: ErrorLog, threads: int
) -> None:
    pool = make_pool(threads)
    ran: list[str] = []

    def fail() -> None:
        raise RuntimeError("task")

    assert pool.run(fail)
    assert pool.run(lambda: ran.append("next"))
    pool.stop()
    assert ran == ["next"]
    assert errors.exceptions == ["task"]


def test_results_arrive_in_the_loop(make_pool: Make, other_loop: EventLoop) -> None:
    pool = make_pool(1)
    results: queue.SimpleQueue[tuple[object, ...]] = queue.SimpleQueue()

    def done(result: object, error: BaseException | None) -> None:
        results.put((threading.get_ident(), result, error))

    def fail() -> None:
        raise ValueError("work")

    assert pool.try_run_for(other_loop, lambda: threading.current_thread().name, done)
    assert results.get(timeout=WAIT) == (other_loop.thread_id, "work0", None)
    assert pool.try_run_for(other_loop, fail, done)
    thread, result, error = results.get(timeout=WAIT)
    assert (thread, result) == (other_loop.thread_id, None)
    assert isinstance(error, ValueError)
    pool.stop()
    assert not pool.try_run_for(other_loop, lambda: pytest.fail("stopped"), done)


def test_finished_tasks_are_let_go(make_pool: Make) -> None:
    """An idle worker does not keep the last task alive."""

    class Task:
        def __call__(self) -> None: ...

    pool = make_pool(1)
    task = Task()
    alive = weakref.ref(task)
    pool.run(task)
    del task
    eventually(lambda: alive() is None, "the task to be freed")


@pytest.mark.parametrize("arguments", [(-1, "x", 1), (1, "x", 0)])
def test_impossible_numbers_are_refused(arguments: tuple[int, str, int]) -> None:
    with pytest.raises(ValueError):
        ThreadPool(*arguments)


# ---------------------------------------------------------------------- starting


def test_no_thread_runs_before_the_first_task() -> None:
    pool = ThreadPool(2, "lazy")
    threads = threading.active_count()
    assert pool.queue_size == 0
    assert threading.active_count() == threads
    pool.run(lambda: None)
    assert threading.active_count() >= threads + 1
    pool.stop()


def test_start_starts_all_once() -> None:
    pool = ThreadPool(3)
    threads = threading.active_count()
    pool.start()
    pool.start()
    assert threading.active_count() == threads + 3
    pool.stop()
    pool.start()
    assert threading.active_count() == threads


def test_a_mask_set_before_the_first_task_counts() -> None:
    pool = ThreadPool(1)
    signals = {signal.SIGUSR1}
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signals)
    masks: list[set[int]] = []
    try:
        pool.run(lambda: masks.append(signal.pthread_sigmask(signal.SIG_BLOCK, [])))
        pool.stop()
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    assert signals <= masks[0]


def test_too_many_threads_are_an_error_and_no_thread_is_left(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    start, left = threading.Thread.start, [2]

    def refuse(thread: threading.Thread) -> None:
        left[0] -= 1
        if left[0] < 0:
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", refuse)
    pool = ThreadPool(3)
    with pytest.raises(RuntimeError, match="thread"):
        pool.try_run(lambda: None)
    assert not pool.try_run(lambda: None)
    pool.stop()


def test_a_worker_cannot_stop_its_pool(make_pool: Make, errors: ErrorLog) -> None:
    pool = make_pool(1)
    pool.run(pool.stop)
    pool.run(lambda: None)
    pool.stop()
    assert errors.exceptions == ["stop() in a worker of the pool: call it in another thread"]
