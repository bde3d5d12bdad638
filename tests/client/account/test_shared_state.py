from __future__ import annotations

import logging

import pytest

from client.account.lifecycle import State, Status
from client.account.shared_state import SharedState
from client.errors import CallbackFailedError, ConnectionLostError


def test_each_state_is_told_in_order() -> None:
    told: list[Status] = []
    shared = SharedState(told.append)
    with shared.changed:
        shared.become(State.CONNECTING)
        error = ConnectionLostError("why")
        shared.become(State.WAITING, error, 5.0)
        shared.close()
        shared.close()
    assert told == [
        Status(State.CONNECTING),
        Status(State.WAITING, error, 5.0),
        Status(State.CLOSED),
    ]


def test_a_callback_that_raises_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    shared = SharedState(lambda status: None)
    shared.run_callback(lambda: 1 / 0)
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    assert "ZeroDivisionError" in caplog.text
    assert not shared.closing


def test_a_callback_that_raises_no_exception_ends_the_client() -> None:
    shared = SharedState(lambda status: None)

    def leave() -> None:
        raise SystemExit(7)

    shared.run_callback(leave)
    assert shared.closing
    assert isinstance(shared.failure, CallbackFailedError)
    with pytest.raises(SystemExit):
        shared.raise_failure()
