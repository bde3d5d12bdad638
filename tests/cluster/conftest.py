"""Fixtures for the cluster's tests: one cluster that is up, shared by a module."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from tests.cluster.clusterkit import ClusterKit, running_cluster
from tests.e2e.chatkit import Wire


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ClusterKit]:
    """Two servers, MariaDB, Redis and nginx. A test leaves all of them running."""
    with running_cluster(tmp_path_factory.mktemp("cluster") / "dir") as kit:
        yield kit


@pytest.fixture
def connect(cluster: ClusterKit) -> Iterator[Callable[..., Wire]]:
    """Opens connections: ``connect(number)`` to a server, ``connect()`` through nginx."""
    wires: list[Wire] = []

    def make(number: int | None = None) -> Wire:
        wires.append(cluster.connect(number))
        return wires[-1]

    yield make
    for wire in wires:
        wire.close()


@pytest.fixture
def member(connect: Callable[..., Wire]) -> Callable[..., Wire]:
    """A new, logged-in user: ``member(name, number, **fields of the login)``."""

    def make(name: str, number: int | None = None, **fields: object) -> Wire:
        wire = connect(number)
        wire.login(wire.register(name), **fields)
        return wire

    return make
