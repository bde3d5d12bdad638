"""Fixtures for the tests of the bus: Redis servers, and buses that are connected to them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.chat.rediskit import BusNode, RedisServer, redis_server, until_healthy


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
def make_bus_node(no_leaks: None) -> Iterator[Callable[..., BusNode]]:
    """Buses that are connected: ``make_bus_node(server)``."""
    nodes: list[BusNode] = []

    def make(server: RedisServer | None = None, *, connected: bool = True) -> BusNode:
        url = (server or redis_server()).url
        nodes.append(BusNode(url, node=f"node-{len(nodes)}").start())
        if connected:
            until_healthy(nodes[-1])
            nodes[-1].until(lambda: nodes[-1].doubts == 1)
        return nodes[-1]

    yield make
    for node in nodes:
        node.close()
