"""Bodies that are made and taken bit by bit, on real sockets."""

from __future__ import annotations

import hashlib
import queue
import socket
import threading
from collections.abc import Iterator

import pytest

from muduopy import StateError
from muduopy.http import BodyWriter, HttpRequest, HttpResponse, HttpUpload
from muduopy.http.body_writer import WRITER_MARK
from tests.muduopy.http.httpkit import Deferring, HttpMaker, chunked, echo, get, post
from tests.muduopy.netkit import WAIT, ErrorLog, eventually, read_all, reset

MIB = 1024 * 1024
PART = bytes(range(256)) * 256

# ---------------------------------------------------------------------- generators


class Source:
    """A callback whose answer is made by a generator of ``count`` parts."""

    def __init__(self, count: int, length: int | None = None, part: bytes = PART) -> None:
        self.count = count
        self.length = length
        self.part = part
        self.made = 0
        self.closed = threading.Event()

    def __call__(self, request: HttpRequest, response: HttpResponse) -> None:
        if request.path == "/other":
            response.set_text("other")
        else:
            response.set_source(self.parts(), self.length)

    def parts(self) -> Iterator[bytes]:
        try:
            for _ in range(self.count):
                self.made += 1
                yield self.part
        finally:
            self.closed.set()


@pytest.mark.parametrize("length", [None, 50 * len(PART)])
def test_a_generator(run_http: HttpMaker, length: int | None) -> None:
    source = Source(50, length)
    client = run_http(source).client()
    for _ in range(2):
        answer = client.ask(get("/"))
        assert answer.body == PART * 50
        assert answer.headers["Content-Length"] == (None if length is None else str(length))
    assert client.ask(get("/other")).body == b"other"
    head = client.ask(get("/", method="HEAD"))
    assert head.headers["Transfer-Encoding" if length is None else "Content-Length"]
    assert client.ask(get("/other")).body == b"other"


def test_without_a_length_1_0_reads_to_the_end(run_http: HttpMaker) -> None:
    client = run_http(Source(3)).client()
    answer = client.ask(get("/", "Connection: keep-alive", version="1.0"))
    assert answer.body == PART * 3
    assert answer.headers["Transfer-Encoding"] is None


def test_pipelined_answers_wait_for_the_body_before(run_http: HttpMaker) -> None:
    client = run_http(Source(20)).client()
    client.send(get("/other") + get("/") + get("/other") + get("/") + get("/other"))
    for body in (b"other", PART * 20, b"other", PART * 20, b"other"):
        assert client.answer().body == body


def test_a_slow_client_stops_the_generator_and_no_other_client(run_http: HttpMaker) -> None:
    source = Source(4000)
    running = run_http(source)
    slow = running.client()
    slow.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)
    slow.send(get("/"))
    before = -1
    while before != source.made or not source.made:  # until it stops
        before = source.made
        for _ in range(20):
            assert running.client().ask(get("/other")).body == b"other"
    assert source.made * len(PART) < 32 * MIB
    assert len(slow.answer().body) == 4000 * len(PART)


def test_a_client_that_goes_away_closes_the_generator(run_http: HttpMaker) -> None:
    source = Source(10**9)
    client = run_http(source).client().send(get("/"))
    assert client.socket.recv(100)
    client.file.close()
    reset(client.socket)
    assert source.closed.wait(WAIT)


def test_an_endless_generator_of_nothing_does_not_stop_the_loop(run_http: HttpMaker) -> None:
    source = Source(10**9, part=b"")
    running = run_http(source)
    client = running.client().send(get("/"))
    assert running.client().ask(get("/other")).body == b"other"
    client.file.close()
    reset(client.socket)


@pytest.mark.parametrize("length", [3 * len(PART) - 1, 3 * len(PART) + 1])
def test_a_wrong_length_closes(run_http: HttpMaker, errors: ErrorLog, length: int) -> None:
    client = run_http(Source(3, length)).client().send(get("/"))
    assert len(read_all(client.socket).partition(b"\r\n\r\n")[2]) < length
    assert "its announced length" in errors.exceptions[0]


def test_a_generator_that_raises_closes(run_http: HttpMaker, errors: ErrorLog) -> None:
    def parts() -> Iterator[bytes]:
        yield b"first"
        raise RuntimeError("no more")

    def callback(request: HttpRequest, response: HttpResponse) -> None:
        response.set_source(parts())

    client = run_http(callback).client().send(get("/"))
    assert not read_all(client.socket).endswith(b"0\r\n\r\n")
    assert errors.exceptions == ["no more"]


def test_stop_waits_for_a_body(run_http: HttpMaker) -> None:
    running = run_http(Source(200))
    client = running.client().send(get("/"))
    assert client.socket.recv(10, socket.MSG_PEEK)
    stopped = running.begin_stop()
    assert client.answer().body == PART * 200
    assert client.at_end()
    client.close()
    assert stopped.wait(WAIT)


# ---------------------------------------------------------------------- writers


class Writing:
    """A callback that hands the writers of its answers to the test."""

    def __init__(self, length: int | None = None) -> None:
        self.length = length
        self.writers: queue.SimpleQueue[BodyWriter] = queue.SimpleQueue()

    def __call__(self, request: HttpRequest, response: HttpResponse) -> None:
        if request.path == "/other":
            response.set_text("other")
            return
        self.writers.put(response.open_writer(self.length))

    def take(self) -> BodyWriter:
        return self.writers.get(timeout=WAIT)


@pytest.mark.parametrize("threads", [0, 1])
def test_a_thread_writes_and_waits(run_http: HttpMaker, threads: int) -> None:
    writing = Writing()
    client = run_http(writing, threads).client().send(get("/"))
    writer = writing.take()

    def produce() -> None:
        for _ in range(500):
            writer.write(PART)
            assert writer.wait(WAIT)
        writer.finish()

    thread = threading.Thread(target=produce)
    thread.start()
    assert client.answer().body == PART * 500
    thread.join(WAIT)
    assert client.ask(get("/other")).body == b"other"
    eventually(lambda: writer.closed)
    assert repr(writer) == "<BodyWriter closed 0 bytes>"


def test_events_leave_one_by_one(run_http: HttpMaker) -> None:
    writing = Writing()
    client = run_http(writing).client().send(get("/"))
    writer = writing.take()
    while client.file.readline() != b"\r\n":
        pass
    for event in (b"one", b"two"):
        assert writer.write(event)
        assert client.file.readline() == b"3\r\n"
        assert client.file.readline() == event + b"\r\n"
    writer.finish()
    assert client.file.readline() == b"0\r\n"
    with pytest.raises(StateError):
        writer.write(b"late")


def test_a_slow_client_makes_the_writer_wait(run_http: HttpMaker) -> None:
    writing = Writing()
    client = run_http(writing).client()
    client.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)
    client.send(get("/"))
    writer = writing.take()
    ready = threading.Event()
    writer.set_ready_callback(ready.set)
    count = 0
    while True:
        count += 1
        if not writer.write(PART) and not writer.wait(0.2):
            break
    assert count * len(PART) < 64 * MIB
    ready.clear()
    writer.finish()
    assert client.answer().body == PART * count
    assert not writer.wait(0) or writer.closed


def test_the_ready_callback_goes_on_in_the_loop(run_http: HttpMaker) -> None:
    parts = [PART] * 300

    def callback(request: HttpRequest, response: HttpResponse) -> None:
        writer = response.open_writer()

        def go_on() -> None:
            while parts:
                if not writer.write(parts.pop()):
                    return
            writer.finish()

        writer.set_ready_callback(go_on)
        go_on()

    assert run_http(callback).client().ask(get("/")).body == PART * 300


def test_a_client_that_goes_away_releases_the_writer(run_http: HttpMaker) -> None:
    writing = Writing()
    client = run_http(writing).client().send(get("/"))
    writer = writing.take()
    gone = threading.Event()
    writer.set_ready_callback(gone.set)
    client.file.close()
    reset(client.socket)
    eventually(lambda: writer.closed)
    assert gone.wait(WAIT)
    assert writer.write(bytes(WRITER_MARK))  # is dropped
    assert writer.wait(0)
    assert repr(writer) == "<BodyWriter closed 0 bytes>"


def test_callbacks_at_the_end_may_raise(run_http: HttpMaker, errors: ErrorLog) -> None:
    def parts() -> Iterator[bytes]:
        try:
            while True:
                yield PART
        finally:
            raise RuntimeError("generator")

    def callback(request: HttpRequest, response: HttpResponse) -> None:
        if request.path == "/generator":
            response.set_source(parts())
        else:
            response.open_writer().set_ready_callback(lambda: 1 // 0)

    running = run_http(callback)
    for path in ("/generator", "/writer"):
        client = running.client().send(get(path))
        assert client.socket.recv(10)
        client.file.close()
        reset(client.socket)
    eventually(lambda: len(errors.exceptions) == 2)
    assert set(errors.exceptions) == {"generator", "integer division or modulo by zero"}


def test_a_writer_for_head_is_closed_at_once(run_http: HttpMaker) -> None:
    writing = Writing(5)
    client = run_http(writing).client()
    assert client.ask(get("/", method="HEAD")).headers["Content-Length"] == "5"
    assert writing.take().closed
    assert client.ask(get("/other")).body == b"other"


def test_a_deferred_answer_with_a_writer(run_http: HttpMaker) -> None:
    deferring = Deferring()
    client = run_http(deferring).client().send(get("/"))
    _, response = deferring.take()
    writer = response.open_writer(6)
    writer.write(b"one")
    response.finish()
    writer.write(b"two")
    writer.finish()
    assert client.answer().body == b"onetwo"


def test_a_source_is_closed_if_the_client_has_gone_before_the_answer(run_http: HttpMaker) -> None:
    deferring, source = Deferring(), Source(3)
    running = run_http(deferring)
    client = running.client().send(get("/"))
    _, response = deferring.take()
    client.file.close()
    reset(client.socket)
    eventually(lambda: running.call(lambda: "connections=0" in repr(running.server)))
    parts = source.parts()
    assert next(parts)
    response.set_source(parts)
    response.finish()
    assert source.closed.wait(WAIT)


def test_a_full_writer_is_full_until_its_parts_were_sent() -> None:
    writer = BodyWriter()
    ready: list[bool] = []
    writer.set_ready_callback(lambda: ready.append(True))
    assert writer.write(b"x")
    assert not writer.write(bytes(WRITER_MARK))
    assert writer.take() == ([b"x", bytes(WRITER_MARK)], False)
    assert not writer.write(b"y")
    assert not writer.wait(0)
    writer.resume()
    assert not ready
    assert writer.take() == ([b"y"], False)
    writer.resume()
    assert ready == [True]
    assert writer.wait(0)
    assert writer.write(b"z")


def test_parts_of_other_types(run_http: HttpMaker) -> None:
    writer = HttpResponse().open_writer()
    with pytest.raises(TypeError):
        writer.write("text")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="negative"):
        HttpResponse().open_writer(-1)
    with pytest.raises(TypeError):
        HttpResponse().set_source(5)  # type: ignore[arg-type]


# ---------------------------------------------------------------------- uploads


class Taking:
    """An upload callback that hashes the body, for all paths but "/whole"."""

    def __init__(self) -> None:
        self.hash = hashlib.sha256()
        self.upload: HttpUpload | None = None
        self.response: HttpResponse | None = None
        self.parts = 0
        self.begun = threading.Event()
        self.aborted: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.pauses = False
        self.defers = False

    def __call__(self, request: HttpRequest, response: HttpResponse, upload: HttpUpload) -> None:
        assert request.body == b""
        if request.path == "/whole":
            return
        if request.path == "/refused":
            response.set_text("not here", 403)
            upload.refuse()
            return
        self.upload, self.response = upload, response
        if self.defers:
            response.defer()
        upload.set_part_callback(self.on_part)
        upload.set_end_callback(lambda: response.set_text(self.hash.hexdigest()))
        upload.set_abort_callback(self.aborted.put)
        self.begun.set()

    def on_part(self, part: bytes) -> None:
        self.hash.update(part)
        self.parts += 1
        if self.pauses:
            assert self.upload is not None
            self.upload.pause()


def run_taking(run_http: HttpMaker, taking: Taking, threads: int = 0, **limits: object):  # type: ignore[no-untyped-def]
    return run_http(echo, threads, upload_callback=taking, **limits)


@pytest.mark.parametrize("threads", [0, 1])
def test_an_upload_in_parts(run_http: HttpMaker, threads: int) -> None:
    body = PART * 100
    for send in (post(body), chunked(*[PART] * 100)):
        taking = Taking()
        client = run_taking(run_http, taking, threads).client()
        assert client.ask(send).body.decode() == hashlib.sha256(body).hexdigest()
        assert taking.upload is not None
        assert taking.upload.received == len(body)
        assert taking.upload.finished
        assert taking.parts > 10
        assert client.ask(get("/next")).body == b"/next"
        assert taking.aborted.empty()


def test_a_body_that_is_not_taken_is_collected(run_http: HttpMaker) -> None:
    running = run_taking(run_http, Taking(), max_body_bytes=MIB)
    client = running.client()
    assert client.ask(post(b"abc", "/whole")).body == b"abc"
    assert client.ask(chunked(b"ab", b"c", path="/whole")).body == b"abc"
    head = get("/whole", "Content-Length: 2", "Expect: 100-continue", method="POST")
    assert client.ask(head).status == 100
    assert client.ask(b"hi").body == b"hi"
    assert client.ask(get("/whole", f"Content-Length: {MIB + 1}", method="PUT")).status == 413


def test_a_refused_upload_is_not_read(run_http: HttpMaker) -> None:
    client = run_taking(run_http, Taking()).client()
    head = get("/refused", "Content-Length: 9", "Expect: 100-continue", method="POST")
    answer = client.ask(get("/first") + head)
    assert answer.body == b"/first"
    answer = client.answer()
    assert (answer.status, answer.body) == (403, b"not here")
    assert answer.headers["Connection"] == "close"
    assert client.at_end()


def test_a_deferred_refusal(run_http: HttpMaker) -> None:
    deferred: queue.SimpleQueue[HttpResponse] = queue.SimpleQueue()

    def on_upload(request: HttpRequest, response: HttpResponse, upload: HttpUpload) -> None:
        response.defer()
        upload.refuse()
        deferred.put(response)

    client = run_http(echo, upload_callback=on_upload).client()
    client.send(get("/", "Content-Length: 9", "Expect: 100-continue", method="POST"))
    response = deferred.get(timeout=WAIT)
    response.set_text("no", 403)
    response.finish()
    assert client.answer().status == 403
    assert client.at_end()


def test_expect_continue_before_the_parts(run_http: HttpMaker) -> None:
    client = run_taking(run_http, Taking()).client()
    head = get("/", "Content-Length: 2", "Expect: 100-continue", method="POST")
    assert client.ask(head).status == 100
    assert client.ask(b"hi").body.decode() == hashlib.sha256(b"hi").hexdigest()


def test_an_upload_waits_for_earlier_answers_and_delays_later_ones(run_http: HttpMaker) -> None:
    taking = Taking()
    client = run_taking(run_http, taking).client()
    client.send(get("/1") + get("/2") + post(b"abc") + get("/3"))
    for body in (b"/1", b"/2", hashlib.sha256(b"abc").hexdigest().encode(), b"/3"):
        assert client.answer().body == body


def test_a_pause_makes_the_client_wait(run_http: HttpMaker) -> None:
    taking = Taking()
    taking.pauses = True
    running = run_taking(run_http, taking)
    client = running.client()
    client.socket.settimeout(0.3)
    body, sent = PART * 1000, 0
    head = get("/", f"Content-Length: {len(body)}", method="POST")
    client.send(head)
    with pytest.raises(TimeoutError):
        while True:
            sent += client.socket.send(body[sent : sent + MIB])
    assert taking.parts == 1
    assert sent < 32 * MIB
    client.socket.settimeout(WAIT)
    taking.pauses = False
    assert taking.upload is not None
    taking.upload.resume()
    answer = client.ask(body[sent:])
    assert answer.body.decode() == hashlib.sha256(body).hexdigest()


@pytest.mark.parametrize(
    ("reason", "data"),
    [
        ("400: a bad chunk size", chunked(PART)[:-5] + b"nonsense\r\n"),
        ("400: the connection ended within a request", post(PART)[:-1]),
    ],
)
def test_a_bad_body_aborts(run_http: HttpMaker, reason: str, data: bytes) -> None:
    taking = Taking()
    client = run_taking(run_http, taking).client().send(data)
    client.socket.shutdown(socket.SHUT_WR)
    assert client.answer().status == 400
    assert taking.aborted.get(timeout=WAIT) == reason
    assert client.at_end()


def test_a_client_that_goes_away_aborts(run_http: HttpMaker) -> None:
    taking = Taking()
    client = run_taking(run_http, taking).client().send(post(PART)[:-1])
    assert taking.begun.wait(WAIT)
    client.file.close()
    reset(client.socket)
    assert taking.aborted.get(timeout=WAIT) == "the connection is down"


def test_a_body_that_stops_aborts(run_http: HttpMaker) -> None:
    taking = Taking()
    client = run_taking(run_http, taking, request_seconds=0.05).client()
    assert client.ask(post(PART)[:-1]).status == 408
    assert taking.aborted.get(timeout=WAIT).startswith("408")
    assert client.at_end()


def test_an_upload_may_last_as_long_as_parts_come(run_http: HttpMaker) -> None:
    taking = Taking()
    client = run_taking(run_http, taking, request_seconds=0.5, answer_seconds=0.5).client()
    client.send(get("/", "Content-Length: 10", method="POST"))
    pause = threading.Event()
    for _ in range(9):
        client.send(b"x")
        pause.wait(0.1)
    assert client.ask(b"x").status == 200


def test_a_long_pause_is_answered(run_http: HttpMaker) -> None:
    taking = Taking()
    taking.pauses = True
    client = run_taking(run_http, taking, answer_seconds=0.05).client()
    assert client.ask(post(PART)[:-1]).status == 503
    assert taking.aborted.get(timeout=WAIT).startswith("503")


def test_a_part_callback_that_raises(run_http: HttpMaker, errors: ErrorLog) -> None:
    def on_upload(request: HttpRequest, response: HttpResponse, upload: HttpUpload) -> None:
        if request.path == "/head":
            raise RuntimeError("head")
        upload.set_part_callback(lambda part: 1 // 0)

    running = run_http(echo, upload_callback=on_upload)
    for path in ("/", "/head"):
        client = running.client()
        answer = client.ask(post(PART, path)[:-1])
        assert (answer.status, answer.headers["Connection"]) == (500, "close")
    assert errors.exceptions == ["integer division or modulo by zero", "head"]


def test_an_abort_callback_that_raises(run_http: HttpMaker, errors: ErrorLog) -> None:
    def on_upload(request: HttpRequest, response: HttpResponse, upload: HttpUpload) -> None:
        upload.set_part_callback(len)
        upload.set_abort_callback(lambda reason: 1 // 0)

    client = run_http(echo, upload_callback=on_upload).client().send(post(PART)[:-1])
    client.socket.shutdown(socket.SHUT_WR)
    assert client.answer().status == 400
    assert client.at_end()
    assert errors.exceptions == ["integer division or modulo by zero"]


def test_an_early_answer_ends_the_upload(run_http: HttpMaker) -> None:
    taking = Taking()
    taking.defers = True
    client = run_taking(run_http, taking).client().send(post(PART)[:-1])
    assert taking.begun.wait(WAIT)
    assert taking.response is not None
    taking.response.set_text("enough", 409)
    taking.response.finish()
    answer = client.answer()
    assert (answer.status, answer.headers["Connection"]) == (409, "close")
    assert taking.aborted.get(timeout=WAIT) == "it was answered before its end"
    assert client.at_end()


def test_stop_waits_for_an_upload(run_http: HttpMaker) -> None:
    taking = Taking()
    running = run_taking(run_http, taking)
    client = running.client().send(post(PART)[:-1])
    assert taking.begun.wait(WAIT)
    stopped = running.begin_stop()
    assert client.ask(PART[-1:]).status == 200
    assert client.at_end()
    client.close()
    assert stopped.wait(WAIT)
