"""HTTP on the chat port: nothing of it is served, whatever the client puts into it."""

from __future__ import annotations

import json

import pytest

from chat.connection.http_guard import ANSWER, is_http
from tests.chat.nodekit import Node

REGISTER = json.dumps({"msgid": 4, "name": "eve", "password": "secret-1"})
HEAD = f"Host: x\r\n{REGISTER}\r\nContent-Length: 100\r\n\r\n{REGISTER}\r\n"
CHUNKED = f"Transfer-Encoding: chunked\r\n\r\n36\r\n{REGISTER}\r\n0\r\n\r\n"
LINES = [
    "POST / HTTP/1.1",
    "GET /chat?x=1 HTTP/1.0",
    "OPTIONS * HTTP/1.1",
    "post / http/1.1",
    "POST http://127.0.0.1:6000/ HTTP/1.1",
    "CONNECT 127.0.0.1:6000 HTTP/1.1",
    "PRI * HTTP/2.0",
    "X-ODD!METHOD  /  HTTP/1.1",
    "POST /a b c HTTP/1.1",
    "GET\t/\tHTTP/1.1",
]


@pytest.mark.parametrize("line", LINES)
@pytest.mark.parametrize("rest", [HEAD, CHUNKED])
@pytest.mark.parametrize("before", ["", "\r\n", "\n\r\n"])
@pytest.mark.parametrize("size", [1, 7, 100_000])
def test_nothing_of_a_request_is_served(
    node: Node, line: str, rest: str, before: str, size: int
) -> None:
    client = node.socket()
    data = f"{before}{line}\r\n{rest}".encode()
    for start in range(0, len(data), size):
        try:
            client.write(data[start : start + size])
        except OSError:  # closed by then
            break
        node.passes.one()
    answer = b""
    client.sock.setblocking(False)

    def ended() -> bool:
        nonlocal answer
        try:
            piece = client.sock.recv(65536)
        except BlockingIOError:
            return False
        except ConnectionResetError:
            return True
        answer += piece
        return not piece

    node.until(ended, "the end")
    assert answer == ANSWER
    rows = node.database.read(lambda tx: tx.query("SELECT COUNT(*) FROM user"))
    assert int(rows[0][0]) == 0


@pytest.mark.parametrize(
    "frame", [b"{}", b"hello world", b"GET /", b"", b"HTTP/1.1 200 OK", b"a HTTP/1"]
)
def test_what_is_not_http(frame: bytes) -> None:
    assert not is_http(frame)


def test_a_run_of_blanks_is_looked_through_once() -> None:
    """As many steps as bytes: ten times the blanks, not a hundred times the time."""
    assert not is_http(b"GET" + b" " * 1_000_000 + b"x")
    assert is_http(b"GET" + b" " * 1_000_000 + b"HTTP/1.1")
