"""Fixtures for the end-to-end tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.chatkit import ServerProcess, Wire


@pytest.fixture(autouse=True)
def own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Programs of a test keep logins in the folder of the test, not at home."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "xdg"))


@pytest.fixture
def make_server(tmp_path: Path) -> Iterator[Callable[..., ServerProcess]]:
    """Starts servers: ``make_server(config, *flags)``; each is stopped and must end well."""
    servers: list[ServerProcess] = []

    def make(config: str = "", *args: str) -> ServerProcess:
        folder = tmp_path / f"server{len(servers)}"
        folder.mkdir()
        servers.append(ServerProcess(folder, config, args))
        return servers[-1].start()

    yield make
    for server in servers:
        server.stop()


@pytest.fixture
def server(make_server: Callable[..., ServerProcess]) -> ServerProcess:
    return make_server()


@pytest.fixture
def connect(request: pytest.FixtureRequest) -> Iterator[Callable[..., Wire]]:
    """Opens connections: ``connect(server, **options of Wire)``."""
    wires: list[Wire] = []

    def make(server: ServerProcess, **options: Any) -> Wire:
        wires.append(Wire(server.port, **options))
        return wires[-1]

    yield make
    for wire in wires:
        wire.close()


@pytest.fixture
def member(connect: Callable[..., Wire]) -> Callable[..., Wire]:
    """A new user who is logged in: ``member(server, name, **options of Wire)``."""

    def make(server: ServerProcess, name: str, **options: Any) -> Wire:
        wire = connect(server, **options)
        wire.login(wire.register(name))
        return wire

    return make
