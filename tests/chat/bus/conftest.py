"""Fixtures for the tests of the bus: Redis servers, and buses that are connected to them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.chat.rediskit import Ear, RedisServer, redis_server, until_healthy


@pytest.fixture(scope="module", autouse=True)
def server_stops() -> Iterator[None]:
    yield
    if redis_server.cache_info().currsize:
        redis_server().stop()
        redis_server.cache_clear()


@pytest.fixture
def own_server() -> Iterator[RedisServer]:
    """For tests that kill it."""
    server = RedisServer()
    yield server
    server.stop()


@pytest.fixture
def make_ear(no_leaks: None) -> Iterator[Callable[..., Ear]]:
    """Buses that are connected: ``make_ear(server)``."""
    ears: list[Ear] = []

    def make(server: RedisServer | None = None, *, connected: bool = True) -> Ear:
        url = (server or redis_server()).url
        ears.append(Ear(url, node=f"node-{len(ears)}").start())
        if connected:
            until_healthy(ears[-1])
            ears[-1].until(lambda: ears[-1].doubts == 1)
        return ears[-1]

    yield make
    for ear in ears:
        ear.close()
