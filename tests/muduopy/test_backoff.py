"""Backoff: the delays, without a clock."""

from __future__ import annotations

import math

import pytest

from muduopy.backoff import Backoff


def test_doubles_and_begins_anew() -> None:
    backoff = Backoff(0.5, 3.0)
    assert [backoff.next_delay() for _ in range(5)] == [0.5, 1.0, 2.0, 3.0, 3.0]
    backoff.reset()
    assert backoff.next_delay() == 0.5
    assert backoff.spread() == 0.0


def test_jitter_takes_a_part() -> None:
    backoff = Backoff(1.0, 1.0, jitter=True)
    delays = {backoff.next_delay() for _ in range(20)} | {backoff.spread() for _ in range(20)}
    assert len(delays) > 20
    assert all(0 <= delay <= 1.0 for delay in delays)


@pytest.mark.parametrize(
    ("first", "last"), [(0.0, 1.0), (-1.0, 1.0), (2.0, 1.0), (1.0, math.inf), (math.nan, 1.0)]
)
def test_impossible_delays(first: float, last: float) -> None:
    with pytest.raises(ValueError, match="first <= last"):
        Backoff(first, last)
