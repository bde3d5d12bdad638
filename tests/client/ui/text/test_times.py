from __future__ import annotations

import pytest

from client.ui.text import times


def test_the_servers_time_is_shown_in_local_time() -> None:
    moment = times.parse("2026-11-23 20:30:05")
    assert moment is not None
    assert times.to_text(moment) == "2026-11-24 04:30:05"
    assert times.to_clock(moment) == "04:30"
    assert times.day_of(moment) == (2026, 11, 24)
    assert times.weekday_of(moment) == 1


@pytest.mark.parametrize(
    "text",
    [
        *("", "now", "2026-02-31 00:00:00", "2026-11-23 25:00:00", "2026-11-23"),
        *("٢٠٢٦-11-23 12:00:00", "2026-11-23 12:00:00\n", " 2026-11-23 12:00:00"),
        "2026-11-23T12:00:00",
    ],
)
def test_texts_without_a_time(text: str) -> None:
    assert times.parse(text) is None


def test_briefly() -> None:
    now = times.parse("2026-11-23 12:00:00")
    assert now is not None
    assert times.briefly(now - 3600, now) == "19:00"
    assert times.briefly(now - 21 * 3600, now) == "11-22"
    assert times.briefly(now - 400 * times.DAY, now) == " 2025"
