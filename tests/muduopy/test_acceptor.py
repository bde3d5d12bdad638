"""Acceptor: accepting, and its answer when there are no more file descriptors."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import muduopy
from muduopy import Acceptor, Address, EventLoop, InetAddress, WrongThreadError
from muduopy.acceptor import ACCEPTS_PER_EVENT
from tests.muduopy.netkit import (
    LOOPBACK,
    WAIT,
    ErrorLog,
    Passes,
    call_in,
    connect_to,
    port_of,
    read_all,
    reset,
)

QUEUE_LENGTH = 24
"""The offset of tcpi_unacked in TCP_INFO; of a listening socket, its connections to accept."""


class Reception:
    """An acceptor in the test's loop, and the connections that it accepted."""

    def __init__(self, passes: Passes, **options: bool) -> None:
        self.passes = passes
        self.acceptor = Acceptor(passes.loop, LOOPBACK, **options)
        self.accepted: list[tuple[socket.socket, Address]] = []
        self.clients: list[socket.socket] = []
        self.acceptor.new_connection_callback = lambda sock, peer: self.accepted.append(
            (sock, peer)
        )

    def connect(self) -> socket.socket:
        self.clients.append(connect_to(self.acceptor.address))
        return self.clients[-1]

    def wait_for_queue(self, length: int) -> None:
        """Wait for connections to accept; on a busy machine they come after connect() returned."""
        listener = socket.socket(fileno=os.dup(self.acceptor._socket.fileno()))
        pause = threading.Event()
        with listener:
            for _ in range(int(WAIT / 0.001)):
                info = listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 28)
                if struct.unpack_from("I", info, QUEUE_LENGTH)[0] == length:
                    return
                pause.wait(0.001)
        raise AssertionError(f"waited in vain for {length} connections")

    def close(self) -> None:
        self.acceptor.close()
        for sock in [*self.clients, *(sock for sock, _ in self.accepted)]:
            sock.close()


@pytest.fixture
def reception(passes: Passes) -> Iterator[Reception]:
    reception = Reception(passes)
    yield reception
    reception.close()


def test_accepts(reception: Reception) -> None:
    assert port_of(reception.acceptor.address) > 0
    reception.acceptor.listen()
    clients = [reception.connect() for _ in range(5)]
    reception.passes.until(lambda: len(reception.accepted) == 5, "five connections")
    assert [peer for _, peer in reception.accepted] == [
        InetAddress.from_sockaddr(client.getsockname()) for client in clients
    ]
    for sock, _ in reception.accepted:
        assert not sock.getblocking()
        assert not sock.get_inheritable()


def test_one_event_accepts_a_bounded_number(reception: Reception) -> None:
    reception.acceptor.listen()
    for _ in range(ACCEPTS_PER_EVENT + 5):
        reception.connect()
    reception.wait_for_queue(ACCEPTS_PER_EVENT + 5)
    reception.passes.one()
    assert len(reception.accepted) == ACCEPTS_PER_EVENT
    reception.passes.one()
    assert len(reception.accepted) == ACCEPTS_PER_EVENT + 5


def test_without_a_callback_clients_are_refused(passes: Passes) -> None:
    acceptor = Acceptor(passes.loop, LOOPBACK)
    acceptor.listen()
    with connect_to(acceptor.address) as client:
        passes.one()
        assert client.recv(1) == b""
    acceptor.close()


def test_a_callback_that_raises_costs_that_client_only(
    reception: Reception, errors: ErrorLog
) -> None:
    keep = reception.acceptor.new_connection_callback

    def fail_once(sock: socket.socket, peer: Address) -> None:
        reception.acceptor.new_connection_callback = keep
        raise RuntimeError("new connection")

    reception.acceptor.new_connection_callback = fail_once
    reception.acceptor.listen()
    first, second = reception.connect(), reception.connect()
    reception.passes.until(lambda: reception.accepted, "the second client")
    assert first.recv(1) == b""
    assert reception.accepted[0][1] == InetAddress.from_sockaddr(second.getsockname())
    assert errors.exceptions == ["new connection"]


def test_clients_that_gave_up_while_waiting_do_no_harm(reception: Reception) -> None:
    reception.acceptor.listen()
    for _ in range(3):
        reset(reception.connect())
    last = reception.connect()
    name = InetAddress.from_sockaddr(last.getsockname())
    reception.passes.until(lambda: name in [peer for _, peer in reception.accepted], "the last")


def test_close_inside_the_callback_ends_accepting(
    reception: Reception, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "muduopy")
    keep = reception.acceptor.new_connection_callback

    def keep_and_close(sock: socket.socket, peer: Address) -> None:
        keep(sock, peer)
        reception.acceptor.close()

    reception.acceptor.new_connection_callback = keep_and_close
    reception.acceptor.listen()
    clients = [reception.connect() for _ in range(3)]
    reception.passes.settle()
    assert len(reception.accepted) == 1
    assert not caplog.records  # it did not try again on the closed socket
    assert read_all(clients[2]) == b""  # reset by the kernel


def test_close_releases_the_port_and_is_idempotent(reception: Reception) -> None:
    reception.acceptor.listen()
    reception.acceptor.close()
    reception.acceptor.close()
    with pytest.raises(ConnectionRefusedError):
        reception.connect()
    again = Acceptor(reception.passes.loop, reception.acceptor.address)
    again.close()


def test_close_before_listen(reception: Reception) -> None:
    reception.acceptor.close()


def test_an_address_in_use_raises(reception: Reception) -> None:
    reception.acceptor.listen()
    with pytest.raises(OSError, match="in use"):
        Acceptor(reception.passes.loop, reception.acceptor.address)


def test_an_address_that_is_not_ours_raises(loop: EventLoop) -> None:
    with pytest.raises(OSError):
        Acceptor(loop, InetAddress("192.0.2.1", 0))


def test_two_may_share_a_port_if_both_agree(passes: Passes) -> None:
    first = Reception(passes, reuse_port=True)
    second = Acceptor(passes.loop, first.acceptor.address, reuse_port=True)
    assert second.address == first.acceptor.address
    second.close()
    first.close()


def test_ipv6(passes: Passes) -> None:
    peers: list[Address] = []

    def accepted(sock: socket.socket, peer: Address) -> None:
        peers.append(peer)
        sock.close()

    acceptor = Acceptor(passes.loop, InetAddress.loopback(0, ipv6=True))
    acceptor.new_connection_callback = accepted
    acceptor.listen()
    with connect_to(acceptor.address) as client:
        passes.until(lambda: peers, "the client")
        assert peers == [InetAddress("::1", client.getsockname()[1])]
    acceptor.close()


def test_only_in_the_loop_thread(other_loop: EventLoop) -> None:
    acceptor = call_in(other_loop, lambda: Acceptor(other_loop, LOOPBACK))
    for method in (acceptor.listen, acceptor.close):
        with pytest.raises(WrongThreadError):
            method()
    call_in(other_loop, acceptor.close)


# ---------------------------------------------------------------------- out of descriptors

SCARCE = """
import json, os, resource, sys
from muduopy import EventLoop, InetAddress, TcpServer

LIMIT = 24
resource.setrlimit(resource.RLIMIT_NOFILE, (LIMIT, LIMIT))

loop = EventLoop()
spare = sys.argv[1] == "spare"
hoard = []
if not spare:  # leave exactly one descriptor, for the listening socket
    while len(os.listdir("/proc/self/fd")) - 1 < LIMIT - 1:
        hoard.append(os.open(os.devnull, os.O_RDONLY))
server = TcpServer(loop, InetAddress.loopback(0), "scarce")

def report(conn, text):
    usage = resource.getrusage(resource.RUSAGE_SELF)
    conn.send(json.dumps({"after": text, "iterations": loop.iterations,
        "cpu": usage.ru_utime + usage.ru_stime}).encode() + b"\\n")

def message(conn, buffer, when):
    if buffer.retrieve_all() == b"rest":
        report(conn, "before")
        loop.run_after(0.5, lambda: report(conn, "after"))

def release(_fd=None):
    for fd in hoard:
        os.close(fd)
    hoard.clear()

server.set_connection_callback(lambda conn: conn.connected and conn.send(b"hello\\n"))
server.set_message_callback(message)
server.start()
print(server.address.port, flush=True)
if hoard:
    # No descriptor is left for half a second; then there are some again.
    start = loop.iterations
    loop.run_after(0.5, lambda: (print(loop.iterations - start, flush=True), release()))
from muduopy import Channel
stdin = Channel(loop, 0)
stdin.read_callback = loop.quit
stdin.enable_reading()
loop.loop()
"""


@contextlib.contextmanager
def scarce_server(mode: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [sys.executable, "-c", SCARCE, mode],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        cwd=Path(muduopy.__file__).parent.parent,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


Connect = Callable[[], socket.socket]


@pytest.fixture
def clients() -> Iterator[list[socket.socket]]:
    clients: list[socket.socket] = []
    yield clients
    for client in clients:
        client.close()


def test_out_of_descriptors_extra_clients_see_the_end(clients: list[socket.socket]) -> None:
    """The loop does not spin, serves the old clients, and recovers when clients close."""
    with scarce_server("spare") as process:
        assert process.stdout is not None
        port = int(process.stdout.readline())

        def greeting() -> bytes:
            clients.append(socket.create_connection(("127.0.0.1", port), WAIT))
            return clients[-1].recv(100)

        greetings = [greeting() for _ in range(40)]
        served = greetings.count(b"hello\n")
        assert 5 < served < 24
        assert greetings == [b"hello\n"] * served + [b""] * (40 - served)

        clients[0].sendall(b"rest")
        with clients[0].makefile() as lines:
            before, after = json.loads(lines.readline()), json.loads(lines.readline())
        assert after["iterations"] - before["iterations"] < 10
        assert after["cpu"] - before["cpu"] < 0.25  # of the half second that passed

        for client in clients[1:served]:
            client.close()
        # The server may see the next client before the closes, and turn it away.
        for _ in range(100):
            if greeting() == b"hello\n":
                break
        else:
            pytest.fail("it did not recover")


def test_without_even_a_spare_descriptor_it_pauses_and_recovers(
    clients: list[socket.socket],
) -> None:
    with scarce_server("no spare") as process:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        clients.append(socket.create_connection(("127.0.0.1", port), WAIT))
        passes = int(process.stdout.readline())
        assert passes < 100  # retries with pauses
        assert clients[0].recv(100) == b"hello\n"
