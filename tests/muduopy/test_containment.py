"""Exceptions of callbacks: they end no loop and no worker, and the main loop raises some."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import queue
import random
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError
from functools import partial
from pathlib import Path
from typing import Never

import pytest

import muduopy
from muduopy import (
    Buffer,
    EventLoop,
    EventLoopThread,
    EventLoopThreadPool,
    LoopError,
    TcpConnection,
    TcpServer,
    ThreadPool,
    TimingWheel,
)
from tests.muduopy.netkit import (
    LOOPBACK,
    WAIT,
    ErrorLog,
    Passes,
    ServerMaker,
    connect_to,
    echo,
    in_turn,
    read_all,
    reset,
)

KINDS = [SystemExit, KeyboardInterrupt, asyncio.CancelledError, GeneratorExit, BaseException]
PROJECT = Path(muduopy.__file__).parent.parent


def bomb(kind: type[BaseException]) -> Callable[..., Never]:
    """A callback that raises."""

    def explode(*arguments: object) -> Never:
        raise kind("bomb")

    return explode


# ---------------------------------------------------------------------- the main loop


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("place", ["run_after", "queue_in_loop", "idle"])
def test_the_main_loop_raises_it_after_the_pass(
    loop: EventLoop, kind: type[BaseException], place: str
) -> None:
    ran: list[str] = []
    if place == "idle":
        wheel: TimingWheel[str] = TimingWheel(loop, 0.001, bomb(kind))
        wheel.add("item")
    elif place == "run_after":
        loop.run_after(0.0, bomb(kind))
        loop.run_after(0.0, lambda: ran.append("the next timer"))
    else:
        loop.queue_in_loop(bomb(kind))
        loop.queue_in_loop(lambda: ran.append("the next function"))
    with pytest.raises(kind, match="bomb"):
        loop.loop()
    assert len(ran) == (place != "idle")
    loop.queue_in_loop(loop.quit)  # the loop can run again
    loop.loop()


def test_the_first_of_two_is_raised_and_the_second_logged(
    loop: EventLoop, errors: ErrorLog
) -> None:
    loop.queue_in_loop(lambda: sys.exit(3))
    loop.queue_in_loop(lambda: sys.exit(4))
    with pytest.raises(SystemExit) as raised:
        loop.loop()
    assert raised.value.code == 3
    assert errors.exceptions == ["4"]


def test_run_queued_raises_it_too(loop: EventLoop) -> None:
    loop.queue_in_loop(lambda: sys.exit(3))
    with pytest.raises(SystemExit):
        loop.run_queued()
    loop.run_queued()


@pytest.mark.parametrize("kind", KINDS)
def test_a_connection_of_the_main_loop_is_closed(
    loop: EventLoop, kind: type[BaseException]
) -> None:
    with TcpServer(loop, LOOPBACK) as server:
        server.set_message_callback(bomb(kind))
        server.start()
        with connect_to(server.address) as client:
            client.sendall(b"x")
            with pytest.raises(kind, match="bomb"):
                loop.loop()
            server.close()
            assert read_all(client) == b""


def test_idle_times_that_raise_do_not_stop_the_wheel(passes: Passes, errors: ErrorLog) -> None:
    idle: list[str] = []
    wheel = TimingWheel(passes.loop, 0.01, idle.append, last_active=bomb(ValueError))
    wheel.add("one")
    wheel.add("other")
    passes.until(lambda: len(idle) == 2, "both items")
    wheel.close()


# ---------------------------------------------------------------------- sub-loops and workers


@pytest.fixture
def main_loop() -> Iterator[EventLoop]:
    with EventLoop() as loop:
        loop.run_after(WAIT, lambda: pytest.fail("nothing was raised"))
        yield loop


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("place", ["up", "message", "down", "written", "function", "timer"])
def test_a_sub_loop_lives_and_the_main_loop_raises(
    main_loop: EventLoop, errors: ErrorLog, kind: type[BaseException], place: str
) -> None:
    armed = itertools.count()

    def once(*arguments: object) -> None:
        if next(armed) == 0:
            raise kind("bomb")

    def on_connection(connection: TcpConnection) -> None:
        if not connection.connected:
            if place == "down":
                once()
        elif place == "up":
            once()
        elif place == "function":
            connection.loop.queue_in_loop(once)
        elif place == "timer":
            connection.loop.run_after(0.0, once)

    def on_message(connection: TcpConnection, buffer: Buffer, when: float) -> None:
        if place == "message":
            once()
        echo(connection, buffer, when)
        if place == "down":
            connection.force_close()

    with TcpServer(main_loop, LOOPBACK) as server:
        server.set_thread_num(1)
        server.set_connection_callback(on_connection)
        server.set_message_callback(on_message)
        if place == "written":
            server.set_write_complete_callback(once)
        server.start()
        with connect_to(server.address) as client:
            client.sendall(b"x")
            with pytest.raises(kind, match="bomb"):
                main_loop.loop()
        assert errors.exceptions == ["bomb"]
        # The sub-loop still serves, and the server can be stopped.
        with connect_to(server.address) as client:
            client.sendall(b"y")

            def stop() -> None:
                client.recv(1)
                server.stop(0.0, main_loop.quit)

            stopper = threading.Thread(target=stop)
            stopper.start()
            main_loop.loop()
            stopper.join()
        assert not server.connections


def test_a_thread_of_its_own_hands_it_to_the_main_thread(
    main_loop: EventLoop, errors: ErrorLog
) -> None:
    thread = EventLoopThread()
    loop = thread.start_loop()
    loop.queue_in_loop(lambda: sys.exit(5))
    with pytest.raises(SystemExit) as raised:
        main_loop.loop()
    assert raised.value.code == 5
    again = threading.Event()
    loop.queue_in_loop(again.set)
    assert again.wait(WAIT)
    assert thread.stop(WAIT)


def test_without_a_main_loop_it_is_logged(errors: ErrorLog) -> None:
    thread = EventLoopThread()
    loop = thread.start_loop()
    loop.queue_in_loop(lambda: sys.exit(5))
    again = threading.Event()
    loop.queue_in_loop(again.set)
    assert again.wait(WAIT)
    assert thread.stop(WAIT)
    assert errors.exceptions == ["5", "5"]
    assert "no event loop" in errors.records[-1].getMessage()


@pytest.mark.parametrize("kind", KINDS)
def test_a_worker_lives_and_the_main_loop_raises(
    main_loop: EventLoop, errors: ErrorLog, kind: type[BaseException]
) -> None:
    pool = ThreadPool(1)
    assert pool.try_run(bomb(kind))
    with pytest.raises(kind, match="bomb"):
        main_loop.loop()
    done: list[object] = []
    assert pool.try_run_for(main_loop, lambda: 7, lambda result, error: done.append(result))
    pool.stop()
    main_loop.run_queued()
    assert done == [7]


@pytest.mark.parametrize("kind", KINDS)
def test_done_is_told(loop: EventLoop, kind: type[BaseException]) -> None:
    pool = ThreadPool(1)
    told: list[BaseException | None] = []
    assert pool.try_run_for(loop, bomb(kind), lambda result, error: told.append(error))
    assert pool.try_run_for(loop, lambda: 1, lambda result, error: told.append(error))
    pool.stop()
    loop.run_queued()
    assert [type(error) for error in told] == [kind, type(None)]


def test_done_is_told_that_the_task_was_discarded(loop: EventLoop) -> None:
    pool = ThreadPool(1)
    started, go_on = threading.Event(), threading.Event()
    pool.run(in_turn(started.set, partial(go_on.wait, WAIT)))
    assert started.wait(WAIT)
    told: list[BaseException | None] = []
    assert pool.try_run_for(loop, lambda: 1, lambda result, error: told.append(error))
    stopper = threading.Thread(target=lambda: pool.stop(drain=False))
    stopper.start()
    Passes(loop).until(lambda: told, "done")
    go_on.set()
    stopper.join()
    assert isinstance(told[0], CancelledError)


def test_inline_tasks_raise_in_their_caller() -> None:
    pool = ThreadPool(0)
    with pytest.raises(SystemExit):
        pool.run(sys.exit)
    assert pool.run(lambda: None)


def test_a_pools_loop_cannot_be_quit(loop: EventLoop) -> None:
    pool = EventLoopThreadPool(loop, threads=1)
    pool.start()
    with pytest.raises(LoopError, match="base loop"):
        pool.get_next_loop().quit()
    pool.stop()


def test_the_program_ends_as_it_was_asked_to() -> None:
    code = """
import logging, socket, sys, threading
from muduopy import EventLoop, InetAddress, TcpServer
logging.disable()
with EventLoop() as loop, TcpServer(loop, InetAddress.loopback(0)) as server:
    server.set_thread_num(2)
    server.set_message_callback(lambda *arguments: sys.exit(9))
    server.start()
    client = socket.create_connection(server.address.sockaddr)
    client.sendall(b"x")
    loop.loop()
"""
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT, timeout=60)
    assert done.returncode == 9


# ---------------------------------------------------------------------- at random


@pytest.mark.parametrize("seed", range(3))
def test_at_random(run_server: ServerMaker, errors: ErrorLog, seed: int) -> None:
    """Callbacks of every kind raise exceptions of every kind; afterwards everything is closed.

    The fixtures find a descriptor that is open or a thread that runs.
    """
    chance = random.Random(seed)
    kinds = [*KINDS, ValueError, OSError, StopIteration]
    lottery: queue.SimpleQueue[type[BaseException] | None] = queue.SimpleQueue()
    for _ in range(20_000):
        lottery.put(chance.choice(kinds) if chance.random() < 0.3 else None)

    def maybe(*arguments: object) -> None:
        with contextlib.suppress(queue.Empty):
            kind = lottery.get_nowait()
            if kind is not None:
                raise kind("at random")

    def end_maybe(peer: TcpConnection) -> None:
        maybe()
        peer.shutdown()

    pool = ThreadPool(2, max_queue=100)
    outcomes: queue.SimpleQueue[object] = queue.SimpleQueue()
    asked = itertools.count()

    def on_connection(connection: TcpConnection) -> None:
        if connection.connected:
            connection.set_high_water_callback(maybe, 1)
            connection.set_low_water_callback(maybe, 0)
            connection.set_half_close_callback(end_maybe)
            connection.loop.run_after(0.001, maybe)
        maybe()

    def done(result: object, error: BaseException | None) -> None:
        outcomes.put(error)
        maybe()

    def on_message(connection: TcpConnection, buffer: Buffer, when: float) -> None:
        maybe()
        echo(connection, buffer, when)
        connection.loop.queue_in_loop(maybe)
        pool.try_run(maybe)
        if pool.try_run_for(connection.loop, maybe, done):
            next(asked)

    def configure(server: TcpServer) -> None:
        server.set_message_callback(on_message)
        server.set_write_complete_callback(maybe)

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        running = run_server(3, configure, idle_timeout=0.05)
        running.server._connection_callback = on_connection
        for number in range(150):
            client = running.connect()
            with contextlib.suppress(OSError):
                client.sendall(b"x" * chance.choice([1, 100_000]))
                if number % 3 == 0:
                    client.shutdown(socket.SHUT_WR)
                elif number % 3 == 1:
                    reset(client)
        pool.stop()
        stopped = threading.Event()
        running.server.stop(0.2, stopped.set)
        assert stopped.wait(WAIT), "the server did not stop"
        running.end()
    finally:
        sys.setswitchinterval(interval)
    assert not running.server.connections
    assert outcomes.qsize() == next(asked)
