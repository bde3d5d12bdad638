"""multiplexer: the test plays the backend and the clients."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from tests.examples.examplekit import WAIT, Example, read_all, read_exactly


class Backend:
    """The backend's end of the connection."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        sock.settimeout(WAIT)

    def read(self) -> tuple[int, bytes]:
        header = read_exactly(self.sock, 3)
        return int.from_bytes(header[1:], "little"), read_exactly(self.sock, header[0])

    def write(self, number: int, data: bytes) -> None:
        self.sock.sendall(bytes([len(data)]) + number.to_bytes(2, "little") + data)


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(WAIT)
        yield listener


@pytest.fixture
def example(listener: socket.socket) -> Iterator[Example]:
    with Example("multiplexer", 0, listener.getsockname()[1]) as example:
        yield example


@pytest.fixture
def backend(listener: socket.socket, example: Example) -> Iterator[Backend]:
    sock, _ = listener.accept()
    with sock:
        # The multiplexer closes clients that come before it has seen this connection.
        backend = Backend(sock)
        while True:
            client = example.connect()
            sock.settimeout(0.05)
            try:
                assert backend.read()[0] == 0
                break
            except TimeoutError:
                client.close()
            finally:
                sock.settimeout(WAIT)
        client.close()
        assert b"IS DOWN" in backend.read()[1]
        yield backend


def come(example: Example, backend: Backend) -> tuple[socket.socket, int]:
    client = example.connect()
    number, words = backend.read()
    host, port = client.getsockname()
    assert number == 0
    assert words.endswith(f" FROM {host}:{port} IS UP\r\n".encode())
    return client, int(words.split()[1])


def test_two_clients_and_one_connection(example: Example, backend: Backend) -> None:
    first, one = come(example, backend)
    second, two = come(example, backend)
    assert one != two
    first.sendall(b"from the first")
    assert backend.read() == (one, b"from the first")
    second.sendall(b"x" * 600)
    data = b""
    while len(data) < 600:
        number, part = backend.read()
        assert number == two
        assert len(part) <= 255
        data += part
    backend.write(two, b"to the second")
    backend.write(one, b"to the first")
    assert read_exactly(first, 12) == b"to the first"
    assert read_exactly(second, 13) == b"to the second"
    first.close()
    assert backend.read()[1].startswith(b"CONN %d FROM" % one)


def test_the_backend_hangs_up_on_a_client(example: Example, backend: Backend) -> None:
    client, number = come(example, backend)
    backend.write(0, b"DISCONNECT x\r\n")
    backend.write(0, b"DISCONNECT 99\r\n")
    backend.write(0, b"DISCONNECT %d\r\n" % number)
    assert read_all(client) == b""


def test_more_clients_than_numbers(example: Example, backend: Backend) -> None:
    for _ in range(10):
        come(example, backend)
    assert read_all(example.connect()) == b""


def test_without_the_backend_clients_go(example: Example, backend: Backend) -> None:
    client, _ = come(example, backend)
    backend.sock.close()
    assert read_all(client) == b""
    assert read_all(example.connect()) == b""
