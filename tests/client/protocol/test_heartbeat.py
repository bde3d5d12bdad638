from __future__ import annotations

import threading

from client.protocol.heartbeat import Heartbeat
from tests.client.fake_server import WAIT


def test_beats_again_and_again_until_stopped() -> None:
    beats = threading.Semaphore(0)
    heartbeat = Heartbeat(0.001, beats.release)
    heartbeat.start()
    for _ in range(3):
        assert beats.acquire(timeout=WAIT)
    heartbeat.stop()
    while beats.acquire(blocking=False):
        pass
    assert not beats.acquire(timeout=0.02)


def test_a_new_interval_counts_at_once() -> None:
    beaten = threading.Event()
    heartbeat = Heartbeat(1000, beaten.set)
    heartbeat.start()
    heartbeat.set_interval(0.001)
    assert beaten.wait(WAIT)
    heartbeat.stop()
    heartbeat.stop()


def test_stop_ends_a_long_wait_and_works_before_the_start() -> None:
    heartbeat = Heartbeat(1000, lambda: None)
    heartbeat.stop()
    heartbeat.start()
    heartbeat.stop()


def test_a_beat_may_stop_it() -> None:
    stopped = threading.Event()

    def beat() -> None:
        heartbeat.stop()
        stopped.set()

    heartbeat = Heartbeat(0.001, beat)
    heartbeat.start()
    assert stopped.wait(WAIT)
    heartbeat.stop()
