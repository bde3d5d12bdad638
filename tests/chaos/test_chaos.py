"""A short chaos run, with two seeds; `scripts/chaos.sh` runs many."""

from __future__ import annotations

import pytest

from tests.chaos.faults import ACTIONS, draw
from tests.chaos.run import run


@pytest.mark.timeout(150)
@pytest.mark.parametrize("seed", [1, 2])
def test_nothing_is_lost_or_repeated(seed: int) -> None:
    """Seed 2 has small mailboxes."""
    result = run(seed)
    assert not result.problems, "\n".join([result.line(), *result.problems[:10], *result.notes])
    assert result.acked > 100
    assert result.deliveries > result.acked
    assert seed == 2 or result.gaps == result.refused == 0


@pytest.mark.timeout(150)
@pytest.mark.parametrize(
    ("seed", "bug", "seconds", "problem"),
    [
        (1, "delete-before-ack", 6.0, "lost: "),
        (1, "trust-the-count", 6.0, "lost: "),
        (1, "forget-mids", 3.0, "delivered twice"),
        (2, "forget-gaps", 3.0, "lost: "),
        (2, "drop-when-full", 3.0, "lost: "),
    ],
)
def test_the_checker_finds_a_deliberate_bug(
    seed: int, bug: str, seconds: float, problem: str
) -> None:
    """Without faults: reconnecting clients are enough. The smallest mailboxes become full even if
    the machine is slow. In 3 s the last three bugs show 50 to 500 times, the first two rarely."""
    result = run(seed, seconds, bug=bug, faults=[], patience=3.0, mailbox_rows=12)
    assert [line for line in result.problems if line.startswith(problem)], result.line()


def test_a_schedule_comes_from_its_seed() -> None:
    names = ["node-0", "node-1"]
    assert draw(1, names, 40) == draw(1, names, 40) != draw(2, names, 40)
    drawn = {fault.kind for seed in range(50) for fault in draw(seed, names, 40)}
    assert drawn == set(ACTIONS)
    assert any(fault.seconds > 10 for seed in range(50) for fault in draw(seed, names, 40))
