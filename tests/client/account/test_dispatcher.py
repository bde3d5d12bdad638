from __future__ import annotations

import threading
from functools import partial

from client.account.dispatcher import Call, Dispatcher
from tests.client.fake_server import WAIT


def run(call: Call) -> None:
    call()


def test_calls_are_made_in_order_on_one_thread() -> None:
    dispatcher = Dispatcher()
    made: list[tuple[int, int]] = []

    def note(number: int) -> None:
        made.append((number, threading.get_ident()))

    dispatcher.start(run)
    dispatcher.start(run)
    for number in range(100):
        dispatcher.post(partial(note, number))
    dispatcher.stop()
    dispatcher.stop()
    assert [number for number, _ in made] == list(range(100))
    assert {thread for _, thread in made} != {threading.get_ident()}
    assert len({thread for _, thread in made}) == 1


def test_stop_and_wait_from_a_callback_return_at_once() -> None:
    dispatcher = Dispatcher()
    dispatcher.start(run)
    done = threading.Event()

    def call() -> None:
        assert dispatcher.is_current
        dispatcher.wait_idle(WAIT)
        dispatcher.stop()
        done.set()

    dispatcher.post(call)
    assert done.wait(WAIT)
    dispatcher.stop()
    assert not dispatcher.is_current


def test_wait_idle() -> None:
    dispatcher = Dispatcher()
    dispatcher.wait_idle(WAIT)  # not started: nothing to wait for
    dispatcher.start(run)
    free, made = threading.Event(), threading.Event()
    dispatcher.post(free.wait)
    dispatcher.post(made.set)
    dispatcher.wait_idle(0.01)
    assert not made.is_set()
    free.set()
    dispatcher.wait_idle(WAIT)
    assert made.is_set()
    dispatcher.stop()


def test_stop_before_start() -> None:
    Dispatcher().stop()
