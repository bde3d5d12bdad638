from __future__ import annotations

import pytest

from client.account.lifecycle import Lifecycle, State, Status
from client.errors import ConnectionLostError


def test_a_whole_life() -> None:
    life = Lifecycle()
    assert life.status == Status(State.IDLE)
    error = ConnectionLostError("why")
    for state in (State.CONNECTING, State.CONNECTED, State.LOGGING_IN, State.ONLINE):
        assert life.become(state) == Status(state)
    assert life.become(State.WAITING, error, 5.0) == Status(State.WAITING, error, 5.0)
    life.become(State.CONNECTING, error)
    assert life.status.error is error
    life.become(State.CLOSED)
    assert repr(life) == "<Lifecycle closed>"


@pytest.mark.parametrize(
    ("path", "wrong"),
    [
        ([], State.ONLINE),
        ([State.CONNECTING], State.LOGGING_IN),
        ([State.CONNECTING, State.CONNECTED], State.ONLINE),
        ([State.CONNECTING, State.CONNECTED], State.IDLE),
        ([State.CONNECTING, State.WAITING], State.ONLINE),
        ([State.CLOSED], State.CONNECTING),
    ],
)
def test_an_illegal_step_raises_and_changes_nothing(path: list[State], wrong: State) -> None:
    life = Lifecycle()
    for state in path:
        life.become(state)
    before = life.status
    with pytest.raises(ValueError, match="must not follow"):
        life.become(wrong)
    assert life.status is before


def test_every_state_can_be_closed() -> None:
    for state in State:
        life = Lifecycle()
        if state in (State.IDLE, State.CLOSED):
            continue
        path = {
            State.CONNECTING: [State.CONNECTING],
            State.CONNECTED: [State.CONNECTING, State.CONNECTED],
            State.LOGGING_IN: [State.CONNECTING, State.CONNECTED, State.LOGGING_IN],
            State.ONLINE: [State.CONNECTING, State.CONNECTED, State.LOGGING_IN, State.ONLINE],
            State.WAITING: [State.CONNECTING, State.WAITING],
            State.STOPPED: [State.CONNECTING, State.CONNECTED, State.STOPPED],
        }[state]
        for step in path:
            life.become(step)
        life.become(State.CLOSED)
