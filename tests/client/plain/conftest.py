"""Fixtures for the tests of the line mode."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.client.fake_server import FakeServer
from tests.client.plain.menu_run import MenuRun


@pytest.fixture
def menu(server: FakeServer) -> Iterator[MenuRun]:
    with MenuRun(server.port) as run:
        yield run
