"""Fixtures for muduopy's tests.

All tests check that nothing leaks, and that no unexpected error is logged.
"""

from __future__ import annotations

import contextlib
import logging
import os
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from muduopy import EventLoop, EventLoopThread
from tests.muduopy.netkit import (
    WAIT,
    Configure,
    ErrorLog,
    Link,
    LinkMaker,
    PairMaker,
    Passes,
    RunningServer,
    ServerMaker,
)


def open_descriptors() -> dict[str, str]:
    """The open descriptors of this process, with their targets."""
    found = {}
    for fd in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):  # the one that listed the directory
            found[fd] = os.readlink(f"/proc/self/fd/{fd}")
    return found


@pytest.fixture(autouse=True)
def no_leaks() -> Iterator[None]:
    """Fail a test that leaves a descriptor open or a thread running."""
    descriptors, threads = open_descriptors(), set(threading.enumerate())
    yield
    left = [thread for thread in threading.enumerate() if thread not in threads]
    for thread in left:
        thread.join(WAIT)
    assert not [thread for thread in left if thread.is_alive()], "threads left running"
    leaked = {fd: what for fd, what in open_descriptors().items() if fd not in descriptors}
    assert not leaked, "descriptors left open"


@pytest.fixture(autouse=True)
def error_log(no_leaks: None) -> Iterator[ErrorLog]:
    handler = ErrorLog()
    logging.getLogger("muduopy").addHandler(handler)
    yield handler
    logging.getLogger("muduopy").removeHandler(handler)
    if not handler.expected:
        assert not [record.getMessage() for record in handler.records], "errors were logged"


@pytest.fixture
def errors(error_log: ErrorLog) -> ErrorLog:
    """The logged errors, for tests that expect some."""
    error_log.expected = True
    return error_log


@pytest.fixture
def no_safety_net(monkeypatch: pytest.MonkeyPatch) -> None:
    """A poll sleeps for ever, so that a lost wake-up hangs the test instead of healing."""
    monkeypatch.setattr("muduopy.event_loop.MAX_POLL_SECONDS", 3600.0)


@pytest.fixture
def loop() -> Iterator[EventLoop]:
    with EventLoop() as loop:
        yield loop


@pytest.fixture
def passes(loop: EventLoop) -> Passes:
    return Passes(loop)


@pytest.fixture
def tcp_pair(no_leaks: None) -> Iterator[PairMaker]:
    """Make connected TCP sockets: (non-blocking server's end, blocking client's end)."""
    with contextlib.ExitStack() as stack:

        def make() -> tuple[socket.socket, socket.socket]:
            with socket.create_server(("127.0.0.1", 0)) as listener:
                client = socket.create_connection(listener.getsockname(), WAIT)
                stack.callback(client.close)
                server, _ = listener.accept()
                stack.callback(server.close)
            server.setblocking(False)
            return server, client

        yield make


@pytest.fixture
def make_link(passes: Passes, tcp_pair: PairMaker) -> Iterator[LinkMaker]:
    links: list[Link] = []

    def make() -> Link:
        links.append(Link(passes, tcp_pair()))
        return links[-1]

    yield make
    for link in links:
        link.conn.force_close()
    passes.settle()


@pytest.fixture
def link(make_link: LinkMaker) -> Link:
    """A connection that is not up yet."""
    return make_link()


@pytest.fixture
def other_loop(no_leaks: None) -> Iterator[EventLoop]:
    """A loop that runs in another thread."""
    thread = EventLoopThread("other")
    yield thread.start_loop()
    assert thread.stop(WAIT)


@pytest.fixture
def run_server(no_leaks: None) -> Iterator[ServerMaker]:
    """Start servers: ``run_server(threads, configure, **options of TcpServer)``."""
    servers: list[RunningServer] = []

    def make(
        threads: int = 0, configure: Configure = lambda server: None, **options: Any
    ) -> RunningServer:
        servers.append(RunningServer(threads, configure, **options))
        return servers[-1]

    yield make
    for server in servers:
        server.close()
