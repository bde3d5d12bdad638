from __future__ import annotations

import re
import time

import pytest

from chat.process.clock import Clock


def test_text_is_utc(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: 1_800_000_000.9)
    assert Clock().text() == "2027-01-15 08:00:00"
    assert Clock().unix() == 1_800_000_000


def test_text_goes_on_with_the_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 1_800_000_000.0
    monkeypatch.setattr(time, "time", lambda: now)
    clock = Clock()
    texts = []
    for step in (0.0, 0.5, 0.4, 0.2, 58.0, 1.0, -61.0):  # and back, when the clock is set
        now += step
        texts.append(clock.text())
    assert [text[-5:] for text in texts] == [
        *("00:00", "00:00", "00:00", "00:01"),
        *("00:59", "01:00", "59:59"),
    ]


def test_the_second_is_formatted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time", lambda: 1_800_000_000.0)
    clock = Clock()
    assert clock.text() is clock.text()


def test_real_time() -> None:
    clock = Clock()
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", clock.text())
    assert clock.monotonic() <= clock.monotonic()
