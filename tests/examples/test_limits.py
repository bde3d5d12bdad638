"""idleconnection, maxconnection, filetransfer, tcprelay and socks4a."""

from __future__ import annotations

import hashlib
import random
import socket
import threading
from pathlib import Path

import pytest

from tests.examples.examplekit import Example, read_all, read_exactly

BIG = random.Random(1).randbytes(8 << 20)


def test_idleconnection() -> None:
    with Example("idleconnection", 0, 1) as server:
        client = server.connect()
        client.sendall(b"hello")
        assert read_exactly(client, 5) == b"hello"
        assert read_all(client) == b""
        assert server.line().endswith("#1 is idle")


def test_maxconnection() -> None:
    with Example("maxconnection", 0, 2) as server:
        allowed = [server.connect() for _ in range(2)]
        for client in allowed:
            client.sendall(b"hello")
            assert read_exactly(client, 5) == b"hello"
        assert read_all(server.connect()) == b"too many, come back later\n"
        allowed[0].sendall(b"still here")
        assert read_exactly(allowed[0], 10) == b"still here"


def test_filetransfer(tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(BIG)
    with Example("filetransfer", tmp_path / "big", 0) as server:
        clients = [server.connect() for _ in range(3)]
        clients[0].close()  # before the transfer has ended
        for client in clients[1:]:
            assert hashlib.sha256(read_all(client)).digest() == hashlib.sha256(BIG).digest()


def pass_through(client: socket.socket) -> None:
    """Through a proxy to an echo server: the bytes come back, and then the end."""

    def feed() -> None:
        client.sendall(BIG)
        client.shutdown(socket.SHUT_WR)

    feeding = threading.Thread(target=feed)
    feeding.start()
    back = read_all(client)
    feeding.join()
    assert hashlib.sha256(back).digest() == hashlib.sha256(BIG).digest()


def echo_until_end(listener: socket.socket) -> None:
    peer, _ = listener.accept()
    with peer:
        while data := peer.recv(1 << 16):
            peer.sendall(data)


def test_tcprelay() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        behind = threading.Thread(target=echo_until_end, args=(listener,))
        behind.start()
        port = listener.getsockname()[1]
        with Example("tcprelay", "127.0.0.1", port, 0) as relay:
            pass_through(relay.connect())
            behind.join()


def test_tcprelay_to_a_closed_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with Example("tcprelay", "127.0.0.1", port, 0) as relay:
        client = relay.connect()
        try:
            assert client.recv(1) == b""
        except ConnectionResetError:
            pass


def test_socks4a() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, Example("socks4a", 0) as proxy:
        port = listener.getsockname()[1].to_bytes(2, "big")
        for address, host in ((bytes([127, 0, 0, 1]), b""), (bytes([0, 0, 0, 1]), b"localhost\0")):
            behind = threading.Thread(target=echo_until_end, args=(listener,))
            behind.start()
            client = proxy.connect()
            request = b"\4\1" + port + address + b"me\0" + host
            client.sendall(request[:5])
            client.sendall(request[5:])
            assert read_exactly(client, 8)[:2] == b"\0\x5a"
            pass_through(client)
            behind.join()
        refused = proxy.connect()
        refused.sendall(b"\5\1" + port + bytes([127, 0, 0, 1]) + b"me\0")
        assert read_all(refused)[:2] == b"\0\x5b"


@pytest.mark.parametrize("target", [b"\x7f\0\0\1me\0", b"\0\0\0\1me\0x..y\0"])
def test_socks4a_says_that_the_target_refuses(target: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1].to_bytes(2, "big")
    with Example("socks4a", 0) as proxy:
        client = proxy.connect()
        client.sendall(b"\4\1" + port + target + b"more")
        assert read_all(client) == bytes([0, 0x5B, 0, 0, 0, 0, 0, 0])
