"""ConnectionPool, with connections of the test."""

from __future__ import annotations

import threading

import pytest

import chat.storage.pool
from chat.storage import StorageError
from chat.storage.pool import ConnectionPool
from tests.chat.loopkit import WAIT


class Fake:
    """A connection that fails on demand."""

    def __init__(self) -> None:
        self.alive = True
        self.broken = False
        self.closed = False
        self.asked = 0

    def is_alive(self) -> bool:
        self.asked += 1
        return self.alive

    def reset(self) -> None:
        if self.broken:
            raise StorageError("broken")

    def close(self) -> None:
        self.closed = True


def test_opens_on_demand_and_lends_the_last_first() -> None:
    pool = ConnectionPool(Fake, 3)
    assert pool.size == 0
    one, two = pool.take(), pool.take()
    assert (pool.size, pool.idle) == (2, 0)
    pool.give_back(one)
    pool.give_back(two)
    assert (pool.size, pool.idle) == (2, 2)
    assert pool.take() is two
    assert pool.take() is one


def test_waits_for_one_to_come_back() -> None:
    pool = ConnectionPool(Fake, 1)
    lent = pool.take()
    threading.Timer(0.05, pool.give_back, [lent]).start()
    assert pool.take() is lent


def test_gives_up_waiting() -> None:
    pool = ConnectionPool(Fake, 1, wait=0.01)
    pool.take()
    with pytest.raises(StorageError, match="all 1 database connections"):
        pool.take()


def test_never_more_than_the_bound() -> None:
    pool = ConnectionPool(Fake, 4)
    most = 0
    lock = threading.Lock()

    def use() -> None:
        nonlocal most
        for _ in range(100):
            connection = pool.take()
            with lock:
                most = max(most, pool.size)
            pool.give_back(connection)

    threads = [threading.Thread(target=use) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT)
    assert most <= 4
    assert pool.idle == pool.size <= 4


def test_asks_one_that_was_idle(monkeypatch: pytest.MonkeyPatch) -> None:
    pool = ConnectionPool(Fake, 2)
    first = pool.take()
    pool.give_back(first)
    assert pool.take() is first
    assert first.asked == 0  # it was in use a moment ago
    pool.give_back(first)
    monkeypatch.setattr(chat.storage.pool, "IDLE_SECONDS", -1.0)
    assert pool.take() is first
    assert first.asked == 1
    first.alive = False
    pool.give_back(first)
    second = pool.take()
    assert second is not first
    assert first.closed
    assert pool.size == 1


def test_one_that_cannot_be_reset_is_discarded() -> None:
    pool = ConnectionPool(Fake, 1)
    lent = pool.take()
    lent.broken = True
    pool.give_back(lent)
    assert lent.closed
    assert pool.size == 0
    assert pool.take() is not lent


def test_a_failure_to_connect_takes_no_place() -> None:
    failing = True

    def connect() -> Fake:
        if failing:
            raise StorageError("no")
        return Fake()

    pool = ConnectionPool(connect, 1)
    with pytest.raises(StorageError, match="no"):
        pool.take()
    failing = False
    pool.take()


def test_close() -> None:
    pool = ConnectionPool(Fake, 2)
    lent, idle = pool.take(), pool.take()
    pool.give_back(idle)
    pool.close()
    pool.close()
    assert idle.closed
    assert not lent.closed
    pool.give_back(lent)
    assert lent.closed
    assert pool.size == 0
    with pytest.raises(StorageError, match="closed"):
        pool.take()


def test_close_wakes_waiting_threads() -> None:
    pool = ConnectionPool(Fake, 1)
    pool.take()
    threading.Timer(0.05, pool.close).start()
    with pytest.raises(StorageError, match="closed"):
        pool.take()


def test_fill() -> None:
    pool = ConnectionPool(Fake, 3)
    pool.fill(2)
    assert (pool.size, pool.idle) == (2, 2)
    pool.fill(9)
    assert (pool.size, pool.idle) == (3, 3)


def test_fill_that_fails_keeps_the_open_connections() -> None:
    made: list[Fake] = []

    def connect() -> Fake:
        if len(made) == 2:
            raise StorageError("no more")
        made.append(Fake())
        return made[-1]

    pool = ConnectionPool(connect, 3)
    with pytest.raises(StorageError, match="no more"):
        pool.fill(3)
    assert (pool.size, pool.idle) == (2, 2)
    pool.close()
    assert all(connection.closed for connection in made)
