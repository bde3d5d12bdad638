"""The options of HttpServer that are those of TcpServer, and HTTP/1.0 clients that stay."""

from __future__ import annotations

from pathlib import Path

import pytest

from muduopy import EventLoop, EventLoopThreadPool, StateError
from muduopy.http import HttpFiles, HttpRequest, HttpResponse, HttpServer
from muduopy.unix_address import UnixAddress
from tests.muduopy.http.httpkit import Deferring, HttpMaker, echo, get, post
from tests.muduopy.netkit import LOOPBACK, read_all
from tests.muduopy.test_tls_transport import client_context, server_context

MIB = 1024 * 1024


def test_tls(run_http: HttpMaker, tmp_path: Path) -> None:
    (tmp_path / "large.bin").write_bytes(bytes(3 * MIB))
    files = HttpFiles(tmp_path)

    def callback(request: HttpRequest, response: HttpResponse) -> None:
        if request.path == "/large.bin":
            files(request, response)
        elif request.path == "/stream":
            response.set_source(bytes(MIB) for _ in range(3))
        else:
            echo(request, response)

    running = run_http(callback, options={"tls": server_context()})
    client = running.client(client_context())
    assert client.ask(get("/1")).body == b"/1"
    assert client.ask(post(bytes(MIB))).body == bytes(MIB)
    for path in ("/large.bin", "/stream"):
        assert client.ask(get(path)).body == bytes(3 * MIB)
    running.call(lambda: running.server.set_tls(server_context()))
    assert client.ask(get("/2")).body == b"/2"
    assert running.client(client_context()).ask(get("/3")).body == b"/3"


def test_max_connections(run_http: HttpMaker) -> None:
    running = run_http(echo, options={"max_connections": 2})
    clients = [running.client() for _ in range(2)]
    assert [one.ask(get("/")).status for one in clients] == [200, 200]
    assert read_all(running.client().socket) == b""
    assert clients[0].ask(get("/")).status == 200


def test_idle_timeout_ends_late_answers_too(run_http: HttpMaker) -> None:
    deferring = Deferring()
    running = run_http(deferring, options={"idle_timeout": 0.1})
    client = running.client().send(get("/"))
    _, response = deferring.take()
    assert client.at_end()
    response.finish()


def test_a_shared_thread_pool(loop: EventLoop, other_loop: EventLoop) -> None:
    with pytest.raises(ValueError, match="another base loop"):
        HttpServer(loop, LOOPBACK, thread_pool=EventLoopThreadPool(other_loop, "pool"))
    pool = EventLoopThreadPool(loop, "pool")
    server = HttpServer(loop, LOOPBACK, thread_pool=pool)
    assert server.thread_pool is pool
    server.stop(0.0)
    loop.run_queued()


def test_the_mode_of_a_unix_socket(run_http: HttpMaker, tmp_path: Path) -> None:
    path = tmp_path / "http"
    run_http(echo, address=UnixAddress(str(path)), options={"file_mode": 0o600})
    assert path.stat().st_mode & 0o777 == 0o600


def test_1_0_stays_if_it_asks(run_http: HttpMaker) -> None:
    client = run_http(echo).client()
    for path in ("/1", "/2"):
        answer = client.ask(get(path, "Connection: Keep-Alive", version="1.0"))
        assert (answer.body, answer.headers["Connection"]) == (path.encode(), "keep-alive")
    assert client.ask(get("/3")).headers["Connection"] is None
    assert client.ask(get("/4", version="1.0")).headers["Connection"] == "close"
    assert client.at_end()


def test_callbacks_are_set_before_the_start(run_http: HttpMaker) -> None:
    running = run_http(echo)
    with pytest.raises(StateError):
        running.server.set_upload_callback(lambda request, response, upload: None)
    server = running.call(lambda: HttpServer(running.loop, LOOPBACK))
    with pytest.raises(TypeError, match="upload callback"):
        server.set_upload_callback(None)  # type: ignore[arg-type]
    server.stop(0.0)
