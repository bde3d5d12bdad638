"""The random delays: the same from the same seed, in this process and in programs."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.delays import random_delays

PROJECT = Path(__file__).resolve().parents[2]
PATCHED = """
from chat.storage.sqlite.group_commit import SqliteGroupCommit
from chat.storage.mysql.group_commit import MysqlGroupCommit
from muduopy import EventLoop, thread_pool
import threading
print([function.__name__ for function in (
    SqliteGroupCommit.commit, MysqlGroupCommit.commit, EventLoop._handle, EventLoop._run_pending,
    thread_pool._run_contained, threading.Thread.run, threading.Condition.wait)])
"""


def patched(**environment: str) -> set[str]:
    """The names of the functions that have delays, in a program that imports all of them."""
    done = subprocess.run(
        [sys.executable, "-c", PATCHED],
        cwd=PROJECT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=True,
    )
    names: list[str] = eval(done.stdout)
    return set(names)


def pauses(monkeypatch: pytest.MonkeyPatch, seed: str) -> list[float]:
    """The pauses of this thread."""
    slept: list[float] = []
    monkeypatch.setattr("tests.delays.random_delays.time.sleep", slept.append)
    random_delays.choose(seed)
    for _ in range(100):
        random_delays.pause()
    monkeypatch.undo()
    return slept


def test_a_seed_determines_the_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    before = random_delays._chosen[0]
    try:
        slept = pauses(monkeypatch, "17")
        assert slept == pauses(monkeypatch, "17") != pauses(monkeypatch, "18")
    finally:
        random_delays.choose(before)
    assert 10 < len(slept) < 60
    assert 0 <= max(slept) <= random_delays.LONG_SECONDS


def test_programs_get_the_delays_by_their_environment() -> None:
    assert patched(**{**random_delays.environment(), random_delays.VARIABLE: "17"}) == {"delayed"}


@pytest.mark.skipif(random_delays.VARIABLE in os.environ, reason="this run has delays")
def test_there_are_none_by_default() -> None:
    assert "delayed" not in patched()
