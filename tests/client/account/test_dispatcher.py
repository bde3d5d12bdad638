from __future__ import annotations

import logging
import threading

import pytest

from client.account.client_state import SharedState
from client.account.dispatcher import Dispatcher
from tests.client.fake_server import WAIT


def test_calls_are_made_in_order_on_one_thread() -> None:
    dispatcher = Dispatcher(SharedState().run_foreign)
    made: list[tuple[int, int]] = []
    dispatcher.start()
    dispatcher.start()
    for number in range(100):
        dispatcher.post(lambda n=number: made.append((n, threading.get_ident())))  # type: ignore[misc]
    dispatcher.stop()
    dispatcher.stop()
    assert [number for number, _ in made] == list(range(100))
    assert {thread for _, thread in made} != {threading.get_ident()}
    assert len({thread for _, thread in made}) == 1


def test_one_that_raises_is_logged_and_the_rest_goes_on(caplog: pytest.LogCaptureFixture) -> None:
    dispatcher = Dispatcher(SharedState().run_foreign)
    dispatcher.start()
    done = threading.Event()
    dispatcher.post(lambda: 1 / 0)
    dispatcher.post(done.set)
    assert done.wait(WAIT)
    dispatcher.stop()
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    assert "ZeroDivisionError" in caplog.text


def test_stop_and_wait_from_a_callback_return_at_once() -> None:
    dispatcher = Dispatcher(SharedState().run_foreign)
    dispatcher.start()
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
    dispatcher = Dispatcher(SharedState().run_foreign)
    dispatcher.wait_idle(WAIT)  # not started: nothing to wait for
    dispatcher.start()
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
    Dispatcher(SharedState().run_foreign).stop()
