"""HTTP, the WebSocket and the line protocol on one port, with a real server."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from tests.e2e.chatkit import ServerProcess, Wire

PASSWORD = "a-long-secret-1"


def fetch(
    server: ServerProcess, path: str, method: str = "GET", **headers: str
) -> tuple[http.client.HTTPResponse, bytes]:
    client = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
    try:
        client.request(method, path, headers=headers)
        answer = client.getresponse()
        return answer, answer.read()
    finally:
        client.close()


class Page:
    """A client on a WebSocket."""

    def __init__(self, websocket: ClientConnection) -> None:
        self.websocket = websocket

    def send(self, **message: Any) -> None:
        self.websocket.send(json.dumps(message))

    def receive(self) -> dict[str, Any]:
        message: dict[str, Any] = json.loads(self.websocket.recv(timeout=20))
        return message

    def ask(self, **message: Any) -> dict[str, Any]:
        self.send(**message)
        return self.receive()

    def enter(self, name: str) -> int:
        answer = self.ask(msgid=4, name=name, password=PASSWORD)
        fields = {"devices": True, "device": "page"}
        login = self.ask(msgid=1, id=answer["id"], password=PASSWORD, **fields)
        assert login["errno"] == 0
        return int(answer["id"])


@contextmanager
def on_page(server: ServerProcess, **options: Any) -> Iterator[Page]:
    with connect(f"ws://127.0.0.1:{server.port}/ws", **options) as websocket:
        yield Page(websocket)


def test_the_page_is_served(server: ServerProcess) -> None:
    answer, body = fetch(server, "/")
    assert answer.status == 200
    assert b"<!doctype html>" in body
    assert "script-src 'self'" in str(answer.headers["Content-Security-Policy"])
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    again, nothing = fetch(server, "/", **{"If-None-Match": str(answer.headers["ETag"])})
    assert (again.status, nothing) == (304, b"")
    script = body.decode().partition('src="')[2].partition('"')[0]
    assert fetch(server, script)[0].headers["Content-Type"].startswith("text/javascript")
    zipped, _ = fetch(server, script, **{"Accept-Encoding": "gzip"})
    assert zipped.headers["Content-Encoding"] == "gzip"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/healthz", 200),
        ("GET", "/readyz", 200),
        ("HEAD", "/", 200),
        ("GET", "/metrics", 404),
        ("GET", "/../conf/chatserver.toml", 404),
        ("GET", "/v/%2e%2e/%2e%2e/etc/passwd", 404),
        ("DELETE", "/", 405),
        ("GET", "/ws", 426),
    ],
)
def test_other_addresses(server: ServerProcess, method: str, path: str, status: int) -> None:
    assert fetch(server, path, method)[0].status == status


def test_a_page_and_a_client_of_the_line_protocol_chat(
    server: ServerProcess, member: Callable[..., Wire]
) -> None:
    wire = member(server, "zhang san")
    with on_page(server) as page:
        user = page.enter("li si")
        answer = page.ask(msgid=6, id=user, toid=wire.id, msg="从网页", mid="m1")
        assert answer["errno"] == 0
        received = wire.receive()
        assert received is not None
        assert received["msg"] == "从网页"
        wire.send(msgid=6, id=wire.id, toid=user, msg="to the page", mid="m2")
        assert page.receive()["msg"] == "to the page"


def test_many_messages_in_one_go_are_answered_in_order(server: ServerProcess) -> None:
    with on_page(server) as page:
        user = page.enter("li si")
        for number in range(300):
            page.send(msgid=6, id=user, toid=user, msg=str(number), mid=f"m{number}")
        acks: list[str] = []
        while len(acks) < 300:
            message = page.receive()
            if message["msgid"] == 20:
                acks.append(message["mid"])
            else:
                page.send(msgid=21, seqs=[message["seq"]])
        assert acks == [f"m{number}" for number in range(300)]


def test_a_page_of_another_site_is_refused(make_server: Callable[..., ServerProcess]) -> None:
    server = make_server('[server]\norigins = ["https://chat.example"]\n')
    own = f"http://127.0.0.1:{server.port}"
    for origin in (own, "https://chat.example"):
        with on_page(server, origin=origin) as page:
            assert page.ask(msgid=26, rid="1") == {"msgid": 27, "rid": "1"}
    with pytest.raises(InvalidStatus, match="403"), on_page(server, origin="https://evil.example"):
        pass


def test_bad_messages_get_an_answer_and_a_close_code(server: ServerProcess) -> None:
    with on_page(server) as page:
        page.websocket.send("this is not JSON")
        assert page.receive()["errno"] == 4
        page.websocket.send(b"binary")
        with pytest.raises(ConnectionClosed) as closed:
            page.receive()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1003
    with on_page(server) as page:
        page.websocket.send("x" * 100_000)
        assert page.receive()["errno"] == 7
        with pytest.raises(ConnectionClosed) as closed:
            page.receive()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1009


def test_a_draining_server_says_goodbye(make_server: Callable[..., ServerProcess]) -> None:
    server = make_server()
    with on_page(server) as page:
        page.enter("li si")
        server.stop()
        assert page.receive()["reason"] == "draining"
        with pytest.raises(ConnectionClosed) as closed:
            page.receive()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1012


def test_without_a_page_http_is_refused(make_server: Callable[..., ServerProcess]) -> None:
    server = make_server("[server]\nweb = false\n")
    answer, _ = fetch(server, "/")
    assert answer.status == 400


def test_the_body_of_a_request_is_never_served(server: ServerProcess) -> None:
    register = json.dumps({"msgid": 4, "name": "eve", "password": PASSWORD})
    with socket.create_connection(("127.0.0.1", server.port), 20) as peer:
        head = f"POST / HTTP/1.1\r\nHost: x\r\n{register}\r\nContent-Length: 100\r\n\r\n"
        peer.sendall(f"{head}{register}\n{register}\n".encode())
        answer = b""
        while piece := peer.recv(65536):
            answer += piece
    assert answer.startswith(b"HTTP/1.1 4")
    assert b"msgid" not in answer
