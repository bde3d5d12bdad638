"""MemberLists: believed for a while, read again in time, forgotten at once."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from chat.delivery.members import MEMBERS_SECONDS, REFRESH_SECONDS, MemberLists
from chat.storage import Transaction
from chat.storage.tables import CREATOR, NORMAL, GroupModel
from muduopy import ThreadPool
from tests.chat.loopkit import WAIT, ErrorLog, FailingDatabase


class Pool(ThreadPool):
    """Runs its tasks when the test tells it to."""

    def __init__(self) -> None:
        super().__init__(0)
        self.waiting: list[Callable[[], object]] = []
        self.full = False

    def try_run(self, task: Callable[[], object]) -> bool:
        if not self.full:
            self.waiting.append(task)
        return not self.full

    def run_all(self) -> int:
        tasks, self.waiting = self.waiting, []
        for task in tasks:
            task()
        return len(tasks)


class Clock:
    now = 1000.0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("chat.delivery.members.time.monotonic", lambda: clock.now)
    return clock


@pytest.fixture
def pool() -> Pool:
    return Pool()


@pytest.fixture
def lists(failing: FailingDatabase, pool: Pool, clock: Clock) -> MemberLists:
    return MemberLists(failing, pool)


def make_group(database: FailingDatabase, *members: int) -> int:
    def make(tx: Transaction) -> int:
        group_id = GroupModel(tx).insert("tea", "")
        for user_id in members:
            GroupModel(tx).add_member(group_id, user_id, NORMAL if user_id > 1 else CREATOR)
        return group_id

    return database.write(make)


def test_what_was_learned_is_believed_for_a_while(lists: MemberLists, clock: Clock) -> None:
    assert lists.of(7) is None
    lists.learn({7: frozenset({1, 2}), 8: frozenset({3})}, clock.now)
    assert (lists.of(7), lists.of(8)) == (frozenset({1, 2}), frozenset({3}))
    clock.now += MEMBERS_SECONDS
    assert lists.of(7) is None


def test_a_list_in_use_is_read_again_in_time(
    lists: MemberLists, pool: Pool, clock: Clock, failing: FailingDatabase
) -> None:
    group = make_group(failing, 1, 2, 3)
    lists.learn({group: frozenset({1, 2})}, clock.now)
    clock.now += MEMBERS_SECONDS - REFRESH_SECONDS
    lists.of(group)
    assert not pool.waiting, "early enough"
    clock.now += 0.5
    for _ in range(3):
        assert lists.of(group) == frozenset({1, 2}), "no message waits for it"
    assert pool.run_all() == 1, "once"
    clock.now += MEMBERS_SECONDS - 0.1
    assert lists.of(group) == frozenset({1, 2, 3})
    assert pool.run_all() == 1


def test_a_list_is_as_old_as_its_reading(
    lists: MemberLists, pool: Pool, clock: Clock, failing: FailingDatabase
) -> None:
    group = make_group(failing, 1)
    lists.learn({group: frozenset({1})}, clock.now)
    clock.now += MEMBERS_SECONDS - 0.5
    lists.of(group)
    real = failing.read

    def slow(work):  # type: ignore[no-untyped-def]
        result = real(work)
        clock.now += 2.0
        return result

    failing.read = slow  # type: ignore[method-assign]
    pool.run_all()
    clock.now += MEMBERS_SECONDS - 2.0
    assert lists.of(group) is None


def test_what_has_changed_is_forgotten(lists: MemberLists, clock: Clock) -> None:
    lists.learn({7: frozenset({1}), 8: frozenset({1})}, clock.now)
    lists.forget(7)
    lists.forget(7)
    assert lists.of(7) is None
    assert lists.of(8) == frozenset({1})


def test_a_list_from_before_the_change_is_not_believed(lists: MemberLists, clock: Clock) -> None:
    """It was being read while a user joined, so it may have the former members."""
    begun = clock.now
    clock.now += 0.1
    lists.forget(7)
    lists.learn({7: frozenset({1})}, begun)
    assert lists.of(7) is None
    lists.learn({7: frozenset({1, 2})}, clock.now + 0.1)
    assert lists.of(7) == frozenset({1, 2})


def test_so_many_changes_that_they_are_forgotten(
    lists: MemberLists, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chat.delivery.members.MAX_LISTS", 10)
    for group in range(12):
        lists.forget(group)
        clock.now += 0.1
    lists.learn({0: frozenset({1})}, clock.now - 0.2)
    assert lists.of(0) is None, "it may be older than a change"
    lists.learn({0: frozenset({1})}, clock.now)
    assert lists.of(0) == frozenset({1})


def test_a_group_that_is_gone(lists: MemberLists, pool: Pool, clock: Clock) -> None:
    lists.learn({99: frozenset({1})}, clock.now)
    clock.now += MEMBERS_SECONDS - 0.5
    assert lists.of(99) == frozenset({1})
    pool.run_all()
    assert lists.of(99) is None


def test_when_it_cannot_be_read_it_is_tried_again(
    lists: MemberLists, pool: Pool, clock: Clock, failing: FailingDatabase, errors: ErrorLog
) -> None:
    group = make_group(failing, 1)
    lists.learn({group: frozenset({1})}, clock.now)
    clock.now += MEMBERS_SECONDS - 1.0
    pool.full = True
    lists.of(group)
    pool.full = False
    failing.broken_reads = True
    lists.of(group)
    assert pool.run_all() == 1
    failing.broken_reads = False
    assert lists.of(group) == frozenset({1})
    assert pool.run_all() == 1


def test_from_many_threads(failing: FailingDatabase) -> None:
    """With a real pool: each list is read by one at a time, and nothing is lost."""
    workers = ThreadPool(2)
    lists = MemberLists(failing, workers)
    group = make_group(failing, 1, 2)
    problems: list[object] = []

    def use() -> None:
        for _ in range(300):
            # As if it had been read a while ago: each use has it read again.
            lists.learn({group: frozenset({1, 2})}, time.monotonic() - MEMBERS_SECONDS + 1.0)
            found = lists.of(group)
            if found not in (None, {1, 2}):
                problems.append(found)

    threads = [threading.Thread(target=use) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT)
    workers.stop()
    assert not problems
    assert lists.of(group) in (None, {1, 2})
