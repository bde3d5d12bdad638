"""A short fuzz run in each mode; `scripts/fuzz.sh` makes long ones."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import pytest

from bench import common
from bench.attacks.witness import Findings
from tests.fuzz.run import LONG, Result, Sample, judge, run


@pytest.mark.timeout(250)
@pytest.mark.parametrize(("seed", "delivery"), [(1, "direct"), (2, "stored")])
def test_the_server_survives(seed: int, delivery: str) -> None:
    result = run(seed, 4000, delivery, window=1.0)
    assert not result.problems, "\n".join([result.line(), *result.problems])
    assert result.frames >= 4000
    assert result.answers > 100
    assert sum(window.sent for window in result.windows) > 0


GOOD = Result(
    frames=LONG,
    samples=[Sample(0, 10, 5, 20), Sample(LONG // 2, 100, 5, 44), Sample(LONG, 100, 5, 20)],
    windows=[Findings(sent=1)],
)


@pytest.mark.parametrize(
    ("status", "log", "changed", "problem"),
    [
        (0, "", {}, None),
        (-11, "", {}, "exit status -11"),
        (0, "Traceback (most recent call last):", {}, "log: Traceback"),
        (0, "", {"windows": [Findings(lost=2)]}, "lost 2"),
        (0, "", {"windows": [Findings(failed_logins=["8: busy"])]}, "8: busy"),
        (0, "", {"samples": [*GOOD.samples[:2], Sample(LONG, 200, 5, 20)]}, "memory grew"),
        (0, "", {"samples": [*GOOD.samples[:2], Sample(LONG, 100, 6, 20)]}, "1 more threads"),
    ],
)
def test_a_problem_is_named(
    status: int, log: str, changed: dict[str, object], problem: str | None, tmp_path: Path
) -> None:
    file = tmp_path / "log"
    file.write_text(log, encoding="utf-8")
    server = SimpleNamespace(process=SimpleNamespace(returncode=status), log=file)
    result = replace(GOOD, problems=[], **changed)  # type: ignore[arg-type]
    judge(cast("common.Server", server), result)
    assert len(result.problems) == (problem is not None)
    assert all(str(problem) in line for line in result.problems)
