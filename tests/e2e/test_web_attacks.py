"""Hostile and broken clients of HTTP and the WebSocket on the chat port, with a real server."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import socket
import threading
import urllib.request
from collections.abc import Callable
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from muduopy.websocket.frames import FINAL_TEXT, encode_masked_frame
from tests.e2e.chatkit import ServerProcess, Wire, free_port

WAIT = 20
PING = json.dumps({"msgid": 26, "rid": "1"}).encode()
UPGRADE = (
    b"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: "
    + base64.b64encode(b"0123456789abcdef")
    + b"\r\n\r\n"
)


def dial(server: ServerProcess) -> socket.socket:
    peer = socket.create_connection(("127.0.0.1", server.port), WAIT)
    peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return peer


def read_all(peer: socket.socket) -> bytes:
    """Everything until the end; a reset is an end, too."""
    data = b""
    with contextlib.suppress(ConnectionResetError):
        while piece := peer.recv(65536):
            data += piece
    return data


def read_until(peer: socket.socket, end: bytes) -> bytes:
    data = b""
    while end not in data:
        piece = peer.recv(65536)
        assert piece, data
        data += piece
    return data


def text(message: bytes) -> bytes:
    return bytes(encode_masked_frame(FINAL_TEXT, message))


def still_serves(server: ServerProcess) -> None:
    with connect(f"ws://127.0.0.1:{server.port}/ws") as websocket:
        websocket.send(PING.decode())
        assert json.loads(websocket.recv(timeout=WAIT))["msgid"] == 27


def test_each_byte_alone(server: ServerProcess) -> None:
    with dial(server) as peer:
        for byte in UPGRADE + text(PING):
            peer.sendall(bytes([byte]))
        assert read_until(peer, b'"msgid":27').startswith(b"HTTP/1.1 101 ")


def test_the_request_line_in_two_parts(server: ServerProcess) -> None:
    request = b"GET /healthz HTTP/1.1\r\n"
    rest = b"Host: x\r\nConnection: close\r\n\r\n"
    for place in range(1, len(request)):
        with dial(server) as peer:
            peer.sendall(request[:place])
            peer.sendall(request[place:] + rest)
            assert read_all(peer).endswith(b"\r\n\r\nok\n")


def test_text_before_the_answer_is_served(server: ServerProcess) -> None:
    with dial(server) as peer:
        peer.sendall(UPGRADE + text(PING) + text(PING))
        answer = read_until(peer, b"\x81")
        while answer.count(b'"msgid":27') < 2:
            answer += peer.recv(65536)
        assert answer.startswith(b"HTTP/1.1 101 ")


def test_requests_before_the_upgrade_are_answered_first(server: ServerProcess) -> None:
    ask = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    with dial(server) as peer:
        peer.sendall(ask * 3 + UPGRADE + text(PING))
        answer = read_until(peer, b'"msgid":27')
        assert answer.count(b"HTTP/1.1 200 ") == 3
        assert answer.index(b"HTTP/1.1 101 ") > answer.rindex(b"ok\n")


@pytest.mark.parametrize("garbage", [b"\xff" * 50, b'{"msgid":26}\n', os.urandom(5000), b"\0" * 99])
def test_garbage_after_the_upgrade_ends_it(server: ServerProcess, garbage: bytes) -> None:
    with dial(server) as peer:
        peer.sendall(UPGRADE)
        read_until(peer, b"\r\n\r\n")
        peer.sendall(garbage)
        with contextlib.suppress(OSError):
            peer.shutdown(socket.SHUT_WR)
        assert b"msgid" not in read_all(peer)
    still_serves(server)


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 100_000 + b"\r\n\r\n", b"431"),
        (b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", b""),
        (b"GET /../../etc/passwd HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", b"404"),
        (b"GET /%2e%2e%2fetc HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", b"404"),
        (b"GET //ws HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", b"404"),
        (b"GET /%77s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", b"404"),
        (b"GET /healthz HTTP/1.0\r\n\r\n", b"200"),
        (b"GET / HTTP/1.1\r\n\r\n", b"400"),
        (b"POST /ws HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello", b"413"),
        (UPGRADE.replace(b"13", b"12"), b"426"),
        (UPGRADE.replace(b"HTTP/1.1", b"HTTP/1.0"), b"4"),
        (UPGRADE.replace(b"Host: x", b"Host: x\r\nOrigin: null"), b"403"),
        (UPGRADE.replace(b"Host: x", b"Host: x\r\nOrigin: http://x.example"), b"403"),
    ],
)
def test_bad_requests(server: ServerProcess, head: bytes, status: bytes) -> None:
    with dial(server) as peer:
        with contextlib.suppress(OSError):
            peer.sendall(head)
            peer.shutdown(socket.SHUT_WR)
        answer = read_all(peer)
    assert answer.split(b" ")[1].startswith(status) if status else b"200" not in answer[:20]
    still_serves(server)


@pytest.mark.parametrize(
    "sent",
    [b"", b"GE", b"GET / HT", b"GET / HTTP/1.1\r\nHo", UPGRADE, UPGRADE + b"\x81", UPGRADE[:-2]],
)
def test_a_half_close_in_each_phase_ends_it(server: ServerProcess, sent: bytes) -> None:
    with dial(server) as peer:
        peer.sendall(sent)
        peer.shutdown(socket.SHUT_WR)
        read_all(peer)


def test_a_thousand_slow_requests_leave_room_for_others(
    make_server: Callable[..., ServerProcess],
) -> None:
    """They are guests: near the limit, a new connection takes the place of one of them."""
    server = make_server("[server]\nmax_connections = 500\n[limits]\nframe_seconds = 60\n")
    with contextlib.ExitStack() as stack:
        for number in range(1000):
            peer = stack.enter_context(dial(server))
            peer.sendall((b"GET", b"GET / HTTP/1.1\r\nX: y", b"GET / HTTP/1.1\r\n")[number % 3])
        still_serves(server)


def test_an_upgraded_login_is_no_guest_and_leaves_the_count(
    make_server: Callable[..., ServerProcess],
) -> None:
    limits = "[server]\nmax_connections = 9\n[limits]\nguests_per_address = 3\nexempt = []\n"
    server = make_server(limits)
    for _ in range(3):  # what ended is not counted any more
        with contextlib.ExitStack() as stack:
            pages = [
                stack.enter_context(connect(f"ws://127.0.0.1:{server.port}/ws")) for _ in range(3)
            ]
            for page in pages:
                name = os.urandom(6).hex()
                page.send(json.dumps({"msgid": 4, "name": name, "password": "a-long-one-1"}))
                user = json.loads(page.recv(timeout=WAIT))["id"]
                page.send(json.dumps({"msgid": 1, "id": user, "password": "a-long-one-1"}))
                assert json.loads(page.recv(timeout=WAIT))["errno"] == 0
            with dial(server) as guest:
                guest.sendall(b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
                assert read_all(guest).startswith(b"HTTP/1.1 200 ")


def test_a_page_that_does_not_read_holds_up_only_itself(
    server: ServerProcess, member: Callable[..., Wire]
) -> None:
    """Its own requests wait as long as its answers do; when it reads, each has its answer."""
    with dial(server) as peer:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        peer.sendall(UPGRADE)
        read_until(peer, b"\r\n\r\n")

        def ask(**message: Any) -> dict[str, Any]:
            peer.sendall(text(json.dumps(message).encode()))
            data = read_until(peer, b"}")
            answer: dict[str, Any] = json.loads(data[data.index(b"{") :])
            return answer

        user = ask(msgid=4, name="slow", password="a-long-one-1")["id"]
        assert ask(msgid=1, id=user, password="a-long-one-1")["errno"] == 0
        pings = 30_000
        frame = text(json.dumps({"msgid": 26, "rid": "r" * 60}).encode())
        peer.setblocking(False)
        left = memoryview(frame * pings)
        with contextlib.suppress(BlockingIOError):
            while left:
                left = left[peer.send(left) :]
        peer.settimeout(WAIT)
        before = server.resident_kib
        wire = member(server, "other")
        wire.nothing()
        assert server.resident_kib - before < 20_000
        whole, partly = divmod((pings * len(frame)) - len(left), len(frame))
        assert whole
        assert partly < len(frame)
        answers, rest = 0, b""
        while answers < min(whole, 5000):
            data = rest + peer.recv(65536)
            answers += data.count(b'"msgid":27')
            rest = data[-9:] if not data.endswith(b'"msgid":27') else b""


@pytest.mark.parametrize("frame", [b"\x81\x80abcd", b"\x89\x80abcd"], ids=["text", "Ping"])
def test_many_frames_without_content_have_to_wait(server: ServerProcess, frame: bytes) -> None:
    """They cost as much as requests do: at last the server reads no more for some seconds."""
    with dial(server) as peer:
        peer.sendall(UPGRADE)
        read_until(peer, b"\r\n\r\n")
        reader = threading.Thread(target=read_all, args=(peer,), daemon=True)
        reader.start()
        peer.settimeout(3.0)
        with pytest.raises(OSError):
            while True:
                peer.sendall(frame * 1000)
        peer.shutdown(socket.SHUT_RDWR)
        reader.join(WAIT)
    still_serves(server)


def test_a_kill_while_the_page_closes(server: ServerProcess) -> None:
    """The server waits a bounded time for the peer's Close."""
    with dial(server) as peer:
        peer.sendall(UPGRADE + text(b"x" * 60_000))
        answer = read_all(peer)  # ends though this side never sends a Close
        assert b"frame" in answer


def test_both_sides_close(server: ServerProcess) -> None:
    for _ in range(20):
        with (
            connect(f"ws://127.0.0.1:{server.port}/ws") as page,
            contextlib.suppress(ConnectionClosed),
        ):
            page.send("x" * 60_000)
            page.close()
    still_serves(server)


def test_the_bytes_of_an_upgraded_connection_count_once(
    make_server: Callable[..., ServerProcess],
) -> None:
    port = free_port()
    server = make_server(f'[server]\nstatus = "{port}"\n')

    def metric(name: str) -> int:
        page = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=WAIT)
        (line,) = [one for one in page.read().decode().splitlines() if one.startswith(name + " ")]
        return int(float(line.split()[1]))

    data = UPGRADE + text(PING)
    with dial(server) as peer:
        peer.sendall(data)
        read_until(peer, b'"msgid":27')
        pause = threading.Event()  # the page is new every five seconds
        while not metric("chat_received_bytes_total"):
            pause.wait(0.1)
        assert metric("chat_received_bytes_total") == len(data)
