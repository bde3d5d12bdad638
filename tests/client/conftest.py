"""Fixtures for the client's tests: a scripted server, and ways to run the client against it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

# The helpers beside the tests are importable under every import mode of pytest.
sys.path.insert(0, str(Path(__file__).parent))

from fake_server import FakeServer
from menu_run import MenuRun


@pytest.fixture
def server() -> Iterator[FakeServer]:
    with FakeServer() as server:
        yield server


@pytest.fixture
def menu(server: FakeServer) -> Iterator[MenuRun]:
    with MenuRun(server.port) as run:
        yield run
