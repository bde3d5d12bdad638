"""Conformance of the storage port: closing, with many threads at once."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from functools import partial

import pytest

from chat.storage import Database, StorageError, Transaction
from chat.storage.base import Work
from tests.chat.loopkit import WAIT, Outcomes

PUT = "INSERT INTO setting (name, value) VALUES (?, ?)"


def put(name: str, value: str = "x") -> Work[int]:
    return lambda tx: tx.execute(PUT, (name, value))


@pytest.fixture
def quick_switching() -> Iterator[None]:
    """The interpreter switches threads after nearly each bytecode."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


def test_close_commits_all_submitted_work(database: Database) -> None:
    outcomes = Outcomes()
    entered, released = threading.Event(), threading.Event()

    def hold(tx: Transaction) -> None:
        entered.set()
        assert released.wait(WAIT)

    database.submit(hold, outcomes)
    assert entered.wait(WAIT)
    for number in range(300):
        database.submit(put(f"name {number}"), outcomes)
    closer = threading.Thread(target=database.close)
    closer.start()
    released.set()
    closer.join(WAIT)
    assert not closer.is_alive()
    assert outcomes.waiting == 301, "all were told before close returned"
    assert outcomes.take(301) == [(None, None)] + [(1, None)] * 300


def test_after_close_nothing_is_taken(database: Database) -> None:
    database.close()
    outcomes = Outcomes()
    database.submit(lambda tx: pytest.fail("must not run"), outcomes)
    result, error = outcomes.next()
    assert result is None
    assert isinstance(error, StorageError)
    with pytest.raises(StorageError):
        database.write(lambda tx: pytest.fail("must not run"))


def test_close_is_idempotent(database: Database) -> None:
    database.close()
    database.close()


def test_a_done_that_raises_is_logged_and_changes_nothing_else(
    database: Database, errors: object
) -> None:
    def done(result: object, error: Exception | None) -> None:
        raise RuntimeError("in done")

    database.submit(lambda tx: tx.execute(PUT, ("a", "1")), done)
    assert database.write(lambda tx: tx.execute(PUT, ("b", "1"))) == 1


@pytest.mark.usefixtures("quick_switching")
def test_many_threads_at_once(database: Database) -> None:
    """Writers, submitters, failing jobs and readers: each outcome is reported once, and true."""
    each, threads = 40, 4
    before = database.read(count)
    outcomes = [Outcomes() for _ in range(threads)]
    wrong: list[object] = []

    def act(number: int) -> None:
        for n in range(each):
            name = f"{number} {n}"
            database.submit(put(name, "s"), outcomes[number])
            database.submit(put(name, "t"), outcomes[number])
            if database.write(put(name + "w", "w")) != 1:
                wrong.append(name)
            seen = database.read(lambda tx: (count(tx), count(tx)))
            if seen[0] != seen[1]:
                wrong.append(seen)

    workers = [threading.Thread(target=act, args=(number,)) for number in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(60)
    assert not wrong
    for collected in outcomes:
        results = [result for result, _ in collected.take(2 * each)]
        assert results == [1, None] * each, "in the order of submission"
        assert not collected.waiting
    assert database.read(count) == before + 2 * each * threads


@pytest.mark.usefixtures("quick_switching")
def test_closing_under_fire(database: Database) -> None:
    """A submission during ``close`` gets an answer: committed, or a StorageError.

    Example: 1 is in the writer's queue. ``close`` begins, and 2 is refused at once. Then 1 is
    committed. So the answers are sorted by their submissions.
    """

    def tell(told: Outcomes, n: int, result: int | None, error: Exception | None) -> None:
        told(n, error)

    outcomes = [Outcomes() for _ in range(3)]
    started = threading.Barrier(4, timeout=WAIT)

    def act(number: int) -> None:
        started.wait()
        for n in range(200):
            database.submit(put(f"{number} {n}"), partial(tell, outcomes[number], n))

    workers = [threading.Thread(target=act, args=(number,)) for number in range(3)]
    for worker in workers:
        worker.start()
    started.wait()
    database.close()
    for worker in workers:
        worker.join(WAIT)
    for collected in outcomes:
        reported = sorted(collected.take(200), key=lambda outcome: outcome[0])
        assert [n for n, _ in reported] == list(range(200)), "each was told once"
        committed = [error is None for _, error in reported]
        assert committed == sorted(committed, reverse=True), "none after the first refused one"
        assert all(error is None or isinstance(error, StorageError) for _, error in reported)


def count(tx: Transaction) -> int:
    return int(tx.query("SELECT COUNT(*) FROM setting")[0][0])
