"""Counters: buckets and names."""

from __future__ import annotations

import pytest

from chat.counters import Histogram, Tally


def test_a_bucket_includes_its_upper_bound() -> None:
    histogram = Histogram((1, 2, 4))
    for value in (0, 1, 1.5, 2, 4, 4.1, 1000):
        histogram.observe(value)
    assert histogram.counts == [2, 2, 1, 2]
    assert histogram.total == pytest.approx(1012.6)
    assert histogram.count == 7


def test_a_tally_has_a_fixed_number_of_names() -> None:
    tally = Tally("abuse", "idle")
    tally.add("idle")
    tally.add("idle", 3)
    tally.add("a name that a peer has chosen")
    assert tally.counts == {"abuse": 0, "idle": 4, "other": 1}
