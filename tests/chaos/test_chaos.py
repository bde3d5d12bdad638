"""Short chaos runs; `scripts/chaos.sh` makes long ones."""

from __future__ import annotations

import pytest

from tests.chaos.faults import ACTIONS, OF_ONE_SERVER, draw
from tests.chaos.run import run


@pytest.mark.timeout(150)
@pytest.mark.parametrize(("seed", "sqlite"), [(1, False), (2, False), (3, True)])
def test_nothing_is_lost_or_repeated(seed: int, sqlite: bool) -> None:
    """Seed 2 has small mailboxes."""
    result = run(seed, 8.0 if sqlite else None, sqlite=sqlite)
    assert not result.problems, "\n".join([result.line(), *result.problems[:10], *result.notes])
    assert result.acked > 100
    assert result.deliveries > 2 * result.acked
    assert result.copies > 100
    assert result.ended
    assert result.changes > 5
    assert result.events > 50
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
        (1, "delete-for-all", 3.0, "lost: "),
        (1, "send-no-copies", 3.0, "lost: "),
        (1, "trust-known-devices", 3.0, "lost: "),
        (1, "empty-new-mailbox", 3.0, "lost: "),
        (1, "end-no-device", 4.0, "sent after the end of the device"),
        (1, "tell-one-device-less", 4.0, "lost: "),
        (1, "tell-no-former-member", 5.0, "lost: "),
        (1, "record-events-twice", 4.0, "without a change: "),
        (1, "announce-before-commit", 6.0, "before its change: "),
        (2, "forget-events-of-gaps", 4.0, "lost: "),
        (1, "trust-known-members", 4.0, "lost: "),
    ],
)
def test_the_checker_finds_a_deliberate_bug(
    seed: int, bug: str, seconds: float, problem: str
) -> None:
    """Without faults: reconnecting clients are enough. The smallest mailboxes become full even if
    the machine is slow. In 3 s most bugs show 50 to 500 times; those with 6 s show rarely."""
    sqlite = bug != "trust-the-count"  # that one concerns Redis
    result = run(seed, seconds, bug=bug, faults=[], patience=3.0, mailbox_rows=12, sqlite=sqlite)
    assert [line for line in result.problems if line.startswith(problem)], result.line()


def test_a_schedule_comes_from_its_seed() -> None:
    names = ["node-0", "node-1"]
    assert draw(1, names, 40) == draw(1, names, 40) != draw(2, names, 40)
    drawn = {fault.kind for seed in range(50) for fault in draw(seed, names, 40)}
    assert drawn == set(ACTIONS)
    assert any(fault.seconds > 10 for seed in range(50) for fault in draw(seed, names, 40))
    of_one = {fault.kind for seed in range(50) for fault in draw(seed, names, 40, OF_ONE_SERVER)}
    assert of_one == set(OF_ONE_SERVER)
