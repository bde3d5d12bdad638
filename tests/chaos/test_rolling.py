"""The rolling restart: a short run, a run with a deliberate bug, and its check."""

from __future__ import annotations

from client import RefusedError, Sending
from tests.chaos.rolling import Arrival, Post, check, run


def test_a_rolling_restart_disturbs_no_client() -> None:
    result = run(clients=8, rate=20.0, rounds=1)
    assert result.problems == []
    assert len(result.drains) == 2
    assert result.reconnects >= 8
    assert result.posts


def test_a_drain_that_closes_before_the_commit_is_found() -> None:
    result = run(clients=16, rate=60.0, rounds=1, bug="close-before-commit", patience=2.0)
    assert any(problem.startswith("lost") for problem in result.problems)


def post(number: int, *, acked: bool = True) -> Post:
    sending = Sending(f"m{number}", 2, False, f"from 1 no. {number}", 0.0)
    if acked:
        sending.set_result(None)  # type: ignore[arg-type]
    return Post(1, 2, sending)


def arrival(number: int, seq: int | None = None) -> Arrival:
    return Arrival(2, 1, number if seq is None else seq, f"from 1 no. {number}")


def test_nothing_to_complain_about() -> None:
    assert check([post(1), post(2)], [arrival(2), arrival(1)]) == []


def test_each_violation_is_found() -> None:
    assert check([post(1)], []) == ["lost: 'from 1 no. 1' to 2"]
    assert check([post(1)], [arrival(1), arrival(1)]) == ["2 times: 'from 1 no. 1' to 2"]
    assert check([post(1), post(2)], [arrival(1, 9), arrival(2, 8)]) == ["out of order: 1 to 2"]
    assert check([post(1, acked=False)], []) == ["a send of 1 failed: no acknowledgement"]
    refused = post(1, acked=False)
    refused.sending.set_exception(RefusedError(5, "no such user"))
    (problem,) = check([refused], [])
    assert problem.startswith("a send of 1 failed: ")
