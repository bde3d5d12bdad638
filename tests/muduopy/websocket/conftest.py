"""Fixtures for the tests of WebSockets, beside those of tests/muduopy/conftest.py."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.muduopy.websocket.websocketkit import (
    Configure,
    RunningWebSockets,
    WebSocketMaker,
    echo,
)


@pytest.fixture
def run_websockets(no_leaks: None) -> Iterator[WebSocketMaker]:
    """Start servers: ``run_websockets(configure, threads, limits={…}, **options)``."""
    servers: list[RunningWebSockets] = []

    def make(configure: Configure = echo, threads: int = 0, **options: Any) -> RunningWebSockets:
        servers.append(RunningWebSockets(configure, threads, **options))
        return servers[-1]

    yield make
    for server in servers:
        server.shut()
