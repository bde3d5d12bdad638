"""PeerClock: deadlines, by times alone."""

from __future__ import annotations

import math

import pytest

from muduopy.websocket.peer_clock import Due, PeerClock
from muduopy.websocket.websocket_limits import WebSocketLimits


@pytest.fixture
def clock() -> PeerClock:
    limits = WebSocketLimits(
        handshake_seconds=10, message_seconds=60, ping_seconds=30, pong_seconds=20, close_seconds=5
    )
    return PeerClock(limits, 100.0)


def test_both_handshakes(clock: PeerClock) -> None:
    assert clock.open_deadline() == 110
    clock.began = 200.0
    assert clock.close_deadline(-math.inf) == 205
    assert clock.close_deadline(203.0) == 208  # it still takes output


def test_silence(clock: PeerClock) -> None:
    assert clock.deadline(heard=100.0) == 130
    assert clock.due(heard=100.0, now=130.0) is Due.PING
    clock.pinged(130.0)
    assert clock.deadline(heard=100.0) == 150
    assert clock.due(heard=100.0, now=150.0) is Due.NO_PONG
    assert clock.deadline(heard=131.0) == 161  # it has answered
    assert clock.due(heard=131.0, now=161.0) is Due.PING


def test_a_slow_message(clock: PeerClock) -> None:
    assert clock.has_read(True, False, 100.0)
    assert not clock.has_read(True, False, 120.0)  # the same message goes on
    assert clock.deadline(heard=159.0) == 160
    assert clock.due(heard=159.0, now=160.0) is Due.SLOW_MESSAGE
    assert clock.has_read(True, True, 160.0)  # one has ended, and the next has begun
    assert clock.deadline(heard=219.0) == 220
    assert not clock.has_read(False, True, 220.0)
    assert clock.deadline(heard=220.0) == 250


def test_a_stop_of_reading_counts_for_nothing(clock: PeerClock) -> None:
    clock.has_read(True, False, 100.0)
    clock.pinged(120.0)
    clock.resume(500.0)
    assert clock.deadline(heard=100.0) == 530
    assert clock.due(heard=100.0, now=530.0) is Due.PING
