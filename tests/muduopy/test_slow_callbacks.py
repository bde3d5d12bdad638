"""Callbacks that block: the warning that names them, and stopping while one blocks."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from functools import partial

import pytest

from muduopy import (
    Buffer,
    EventLoop,
    EventLoopThread,
    EventLoopThreadPool,
    LoopError,
    TcpConnection,
    TcpServer,
    ThreadPool,
)
from tests.muduopy.netkit import LOOPBACK, WAIT, ErrorLog, Passes, connect_to, eventually

SECONDS = 0.04


def set_at_down(event: threading.Event, connection: TcpConnection) -> None:
    if not connection.connected:
        event.set()


class Block:
    """A callback that blocks until the test lets it go on."""

    def __init__(self) -> None:
        self.entered = threading.Event()
        self.go_on = threading.Event()

    def block_here(self, *arguments: object) -> None:
        self.entered.set()
        assert self.go_on.wait(WAIT)


class Warnings(logging.Handler):
    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.texts: list[str] = []
        self.seen = threading.Event()

    def emit(self, record: logging.LogRecord) -> None:
        if record.levelno == logging.WARNING:
            self.texts.append(record.getMessage())
            self.seen.set()


@pytest.fixture
def warnings() -> Iterator[Warnings]:
    handler = Warnings()
    logging.getLogger("muduopy").addHandler(handler)
    yield handler
    logging.getLogger("muduopy").removeHandler(handler)


# ---------------------------------------------------------------------- the warning


@pytest.mark.parametrize("how", ["queue_in_loop", "run_after"])
def test_one_warning_with_the_callbacks_name(loop: EventLoop, warnings: Warnings, how: str) -> None:
    def takes_long() -> None:
        assert warnings.seen.wait(WAIT)
        threading.Event().wait(4 * SECONDS)  # enough time for a second warning
        loop.quit()

    loop.warn_of_slow_callbacks(SECONDS)
    if how == "run_after":
        loop.run_after(0.0, takes_long)
    else:
        loop.queue_in_loop(takes_long)
    loop.loop()
    assert len(warnings.texts) == 1
    assert "takes_long (test_slow_callbacks.py:" in warnings.texts[0]
    assert "in thread MainThread" in warnings.texts[0]


def test_the_loops_of_a_pool_are_watched(loop: EventLoop, warnings: Warnings) -> None:
    loop.warn_of_slow_callbacks(SECONDS)
    pool = EventLoopThreadPool(loop, "sub", 2)
    pool.start()
    block = Block()
    pool.get_next_loop().queue_in_loop(block.block_here)
    assert warnings.seen.wait(WAIT)
    block.go_on.set()
    pool.stop()
    assert "Block.block_here" in warnings.texts[0]
    assert "in thread sub0" in warnings.texts[0]


def test_a_connections_callback_is_named(loop: EventLoop, warnings: Warnings) -> None:
    loop.warn_of_slow_callbacks(SECONDS)

    def on_message(connection: TcpConnection, buffer: Buffer, when: float) -> None:
        assert warnings.seen.wait(WAIT)
        loop.quit()

    with TcpServer(loop, LOOPBACK) as server:
        server.set_message_callback(on_message)
        server.start()
        with connect_to(server.address) as client:
            client.sendall(b"x")
            loop.loop()
    assert "on_message" in warnings.texts[0]


def test_many_short_callbacks_are_not_one_slow(loop: EventLoop, warnings: Warnings) -> None:
    begin = time.monotonic()
    for _ in range(100):
        loop.queue_in_loop(short_callback)
    loop.queue_in_loop(loop.quit)
    loop.warn_of_slow_callbacks(0.4)
    loop.loop()
    assert time.monotonic() >= begin + 1.0
    assert not warnings.texts


def short_callback() -> None:
    time.sleep(0.01)


def test_an_idle_loop_is_not_slow(loop: EventLoop, warnings: Warnings) -> None:
    loop.warn_of_slow_callbacks(SECONDS)
    loop.run_after(5 * SECONDS, loop.quit)
    loop.loop()
    assert not warnings.texts


def test_it_can_be_changed_and_ended(loop: EventLoop) -> None:
    threads = threading.active_count()
    loop.warn_of_slow_callbacks(1.0)
    loop.warn_of_slow_callbacks(2.0)
    assert threading.active_count() == threads + 1
    loop.warn_of_slow_callbacks(None)
    loop.warn_of_slow_callbacks(None)
    assert threading.active_count() == threads


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf")])
def test_impossible_times(loop: EventLoop, seconds: float) -> None:
    with pytest.raises(ValueError):
        loop.warn_of_slow_callbacks(seconds)


# ---------------------------------------------------------------------- stopping in spite of it


@pytest.fixture
def little_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("muduopy.server_stop.LEAVE_SECONDS", SECONDS)


@pytest.mark.parametrize("shared", [False, True])
@pytest.mark.parametrize("polite", [False, True])
def test_a_server_leaves_a_blocked_loop_behind(
    passes: Passes, errors: ErrorLog, little_patience: None, shared: bool, polite: bool
) -> None:
    block, downs = Block(), threading.Event()
    loop = passes.loop
    pool = EventLoopThreadPool(loop, "sub", 1)
    server = TcpServer(loop, LOOPBACK, thread_pool=pool if shared else None)
    if not shared:
        server.set_thread_num(1)
    server.set_message_callback(block.block_here)
    server.set_connection_callback(partial(set_at_down, downs))
    server.start()
    with connect_to(server.address) as client:
        client.sendall(b"x")
        passes.until(lambda: server.connections)
        assert block.entered.wait(WAIT)
        if polite:
            stopped: list[str] = []
            server.stop(SECONDS, lambda: stopped.append("stopped"))
            passes.until(lambda: stopped, "the server to stop")
        else:
            server.close(SECONDS)
        assert not downs.is_set()
        assert len(errors.records) == 1
        message = errors.records[0].getMessage()
        assert "Block.block_here (test_slow_callbacks.py:" in message
        assert "in thread s" in message
        waited = errors.records[0].args[0]  # type: ignore[index]
        assert isinstance(waited, float)
        assert waited >= SECONDS
        block.go_on.set()
        assert downs.wait(WAIT)
        assert client.recv(1) == b""
    pool.stop()


def test_a_pool_leaves_a_blocked_loop_behind(loop: EventLoop, errors: ErrorLog) -> None:
    block = Block()
    pool = EventLoopThreadPool(loop, "sub", 2)
    pool.start()
    pool.get_next_loop().queue_in_loop(block.block_here)
    assert block.entered.wait(WAIT)
    assert not pool.stop(SECONDS)
    block.go_on.set()
    assert "Block.block_here" in errors.records[0].getMessage()


def test_a_worker_pool_leaves_a_blocked_worker_behind(errors: ErrorLog) -> None:
    block = Block()
    pool = ThreadPool(2, "worker")
    pool.run(block.block_here)
    assert block.entered.wait(WAIT)
    assert not pool.stop(timeout=SECONDS)
    assert "in thread worker" in errors.records[0].getMessage()
    assert "block_here" in errors.records[0].getMessage()
    block.go_on.set()
    assert pool.stop()


def test_a_loop_thread_cannot_stop_itself() -> None:
    thread = EventLoopThread()
    loop = thread.start_loop()
    refused = threading.Event()

    def stop() -> None:
        with pytest.raises(LoopError, match=r"loop\.quit"):
            thread.stop()
        refused.set()

    loop.queue_in_loop(stop)
    assert refused.wait(WAIT)
    assert thread.stop(WAIT)


def test_a_busy_loop_is_not_left_behind(passes: Passes, monkeypatch: pytest.MonkeyPatch) -> None:
    """While connections end one after the other, stop waits for the rest."""
    monkeypatch.setattr("muduopy.server_stop.LEAVE_SECONDS", 0.5)

    def slow_down(connection: TcpConnection) -> None:
        if not connection.connected:
            time.sleep(0.1)

    server = TcpServer(passes.loop, LOOPBACK)
    server.set_thread_num(1)
    server.set_connection_callback(slow_down)
    server.start()
    clients = [connect_to(server.address) for _ in range(8)]
    passes.until(lambda: len(server.connections) == len(clients))
    stopped: list[str] = []
    server.stop(0.0, lambda: stopped.append("stopped"))
    passes.until(lambda: stopped, "the server to stop")
    for client in clients:
        client.close()
    eventually(lambda: not server.connections)
