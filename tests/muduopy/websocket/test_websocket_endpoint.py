"""WebSocketEndpoint: takes over connections that another protocol has begun with."""

from __future__ import annotations

import http.client
import threading

import pytest

from muduopy import Buffer, EventLoopThread, TcpConnection
from muduopy.http import HttpRequest, HttpResponse, HttpServer
from muduopy.websocket import WebSocketEndpoint, say_goodbye
from tests.muduopy.netkit import LOOPBACK, WAIT, ServerMaker, call_in, connect_to, port_of
from tests.muduopy.websocket.rawpeer import TEXT, Frame, RawPeer, close, request, text


@pytest.fixture
def endpoint() -> WebSocketEndpoint:
    endpoint: WebSocketEndpoint = WebSocketEndpoint()
    endpoint.set_text_callback(lambda websocket, text, when: websocket.send(text))
    return endpoint


def test_one_port_for_two_protocols(run_server: ServerMaker, endpoint: WebSocketEndpoint) -> None:
    """The first bytes decide, as on a port that speaks lines, too."""

    def on_bytes(connection: TcpConnection, buffer: Buffer, when: float) -> None:
        if buffer.peek(3) == b"GET":
            endpoint.accept(connection)
        else:
            connection.send(b"line: " + buffer.retrieve_all())

    running = run_server(0, lambda server: server.set_message_callback(on_bytes))
    plain, _ = running.accept()
    plain.sendall(b"hello")
    assert plain.recv(100) == b"line: hello"
    sock, connection = running.accept()
    peer = RawPeer(sock).open()
    assert peer.send(text("hello")).read() == Frame(TEXT, b"hello")
    peer.send(close(1000)).read_until_close()
    peer.shut()
    # The server's own connection callback is still told of the end.
    assert running.downs.get(timeout=WAIT) is connection


@pytest.mark.parametrize("taken", [0, 3, 30, 1000])
def test_bytes_that_were_read_already(
    run_server: ServerMaker, endpoint: WebSocketEndpoint, taken: int
) -> None:
    def on_bytes(connection: TcpConnection, buffer: Buffer, when: float) -> None:
        data = buffer.retrieve_as_bytes(min(taken, len(buffer)))
        endpoint.accept(connection, data)

    running = run_server(0, lambda server: server.set_message_callback(on_bytes))
    for pieces in ([request() + text("x")], [request()[:40], request()[40:] + text("x")]):
        peer = RawPeer(running.connect()).send_pieces(pieces)
        assert peer.read_head().status == 101
        assert peer.read() == Frame(TEXT, b"x")
        peer.shut()


def test_beside_an_http_server(endpoint: WebSocketEndpoint) -> None:
    """The HTTP server hands the connection over, and ends it when it stops."""

    def answer(request: HttpRequest, response: HttpResponse) -> None:
        if request.path == "/ws" and request.asks_for("websocket"):
            response.upgrade(endpoint.accept_request)
        else:
            response.set_text(f"page {request.path}")

    thread = EventLoopThread("http")
    loop = thread.start_loop()
    server = call_in(loop, lambda: HttpServer(loop, LOOPBACK))
    server.set_http_callback(answer)
    call_in(loop, server.start)
    page = http.client.HTTPConnection("127.0.0.1", port_of(server.address), timeout=WAIT)
    page.request("GET", "/ws")
    assert page.getresponse().read() == b"page /ws"
    peers = [RawPeer(connect_to(server.address)) for _ in range(2)]
    peers[0].send(b"GET /first HTTP/1.1\r\nHost: test\r\n\r\n", request("/ws"), text("early"))
    assert peers[0].read_head().status == 200
    assert peers[0].file.read(11) == b"page /first"
    assert peers[0].read_head().status == 101
    assert peers[0].read() == Frame(TEXT, b"early")
    peers[1].send(request("/ws", "Origin: http://evil"))
    assert peers[1].read_head().status == 403
    stopped = threading.Event()
    server.stop(WAIT, stopped.set, farewell=say_goodbye)
    assert peers[0].read().code == 1001
    peers[0].send(close(1001))
    assert peers[0].at_end()
    page.close()
    for peer in peers:
        peer.file.read()
        peer.shut()
    assert stopped.wait(WAIT)
    assert thread.stop(WAIT)


def test_a_refused_request_ends_the_connection(
    run_server: ServerMaker, endpoint: WebSocketEndpoint
) -> None:
    def on_bytes(connection: TcpConnection, buffer: Buffer, when: float) -> None:
        endpoint.accept(connection)

    running = run_server(0, lambda server: server.set_message_callback(on_bytes))
    sock, connection = running.accept()
    peer = RawPeer(sock).send(request("/", "Origin: http://evil"))
    assert peer.read_head().status == 403
    peer.file.read()
    peer.shut()
    assert running.downs.get(timeout=WAIT) is connection
