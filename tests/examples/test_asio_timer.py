"""asio_timer: the output of the tutorial's programs."""

from __future__ import annotations

import pytest

from tests.examples.examplekit import Example

QUICK = 0.01


def lines_of(which: int, count: int) -> list[str]:
    with Example("asio_timer", which, QUICK, servers=0) as timer:
        found = [timer.line() for _ in range(count)]
        assert timer.line() == ""  # the end of the output
        timer.process.wait()
    return found


def test_once() -> None:
    assert lines_of(2, 1) == ["Hello, world!"]


@pytest.mark.parametrize("which", [3, 4])
def test_five_times(which: int) -> None:
    assert lines_of(which, 6) == ["0", "1", "2", "3", "4", "Final count is 5"]


@pytest.mark.parametrize("which", [5, 6])
def test_two_loops_count_together(which: int) -> None:
    *counts, last = lines_of(which, 11)
    assert last == "Final count is 10"
    assert sorted(int(line.split(": ")[1]) for line in counts) == list(range(10))
    assert {line.split(":")[0] for line in counts} <= {"Timer 1", "Timer 2"}
