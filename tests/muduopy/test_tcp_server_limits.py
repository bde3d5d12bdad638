"""TcpServer: its limits, pools that servers share, and close()."""

from __future__ import annotations

import queue
import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from muduopy import (
    Address,
    EventLoop,
    EventLoopThread,
    EventLoopThreadPool,
    StateError,
    TcpConnection,
    TcpServer,
    WrongThreadError,
)
from muduopy.refusals import MAX_LINGERING
from tests.muduopy.netkit import (
    LOOPBACK,
    WAIT,
    RunningServer,
    ServerMaker,
    call_in,
    connect_to,
    drained,
    echo,
    read_all,
    read_exactly,
    reset,
)

# ---------------------------------------------------------------------- bounds


@pytest.mark.parametrize("threads", [0, 2])
def test_one_connection_too_many_is_closed(run_server: ServerMaker, threads: int) -> None:
    running = run_server(
        threads, lambda server: server.set_message_callback(echo), max_connections=2
    )
    first, conn = running.accept()
    second, _ = running.accept()
    assert running.connect().recv(1) == b""
    assert running.call(lambda: running.server.refused) == 1
    for client in (first, second):
        client.sendall(b"still here")
        assert read_exactly(client, 10) == b"still here"
    assert not drained(running.ups)
    first.close()
    running.downs.get(timeout=WAIT)
    call_in(conn.loop, lambda: None)
    running.call(lambda: None)
    running.accept()


@pytest.mark.parametrize("bound", [0, -1])
def test_impossible_bounds(loop: EventLoop, bound: int) -> None:
    with pytest.raises(ValueError, match="connections"):
        TcpServer(loop, LOOPBACK, max_connections=bound)


# ---------------------------------------------------------------------- admission


@pytest.mark.parametrize("threads", [0, 2])
def test_a_refused_peer_gets_the_reason_and_the_end(run_server: ServerMaker, threads: int) -> None:
    hosts: list[str] = []

    def admit(peer: Address) -> bytes | None:
        hosts.append(peer.host)
        return None if len(hosts) == 1 else b"full\n"

    def set_up(server: TcpServer) -> None:
        server.set_message_callback(echo)
        server.set_admission_callback(admit)

    running = run_server(threads, set_up)
    client, _ = running.accept()
    refused = running.connect()
    refused.sendall(b"unread by the server")
    assert read_all(refused) == b"full\n"
    client.sendall(b"still here")
    assert read_exactly(client, 10) == b"still here"
    assert hosts == ["127.0.0.1", "127.0.0.1"]
    assert running.call(lambda: running.server.refused) == 1
    assert not drained(running.ups)


def test_a_reason_without_bytes_closes_at_once(run_server: ServerMaker) -> None:
    running = run_server(0, lambda server: server.set_admission_callback(lambda peer: b""))
    assert running.connect().recv(1) == b""


def test_many_refusals_leave_no_sockets_behind(run_server: ServerMaker) -> None:
    """More than linger at the same time; those that linger are closed with the server."""
    running = run_server(0, lambda server: server.set_admission_callback(lambda peer: b"no"))
    for _ in range(MAX_LINGERING + 20):
        assert read_all(running.connect()) == b"no"
    assert running.call(lambda: len(running.server._refusals._lingering)) <= MAX_LINGERING


@pytest.mark.parametrize("threads", [0, 2])
def test_each_admitted_connection_departs(run_server: ServerMaker, threads: int) -> None:
    departed: queue.SimpleQueue[bool] = queue.SimpleQueue()
    running = run_server(
        threads,
        lambda server: server.set_departure_callback(lambda conn: departed.put(conn.was_up)),
    )
    client, _ = running.accept()
    client.close()
    assert departed.get(timeout=WAIT)


def come_and_go(running: RunningServer, data: bytes, end: Callable[[socket.socket], None]) -> None:
    """A peer that has sent ``data`` and ended before its accept, and a second one that stays."""
    blocked, release = threading.Event(), threading.Event()

    def block() -> None:  # nothing is accepted meanwhile
        blocked.set()
        release.wait(WAIT)

    running.loop.queue_in_loop(block)
    assert blocked.wait(WAIT)
    client = running.connect()
    client.sendall(data)
    end(client)
    staying = running.connect()
    staying.sendall(b"here")
    release.set()
    assert read_exactly(staying, 4) == b"here"


def finish(client: socket.socket) -> None:
    client.shutdown(socket.SHUT_WR)


@pytest.mark.parametrize(
    ("data", "end", "gone"),
    [
        (b"", finish, 1),
        (b"", reset, 1),
        (b"hello", reset, 1),  # no answer would arrive
        (b"hello", finish, 0),
    ],
)
def test_a_peer_that_has_ended_before_its_accept(
    run_server: ServerMaker, data: bytes, end: Callable[[socket.socket], None], gone: int
) -> None:
    """It never comes up, unless it may wait for an answer."""
    running = run_server(
        0, lambda server: server.set_message_callback(echo), peer_speaks_first=True
    )
    come_and_go(running, data, end)
    assert running.call(lambda: running.server.gone_early) == gone
    assert len(drained(running.ups)) == 2 - gone


@pytest.mark.parametrize(("data", "gone"), [(b"idle", 1), (b"hello", 0), (b"idle" + b"-" * 200, 0)])
def test_the_early_end_callback_decides(run_server: ServerMaker, data: bytes, gone: int) -> None:
    def set_up(server: TcpServer) -> None:
        server.set_message_callback(echo)
        server.set_early_end_callback(lambda data: data.startswith(b"idle"))

    running = run_server(0, set_up, peer_speaks_first=True)
    come_and_go(running, data, finish)
    assert running.call(lambda: running.server.gone_early) == gone
    idle = running.connect()  # has not ended, so the callback is not asked
    idle.sendall(b"idle")
    assert read_exactly(idle, 4) == b"idle"


# ---------------------------------------------------------------------- shared pools


@pytest.fixture
def base(no_leaks: None) -> Iterator[EventLoop]:
    thread = EventLoopThread("base")
    yield thread.start_loop()
    assert thread.stop(WAIT)


def test_two_servers_share_a_pool(base: EventLoop) -> None:
    up: list[TcpConnection] = []
    came = threading.Semaphore(0)

    def connected(conn: TcpConnection) -> None:
        if conn.connected:
            up.append(conn)
            came.release()

    def start() -> tuple[EventLoopThreadPool, list[TcpServer]]:
        pool = EventLoopThreadPool(base, "shared", 2)
        servers = [TcpServer(base, LOOPBACK, name, thread_pool=pool) for name in ("a", "b")]
        for server in servers:
            server.set_connection_callback(connected)
            server.start()
        return pool, servers

    pool, servers = call_in(base, start)
    clients = [connect_to(server.address) for server in servers for _ in range(2)]
    for _ in clients:
        assert came.acquire(timeout=WAIT)
    loops = call_in(base, pool.get_all_loops)
    assert [loop.connections for loop in loops] == [2, 2]
    call_in(base, servers[0].close)
    assert [conn.name for conn in up if conn.connected] == [
        conn.name for conn in up if conn.name.startswith("b-")
    ]
    assert call_in(base, lambda: servers[1].connections)
    call_in(base, servers[1].close)
    assert [loop.connections for loop in loops] == [0, 0]
    assert pool.started
    call_in(base, pool.stop)
    for client in clients:
        assert client.recv(1) == b""
        client.close()


def test_a_pool_of_another_loop(loop: EventLoop, other_loop: EventLoop) -> None:
    pool = call_in(other_loop, lambda: EventLoopThreadPool(other_loop))
    with pytest.raises(ValueError, match="base loop"):
        TcpServer(loop, LOOPBACK, thread_pool=pool)


def test_a_server_with_loops_takes_no_others(loop: EventLoop) -> None:
    pool = EventLoopThreadPool(loop)
    with TcpServer(loop, LOOPBACK, thread_pool=pool) as server, pytest.raises(StateError):
        server.set_thread_num(1)
    with TcpServer(loop, LOOPBACK) as server:
        server.start()
        with pytest.raises(StateError):
            server.set_thread_num(1)
    pool.stop()


# ---------------------------------------------------------------------- close


@pytest.mark.parametrize("threads", [0, 2])
def test_with_after_the_loop_has_ended(loop: EventLoop, threads: int) -> None:
    seen: list[bool] = []
    with TcpServer(loop, LOOPBACK, idle_timeout=60.0) as server:
        server.set_thread_num(threads)

        def up_or_down(conn: TcpConnection) -> None:
            seen.append(conn.connected)
            if conn.connected:
                loop.quit()

        server.set_connection_callback(up_or_down)
        server.start()
        client = connect_to(server.address)
        loop.loop()
        assert seen == [True]
    assert seen == [True, False]
    assert server.connections == {}
    assert client.recv(1) == b""
    client.close()
    server.close()  # idempotent
    assert seen == [True, False]


@pytest.mark.parametrize("threads", [0, 2])
def test_close_inside_the_loop(run_server: ServerMaker, threads: int) -> None:
    running = run_server(threads)
    clients = [running.accept()[0] for _ in range(4)]
    running.call(running.server.close)
    for client in clients:
        running.downs.get(timeout=WAIT)
        assert client.recv(1) == b""
    running.call(lambda: None)
    assert running.call(lambda: dict(running.server.connections)) == {}
    running.stop()  # reports its end at once


def test_close_while_stopping(run_server: ServerMaker) -> None:
    running = run_server(1)
    running.accept()
    stopped = threading.Event()

    def both() -> None:
        running.server.stop(WAIT, stopped.set, farewell=lambda conn: None)
        running.server.close()

    running.call(both)
    assert stopped.wait(WAIT)
    running.downs.get(timeout=WAIT)


def test_close_in_the_wrong_thread(other_loop: EventLoop) -> None:
    server = call_in(other_loop, lambda: TcpServer(other_loop, LOOPBACK))
    with pytest.raises(WrongThreadError):
        server.close()
    call_in(other_loop, server.close)
