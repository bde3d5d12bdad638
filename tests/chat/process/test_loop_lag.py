"""LoopLag: how late a loop runs its timers."""

from __future__ import annotations

import pytest

from chat.process import loop_lag
from chat.process.loop_lag import LoopLag
from tests.chat.loopkit import Passes


def test_a_busy_loop_is_late(passes: Passes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop_lag, "BEAT_SECONDS", 0.001)
    now = [1000.0]
    monkeypatch.setattr("chat.process.loop_lag.time.monotonic", lambda: now[0])
    lag = LoopLag(passes.loop)
    lag.start()
    now[0] += 0.031  # a callback takes 30 ms; the beat is due after 1 ms
    passes.loop._timers.run_expired(now[0])
    assert lag.beat_at == now[0]
    assert lag.seconds.count == 1
    assert lag.seconds.total == pytest.approx(0.03)


def test_it_beats_while_the_loop_runs(passes: Passes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop_lag, "BEAT_SECONDS", 0.001)
    lag = LoopLag(passes.loop)
    lag.start()
    passes.until(lambda: lag.seconds.count >= 3)
