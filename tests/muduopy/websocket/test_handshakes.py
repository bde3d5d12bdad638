"""The opening handshake of a server, on a real socket."""

from __future__ import annotations

import socket

import pytest

from muduopy.websocket import WebSocketEndpoint, WebSocketRequest, WebSocketServer
from tests.muduopy.netkit import ErrorLog, connect_to
from tests.muduopy.websocket.rawpeer import KEY, TEXT, Frame, accept_field, request, text
from tests.muduopy.websocket.websocketkit import WebSocketMaker, echo


def test_a_handshake(run_websockets: WebSocketMaker) -> None:
    peer, websocket = run_websockets().accept("/chat?room=1")
    assert websocket.target == "/chat?room=1"
    assert websocket.subprotocol is None
    assert peer.fields["upgrade"].lower() == "websocket"
    assert peer.fields["connection"].lower() == "upgrade"
    assert "sec-websocket-extensions" not in peer.fields
    assert peer.send(text("hello")).read() == Frame(TEXT, b"hello")


def test_the_key_of_the_standard(run_websockets: WebSocketMaker) -> None:
    key = "dGhlIHNhbXBsZSBub25jZQ=="
    head = run_websockets().peer().send(request(key=key)).read_head()
    assert head.fields["sec-websocket-accept"] == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


def test_byte_by_byte(run_websockets: WebSocketMaker) -> None:
    peer = run_websockets().peer().send_bytewise(request() + text("hello"))
    assert peer.read_head().status == 101
    assert peer.read() == Frame(TEXT, b"hello")


def test_frames_behind_the_request_in_one_segment(run_websockets: WebSocketMaker) -> None:
    peer = run_websockets().peer().send(request(), text("one"), text("two"))
    assert peer.read_head().status == 101
    assert [peer.read().payload, peer.read().payload] == [b"one", b"two"]


def altered(old: str, new: str) -> bytes:
    return request().replace(old.encode(), new.encode())


@pytest.mark.parametrize(
    ("data", "status"),
    [
        pytest.param(b"GET / HTTP/1.1\r\nHost: test\r\n\r\n", 426, id="no upgrade"),
        pytest.param(altered("Upgrade: websocket", "Upgrade: h2c"), 426, id="another upgrade"),
        pytest.param(altered("Connection: Upgrade", "Connection: close"), 426, id="no token"),
        pytest.param(altered("Host: test\r\n", ""), 400, id="no host"),
        pytest.param(altered("Host: test", "Host: a\r\nHost: b"), 400, id="2 hosts"),
        pytest.param(altered(KEY, "c2hvcnQ="), 400, id="short key"),
        pytest.param(altered(KEY, "!!!"), 400, id="key not in base64"),
        pytest.param(altered(f"Sec-WebSocket-Key: {KEY}\r\n", ""), 400, id="no key"),
        pytest.param(altered("Version: 13", "Version: 8"), 426, id="old version"),
        pytest.param(altered("Sec-WebSocket-Version: 13\r\n", ""), 400, id="no version"),
        pytest.param(altered("Host: test", "Host test"), 400, id="field without a colon"),
        pytest.param(altered("GET / HTTP/1.1", "GET /"), 400, id="HTTP/0.9"),
        pytest.param(altered("\r\n", "\n") + b"\r\n\r\n", 400, id="bare line feeds"),
        pytest.param(b"\x16\x03\x01 TLS \r\n\r\n", 400, id="garbage"),
        pytest.param(b"\r\n\r\n", 400, id="an empty head"),
        pytest.param(request("/", "X: " + "x" * 17000), 431, id="a long head"),
        pytest.param(b"GET /" + b"x" * 17000, 431, id="a long line"),
    ],
)
def test_wrong_requests(run_websockets: WebSocketMaker, data: bytes, status: int) -> None:
    running = run_websockets()
    peer = running.peer().send(data)
    assert peer.read_head().status == status
    peer.file.read()
    assert running.ups.empty()
    assert running.downs.empty()


def test_an_old_version_is_told_the_right_one(run_websockets: WebSocketMaker) -> None:
    peer = run_websockets().peer().send(altered("Version: 13", "Version: 25"))
    assert peer.read_head().fields["sec-websocket-version"] == "13"


@pytest.mark.parametrize(
    ("origins", "origin", "status"),
    [
        ((), "http://test", 101),
        ((), "https://TEST", 101),
        ((), "http://test:8080", 403),
        ((), "http://evil", 403),
        ((), "null", 403),
        ((), "", 403),
        (("https://a.example",), "https://a.example", 101),
        (("https://a.example",), "https://A.example", 101),
        (("https://a.example",), "http://a.example", 403),
        (("https://a.example",), "https://a.example.evil", 403),
        (("*",), "https://anywhere", 101),
    ],
)
def test_origins(
    run_websockets: WebSocketMaker, origins: tuple[str, ...], origin: str, status: int
) -> None:
    running = run_websockets(origins=origins)
    peer = running.peer().send(request("/", f"Origin: {origin}"))
    assert peer.read_head().status == status


def test_subprotocols(run_websockets: WebSocketMaker) -> None:
    running = run_websockets(subprotocols=["v2", "v1"])
    peer, websocket = running.accept("/", "Sec-WebSocket-Protocol: v1, other, v2")
    assert peer.fields["sec-websocket-protocol"] == websocket.subprotocol == "v2"
    for fields in ([], ["Sec-WebSocket-Protocol: other"]):
        peer, websocket = running.accept("/", *fields)
        assert websocket.subprotocol is None
        assert "sec-websocket-protocol" not in peer.fields


def test_a_string_is_no_list() -> None:
    with pytest.raises(TypeError, match="lists of strings"):
        WebSocketEndpoint(origins="https://a.example")


def test_the_handshake_callback(run_websockets: WebSocketMaker, errors: ErrorLog) -> None:
    seen: list[WebSocketRequest] = []

    def decide(request: WebSocketRequest) -> int | None:
        seen.append(request)
        if request.path == "/raise":
            raise RuntimeError("no decision")
        return None if request.path == "/chat" else 404

    def configure(server: WebSocketServer) -> None:
        echo(server)
        server.set_handshake_callback(decide)

    running = run_websockets(configure)
    running.accept("/chat?token=1", "Cookie: a=1", "Cookie: b=2", "Sec-WebSocket-Protocol: x,y")
    assert seen[0].target == "/chat?token=1"
    assert seen[0].headers["cookie"] == "a=1, b=2"
    assert seen[0].subprotocols == ("x", "y")
    assert seen[0].origin is None
    for path, status in (("/other", 404), ("/raise", 500)):
        peer = running.peer().send(request(path))
        assert peer.read_head().status == status
        peer.file.read()
    assert errors.exceptions == ["no decision"]


def test_deflate_is_agreed_on_by_choice(run_websockets: WebSocketMaker) -> None:
    offer = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"
    peer, _ = run_websockets().accept("/", offer)
    assert "sec-websocket-extensions" not in peer.fields
    peer, _ = run_websockets(deflate=True).accept("/", offer)
    agreed = peer.fields["sec-websocket-extensions"]
    assert agreed.startswith("permessage-deflate")
    assert "server_max_window_bits=12" in agreed
    peer, _ = run_websockets(deflate=True).accept("/")
    assert "sec-websocket-extensions" not in peer.fields


def test_a_slow_handshake_ends(run_websockets: WebSocketMaker) -> None:
    running = run_websockets(limits={"handshake_seconds": 0.05, "close_seconds": 0.05})
    for begin in (b"", request()[:-1]):
        peer = running.peer().send(begin)
        assert peer.read_head().status == 408
        peer.file.read()


def test_a_thousand_slow_handshakes(run_websockets: WebSocketMaker) -> None:
    """They are cut off in time, and others are served meanwhile."""
    running = run_websockets(limits={"handshake_seconds": 1.0, "close_seconds": 0.5})
    head = request()
    slow = [connect_to(running.server.address) for _ in range(1000)]
    try:
        for number, one in enumerate(slow):
            one.sendall(head[: number % (len(head) - 1)])
        peer, _ = running.accept()
        assert peer.send(text("served")).read() == Frame(TEXT, b"served")
        answers = [one.recv(12) for one in slow]
        assert answers == [b"HTTP/1.1 408"] * 1000
    finally:
        for one in slow:
            one.close()
    assert peer.send(text("still")).read() == Frame(TEXT, b"still")


def test_an_end_in_the_handshake(run_websockets: WebSocketMaker) -> None:
    running = run_websockets()
    peer = running.peer().send(request()[:20])
    peer.socket.shutdown(socket.SHUT_RDWR)
    running.accept()
    assert running.downs.empty()


def test_the_raw_peer_knows_the_key_of_the_standard() -> None:
    assert accept_field("dGhlIHNhbXBsZSBub25jZQ==") == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
