from __future__ import annotations

from client.ui.model.bell import AGAIN_SECONDS, QUIET_SECONDS, Bell


def test_a_burst_rings_once() -> None:
    bell = Bell()
    assert [bell.rings(50 + number / 1000) for number in range(150)] == [True] + [False] * 149


def test_a_message_after_a_pause_rings() -> None:
    bell = Bell()
    assert bell.rings(0.0)
    assert not bell.rings(QUIET_SECONDS / 2)
    assert bell.rings(QUIET_SECONDS * 1.5)


def test_an_endless_burst_rings_from_time_to_time() -> None:
    bell = Bell()
    rung = [now / 2 for now in range(100) if bell.rings(now / 2)]
    assert rung == [0, AGAIN_SECONDS, 2 * AGAIN_SECONDS, 3 * AGAIN_SECONDS, 4 * AGAIN_SECONDS]
