"""The time zone of all tests of the terminal, and running terminals."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chat.protocol import MsgType
from tests.client.fake_server import FakeServer, ack, login_ack
from tests.client.ui.appkit import FRIENDS, GROUPS, Start
from tests.client.ui.apprun import AppRun


@pytest.fixture(autouse=True)
def china(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Eight hours east of the server's clock; a missing conversion then shows."""
    monkeypatch.setenv("TZ", "Asia/Shanghai")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def server(server: FakeServer) -> FakeServer:
    """A scripted server with friends, a group, and acknowledgements for messages."""
    server.rules[MsgType.LOGIN_MSG] = lambda r: [login_ack(r, friends=FRIENDS, groups=GROUPS)]
    server.rules[MsgType.MEMBERS_MSG] = lambda r: [
        ack(MsgType.MEMBERS_ACK, r, users=GROUPS[0]["users"])
    ]
    seqs = itertools.count(1000)
    for kind in (MsgType.ONE_CHAT_MSG, MsgType.GROUP_CHAT_MSG):
        server.rules[kind] = lambda r: [
            ack(MsgType.CHAT_ACK, r, mid=r["mid"], seq=next(seqs), time="2026-11-23 10:00:00")
        ]
    return server


@pytest.fixture
def start(server: FakeServer) -> Iterator[Start]:
    """Starts terminals, and ends them after the test."""
    runs: list[AppRun] = []

    def make(folder: Path | None = None, **options: Any) -> AppRun:
        runs.append(AppRun(server.port, folder, **options).__enter__())
        return runs[-1]

    yield make
    for run in runs:
        run.__exit__(None, None, None)


@pytest.fixture
def app(start: Start) -> AppRun:
    """A terminal that is logged in."""
    run = start()
    run.sign_in()
    return run


@pytest.fixture
def talk(app: AppRun) -> AppRun:
    """The same with the room of bob open."""
    app.command("/chat bob")
    app.wait_for("bob (2)  online")
    return app
