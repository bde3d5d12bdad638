"""A soak of a few seconds runs, and a line that rises is named."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from bench.soak.__main__ import lag_ms
from bench.soak.figures import Sample, rising_lines
from tests.bench.test_bench import figures, run

FLAT = Sample(0.0, 100.0, 50, 9, 1.0, 10.0, 100.0, 5.0)


@pytest.mark.timeout(250)
def test_a_short_soak(tmp_path: Path) -> None:
    result = tmp_path / "figures.json"
    text = run(
        "soak",
        *("--minutes", "0.05", "--interval", "1", "--peak-seconds", "0.3"),
        *("--json", str(result)),
    )
    assert "messages a second" in text
    report = figures(result)
    assert report["load"]["messages"] > 0
    assert report["load"]["errors"] == 0
    assert sum(report["churn"].values()) > 0
    assert len(report["samples"]) >= 2
    assert all(sample["memory"] > 1 for sample in report["samples"])


def test_a_rising_line_is_named() -> None:
    flat = [replace(FLAT, seconds=float(second)) for second in range(30)]
    assert not rising_lines(flat)
    for name, changed in (
        ("memory", replace(FLAT, memory=120.0)),
        ("descriptors", replace(FLAT, descriptors=80)),
        ("threads", replace(FLAT, threads=12)),
        ("p99", replace(FLAT, p99=30.0)),
    ):
        found = rising_lines(flat[:20] + [changed] * 10)
        assert len(found) == 1
        assert found[0].startswith(name)


def test_a_percentile_of_a_histogram_is_the_bound_of_its_bucket() -> None:
    before = {0.001: 10.0, 0.05: 10.0, float("inf"): 10.0}
    after = {0.001: 90.0, 0.05: 109.0, float("inf"): 110.0}
    assert lag_ms(before, after) == 50.0
    assert lag_ms(before, {**after, 0.05: 90.0}) == float("inf")
