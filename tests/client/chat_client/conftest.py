"""Fixtures: clients of the scripted server."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from client import ChatClient
from tests.client.chat_client.clientkit import QUICK, Make
from tests.client.fake_server import FakeServer


@pytest.fixture
def make(server: FakeServer) -> Iterator[Make]:
    """Makes connected clients; each is closed at the end."""
    clients: list[ChatClient] = []

    def make(**options: Any) -> ChatClient:
        client = ChatClient("127.0.0.1", server.port, **{"timing": QUICK, **options})
        clients.append(client)
        client.connect()
        return client

    yield make
    for client in clients:
        client.close()


@pytest.fixture
def client(make: Make) -> ChatClient:
    """One that is logged in as user 1."""
    client = make()
    client.login(1, "secret")
    return client
