"""Two TlsTransports without connections: the test carries the bytes from one to the other."""

from __future__ import annotations

import contextlib
import random
import socket
from collections.abc import Iterator

import pytest

from muduopy import Buffer, Channel, EventLoop
from muduopy.socket_transport import SocketTransport
from muduopy.tls_settings import TlsSettings
from muduopy.tls_transport import TlsTransport
from tests.muduopy.test_socket_transport import Owner
from tests.muduopy.test_tls_transport import client_context, server_context


class Side:
    """One end. Its encrypted output is read at the other end of a socket pair."""

    def __init__(self, loop: EventLoop, settings: TlsSettings) -> None:
        self._inside, self._outside = socket.socketpair()
        self._inside.setblocking(False)
        self._outside.setblocking(False)
        self.owner = Owner()
        self.input = Buffer()
        channel = Channel(loop, self._inside.fileno())
        self.output = SocketTransport(loop, self._inside, channel, self.owner)
        self.tls = TlsTransport(settings, loop, self.output, self.input, self.owner)

    def take(self) -> bytes:
        """The encrypted bytes that this end has sent."""
        with contextlib.suppress(BlockingIOError):
            return self._outside.recv(1 << 20)
        return b""

    def feed(self, data: bytes, piece: int) -> None:
        """Give encrypted bytes to this end, in pieces."""
        for start in range(0, len(data), piece):
            self.tls.receive(memoryview(data)[start : start + piece])

    def close(self) -> None:
        self.tls.close()
        self.tls.release()
        self.output.close()
        self._inside.close()
        self._outside.close()


@pytest.fixture
def sides(loop: EventLoop) -> Iterator[tuple[Side, Side]]:
    """A client and a server; the handshake has not begun."""
    client = Side(loop, TlsSettings(client_context(), False, "localhost", 10.0))
    server = Side(loop, TlsSettings(server_context(), True, None, 10.0))
    yield client, server
    client.close()
    server.close()


def carry(one: Side, other: Side, piece: int) -> None:
    """Carry bytes both ways until both ends are silent."""
    while True:
        there, back = one.take(), other.take()
        if not there and not back:
            return
        other.feed(there, piece)
        one.feed(back, piece)


@pytest.mark.parametrize("piece", [1, 7, 100_000])
def test_any_division_into_pieces(sides: tuple[Side, Side], piece: int) -> None:
    client, server = sides
    server.tls.start()
    client.tls.start()
    carry(client, server, piece)
    assert client.owner.seen == ["up"]
    assert server.owner.seen == ["up"]
    client.tls.send(b"question")
    carry(client, server, piece)
    assert server.input.retrieve_all() == b"question"
    server.tls.send(b"answer" * 5000)  # two records
    server.tls.send_end()
    carry(client, server, piece)
    assert client.input.retrieve_all() == b"answer" * 5000
    assert set(client.owner.seen[1:-1]) == {"data"}
    assert client.owner.seen[-1] == "end"


def test_data_in_one_piece_with_the_end_of_the_handshake(sides: tuple[Side, Side]) -> None:
    client, server = sides
    server.tls.start()
    client.tls.start()
    server.feed(client.take(), 100_000)
    client.feed(server.take(), 100_000)  # the client's handshake is done
    client.tls.send(b"early")
    server.feed(client.take(), 100_000)
    assert server.owner.seen == ["up", "data"]
    assert server.input.retrieve_all() == b"early"


@pytest.mark.parametrize("seed", range(20))
def test_garbage_instead_of_a_handshake(sides: tuple[Side, Side], seed: int) -> None:
    _, server = sides
    server.tls.start()
    server.feed(random.Random(seed).randbytes(1000), 1000)
    server.tls.receive(memoryview(b""))
    assert server.owner.seen[0].startswith("gave up: SSL")


def test_garbage_after_the_handshake(sides: tuple[Side, Side]) -> None:
    client, server = sides
    server.tls.start()
    client.tls.start()
    carry(client, server, 100_000)
    server.feed(b"\x17\x03\x03\x00\x10" + bytes(16), 100_000)
    assert server.owner.seen == ["up", "SSLError", "close"]
    assert server.take()  # an alert


def test_the_end_without_close_notify(sides: tuple[Side, Side]) -> None:
    client, server = sides
    server.tls.start()
    client.tls.start()
    carry(client, server, 100_000)
    server.tls.receive(memoryview(b""))
    assert server.owner.seen == ["up", "SSLEOFError", "end"]
