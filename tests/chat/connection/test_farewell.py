"""Farewell: the connections of a stopping server end one after another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from chat.config import ServerConfig
from chat.connection.farewell import FINISH_SECONDS, RATE, STEP_SECONDS, Farewell
from chat.protocol import MsgType
from tests.chat.nodekit import Node


class StepLoop:
    """A loop whose timers the test runs, and the peers that were sent away."""

    def __init__(self) -> None:
        self.now = 0.0
        self.gone: list[float] = []
        self._next: Callable[[], object] | None = None

    def run_after(self, seconds: float, call: Callable[[], object]) -> None:
        self.now += seconds
        self._next = call

    def queue_in_loop(self, call: object) -> None:
        self.gone.append(self.now)

    def run(self) -> None:
        while self._next is not None:
            call, self._next = self._next, None
            call()


class Peer:
    def __init__(self, loop: StepLoop) -> None:
        self.loop = loop


def send_all_away(count: int, drain_seconds: float) -> tuple[StepLoop, list[float]]:
    """The loop, and the seconds that were left for the end."""
    loop: Any = StepLoop()
    peers: Any = [Peer(loop) for _ in range(count)]
    done: list[float] = []
    Farewell(loop, peers, drain_seconds, done.append).start()
    loop.run()
    return loop, done


@pytest.mark.parametrize("count", [0, 1, 50, 1000])
def test_few_clients_leave_at_the_usual_rate(count: int) -> None:
    loop, done = send_all_away(count, 60.0)
    assert len(loop.gone) == count
    assert loop.now == pytest.approx(max(0, count / RATE - STEP_SECONDS), abs=STEP_SECONDS)
    assert done == [FINISH_SECONDS]


def test_many_clients_leave_faster_so_that_the_time_suffices() -> None:
    loop, done = send_all_away(10_000, 20.0)
    assert len(loop.gone) == 10_000
    assert 16.0 < loop.now <= 18.0
    assert done == [FINISH_SECONDS]
    first_second = sum(at < 1.0 for at in loop.gone)
    assert first_second < 700


@pytest.mark.parametrize("drain_seconds", [0.0, 0.5, FINISH_SECONDS])
def test_without_time_all_leave_at_once(drain_seconds: float) -> None:
    loop, done = send_all_away(1000, drain_seconds)
    assert loop.gone == [0.0] * 1000
    assert done == [drain_seconds]


def test_clients_are_served_until_their_turn_comes(
    make_node: Callable[..., Node], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first has gone, and the last still sends, is answered, and gets BYE_MSG later."""
    monkeypatch.setattr("chat.connection.farewell.RATE", 1)
    monkeypatch.setattr("chat.connection.farewell.STEP_SECONDS", 0.1)
    node = make_node(config=ServerConfig(threads=0))
    ann, bob, eve = node.online("ann"), node.online("bob"), node.online("eve")
    stopped: list[bool] = []
    node.server.stop(60.0, lambda: stopped.append(True))
    assert ann.expect(MsgType.BYE_MSG)["reason"] == "draining"
    assert eve.deliver(bob)["errno"] == 0
    with pytest.raises(ConnectionRefusedError):
        node.socket()
    for client in (bob, eve):
        assert client.ended()[-1]["reason"] == "draining"
        client.close()
    ann.close()
    node.until(lambda: stopped, "the end")
