"""Connections that change hands: from HTTP to another protocol, and from another owner to HTTP."""

from __future__ import annotations

import queue
import socket
import threading

import pytest

from muduopy import Buffer, StateError, TcpConnection
from muduopy.http import HttpRequest, HttpResponse, HttpSession
from tests.muduopy.http.httpkit import Deferring, HttpMaker, echo, get, post
from tests.muduopy.netkit import (
    WAIT,
    ErrorLog,
    RunningServer,
    ServerMaker,
    connect_to,
    eventually,
    read_all,
)

ASKING = get("/up", "Connection: keep-alive, Upgrade", "Upgrade: shout")
SWITCHING = b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: shout\r\n\r\n"


class Shouting:
    """Answers in capitals, on connections that it took over from HTTP."""

    def __init__(self) -> None:
        self.requests: list[HttpRequest] = []
        self.down = threading.Event()
        self.thread = ""

    def on_request(self, request: HttpRequest, response: HttpResponse) -> None:
        if request.path == "/up":
            assert request.asks_for("Shout") or request.headers.get("x-careless")
            response.upgrade(self.take_over)
        else:
            echo(request, response)

    def take_over(self, connection: TcpConnection, request: HttpRequest) -> None:
        self.requests.append(request)
        self.thread = threading.current_thread().name
        assert connection.context is None
        connection.context = self
        connection.set_connection_callback(self.on_connection)
        connection.set_message_callback(self.on_message)
        connection.send(SWITCHING)
        self.on_message(connection, connection.input_buffer, 0.0)

    def on_connection(self, connection: TcpConnection) -> None:
        self.down.set()

    def on_message(self, connection: TcpConnection, buffer: Buffer, when: float) -> None:
        if buffer:
            connection.send(buffer.retrieve_all().upper())


@pytest.mark.parametrize("threads", [0, 2])
def test_a_callback_takes_the_connection_over(run_http: HttpMaker, threads: int) -> None:
    shouting = Shouting()
    running = run_http(shouting.on_request, threads)
    client = running.client()
    assert client.ask(get("/before")).body == b"/before"
    client.send(ASKING + b"early ")
    assert client.file.read(len(SWITCHING) + 6) == SWITCHING + b"EARLY "
    client.send(b"late")
    assert client.file.read(4) == b"LATE"
    assert shouting.requests[0].headers["upgrade"] == "shout"
    client.close()
    assert shouting.down.wait(WAIT)
    eventually(lambda: running.call(lambda: "connections=0" in repr(running.server)))


def test_answers_to_earlier_requests_leave_first(run_http: HttpMaker) -> None:
    shouting, deferring = Shouting(), Deferring()

    def callback(request: HttpRequest, response: HttpResponse) -> None:
        (shouting.on_request if request.path == "/up" else deferring)(request, response)

    client = run_http(callback).client()
    client.send(get("/1") + ASKING + get("/not http any more"))
    _, response = deferring.take()
    assert not shouting.requests
    response.set_text("one")
    response.finish()
    assert client.answer().body == b"one"
    assert client.file.read(len(SWITCHING)) == SWITCHING
    assert client.file.readline() == b"GET /NOT HTTP ANY MORE HTTP/1.1\r\n"
    assert deferring.taken.empty()


def test_a_deferred_upgrade(run_http: HttpMaker) -> None:
    shouting, deferring = Shouting(), Deferring()
    client = run_http(deferring, 1).client().send(ASKING + b"a")
    _, response = deferring.take()
    client.send(b"b")
    response.upgrade(shouting.take_over)
    response.finish()
    assert client.file.read(len(SWITCHING) + 2) == SWITCHING + b"AB"
    assert shouting.thread == "http-loop0"


def test_a_refused_upgrade_leaves_http(run_http: HttpMaker) -> None:
    client = run_http(echo).client()
    assert client.ask(ASKING).body == b"/up"
    assert client.ask(get("/2")).body == b"/2"


@pytest.mark.parametrize(
    "request_bytes",
    [
        get("/up", "X-Careless: 1"),
        get("/up", "X-Careless: 1", "Upgrade: shout"),
        get("/up", "X-Careless: 1", "Connection: Upgrade"),
        get("/up", "X-Careless: 1", "Connection: Upgrade", "Upgrade: shout", version="1.0"),
    ],
)
def test_only_a_request_for_it_is_upgraded(
    run_http: HttpMaker, errors: ErrorLog, request_bytes: bytes
) -> None:
    shouting = Shouting()
    assert run_http(shouting.on_request).client().ask(request_bytes).status == 500
    assert errors.exceptions == [
        "a response that cannot be sent: upgrade() for a request without Upgrade"
    ]
    assert not shouting.requests


def test_the_new_owner_sees_the_end_of_the_stream(run_http: HttpMaker) -> None:
    deferring, shouting = Deferring(), Shouting()
    client = run_http(deferring).client().send(ASKING)
    client.socket.shutdown(socket.SHUT_WR)
    _, response = deferring.take()
    response.upgrade(shouting.take_over)
    response.finish()
    assert client.file.read() == SWITCHING
    assert shouting.down.wait(WAIT)


def test_an_upgrade_callback_that_raises_closes(run_http: HttpMaker, errors: ErrorLog) -> None:
    def fail(connection: TcpConnection, request: HttpRequest) -> None:
        raise RuntimeError("no")

    client = run_http(lambda request, response: response.upgrade(fail)).client()
    assert client.send(ASKING).at_end()
    assert errors.exceptions == ["no"]


def test_no_time_out_of_http_holds_after_the_upgrade(run_http: HttpMaker) -> None:
    shouting = Shouting()
    running = run_http(shouting.on_request, idle_seconds=0.05, answer_seconds=0.05)
    client = running.client().send(ASKING)
    assert client.file.read(len(SWITCHING)) == SWITCHING
    over = threading.Event()
    running.loop.run_after(0.2, over.set)
    assert over.wait(WAIT)
    assert client.send(b"still").file.read(5) == b"STILL"


def test_stop_says_farewell_to_upgraded_connections(run_http: HttpMaker) -> None:
    shouting = Shouting()
    running = run_http(shouting.on_request, 1)
    client = running.client().send(ASKING)
    assert client.file.read(len(SWITCHING)) == SWITCHING
    stopped = threading.Event()

    def farewell(connection: TcpConnection) -> None:
        connection.send(b"bye")
        connection.shutdown()

    running.server.stop(WAIT, stopped.set, farewell)
    assert client.file.read() == b"bye"
    assert not stopped.is_set()
    client.close()
    assert stopped.wait(WAIT)
    assert shouting.down.is_set()


def test_a_farewell_may_end_connections_at_once(run_http: HttpMaker) -> None:
    shouting = Shouting()
    halves: queue.SimpleQueue[TcpConnection] = queue.SimpleQueue()

    def take_over(connection: TcpConnection, request: HttpRequest) -> None:
        connection.set_half_close_callback(halves.put)
        shouting.take_over(connection, request)

    running = run_http(lambda request, response: response.upgrade(take_over))
    for _ in range(3):
        client = running.client().send(ASKING)
        assert client.file.read(len(SWITCHING)) == SWITCHING
        client.socket.shutdown(socket.SHUT_WR)
        halves.get(timeout=WAIT)
    running.stop()


def test_a_stopping_server_upgrades_no_more(run_http: HttpMaker) -> None:
    deferring, shouting = Deferring(), Shouting()
    running = run_http(deferring)
    client = running.client().send(ASKING)
    _, response = deferring.take()
    running.begin_stop()
    response.upgrade(shouting.take_over)
    response.finish()
    assert client.answer().status == 503
    assert client.at_end()


# ---------------------------------------------------------------------- one port


class OnePort:
    """A server of lines on a TcpServer. A connection whose first line is a request speaks HTTP."""

    def __init__(self) -> None:
        self.loops: set[str] = set()

    def configure(self, server: object) -> None:
        server.set_connection_callback(self.on_connection)  # type: ignore[attr-defined]
        server.set_message_callback(self.on_message)  # type: ignore[attr-defined]

    def on_connection(self, connection: TcpConnection) -> None:
        session = connection.context
        if isinstance(session, HttpSession) and not connection.connected:
            session.gone()

    def on_message(self, connection: TcpConnection, buffer: Buffer, when: float) -> None:
        if (end := buffer.find_eol()) < 0:
            return
        if b" HTTP/1." in buffer.peek(end):
            connection.context = session = HttpSession(connection, echo)
            session.start()
            return
        connection.send(buffer.retrieve_as_bytes(end + 1).upper())


def start_one_port(run_server: ServerMaker) -> RunningServer:
    return run_server(1, OnePort().configure)


def test_the_first_line_decides(run_server: ServerMaker) -> None:
    running = start_one_port(run_server)
    with connect_to(running.server.address) as lines, connect_to(running.server.address) as web:
        lines.sendall(b"hello\n")
        assert lines.recv(100) == b"HELLO\n"
        web.sendall(get("/1") + post(b"two")[:-1])
        assert web.recv(1000).endswith(b"\r\n\r\n/1")
        web.sendall(b"o" + get("/3", "Connection: close"))
        assert read_all(web).endswith(b"\r\n\r\n/3")


def test_a_session_drains_on_any_connection(run_server: ServerMaker) -> None:
    running = start_one_port(run_server)
    with connect_to(running.server.address) as web:
        web.sendall(get("/1"))
        assert web.recv(1000)
        (connection,) = running.server.connections.values()
        assert isinstance(connection.context, HttpSession)
        connection.context.drain()
        assert read_all(web) == b""


def test_a_closed_response_cannot_be_upgraded_by_finish() -> None:
    response = HttpResponse()
    with pytest.raises(StateError):
        response.finish()
    with pytest.raises(TypeError, match="upgrade callback"):
        response.upgrade("no")  # type: ignore[arg-type]
