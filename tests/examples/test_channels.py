"""udp_echo, child_process and dns_query: other descriptors in a loop."""

from __future__ import annotations

import socket
import struct
import sys
import threading

import pytest

from tests.examples.examplekit import WAIT, Example


def test_udp_echo() -> None:
    with Example("udp_echo", 0) as server, socket.socket(type=socket.SOCK_DGRAM) as client:
        client.settimeout(WAIT)
        client.connect(("127.0.0.1", server.ports[0]))
        for data in (b"hello", b"", b"x" * 1400):
            client.send(data)
            assert client.recv(2000) == data


@pytest.mark.parametrize("status", [0, 3])
def test_child_process(status: int) -> None:
    code = f"import os; os.write(1, b'some words'); input(); raise SystemExit({status})"
    with Example("child_process", sys.executable, "-c", code, servers=0) as example:
        assert example.line() == "10 bytes: b'some words'"
        example.write("\n")
        assert example.line() == "0 bytes: b''"
        assert example.line() == f"exit status {status}"
        example.process.wait()


class NameServer:
    """A DNS server that answers with garbage first, then with two addresses."""

    def __init__(self) -> None:
        self.sock = socket.socket(type=socket.SOCK_DGRAM)
        self.sock.bind(("127.0.0.1", 0))
        self.sock.settimeout(WAIT)
        self.names: list[bytes] = []

    def run(self) -> None:
        asked, peer = self.sock.recvfrom(512)
        self.sock.sendto(asked[:2], peer)
        self.sock.sendto(b"\xff\xff" + asked[2:], peer)
        asked, peer = self.sock.recvfrom(512)  # again
        self.names.append(asked[12:-4])
        header = asked[:2] + struct.pack("!5H", 0x8180, 1, 3, 0, 0)
        alias = b"\xc0\x0c" + struct.pack("!HHIH", 5, 1, 60, 2) + b"\xc0\x0c"
        found = [
            b"\xc0\x0c" + struct.pack("!HHIH", 1, 1, 60, 4) + bytes([10, 0, 0, last])
            for last in (1, 2)
        ]
        self.sock.sendto(header + asked[12:] + alias + b"".join(found), peer)


def test_dns_query() -> None:
    server = NameServer()
    with server.sock:
        thread = threading.Thread(target=server.run)
        thread.start()
        port = server.sock.getsockname()[1]
        with Example("dns_query", "www.example.org", "127.0.0.1", port, servers=0) as example:
            assert [example.line(), example.line()] == ["10.0.0.1", "10.0.0.2"]
            example.process.wait()
        thread.join(WAIT)
    assert server.names == [b"\3www\7example\3org\0"]
