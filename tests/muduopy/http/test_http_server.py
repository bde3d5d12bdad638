"""HttpServer on real sockets: the parts outside the context, and the whole."""

from __future__ import annotations

import http.client
import random
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from muduopy import EventLoop, InetAddress, StateError, WrongThreadError
from muduopy.http import HttpRequest, HttpResponse, HttpServer
from muduopy.unix_address import UnixAddress
from tests.muduopy.http.httpkit import (
    Deferring,
    HttpClient,
    HttpMaker,
    RunningHttp,
    chunked,
    echo,
    get,
    post,
)
from tests.muduopy.netkit import LOOPBACK, WAIT, ErrorLog, call_in, eventually, read_all, reset
from tests.tiers import examples

SOON = 0.05
"""Seconds, for limits that a test exceeds."""

NOT_SO_SOON = 0.3
"""Seconds, for limits that the rest of a test must not exceed."""

MIB = 1024 * 1024

# ---------------------------------------------------------------------- serving


@pytest.mark.parametrize("threads", [0, 2])
def test_the_standard_librarys_client(run_http: HttpMaker, threads: int) -> None:
    address = run_http(echo, threads).server.address
    assert isinstance(address, InetAddress)
    client = http.client.HTTPConnection(address.ip, address.port, timeout=WAIT)
    body = random.randbytes(200_000)

    def ask(method: str, path: str, **options: object) -> tuple[int, str | None, bytes]:
        client.request(method, path, **options)  # type: ignore[arg-type]
        answer = client.getresponse()
        return answer.status, answer.headers["X-Method"], answer.read()

    assert ask("GET", "/hello") == (200, "GET", b"/hello")
    first = client.sock
    assert ask("POST", "/", body=body) == (200, "POST", body)
    assert ask("PUT", "/", body=iter([b"ab", b"c"]), encode_chunked=True) == (200, "PUT", b"abc")
    assert ask("HEAD", "/x") == (200, "HEAD", b"")
    assert ask("WHATEVER", "/x") == (200, "WHATEVER", b"/x")
    assert client.sock is first  # kept alive
    client.close()


def test_without_a_callback_there_is_nothing(run_http: HttpMaker) -> None:
    answer = run_http().client().ask(get("/"))
    assert (answer.status, answer.reason, answer.body) == (404, "Not Found", b"404 Not Found\n")


def test_byte_by_byte(run_http: HttpMaker) -> None:
    client = run_http(echo).client()
    client.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, True)
    for data in (get("/1"), post(b"two"), chunked(b"th", b"ree"), get("/4", method="HEAD")):
        for index in range(len(data)):
            client.send(data[index : index + 1])
    assert [client.answer().body for _ in range(3)] == [b"/1", b"two", b"three"]
    assert client.answer(head=True).headers["Content-Length"] == "2"


@pytest.mark.parametrize("threads", [0, 1])
def test_a_hundred_pipelined(run_http: HttpMaker, threads: int) -> None:
    client = run_http(echo, threads).client()
    client.send(b"".join(get(f"/{n}") for n in range(100)))
    assert [client.answer().body for _ in range(100)] == [b"/%d" % n for n in range(100)]
    client.send(b"".join(post(b"%d" % n) for n in range(100)))
    assert [client.answer().body for _ in range(100)] == [b"%d" % n for n in range(100)]


def test_http_1_0(run_http: HttpMaker) -> None:
    client = run_http(echo).client()
    answer = client.ask(get("/old", version="1.0"))
    assert answer.body == b"/old"
    assert answer.headers["Connection"] == "close"
    assert client.at_end()


def test_chunked_answers(run_http: HttpMaker) -> None:
    def callback(request: HttpRequest, response: HttpResponse) -> None:
        response.set_header("Transfer-Encoding", "chunked")
        response.body = request.body

    client = run_http(callback).client()
    assert client.ask(chunked(b"ab", b"cd")).body == b"abcd"
    assert client.ask(post(b"")).body == b""


def test_expect_continue(run_http: HttpMaker) -> None:
    client = run_http(echo).client()
    head = get("/", "Content-Length: 2", "Expect: 100-continue", method="POST")
    assert client.ask(head).status == 100
    assert client.ask(b"hi").body == b"hi"


def test_the_peer_and_the_time(run_http: HttpMaker) -> None:
    seen: list[HttpRequest] = []
    client = run_http(lambda request, response: seen.append(request)).client()
    before = time.monotonic()
    assert client.ask(get("/")).status == 200
    assert before <= seen[0].when <= time.monotonic()
    assert str(seen[0].peer) == "{}:{}".format(*client.socket.getsockname())


def test_a_unix_socket(run_http: HttpMaker, tmp_path: Path) -> None:
    running = run_http(echo, address=UnixAddress(str(tmp_path / "http")))
    assert running.client().ask(get("/unix")).body == b"/unix"


def test_a_client_that_only_finishes_sending_is_answered(run_http: HttpMaker) -> None:
    deferring = Deferring()
    client = run_http(deferring).client()
    client.send(get("/")).socket.shutdown(socket.SHUT_WR)
    _, response = deferring.take()
    response.set_text("yes")
    response.finish()
    assert client.answer().body == b"yes"
    assert client.at_end()


def test_callbacks_run_in_the_loops_of_the_connections(run_http: HttpMaker) -> None:
    names: list[str] = []

    def callback(request: HttpRequest, response: HttpResponse) -> None:
        names.append(threading.current_thread().name)

    running = run_http(callback, 2)
    for _ in range(2):
        running.client().ask(get("/"))
    assert sorted(names) == ["http-loop0", "http-loop1"]
    assert len(running.call(running.server.thread_pool.get_all_loops)) == 2


def test_many_clients_at_a_time(run_http: HttpMaker) -> None:
    running = run_http(echo, 2)

    def one(number: int) -> None:
        client = HttpClient(running.server.address)
        for turn in range(20):
            body = b"%d %d" % (number, turn)
            assert client.ask(post(body) if turn % 2 else chunked(body)).body == body
        client.close()

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(one, range(16)))


# ---------------------------------------------------------------------- deferred answers


def test_answers_from_other_threads_in_the_wrong_order(run_http: HttpMaker) -> None:
    deferring = Deferring()
    client = run_http(deferring, 1).client()
    client.send(b"".join(get(f"/{n}") for n in range(10)))
    taken = [deferring.take() for _ in range(10)]
    random.shuffle(taken)

    def finish(pair: tuple[HttpRequest, HttpResponse]) -> None:
        request, response = pair
        response.set_text(request.path)
        response.finish()
        response.finish()  # is ignored

    with ThreadPoolExecutor(5) as pool:
        list(pool.map(finish, taken))
    assert [client.answer().body for _ in range(10)] == [b"/%d" % n for n in range(10)]


def test_the_last_one_first_keeps_all_waiting(run_http: HttpMaker) -> None:
    deferring = Deferring()
    client = run_http(deferring).client()
    client.send(get("/1") + get("/2"))
    (_, one), (_, two) = deferring.take(), deferring.take()
    two.set_text("2")
    two.finish()
    client.socket.settimeout(SOON)
    with pytest.raises(TimeoutError):
        client.socket.recv(1)
    client.socket.settimeout(WAIT)
    one.set_text("1")
    one.finish()
    assert [client.answer().body for _ in range(2)] == [b"1", b"2"]


def test_finished_before_the_callback_returns(run_http: HttpMaker) -> None:
    def callback(request: HttpRequest, response: HttpResponse) -> None:
        response.defer()
        response.set_text("early")
        response.finish()

    client = run_http(callback).client()
    assert client.ask(get("/")).body == b"early"
    assert client.ask(get("/")).body == b"early"


def test_finish_without_defer_raises(run_http: HttpMaker, errors: ErrorLog) -> None:
    client = run_http(lambda request, response: response.finish()).client()
    assert client.ask(get("/")).status == 500
    assert isinstance(errors.records[0].exc_info[1], StateError)  # type: ignore[index]


def test_the_client_has_gone_before_the_answer(run_http: HttpMaker) -> None:
    deferring = Deferring()
    running = run_http(deferring)
    client = running.client().send(get("/"))
    _, response = deferring.take()
    client.file.close()  # it would keep the socket open
    reset(client.socket)
    eventually(lambda: running.call(lambda: "connections=0" in repr(running.server)))
    response.finish()
    running.call(lambda: None)
    assert running.client().send(get("/"))
    deferring.take()[1].finish()


# ---------------------------------------------------------------------- errors


def test_a_callback_that_raises_is_answered_and_logged(
    run_http: HttpMaker, errors: ErrorLog
) -> None:
    def callback(request: HttpRequest, response: HttpResponse) -> None:
        response.set_text("half of it")
        if request.path == "/later":
            response.defer()
        raise RuntimeError(request.path)

    client = run_http(callback).client()
    for path in ("/1", "/later"):
        answer = client.ask(get(path))
        assert (answer.status, answer.body) == (500, b"500 Internal Server Error\n")
    assert errors.exceptions == ["/1", "/later"]
    assert errors.records[0].getMessage().endswith("the callback for GET /1 raised")


def test_an_impossible_answer_is_answered_and_logged(run_http: HttpMaker, errors: ErrorLog) -> None:
    def callback(request: HttpRequest, response: HttpResponse) -> None:
        response.set_header("X", "a\r\nX-Injected: b")

    answer = run_http(callback).client().ask(get("/"))
    assert answer.status == 500
    assert "X-Injected" not in answer.headers
    assert len(errors.exceptions) == 1


@pytest.mark.parametrize(
    ("status", "data"),
    [
        (400, b"nonsense\r\n\r\n"),
        (413, get("/", "Content-Length: 5000000", method="POST") + bytes(MIB)),
        (413, chunked(*[bytes(64 * 1024)] * 32)),
        (431, get("/", "X: " + "x" * 60_000)),
        (431, get("/", *[f"X{n}: {'y' * 10_000}" for n in range(200)])),
        (501, get("/", "Transfer-Encoding: gzip", method="POST")),
    ],
)
def test_refused_and_closed(run_http: HttpMaker, status: int, data: bytes) -> None:
    """The answer arrives even if the client is still sending."""
    client = run_http(echo).client()
    client.send(get("/first")).send(data)
    assert client.answer().body == b"/first"
    answer = client.answer()
    assert answer.status == status
    assert answer.headers["Connection"] == "close"
    assert client.at_end()


@settings(
    max_examples=examples(60),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.lists(st.sampled_from([get("/"), post(b"x"), b"\r\n", b"GET "]) | st.binary()))
def test_garbage(run_http: HttpMaker, garbage_server: list[RunningHttp], data: list[bytes]) -> None:
    if not garbage_server:
        garbage_server.append(run_http(echo))
    running = garbage_server[0]
    client = HttpClient(running.server.address)
    client.send(b"".join(data))
    client.socket.shutdown(socket.SHUT_WR)
    output = read_all(client.socket)
    assert not output or output.startswith(b"HTTP/1.1 ")
    client.close()
    well = HttpClient(running.server.address)
    assert well.ask(get("/well")).body == b"/well"
    well.close()


@pytest.fixture
def garbage_server() -> list[RunningHttp]:
    """One server for all the examples of a test."""
    return []


# ---------------------------------------------------------------------- time-outs


def test_an_idle_client_is_closed_without_a_word(run_http: HttpMaker) -> None:
    running = run_http(echo, idle_seconds=NOT_SO_SOON)
    assert running.client().at_end()
    client = running.client()
    assert client.ask(get("/")).status == 200
    assert client.at_end()


def test_a_slow_header(run_http: HttpMaker) -> None:
    client = run_http(echo, request_seconds=SOON).client()
    answer = client.ask(get("/")[:-1])
    assert answer.status == 408
    assert answer.headers["Connection"] == "close"
    assert client.at_end()


def test_a_drop_now_and_then_does_not_help(run_http: HttpMaker) -> None:
    client = run_http(echo, request_seconds=3 * SOON).client()
    client.socket.settimeout(SOON / 5)
    client.send(b"GET / HTTP/1.1\r\n")
    start, received = time.monotonic(), b""
    while not received and time.monotonic() < start + WAIT:
        client.send(b"X: y\r\n")
        try:  # the pause between the pieces
            received = client.socket.recv(12)
        except TimeoutError:
            continue
    assert received == b"HTTP/1.1 408"


def test_a_slow_body_after_a_fast_request(run_http: HttpMaker) -> None:
    client = run_http(echo, request_seconds=SOON).client()
    assert client.ask(get("/")).status == 200
    assert client.ask(post(b"body")[:-1]).status == 408
    assert client.at_end()


def test_an_answer_that_never_comes(run_http: HttpMaker) -> None:
    deferring = Deferring()
    client = run_http(deferring, answer_seconds=SOON).client()
    assert client.ask(get("/")).status == 503
    assert client.at_end()
    deferring.take()[1].finish()


def test_a_deferred_answer_is_not_an_idle_client(run_http: HttpMaker) -> None:
    deferring = Deferring()
    running = run_http(deferring, idle_seconds=NOT_SO_SOON, request_seconds=SOON)
    client = running.client().send(get("/"))
    _, response = deferring.take()
    over = threading.Event()
    running.loop.run_after(1.5 * NOT_SO_SOON, over.set)
    assert over.wait(WAIT)
    response.finish()
    assert client.answer().status == 200


def test_a_client_that_does_not_close_is_closed(run_http: HttpMaker) -> None:
    running = run_http(echo, linger_seconds=SOON)
    client = running.client()
    assert client.ask(get("/", "Connection: close")).status == 200
    eventually(lambda: running.call(lambda: "connections=0" in repr(running.server)))


def test_a_client_that_does_not_read_is_closed(run_http: HttpMaker) -> None:
    def callback(request: HttpRequest, response: HttpResponse) -> None:
        response.body = bytes(16 * MIB)

    running = run_http(callback, send_seconds=SOON)
    client = running.client().send(get("/"))
    eventually(lambda: running.call(lambda: "connections=0" in repr(running.server)))
    assert len(read_all(client.socket)) < 16 * MIB


# ---------------------------------------------------------------------- back-pressure


def test_requests_wait_in_the_kernel_while_max_pipelined_are_worked_on(
    run_http: HttpMaker,
) -> None:
    deferring = Deferring()
    client = run_http(deferring, max_pipelined=4).client()
    client.socket.setblocking(False)
    flood, sent = get("/", "X: " + "x" * 1000) * 1000, 0
    with pytest.raises(BlockingIOError):
        while True:
            sent += client.socket.send(flood[sent % len(flood) :])
    taken = [deferring.take() for _ in range(4)]
    assert deferring.taken.empty()
    client.socket.setblocking(True)
    client.socket.settimeout(WAIT)
    for _, response in taken:
        response.finish()
    for _ in range(4):
        assert client.answer().status == 200
        deferring.take()
    assert deferring.taken.empty()


def test_requests_wait_while_answers_are_not_read(run_http: HttpMaker) -> None:
    served = 0

    def callback(request: HttpRequest, response: HttpResponse) -> None:
        nonlocal served
        served += 1
        response.body = bytes(MIB)

    running = run_http(callback, max_unsent_bytes=MIB, max_pipelined=2)
    client = running.client().send(get("/") * 200)
    deadline = time.monotonic() + WAIT
    before = -1
    while before != served or not served:  # until it stops growing
        before = served
        for _ in range(20):
            running.call(lambda: None)
        assert time.monotonic() < deadline
    assert served < 100
    for _ in range(200):
        assert len(client.answer().body) == MIB
    assert served == 200


def test_small_answers_beyond_the_mark_do_not_stall(run_http: HttpMaker) -> None:
    """The kernel takes all answers, so there is no low-water callback."""
    client = run_http(echo, max_unsent_bytes=100).client()
    client.send(get("/") * 500)
    assert [client.answer().body for _ in range(500)] == [b"/"] * 500


# ---------------------------------------------------------------------- the end


def test_stop_without_connections(run_http: HttpMaker) -> None:
    running = run_http(echo, 2)
    running.stop()


def test_stop_closes_idle_clients_and_the_port(run_http: HttpMaker) -> None:
    running = run_http(echo, 2)
    idle, fresh = running.client(), running.client()
    assert idle.ask(get("/")).status == 200
    stopped = running.begin_stop()
    assert idle.at_end()
    assert fresh.at_end()
    idle.close()
    fresh.close()
    assert stopped.wait(WAIT)
    with pytest.raises(ConnectionRefusedError):
        running.client()


def test_stop_waits_for_answers_under_way(run_http: HttpMaker) -> None:
    deferring = Deferring()
    running = run_http(deferring, 1)
    # An answer shows that the connection was accepted. Else the stop would reset it.
    late = running.client().send(get("/0"))
    _, zero = deferring.take()
    zero.set_text("0")
    zero.finish()
    assert late.answer().body == b"0"
    client = running.client().send(get("/1") + get("/2"))
    (_, one), (_, two) = deferring.take(), deferring.take()
    stopped = running.begin_stop()
    assert late.at_end()
    late.close()
    client.send(get("/3"))  # is too late
    assert not stopped.is_set()
    two.set_text("2")
    two.finish()
    one.set_text("1")
    one.finish()
    assert client.answer().body == b"1"
    answer = client.answer()
    assert (answer.body, answer.headers["Connection"]) == (b"2", "close")
    assert client.at_end()
    client.close()
    assert stopped.wait(WAIT)
    assert deferring.taken.empty()


def test_stop_does_not_wait_for_ever(run_http: HttpMaker) -> None:
    deferring = Deferring()
    running = run_http(deferring, 1)
    client = running.client().send(get("/"))
    _, response = deferring.take()
    running.stop(SOON)
    assert read_all(client.socket) == b""
    response.finish()


def test_stop_twice_and_once_more(run_http: HttpMaker) -> None:
    running = run_http(echo)
    client = running.client()
    assert client.ask(get("/")).status == 200
    first, second = running.begin_stop(), running.begin_stop()
    client.close()
    assert first.wait(WAIT)
    assert second.wait(WAIT)
    assert running.begin_stop().wait(WAIT)


def test_wrong_thread(other_loop: EventLoop) -> None:
    server = call_in(other_loop, lambda: HttpServer(other_loop, LOOPBACK))
    assert repr(server) == f"<HttpServer http at {server.address} connections=0>"
    with pytest.raises(WrongThreadError):
        server.start()
    stopped = threading.Event()
    server.stop(0.0, stopped.set)
    assert stopped.wait(WAIT)


def test_a_taken_port_is_an_os_error(run_http: HttpMaker) -> None:
    running = run_http(echo)
    with pytest.raises(OSError, match="in use"):
        running.call(lambda: HttpServer(running.loop, running.server.address))


def test_a_stop_that_is_refused_changes_nothing(run_http: HttpMaker) -> None:
    running = run_http(echo)
    with pytest.raises(TypeError, match="drain_seconds"):
        running.server.stop(running.loop.quit)  # type: ignore[arg-type]
    client = running.client()
    assert client.ask(get("/here")).body == b"/here"
    client.close()
    running.stop()
