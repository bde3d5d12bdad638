"""Maintenance: expired tokens are deleted, and a database that is gone is logged."""

from __future__ import annotations

import threading
from functools import partial

import pytest

from chat.maintenance.maintenance import Maintenance
from chat.storage import Database, StorageError, Transaction
from chat.storage.tables import TokenModel, UserModel
from muduopy import EventLoop, ThreadPool
from tests.chat.loopkit import WAIT, ErrorLog, FailingDatabase, Passes
from tests.chat.nodekit import TestClock

DAY = 86_400


def test_expired_tokens(database: Database) -> None:
    clock = TestClock()
    ann = database.write(lambda tx: UserModel(tx).insert("ann", "h"))

    def insert(name: str, used: int, tx: Transaction) -> None:
        TokenModel(tx).insert(name, ann, used)

    for name, age in (("new", 0), ("old", 2 * DAY)):
        database.write(partial(insert, name, clock.date - age))
    Maintenance(database, clock, DAY).delete_expired_tokens()
    assert len(database.read(lambda tx: tx.query("SELECT * FROM token"))) == 1


def test_expired_requests(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chat.storage.tables.friendrequest.PART", 2)
    monkeypatch.setattr("chat.storage.tables.groupinvite.PART", 2)
    clock = TestClock()

    def insert(tx: Transaction) -> None:
        rows = [(1, other, clock.date - other * DAY) for other in range(25, 36)]
        tx.insert_rows("friendrequest", ("userid", "friendid", "time"), rows)
        invitations = [(1, other, 1, time) for _, other, time in rows]
        tx.insert_rows("groupinvite", ("groupid", "userid", "byid", "time"), invitations)

    database.write(insert)
    maintenance = Maintenance(database, clock, DAY)
    for _ in range(2):
        maintenance.delete_expired_requests()
        rows = database.read(lambda tx: tx.query("SELECT friendid FROM friendrequest"))
        assert sorted(other for (other,) in rows) == [25, 26, 27, 28, 29, 30]
        rows = database.read(lambda tx: tx.query("SELECT userid FROM groupinvite"))
        assert sorted(other for (other,) in rows) == [25, 26, 27, 28, 29, 30]


def test_a_database_that_is_gone(
    database: Database, errors: ErrorLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise StorageError("the file was removed")

    broken = FailingDatabase(database)
    monkeypatch.setattr(broken, "check", fail, raising=False)
    Maintenance(broken, TestClock(), DAY)._check()
    assert errors.messages == ["the database is gone: the file was removed"]


@pytest.mark.parametrize("database", ["sqlite"], indirect=True)
def test_a_registered_job_that_fails_runs_again(
    database: Database, loop: EventLoop, passes: Passes, workers: ThreadPool, errors: ErrorLog
) -> None:
    failures: list[Exception] = [ValueError("a mistake"), StorageError("away")]
    done = threading.Event()

    def job() -> None:
        if failures:
            raise failures.pop()
        done.set()

    maintenance = Maintenance(database, TestClock(), DAY)
    maintenance.every(0.001, job)
    workers.start()
    maintenance.start(loop, workers)
    passes.until(done.is_set, "the third run")
    assert done.wait(WAIT)
    assert errors.messages == ["a regular job has failed"]
