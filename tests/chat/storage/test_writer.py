"""Writer: groups, their order, outcomes, silence and the end, with a GroupCommit of the test."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest

from chat.storage import StorageError
from chat.storage.job import Job
from chat.storage.writer import MAX_GROUP, GroupCommit, Writer
from tests.chat.loopkit import WAIT, ErrorLog, Outcomes


class RecordedCommits(GroupCommit):
    """Runs jobs with no transaction. ``gate``: each commit waits for it; ``problem``: or raises."""

    def __init__(self) -> None:
        self.groups: list[int] = []
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Event()
        self.problem: Exception | None = None
        self.kept_alive = threading.Semaphore(0)

    def commit(self, jobs: Sequence[Job]) -> None:
        self.entered.set()
        assert self.gate.wait(WAIT)
        self.groups.append(len(jobs))
        if self.problem is not None:
            raise self.problem
        transaction: Any = None
        for job in jobs:
            try:
                job.result = job.work(transaction)
            except ValueError as exc:
                job.error = exc

    def keep_alive(self) -> None:
        self.kept_alive.release()


@pytest.fixture
def commits() -> RecordedCommits:
    return RecordedCommits()


@pytest.fixture
def writer(commits: RecordedCommits) -> Iterator[Writer]:
    writer = Writer(commits, "test-writer")
    writer.start()
    yield writer
    commits.gate.set()
    writer.close()


@pytest.fixture
def outcomes() -> Outcomes:
    return Outcomes()


def returns(value: object) -> Callable[[object], object]:
    return lambda tx: value


def fails(tx: object) -> None:
    raise ValueError("mine")


def hold(writer: Writer, commits: RecordedCommits) -> None:
    """Let the writer take a first job, and wait in its commit."""
    commits.gate.clear()
    writer.submit(returns(None), Outcomes())
    assert commits.entered.wait(WAIT)


def test_waiting_jobs_share_a_commit(
    writer: Writer, commits: RecordedCommits, outcomes: Outcomes
) -> None:
    hold(writer, commits)
    for number in range(MAX_GROUP + 2):
        writer.submit(returns(number), outcomes)
    commits.gate.set()
    found = outcomes.take(MAX_GROUP + 2)
    assert found == [(number, None) for number in range(MAX_GROUP + 2)], "in order"
    assert commits.groups == [1, MAX_GROUP, 2]


def test_one_job_fails(writer: Writer, commits: RecordedCommits, outcomes: Outcomes) -> None:
    hold(writer, commits)
    for work in (returns(1), fails, returns(2)):
        writer.submit(work, outcomes)
    commits.gate.set()
    (first, (value, error), last) = outcomes.take(3)
    assert (first, last) == ((1, None), (2, None))
    assert value is None
    assert isinstance(error, ValueError)


@pytest.mark.parametrize("problem", [StorageError("full"), RuntimeError("a mistake of ours")])
def test_a_commit_fails(
    writer: Writer,
    commits: RecordedCommits,
    outcomes: Outcomes,
    problem: Exception,
    errors: ErrorLog,
) -> None:
    """Each job of the group learns it, and the thread lives on."""
    hold(writer, commits)
    commits.problem = problem
    writer.submit(returns(1), outcomes)
    writer.submit(returns(2), outcomes)
    commits.gate.set()
    assert outcomes.take(2) == [(None, problem), (None, problem)]
    commits.problem = None
    writer.submit(returns(3), outcomes)
    assert outcomes.next() == (3, None)


def test_it_keeps_connections_alive(commits: RecordedCommits) -> None:
    commits.idle_seconds = 0.001
    writer = Writer(commits, "test-writer")
    writer.start()
    for _ in range(3):
        assert commits.kept_alive.acquire(timeout=WAIT)
    writer.close()
    assert commits.groups == []


def test_close_commits_all_jobs(
    writer: Writer, commits: RecordedCommits, outcomes: Outcomes
) -> None:
    hold(writer, commits)
    for number in range(3 * MAX_GROUP):
        writer.submit(returns(number), outcomes)
    closers = [threading.Thread(target=writer.close) for _ in range(2)]
    for closer in closers:
        closer.start()
    commits.gate.set()
    for closer in closers:
        closer.join(WAIT)
    assert outcomes.waiting == 3 * MAX_GROUP
    writer.submit(returns("late"), outcomes)
    assert [value for value, _ in outcomes.take(3 * MAX_GROUP)] == list(range(3 * MAX_GROUP))
    (value, error) = outcomes.next()
    assert value is None
    assert isinstance(error, StorageError)
