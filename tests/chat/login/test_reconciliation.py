"""Reconciliation: rounds that correct the traces of crashes and failures."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from chat.storage import Database
from chat.storage.tables import OFFLINE, ONLINE
from muduopy import ThreadPool
from tests.chat.login.presencekit import Office, offices


@pytest.fixture
def office(database: Database) -> Iterator[Office]:
    with offices(database) as make:
        yield make()


def test_reconcile_releases_rows_that_no_login_owns(office: Office) -> None:
    ann, bob, eve, dan = (office.user(name) for name in ("ann", "bob", "eve", "dan"))
    office.log_in(ann)
    office.take(bob)  # left behind
    office.logins.reserve(eve)
    office.take(eve)  # a login under way
    office.taken_elsewhere(dan, "n2")
    office.reconcile()
    states = [office.row(user).state for user in (ann, bob, eve, dan)]
    assert states == [ONLINE, OFFLINE, ONLINE, ONLINE]


def test_a_part_at_a_time(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rounds cost the same however many users there are; in the end all were looked at."""
    monkeypatch.setattr("chat.login.reconciliation.PART", 2)
    users = [office.user(f"user {number}") for number in range(5)]
    for user in users:
        office.take(user)
    office.reconcile()  # the first one is thorough
    assert [office.row(user).state for user in users] == [OFFLINE] * 5
    for user in users:
        office.take(user)
    for left in (3, 1, 0):
        office.reconcile()
        assert sum(office.row(user).state == ONLINE for user in users) == left
    for user in users:
        office.take(user)
    office.reconcile(thorough=True)
    assert [office.row(user).state for user in users] == [OFFLINE] * 5


def test_logins_are_compared_with_their_part(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chat.login.reconciliation.PART", 2)
    users = [office.user(f"user {number}") for number in range(5)]
    for user in users:
        office.log_in(user)
    for _ in range(4):
        office.reconcile()
        assert office.sent_away == []
    for user in users:
        office.taken_elsewhere(user, "n2")
    for gone in (2, 4, 5):
        office.reconcile()
        assert len(office.sent_away) >= gone


def test_reconcile_survives_a_failing_database(office: Office) -> None:
    ann = office.user()
    office.take(ann)
    office.database.broken = True
    office.reconcile()
    office.database.broken = False
    office.reconcile()
    assert office.row(ann).state == OFFLINE


def test_reconcile_runs_once_at_a_time(office: Office) -> None:
    queued: list[Any] = []

    class Slow:
        def try_run(self, task: Any) -> bool:
            queued.append(task)
            return True

    office.reconciliation._workers = Slow()  # type: ignore[assignment]
    office.reconciliation.start_round()
    office.reconciliation.start_round()
    assert len(queued) == 1
    queued.pop()()
    office.reconciliation.start_round()
    assert len(queued) == 1


def test_reconcile_with_busy_workers_tries_again_next_time(office: Office) -> None:
    ann = office.user()
    office.take(ann)
    stopped = ThreadPool(1)
    stopped.stop()
    office.presence._workers = office.reconciliation._workers = stopped
    office.reconciliation.start_round()
    assert office.row(ann).state == ONLINE
    office.reconcile()
    assert office.row(ann).state == OFFLINE


def test_a_login_that_begins_during_a_round_is_left_alone(office: Office) -> None:
    """Rows are read before the logins: a login in between has its row, and keeps it."""
    ann = office.user()
    real_owned = office.logins.owned

    def owned() -> set[int]:
        office.log_in(ann)  # between the two looks
        return real_owned() - {ann}

    office.logins.owned = owned  # type: ignore[method-assign]
    office.reconcile()
    assert office.row(ann).state == ONLINE
