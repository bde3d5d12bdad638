"""TcpClient and Connector, against real servers and against closed ports."""

from __future__ import annotations

import errno
import gc
import math
import queue
import random
import socket
import threading
import time
import weakref
from pathlib import Path
from typing import Any, ClassVar

import pytest

from muduopy import (
    Buffer,
    EventLoop,
    HostAddress,
    InetAddress,
    TcpClient,
    TcpConnection,
    UnixAddress,
    connect_attempt,
)
from muduopy.connector import Connector, ConnectorState
from tests.muduopy.netkit import (
    WAIT,
    Passes,
    RunningServer,
    ServerMaker,
    call_in,
    echo,
    eventually,
    port_of,
)


def unused_address() -> InetAddress:
    """A closed port, below the ephemeral range, so that no outgoing connection takes it."""
    for port in random.sample(range(11000, 32000), 1000):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return InetAddress.loopback(port)
    raise AssertionError("no free port")


class Recorder:
    """A client in another thread's loop, and its events."""

    def __init__(self, loop: EventLoop, address: Any, **options: Any) -> None:
        self.loop = loop
        self.ups: queue.SimpleQueue[TcpConnection] = queue.SimpleQueue()
        self.downs: queue.SimpleQueue[TcpConnection] = queue.SimpleQueue()
        self.failures: queue.SimpleQueue[tuple[OSError, float | None]] = queue.SimpleQueue()
        self.received: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self.client = TcpClient(loop, address, "tester", **options)
        self.client.set_connection_callback(
            lambda conn: (self.ups if conn.connected else self.downs).put(conn)
        )
        self.client.set_message_callback(self._message)
        self.client.set_connect_failed_callback(
            lambda error, delay: self.failures.put((error, delay))
        )

    def _message(self, conn: TcpConnection, buffer: Buffer, when: float) -> None:
        self.received.put(buffer.retrieve_all())

    def up(self) -> TcpConnection:
        return self.ups.get(timeout=WAIT)

    def down(self) -> TcpConnection:
        return self.downs.get(timeout=WAIT)

    def failure(self) -> tuple[OSError, float | None]:
        return self.failures.get(timeout=WAIT)

    def is_balanced(self) -> bool:
        """As many DOWNs as UPs."""
        return self.ups.qsize() == self.downs.qsize()

    def is_gone(self) -> bool:
        return self.client.connection is None

    def settle(self) -> None:
        """Wait until the functions that are queued in the loop have run."""
        call_in(self.loop, lambda: None)
        call_in(self.loop, lambda: None)


def test_there_and_back(run_server: ServerMaker, other_loop: EventLoop) -> None:
    running = run_server(0, lambda server: server.set_message_callback(echo))
    peer = Recorder(other_loop, running.server.address)
    assert peer.client.connection is None
    peer.client.connect()
    connection = peer.up()
    assert peer.client.connection is connection
    assert connection.name == f"tester:{running.server.address}#1"
    connection.send(b"hello")
    assert peer.received.get(timeout=WAIT) == b"hello"
    peer.client.disconnect()
    assert peer.down() is connection
    eventually(lambda: peer.client.connection is None)
    peer.settle()
    assert peer.ups.empty()  # it does not come back


def test_a_unix_socket(run_server: ServerMaker, other_loop: EventLoop, tmp_path: Path) -> None:
    address = UnixAddress(str(tmp_path / "s"))
    run_server(0, lambda server: server.set_message_callback(echo), address=address)
    peer = Recorder(other_loop, address)
    peer.client.connect()
    peer.up().send(b"hello")
    assert peer.received.get(timeout=WAIT) == b"hello"
    peer.client.close()
    peer.down()


def test_connecting_twice_is_connecting_once(
    run_server: ServerMaker, other_loop: EventLoop
) -> None:
    peer = Recorder(other_loop, run_server().server.address)
    for _ in range(3):
        peer.client.connect()
    peer.up()
    peer.client.connect()
    peer.settle()
    assert peer.ups.empty()
    peer.client.close()
    peer.down()


def test_the_delays_double_up_to_a_limit(other_loop: EventLoop) -> None:
    peer = Recorder(other_loop, unused_address(), first_delay=0.001, last_delay=0.006)
    peer.client.connect()
    failures = [peer.failure() for _ in range(6)]
    peer.client.stop()
    assert [delay for _, delay in failures] == [0.001, 0.002, 0.004, 0.006, 0.006, 0.006]
    assert all(isinstance(error, ConnectionRefusedError) for error, _ in failures)
    assert peer.ups.empty()


def test_jitter_shortens_the_delays(other_loop: EventLoop) -> None:
    peer = Recorder(other_loop, unused_address(), jitter=True, first_delay=0.001, last_delay=0.001)
    peer.client.connect()
    delays = {peer.failure()[1] for _ in range(20)}
    peer.client.stop()
    assert len(delays) > 10
    assert all(delay is not None and 0 <= delay <= 0.001 for delay in delays)


def test_a_server_that_comes_up_late(run_server: ServerMaker, other_loop: EventLoop) -> None:
    address = unused_address()
    peer = Recorder(other_loop, address, first_delay=0.01)
    peer.client.connect()
    peer.failure()
    run_server(address=address)
    peer.up()
    peer.client.close()
    peer.down()


@pytest.mark.parametrize("retry", [False, True])
def test_after_the_connection_went_down(
    run_server: ServerMaker, other_loop: EventLoop, retry: bool
) -> None:
    running = run_server()
    peer = Recorder(other_loop, running.server.address, first_delay=0.001)
    if retry:
        peer.client.enable_retry()
    peer.client.connect()
    peer.up()
    running.ups.get(timeout=WAIT).force_close()
    peer.down()
    if retry:
        assert peer.up().name.endswith("#2")
        peer.client.close()
        peer.down()
    peer.settle()
    assert peer.client.connection is None
    assert peer.ups.empty()


def test_stopped_while_it_waits(other_loop: EventLoop) -> None:
    peer = Recorder(other_loop, unused_address())
    peer.client.connect()
    assert peer.failure()[1] == 0.5
    peer.client.stop()
    peer.settle()
    assert not other_loop._timers._heap or all(t[2].cancelled for t in other_loop._timers._heap)


def test_an_attempt_that_takes_too_long(other_loop: EventLoop) -> None:
    """A full backlog: the kernel does not answer."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        held = []
        for _ in range(4):
            sock = socket.socket()
            sock.setblocking(False)
            sock.connect_ex(listener.getsockname())
            held.append(sock)
        peer = Recorder(other_loop, InetAddress(*listener.getsockname()), connect_seconds=0.05)
        peer.client.connect()
        error, delay = peer.failure()
        assert isinstance(error, TimeoutError)
        assert delay == 0.5
        peer.client.stop()
        peer.settle()
        for sock in held:
            sock.close()


def test_a_hopeless_attempt_is_given_up(other_loop: EventLoop, errors: object) -> None:
    peer = Recorder(other_loop, UnixAddress(""))
    for _ in range(2):  # connect() may be called again
        peer.client.connect()
        error, delay = peer.failure()
        assert (error.errno, delay) == (errno.EINVAL, None)


def test_asking_again_after_a_hopeless_attempt_waits(passes: Passes, errors: object) -> None:
    """Regression: a callback that called connect() recursed until the stack was full."""
    client = TcpClient(passes.loop, UnixAddress(""), first_delay=0.001)
    depth = deepest = calls = 0

    def failed(error: OSError, delay: float | None) -> None:
        nonlocal depth, deepest, calls
        calls += 1
        depth += 1
        deepest = max(deepest, depth)
        if calls < 3:
            client.connect()
        depth -= 1

    client.set_connect_failed_callback(failed)
    client.connect()
    passes.until(lambda: calls == 3)
    client.close()
    assert deepest == 1


def test_connecting_to_itself_is_no_connection(
    passes: Passes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A socket that connects to its own port reaches itself."""
    with socket.socket() as sock, socket.create_server(("127.0.0.1", 0)) as listener:
        sock.bind(unused_address().sockaddr)
        sock.connect(sock.getsockname())
        assert connect_attempt.is_self_connect(sock)
        monkeypatch.setattr(connect_attempt, "is_self_connect", lambda sock: True)
        connector = Connector(passes.loop, InetAddress(*listener.getsockname()))
        failures: list[float | None] = []
        connector.failed_callback = lambda error, delay: failures.append(delay)
        connector.start()
        passes.until(lambda: failures, "the failure")
        assert failures == [0.5]
        connector.stop()
        passes.settle()


def test_dropped_by_another_thread_while_connected(
    run_server: ServerMaker, other_loop: EventLoop
) -> None:
    running = run_server()
    peer = Recorder(other_loop, running.server.address)
    peer.client.connect()
    connection = peer.up()
    client = weakref.ref(peer.client)
    del peer.client
    gc.collect()
    assert connection.connected
    running.ups.get(timeout=WAIT).force_close()
    peer.down()
    peer.settle()
    del connection
    gc.collect()
    assert client() is None


def test_closed_from_other_threads_at_random(
    run_server: ServerMaker, other_loop: EventLoop
) -> None:
    """At any moment of the end: as many DOWNs as UPs, and no connection left."""
    running = run_server(2, lambda server: server.set_message_callback(echo))
    dice = random.Random(7)
    peers = [Recorder(other_loop, running.server.address) for _ in range(60)]

    def disturb(peer: Recorder, pause: float, how: str) -> None:
        peer.client.connect()
        time.sleep(pause)  # the test needs random timing
        getattr(peer.client, how)()

    threads = [
        threading.Thread(
            target=disturb,
            args=(peer, dice.random() * 0.003, dice.choice(["close", "disconnect", "stop"])),
        )
        for peer in peers
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT)
    for peer in peers:
        peer.settle()
        peer.client.close()
    for peer in peers:
        eventually(peer.is_balanced)
        eventually(peer.is_gone)
    assert other_loop.connections == 0


def test_the_end_of_a_with_closes(run_server: ServerMaker, other_loop: EventLoop) -> None:
    running = run_server()
    peer = Recorder(other_loop, running.server.address)
    with peer.client:
        peer.client.connect()
        peer.up()
    peer.down()


# ---------------------------------------------------------------------- connecting again


def closing_server(run_server: ServerMaker) -> RunningServer:
    """A server that accepts, and closes at once."""
    running = run_server()
    running.on_up = TcpConnection.force_close
    return running


def test_a_server_that_closes_at_once_is_met_with_delays(
    run_server: ServerMaker, other_loop: EventLoop
) -> None:
    running = closing_server(run_server)
    peer = Recorder(other_loop, running.server.address, first_delay=0.001, last_delay=0.004)
    peer.client.enable_retry()
    peer.client.connect()
    failures = [peer.failure() for _ in range(5)]
    peer.client.close()
    peer.settle()
    assert [delay for _, delay in failures] == [0.001, 0.002, 0.004, 0.004, 0.004]
    assert all("after 0.0 s" in str(error) for error, _ in failures)
    assert peer.ups.qsize() == peer.downs.qsize() == 5 + peer.failures.qsize()


def test_the_delays_are_half_a_second_at_least_unless_told(
    run_server: ServerMaker, other_loop: EventLoop
) -> None:
    peer = Recorder(other_loop, closing_server(run_server).server.address)
    peer.client.enable_retry()
    peer.client.connect()
    assert peer.failure()[1] == 0.5
    peer.client.close()
    assert peer.ups.qsize() == 1


def test_one_that_stood_is_connected_again_at_once(
    run_server: ServerMaker, other_loop: EventLoop
) -> None:
    peer = Recorder(
        other_loop, closing_server(run_server).server.address, first_delay=30, stable_seconds=0
    )
    peer.client.enable_retry()
    peer.client.connect()
    for _ in range(5):
        peer.up()
        peer.down()
    peer.client.close()
    assert peer.failures.empty()


def test_asking_in_the_down_callback_waits_as_well(
    run_server: ServerMaker, other_loop: EventLoop
) -> None:
    peer = Recorder(other_loop, closing_server(run_server).server.address, first_delay=0.001)
    peer.client.set_connection_callback(
        lambda conn: None if conn.connected else peer.client.connect()
    )
    peer.client.connect()
    assert [peer.failure()[1] for _ in range(3)] == [0.001, 0.002, 0.004]
    peer.client.close()


def test_asking_after_the_down_callback_waits_as_well(
    run_server: ServerMaker, other_loop: EventLoop
) -> None:
    peer = Recorder(
        other_loop, closing_server(run_server).server.address, first_delay=3600.0, last_delay=3600.0
    )
    peer.client.connect()
    peer.down()
    peer.settle()
    for _ in range(3):
        peer.client.connect()
    peer.settle()
    assert peer.client._connector._state is ConnectorState.WAITING
    assert peer.ups.qsize() == 1
    peer.client.stop()
    peer.settle()


@pytest.mark.parametrize("inside", [False, True])
def test_connect_during_a_disconnect(
    run_server: ServerMaker, other_loop: EventLoop, inside: bool
) -> None:
    peer = Recorder(other_loop, run_server().server.address, first_delay=30)
    peer.client.connect()

    def again() -> None:
        peer.client.disconnect()
        peer.client.connect()

    for number in (1, 2, 3):
        first = peer.up()
        assert first.name.endswith(f"#{number}")
        call_in(other_loop, again) if inside else again()
        assert peer.down() is first
    peer.up()
    peer.client.close()
    peer.down()
    assert peer.failures.empty()


def test_connect_in_the_down_callback_of_a_disconnect(
    run_server: ServerMaker, other_loop: EventLoop
) -> None:
    peer = Recorder(other_loop, run_server().server.address, first_delay=30)
    once = iter([peer.client.connect])
    peer.client.set_connection_callback(
        lambda conn: peer.ups.put(conn) if conn.connected else next(once, _nothing)()
    )
    peer.client.connect()
    peer.up()
    peer.client.disconnect()
    peer.up()
    peer.client.close()
    peer.settle()


def test_stop_after_connect_during_a_disconnect(
    run_server: ServerMaker, other_loop: EventLoop
) -> None:
    peer = Recorder(other_loop, run_server().server.address)
    peer.client.connect()
    peer.up()

    def change_of_mind() -> None:
        peer.client.disconnect()
        peer.client.connect()
        peer.client.stop()

    call_in(other_loop, change_of_mind)
    peer.down()
    peer.settle()
    assert peer.ups.empty()


@pytest.mark.parametrize(
    "delays",
    [
        {"first_delay": 0.0},
        {"first_delay": 2.0, "last_delay": 1.0},
        {"last_delay": math.inf},
        {"stable_seconds": -1.0},
        {"stable_seconds": math.nan},
    ],
)
def test_impossible_delays(loop: EventLoop, delays: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"first <= last|must not be negative"):
        TcpClient(loop, unused_address(), **delays)  # type: ignore[arg-type]


# ---------------------------------------------------------------------- names


class Moving(HostAddress):
    """A name whose address changes with each resolution."""

    answers: ClassVar[list[InetAddress]]

    def resolve(self) -> list[InetAddress]:
        return [self.answers.pop(0)]


def test_a_name_is_looked_up_for_each_attempt(
    run_server: ServerMaker, other_loop: EventLoop
) -> None:
    first, second = run_server(), run_server()
    Moving.answers = [
        InetAddress.loopback(port_of(first.server.address)),
        unused_address(),
        InetAddress.loopback(port_of(second.server.address)),
    ]
    peer = Recorder(other_loop, Moving("moving.example", 80), first_delay=0.001)
    peer.client.enable_retry()
    peer.client.connect()
    assert peer.up().peer_address == first.server.address
    first.ups.get(timeout=WAIT).force_close()
    assert peer.up().peer_address == second.server.address
    assert [peer.failure()[1] for _ in range(2)] == [0.001, 0.002]
    peer.client.close()
    peer.down()
    peer.down()


def test_a_name_of_this_machine(run_server: ServerMaker, other_loop: EventLoop) -> None:
    address = run_server().server.address
    assert isinstance(address, InetAddress)
    peer = Recorder(other_loop, HostAddress("localhost", address.port))
    peer.client.connect()
    assert peer.up().peer_address == address
    assert repr(peer.client).startswith(f"<TcpClient tester to localhost:{address.port} ")
    peer.client.close()
    peer.down()


def test_a_name_that_there_is_not(other_loop: EventLoop) -> None:
    peer = Recorder(other_loop, HostAddress("x..y", 80))
    peer.client.connect()
    error, delay = peer.failure()
    assert isinstance(error, socket.gaierror)
    assert delay == 0.5
    peer.client.stop()
    peer.settle()


def test_a_look_up_that_takes_too_long_blocks_no_loop(
    run_server: ServerMaker, other_loop: EventLoop
) -> None:
    address = run_server().server.address
    go_on = threading.Event()
    threads: list[threading.Thread] = []

    class Slow(HostAddress):
        def resolve(self) -> list[InetAddress]:
            threads.append(threading.current_thread())
            assert go_on.wait(WAIT)
            assert isinstance(address, InetAddress)
            return [address]

    peer = Recorder(other_loop, Slow("slow.example", 80), connect_seconds=0.01, first_delay=0.001)
    peer.client.connect()
    for _ in range(3):
        assert isinstance(peer.failure()[0], TimeoutError)
    assert len(threads) == 1  # all attempts wait for the first resolver
    go_on.set()
    peer.up()
    peer.client.close()
    peer.down()


def _nothing() -> None:
    pass
