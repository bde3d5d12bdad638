"""Fixtures for the client's tests: a scripted server, and ways to run the client against it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.client.fake_server import FakeServer
from tests.client.menu_run import MenuRun


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with FakeServer() as server:
        yield server


@pytest.fixture
def menu(server: FakeServer) -> Iterator[MenuRun]:
    with MenuRun(server.port) as run:
        yield run
