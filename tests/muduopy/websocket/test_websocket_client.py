"""WebSocketClient: with a WebSocketServer, and with servers that answer wrongly."""

from __future__ import annotations

import queue
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from muduopy import EventLoop, InetAddress, StateError
from muduopy.websocket import (
    HandshakeError,
    WebSocketClient,
    WebSocketConnection,
    WebSocketLimits,
    WebSocketRequest,
    WebSocketServer,
)
from tests.muduopy.netkit import WAIT, call_in, port_of
from tests.muduopy.websocket.rawpeer import (
    CLOSE,
    PING,
    PONG,
    Frame,
    RawPeer,
    accept_field,
    close,
    frame,
    text,
)
from tests.muduopy.websocket.websocketkit import RunningWebSockets, WebSocketMaker, echo

PEM = Path(__file__).parents[1] / "certs" / "localhost.pem"


class Client:
    """A WebSocketClient that puts what happens into ``seen``."""

    def __init__(self, loop: EventLoop, url: str, **options: Any) -> None:
        self.seen: queue.SimpleQueue[object] = queue.SimpleQueue()
        self.client: WebSocketClient[Any] = WebSocketClient(loop, url, **options)
        self.client.set_connection_callback(
            lambda one: self.seen.put("UP" if one.connected else ("DOWN", one.close_code))
        )
        self.client.set_text_callback(lambda one, message, when: self.seen.put(message))
        self.client.set_binary_callback(lambda one, data, when: self.seen.put(data))
        self.client.set_handshake_failed_callback(self.seen.put)

    def next(self) -> object:
        return self.seen.get(timeout=WAIT)

    def up(self) -> WebSocketConnection:
        self.client.connect()
        assert self.next() == "UP"
        websocket = self.client.websocket
        assert websocket is not None
        return websocket


def url_of(running: RunningWebSockets, path: str = "/") -> str:
    return f"ws://127.0.0.1:{port_of(running.server.address)}{path}"


@pytest.mark.parametrize("deflate", [False, True])
def test_echo(run_websockets: WebSocketMaker, other_loop: EventLoop, deflate: bool) -> None:
    running = run_websockets(deflate=deflate)
    client = Client(other_loop, url_of(running, "/chat?x=1"), deflate=deflate)
    websocket = client.up()
    assert websocket.target == running.ups.get(timeout=WAIT).target == "/chat?x=1"
    for message in ("", "hello", "é" * 40_000, b"", b"\xff" * 70_000, b"x" * 300):
        websocket.send(message)
        assert client.next() == message
    client.client.disconnect(4000, "enough")
    assert client.next() == ("DOWN", 4000)
    gone = running.down()
    assert (gone.close_code, gone.close_reason) == (4000, "enough")
    assert client.client.websocket is None


def test_the_fields_of_the_request(run_websockets: WebSocketMaker, other_loop: EventLoop) -> None:
    seen: queue.SimpleQueue[WebSocketRequest] = queue.SimpleQueue()

    def configure(server: WebSocketServer) -> None:
        echo(server)
        server.set_handshake_callback(seen.put)

    running = run_websockets(configure, subprotocols=["b", "a"])
    host = url_of(running)[5:-1]
    options = {
        "origin": f"http://{host}",
        "subprotocols": ["a", "b"],
        "headers": [("Authorization", "Bearer x")],
    }
    client = Client(other_loop, url_of(running), **options)
    assert client.up().subprotocol == "b"
    request = seen.get(timeout=WAIT)
    assert request.is_of_same_host
    assert request.subprotocols == ("a", "b")
    assert request.headers["authorization"] == "Bearer x"
    client.client.close()
    assert client.next() == ("DOWN", 1006)


def test_a_refusal(run_websockets: WebSocketMaker, other_loop: EventLoop) -> None:
    running = run_websockets()
    client = Client(other_loop, url_of(running), origin="http://evil")
    client.client.connect()
    error = client.next()
    assert isinstance(error, HandshakeError)
    assert error.status == 403
    assert "Forbidden" in str(error)


def test_retry(run_websockets: WebSocketMaker, other_loop: EventLoop) -> None:
    running = run_websockets()
    client = Client(other_loop, url_of(running))
    client.client.enable_retry()
    client.up()
    running.ups.get(timeout=WAIT).close(1012)
    assert client.next() == ("DOWN", 1012)
    assert client.next() == "UP"
    client.client.disconnect()
    assert client.next() == ("DOWN", 1000)


def test_tls(run_websockets: WebSocketMaker, other_loop: EventLoop) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(PEM)
    running = run_websockets(tls=context)
    trusting = ssl.create_default_context(cafile=str(PEM))
    url = f"wss://localhost:{port_of(running.server.address)}/x"
    client = Client(other_loop, url, tls=trusting, address=running.server.address)
    websocket = client.up()
    for message in ("hello", "x" * 300_000):
        websocket.send(message)
        assert client.next() == message
    client.client.disconnect(4000)
    assert client.next() == ("DOWN", 4000)
    assert running.down().close_code == 4000


def test_tls_is_for_wss(loop: EventLoop) -> None:
    with pytest.raises(ValueError, match="wss"):
        WebSocketClient(loop, "ws://127.0.0.1/", tls=ssl.create_default_context())


def test_wrong_arguments(loop: EventLoop) -> None:
    for url in ("http://127.0.0.1/", "127.0.0.1:80", "ws://", "ws://127.0.0.1/#part"):
        with pytest.raises(ValueError, match="URL"):
            WebSocketClient(loop, url)
    with pytest.raises(ValueError, match="header field"):
        WebSocketClient(loop, "ws://127.0.0.1/", headers=[("A", "b\r\nC: d")])
    with WebSocketClient(loop, "ws://127.0.0.1:1/") as client:
        client.connect()
        with pytest.raises(StateError, match="before connect"):
            client.set_text_callback(lambda *_: None)
    loop.run_queued()


# ---------------------------------------------------------------- servers that are scripted


@pytest.fixture
def listener(no_leaks: None) -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(WAIT)
        yield listener


class Script:
    """The server's side of one connection."""

    def __init__(self, listener: socket.socket, loop: EventLoop, **limits: Any) -> None:
        port = listener.getsockname()[1]
        self.client = Client(loop, f"ws://127.0.0.1:{port}/", limits=WebSocketLimits(**limits))
        self.client.client.connect()
        sock, _ = listener.accept()
        sock.settimeout(WAIT)
        self.peer = RawPeer(sock, is_server=True)
        line = self.peer.file.readline()
        assert line == b"GET / HTTP/1.1\r\n"
        fields = {}
        while field := self.peer.file.readline().decode().strip():
            name, _, value = field.partition(": ")
            fields[name.lower()] = value
        self.key = fields["sec-websocket-key"]

    def answer(self, *fields: str, accept: str | None = None) -> bytes:
        lines = [
            "HTTP/1.1 101 Switching Protocols",
            "Upgrade: websocket",
            "Connection: Upgrade",
            f"Sec-WebSocket-Accept: {accept_field(self.key) if accept is None else accept}",
            *fields,
            "",
            "",
        ]
        return "\r\n".join(lines).encode()

    def open(self, *behind: bytes) -> Script:
        self.peer.send(self.answer(), *behind)
        assert self.client.next() == "UP"
        return self

    def end(self) -> None:
        self.client.client.close()
        self.peer.file.read()
        self.peer.shut()


def test_frames_behind_the_answer(listener: socket.socket, other_loop: EventLoop) -> None:
    script = Script(listener, other_loop).open(text("early", masked=False))
    assert script.client.next() == "early"
    script.peer.send(frame(PING, b"p", masked=False))
    assert script.peer.read() == Frame(PONG, b"p")
    script.end()


def test_the_server_ends_the_connection(listener: socket.socket, other_loop: EventLoop) -> None:
    script = Script(listener, other_loop).open()
    script.peer.send(close(1001, b"bye", masked=False))
    assert script.peer.read() == Frame(CLOSE, (1001).to_bytes(2, "big"))
    assert script.client.seen.empty()
    script.peer.shut()
    assert script.client.next() == ("DOWN", 1001)


def test_a_server_that_does_not_end_it(listener: socket.socket, other_loop: EventLoop) -> None:
    script = Script(listener, other_loop, close_seconds=0.05).open()
    script.peer.send(close(1000, masked=False))
    assert script.peer.read().code == 1000
    assert script.client.next() == ("DOWN", 1000)
    script.end()


def test_a_server_that_masks(listener: socket.socket, other_loop: EventLoop) -> None:
    script = Script(listener, other_loop).open()
    assert script.peer.send(text("x", masked=True)).read().code == 1002
    script.end()
    assert script.client.next() == ("DOWN", 1002)


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda script: script.answer(accept="wrong"), "Sec-WebSocket-Accept"),
        (lambda script: script.answer("Sec-WebSocket-Protocol: chat"), "subprotocol"),
        (lambda script: script.answer("Sec-WebSocket-Extensions: x"), "extension"),
        (lambda script: b"HTTP/1.1 200 OK\r\n\r\n", "200: the server refused"),
        (lambda script: b"HTTP/1.1 302 Found\r\nLocation: /\r\n\r\n", "302"),
        (lambda script: b"SSH-2.0\r\n\r\n", "not a WebSocket's answer"),
        (lambda script: b"HTTP/1.1 " + b"x" * 20000, "more than 16384 bytes"),
    ],
)
def test_wrong_answers(
    listener: socket.socket, other_loop: EventLoop, wrong: Any, words: str
) -> None:
    script = Script(listener, other_loop)
    script.peer.send(wrong(script))
    error = script.client.next()
    assert isinstance(error, HandshakeError)
    assert words in str(error)
    script.end()
    assert script.client.seen.empty()


def test_no_answer(listener: socket.socket, other_loop: EventLoop) -> None:
    script = Script(listener, other_loop, handshake_seconds=0.05)
    assert "in time" in str(script.client.next())
    script.end()
    script = Script(listener, other_loop)
    script.peer.shut()
    assert "ended in the handshake" in str(script.client.next())


def test_an_address_beside_the_url(run_websockets: WebSocketMaker, other_loop: EventLoop) -> None:
    running = run_websockets()
    address = running.server.address
    assert isinstance(address, InetAddress)
    client = Client(other_loop, "ws://chat.example/x", address=address)
    client.up()
    client.client.close()
    assert client.next() == ("DOWN", 1006)
    call_in(other_loop, lambda: None)
