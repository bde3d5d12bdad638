"""TcpServer: spreading connections over loops, stopping, and random actions of many threads."""

from __future__ import annotations

import contextlib
import queue
import random
import socket
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from functools import partial

import pytest

from muduopy import Buffer, EventLoop, State, TcpConnection, TcpServer, WrongThreadError
from tests.muduopy.netkit import (
    KERNEL_TAKES,
    LOOPBACK,
    WAIT,
    ErrorLog,
    Passes,
    RunningServer,
    ServerMaker,
    call_in,
    connect_to,
    drained,
    echo,
    eventually,
    in_turn,
    port_of,
    read_all,
    read_exactly,
    reset,
)

MIB = 1024 * 1024


def echoing(server: TcpServer) -> None:
    server.set_message_callback(echo)


# ---------------------------------------------------------------------- serving


@pytest.mark.parametrize("threads", [0, 1, 3])
def test_echo(run_server: ServerMaker, threads: int) -> None:
    running = run_server(threads, echoing)
    clients = [running.connect() for _ in range(10)]
    for number, client in enumerate(clients):
        client.sendall(b"hello %d" % number)
    for number, client in enumerate(clients):
        assert read_exactly(client, 7) == b"hello %d" % number


@pytest.mark.parametrize("threads", [0, 1, 3])
def test_connections_go_round(run_server: ServerMaker, threads: int) -> None:
    running = run_server(threads)
    conns = [running.accept()[1] for _ in range(2 * max(threads, 1))]
    pool = running.server.thread_pool
    loops = running.call(pool.get_all_loops)
    assert [conn.loop for conn in conns] == loops * 2
    for loop in loops if threads else ():
        assert loop is not running.loop
        assert loop.connections == 2


def test_callbacks_run_in_the_connections_loop(run_server: ServerMaker) -> None:
    ran_in: list[tuple[str, bool]] = []

    def note(what: str, conn: TcpConnection) -> None:
        ran_in.append((what, conn.loop.is_in_loop_thread))

    def message(conn: TcpConnection, buffer: Buffer, when: float) -> None:
        note("message", conn)
        conn.send(buffer.retrieve_all())

    def configure(server: TcpServer) -> None:
        server.set_message_callback(message)
        server.set_write_complete_callback(lambda conn: note("written", conn))

    running = run_server(2, configure)
    running.on_up = lambda conn: note("up", conn)
    running.on_down = lambda conn: note("down", conn)
    client, _ = running.accept()
    client.sendall(b"x")
    client.recv(1)
    client.close()
    running.downs.get(timeout=WAIT)
    assert ran_in == [("up", True), ("message", True), ("written", True), ("down", True)]


def test_names_and_connections(run_server: ServerMaker) -> None:
    running = run_server(1)
    (first, one), (_, two) = running.accept(), running.accept()
    address = running.server.address
    assert [one.name, two.name] == [f"test-{address}#1", f"test-{address}#2"]
    assert running.call(lambda: dict(running.server.connections)) == {
        one.name: one,
        two.name: two,
    }
    assert repr(running.server) == f"<TcpServer test at {address} connections=2>"
    first.close()
    running.downs.get(timeout=WAIT)
    call_in(one.loop, lambda: None)  # the owner is told after DOWN
    assert running.call(lambda: list(running.server.connections)) == [two.name]
    assert running.accept()[1].name == f"test-{address}#3"  # numbers are not used again


def test_thread_init_runs_in_each_loop(run_server: ServerMaker) -> None:
    inits: list[EventLoop] = []
    running = run_server(3, lambda server: server.set_thread_init_callback(inits.append))
    assert inits == running.call(running.server.thread_pool.get_all_loops)


def test_start_is_idempotent(run_server: ServerMaker) -> None:
    running = run_server(2)
    running.call(running.server.start)
    assert len(running.call(running.server.thread_pool.get_all_loops)) == 2
    running.accept()


def test_start_in_the_wrong_thread_raises_and_changes_nothing(other_loop: EventLoop) -> None:
    server = call_in(other_loop, lambda: TcpServer(other_loop, LOOPBACK, "test"))
    with pytest.raises(WrongThreadError):
        server.start()
    with pytest.raises(WrongThreadError):
        server.stop_accepting()
    call_in(other_loop, server.start)
    with connect_to(server.address):
        pass
    stop_and_wait(server)


def stop_and_wait(server: TcpServer, drain_seconds: float = WAIT) -> None:
    stopped = threading.Event()
    server.stop(drain_seconds, stopped.set)
    assert stopped.wait(2 * WAIT)


def test_an_address_in_use_raises(run_server: ServerMaker) -> None:
    running = run_server(0)
    with pytest.raises(OSError, match="in use"):
        running.call(lambda: TcpServer(running.loop, running.server.address))


def test_by_default_it_discards(loop: EventLoop, passes: Passes) -> None:
    server = TcpServer(loop, LOOPBACK)
    server.start()
    with connect_to(server.address) as client:
        passes.until(lambda: server.connections, "the connection")
        client.sendall(b"x" * 100)
        passes.settle()
        [conn] = server.connections.values()
        assert len(conn.input_buffer) == 0
        client.shutdown(socket.SHUT_WR)
        passes.until(lambda: not server.connections, "the end")
        assert client.recv(1) == b""
    server.stop()
    passes.settle()


@pytest.mark.parametrize("half_close", [False, True])
def test_half_close_is_an_option(run_server: ServerMaker, half_close: bool) -> None:
    size = 16 * MIB
    asked = threading.Event()

    def answer(conn: TcpConnection, buffer: Buffer, when: float) -> None:
        buffer.retrieve_all()
        conn.send(bytes(size))
        asked.set()

    def configure(server: TcpServer) -> None:
        server.set_message_callback(answer)

    running = run_server(1, configure, half_close=half_close)
    client, _ = running.accept()
    client.sendall(b"?")
    assert asked.wait(WAIT)
    client.shutdown(socket.SHUT_WR)
    if not half_close:
        running.downs.get(timeout=WAIT)
    received = len(read_all(client))
    assert received == size if half_close else received < size


# ---------------------------------------------------------------------- faults


@pytest.mark.parametrize("threads", [0, 2])
@pytest.mark.parametrize("where", ["up", "down", "message", "written"])
def test_a_callback_that_raises_costs_one_connection(
    run_server: ServerMaker, errors: ErrorLog, threads: int, where: str
) -> None:
    """The server goes on; DOWN comes exactly once."""

    def fail(conn: TcpConnection) -> None:
        if conn.name.endswith("#1"):
            raise RuntimeError(where)

    def message(conn: TcpConnection, buffer: Buffer, when: float) -> None:
        conn.send(buffer.retrieve_all())
        if where == "message":
            fail(conn)

    def configure(server: TcpServer) -> None:
        server.set_message_callback(message)
        if where == "written":
            server.set_write_complete_callback(fail)

    running = run_server(threads, configure)
    if where == "up":
        running.on_up = fail
    if where == "down":
        running.on_down = fail
    bad, bad_conn = running.accept()
    good, _ = running.accept()
    if where in ("message", "written"):
        bad.sendall(b"x")
    if where == "down":
        bad.shutdown(socket.SHUT_WR)
    read_all(bad)
    assert running.downs.get(timeout=WAIT) is bad_conn
    good.sendall(b"hello")
    assert read_exactly(good, 5) == b"hello"
    late, _ = running.accept()
    late.sendall(b"hello")
    assert read_exactly(late, 5) == b"hello"
    assert running.downs.empty()
    assert errors.exceptions == [where]
    running.stop(drain_seconds=0)
    assert len(drained(running.downs)) == 2


@pytest.mark.parametrize("threads", [0, 2])
def test_resets(run_server: ServerMaker, threads: int) -> None:
    running = run_server(threads, echoing)
    pairs = [running.accept() for _ in range(20)]
    for number, (client, _) in enumerate(pairs):
        if number % 2:
            client.sendall(b"unanswered")
        reset(client)
    downs = [running.downs.get(timeout=WAIT) for _ in pairs]
    assert sorted(conn.name for conn in downs) == sorted(conn.name for _, conn in pairs)
    client, _ = running.accept()
    client.sendall(b"hello")
    assert read_exactly(client, 5) == b"hello"


def test_a_client_that_resets_before_it_is_up(run_server: ServerMaker) -> None:
    running = run_server(1)
    blocked, go_on = threading.Event(), threading.Event()
    running.loop.queue_in_loop(in_turn(blocked.set, partial(go_on.wait, WAIT)))
    assert blocked.wait(WAIT)
    for _ in range(5):
        reset(running.connect())
    client = running.connect()
    go_on.set()
    while port_of(running.ups.get(timeout=WAIT).peer_address) != client.getsockname()[1]:
        pass
    client.close()
    running.stop()
    assert len(drained(running.downs)) >= 1


# ---------------------------------------------------------------------- stopping


@pytest.mark.parametrize("threads", [0, 2])
def test_stop_without_connections(run_server: ServerMaker, threads: int) -> None:
    running = run_server(threads)
    running.stop()
    with pytest.raises(ConnectionRefusedError):
        running.connect()


def test_stop_before_start(loop: EventLoop, passes: Passes) -> None:
    server = TcpServer(loop, LOOPBACK)
    server.set_thread_num(2)
    stopped: list[bool] = []
    server.stop(0, lambda: stopped.append(True))
    passes.until(lambda: stopped, "stop")


@pytest.mark.parametrize("threads", [0, 2])
def test_stop_drains(run_server: ServerMaker, threads: int) -> None:
    """The waiting output is sent, then the end; the connection ends when the peer closes."""
    size = 8 * MIB
    running = run_server(threads)
    running.on_up = lambda conn: conn.send(bytes(size))
    pairs = [running.accept() for _ in range(4)]
    received: list[int] = []

    def read(client: socket.socket) -> None:
        with client:
            received.append(len(read_all(client)))

    readers = [threading.Thread(target=read, args=(client,)) for client, _ in pairs]
    stopped = threading.Event()
    running.server.stop(10 * WAIT, stopped.set)
    running.call(lambda: None)
    with pytest.raises(ConnectionRefusedError):
        running.connect()
    assert not stopped.is_set()
    for reader in readers:
        reader.start()
    assert stopped.wait(WAIT)
    for reader in readers:
        reader.join()
    assert received == [size] * 4
    assert len(drained(running.downs)) == 4
    running.end()


@pytest.mark.parametrize("threads", [0, 2])
def test_stop_closes_the_rest_by_force(run_server: ServerMaker, threads: int) -> None:
    running = run_server(threads)
    clients = [running.accept()[0] for _ in range(4)]
    running.stop(drain_seconds=0.05)
    assert len(drained(running.downs)) == 4
    for client in clients:
        assert read_all(client) == b""


def test_stop_twice_calls_both_back(run_server: ServerMaker) -> None:
    running = run_server(1)
    client, _ = running.accept()
    calls: list[str] = []
    both = threading.Event()
    running.server.stop(WAIT, lambda: calls.append("first"))
    running.server.stop(WAIT, in_turn(partial(calls.append, "second"), both.set))
    client.close()
    assert both.wait(WAIT)
    assert calls == ["first", "second"]
    stop_and_wait(running.server)  # a second stop has no effect
    running.end()


def test_a_stopped_callback_that_raises_does_not_cost_the_other(
    run_server: ServerMaker, errors: ErrorLog
) -> None:
    running = run_server(0)

    def fail() -> None:
        raise RuntimeError("stopped")

    running.server.stop(0, fail)
    stop_and_wait(running.server)
    running.end()
    assert errors.exceptions == ["stopped"]


def test_stopped_is_called_in_the_base_loop_when_all_is_over(run_server: ServerMaker) -> None:
    running = run_server(2)
    for _ in range(4):
        running.accept()[0].close()
    loops = running.call(running.server.thread_pool.get_all_loops)
    seen: list[object] = []
    over = threading.Event()

    def stopped() -> None:
        seen.append(running.loop.is_in_loop_thread)
        seen.append(len(running.server.connections))
        seen.extend("closed" in repr(loop) for loop in loops)
        over.set()

    running.server.stop(WAIT, stopped)
    assert over.wait(WAIT)
    assert seen == [True, 0, True, True]
    running.end()


@pytest.mark.parametrize("threads", [0, 2])
@pytest.mark.parametrize("where", ["up", "down", "message"])
def test_stop_inside_a_callback(run_server: ServerMaker, threads: int, where: str) -> None:
    stopped = threading.Event()

    def stop(conn: TcpConnection) -> None:
        running.server.stop(0.05, stopped.set)

    def message(conn: TcpConnection, buffer: Buffer, when: float) -> None:
        buffer.retrieve_all()
        stop(conn)

    running = run_server(threads, lambda server: server.set_message_callback(message))
    if where == "up":
        running.on_up = stop
    if where == "down":
        running.on_down = stop
    client = running.connect()
    if where == "message":
        client.sendall(b"x")
    if where == "down":
        client.close()
    assert stopped.wait(WAIT)
    running.end()
    assert [running.ups.qsize(), running.downs.qsize()] == [1, 1]


def test_stop_accepting_leaves_the_connections(run_server: ServerMaker) -> None:
    running = run_server(1, echoing)
    client, _ = running.accept()
    running.call(running.server.stop_accepting)
    running.call(running.server.stop_accepting)
    with pytest.raises(ConnectionRefusedError):
        running.connect()
    client.sendall(b"hello")
    assert read_exactly(client, 5) == b"hello"


# ---------------------------------------------------------------------- storms


@contextlib.contextmanager
def frantic_switching() -> Iterator[None]:
    """The interpreter switches threads as often as it can, which uncovers races."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        yield
    finally:
        sys.setswitchinterval(before)


def assert_pairs_match(running: RunningServer) -> int:
    """Check that each UP has exactly one DOWN; returns their number."""
    ups, downs = drained(running.ups), drained(running.downs)
    assert len(set(ups)) == len(ups)
    assert Counter(downs) == Counter(ups)
    assert all(conn.state is State.DISCONNECTED for conn in ups)
    return len(ups)


@pytest.mark.parametrize("threads", [0, 3])
def test_stop_during_an_accept_storm(run_server: ServerMaker, threads: int) -> None:
    running = run_server(threads, echoing)
    finished = threading.Event()

    def storm() -> None:
        address = running.server.address
        while not finished.is_set():
            try:
                with connect_to(address) as client:
                    client.sendall(b"x")
                    client.recv(1)
            except ConnectionRefusedError:
                return  # the server has stopped
            except ConnectionError:
                pass  # the server stopped meanwhile

    storming = [threading.Thread(target=storm) for _ in range(4)]
    with frantic_switching():
        for thread in storming:
            thread.start()
        eventually(lambda: running.ups.qsize() >= 50, "50 connections")
        running.stop(drain_seconds=0.2)
        finished.set()
        for thread in storming:
            thread.join()
    assert assert_pairs_match(running) >= 50
    assert running.server.connections == {}


@pytest.mark.parametrize("half_close", [False, True])
def test_a_storm_from_all_sides(run_server: ServerMaker, half_close: bool) -> None:
    """Eight loops, clients that come and go at random, and four threads that act on connections.

    The threads pick any connection, up or down, and call a random method.
    """
    rounds, seed = 150, 8
    running = run_server(8, echoing, half_close=half_close)
    registry_lock = threading.Lock()
    registry: list[TcpConnection] = []
    clients_done = threading.Event()
    connected = 0

    def remember(conn: TcpConnection) -> None:
        with registry_lock:
            registry.append(conn)

    running.on_up = remember

    def visit(number: int) -> None:
        nonlocal connected
        rng = random.Random(seed * 1000 + number)
        address = running.server.address
        for _ in range(rounds):
            client = connect_to(address)
            with registry_lock:
                connected += 1
            client.setblocking(False)
            with contextlib.suppress(OSError):
                for _ in range(rng.randrange(6)):
                    client.send(rng.randbytes(rng.choice([1, 1000, 100_000])))
                    with contextlib.suppress(BlockingIOError):
                        client.recv(rng.choice([1, 100_000]))
            with contextlib.suppress(OSError):
                if rng.random() < 0.3:
                    client.shutdown(socket.SHUT_WR)
                    client.settimeout(0.01)
                    client.recv(1000)
            if rng.random() < 0.3:
                reset(client)
            client.close()

    def meddle(number: int) -> None:
        rng = random.Random(seed * 2000 + number)
        while not clients_done.is_set():
            with registry_lock:
                conn = rng.choice(registry[-20:]) if registry else None
            if conn is None:
                continue
            action = rng.randrange(12)
            if action < 7:
                conn.send(rng.randbytes(rng.choice([1, 1000, 300_000])))
            elif action == 7:
                conn.shutdown()
            elif action == 8:
                conn.force_close()
            elif action == 9:
                conn.force_close_after(rng.random() / 100)
            elif action == 10:
                conn.stop_read()
            else:
                conn.start_read()

    visitors = [threading.Thread(target=visit, args=(number,)) for number in range(8)]
    meddlers = [threading.Thread(target=meddle, args=(number,)) for number in range(4)]
    with frantic_switching():
        for thread in visitors + meddlers:
            thread.start()
        for thread in visitors:
            thread.join()
        eventually(lambda: running.ups.qsize() > rounds, "the server to catch up")
        clients_done.set()
        for thread in meddlers:
            thread.join()
        loops = running.call(running.server.thread_pool.get_all_loops)
        running.stop(drain_seconds=0.1)
    # The server may have stopped before it accepted the last clients.
    assert rounds < assert_pairs_match(running) <= connected == 8 * rounds
    assert [loop.connections for loop in loops] == [0] * 8
    assert running.server.connections == {}
    assert all(conn._socket.fileno() == -1 for conn in registry)


# ---------------------------------------------------------------------- set for all connections


def test_water_marks_for_all_connections(run_server: ServerMaker) -> None:
    crossed: queue.SimpleQueue[tuple[str, int]] = queue.SimpleQueue()

    def configure(server: TcpServer) -> None:
        server.set_high_water_callback(lambda conn, waiting: crossed.put(("high", waiting)), 1000)
        server.set_low_water_callback(lambda conn, waiting: crossed.put(("low", waiting)), 10)

    running = run_server(1, configure)
    client, connection = running.accept()
    connection.send(bytes(KERNEL_TAKES * 4))
    what, waiting = crossed.get(timeout=WAIT)
    assert (what, waiting >= 1000) == ("high", True)
    assert len(read_exactly(client, KERNEL_TAKES * 4)) == KERNEL_TAKES * 4
    what, waiting = crossed.get(timeout=WAIT)
    assert (what, waiting <= 10) == ("low", True)


@pytest.mark.parametrize("threads", [0, 1])
def test_socket_options_for_all_connections(run_server: ServerMaker, threads: int) -> None:
    def configure(server: TcpServer) -> None:
        server.set_socket_option(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        server.set_socket_option(socket.SOL_SOCKET, socket.SO_RCVBUF, 20_000)

    running = run_server(threads, configure)
    for _ in range(2):
        _, connection = running.accept()
        assert connection.get_socket_option(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        size = connection.get_socket_option(socket.SOL_SOCKET, socket.SO_RCVBUF)
        assert isinstance(size, int)
        assert 20_000 <= size <= 40_000  # Linux doubles it


def test_an_impossible_socket_option(loop: EventLoop) -> None:
    with TcpServer(loop, LOOPBACK) as server, pytest.raises(OSError):
        server.set_socket_option(socket.SOL_SOCKET, 9999, 1)
