"""HttpContext and HttpExchange: all of HTTP, without a socket and with times from the tests."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from muduopy import InetAddress
from muduopy.http import BadResponseError, HttpLimits, HttpRequest, HttpResponse
from muduopy.http.http_context import HttpContext
from muduopy.http.http_date import http_date
from muduopy.http.http_exchange import HttpExchange
from tests.muduopy.http.httpkit import chunked, get, post
from tests.tiers import examples

PEER = InetAddress("192.0.2.1", 1234)
LIMITS = HttpLimits(
    max_header_bytes=500,
    max_body_bytes=100,
    max_pipelined=3,
    idle_seconds=60,
    request_seconds=10,
    answer_seconds=30,
)


def context(limits: HttpLimits = LIMITS) -> HttpContext:
    return HttpContext(limits, PEER, 0.0, lambda: "today")


def text(content: str, status: int = 200) -> HttpResponse:
    response = HttpResponse()
    response.set_text(content, status)
    return response


def taken(core: HttpContext, now: float = 0.0) -> list[HttpExchange]:
    exchanges = []
    while (exchange := core.next_request(now)) is not None:
        exchanges.append(exchange)
    return exchanges


def requests(core: HttpContext, data: bytes) -> list[HttpRequest]:
    """Feed bytes, answer all requests at once, and return the requests."""
    core.receive(data, 0.0)
    found = []
    while (exchange := core.next_request(0.0)) is not None:
        assert exchange.request is not None
        found.append(exchange.request)
        core.answer(exchange, text(exchange.request.path), 0.0)
    return found


def output_of(core: HttpContext) -> bytes:
    return b"".join(part for part in core.take_output() if isinstance(part, bytes))


def statuses(output: bytes) -> list[int]:
    lines = [line for line in output.split(b"\r\n") if b"HTTP/1.1 " in line]
    return [int(line.rpartition(b"HTTP/1.1 ")[2][:3]) for line in lines]


def body_of(output: bytes) -> bytes:
    return output.partition(b"\r\n\r\n")[2]


# ---------------------------------------------------------------------- requests


def test_a_request_in_full() -> None:
    core = context()
    core.receive(get("/a%20b/%C3%BC?x=%31", "X-Name: v\xe4l", "Accept: a", "ACCEPT: b"), 0.0)
    exchange = core.next_request(4.5)
    assert exchange is not None
    request = exchange.request
    assert request is not None
    assert (request.method, request.version) == ("GET", "1.1")
    assert request.target == "/a%20b/%C3%BC?x=%31"
    assert (request.path, request.query) == ("/a b/ü", "x=%31")
    assert request.headers["x-name"] == "v\xe4l"
    assert request.headers.get_all("accept") == ["a", "b"]
    assert (request.body, request.peer, request.when) == (b"", PEER, 4.5)


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        ("http://host:80/p?q", "/p", "q"),
        ("HTTPS://host", "/", ""),
        ("http://host?q=1", "/", "q=1"),
        ("*", "*", ""),
        ("/?a?b", "/", "a?b"),
        ("/p?", "/p", ""),
        ("/%ff", "/\ufffd", ""),
        ("/redirect?to=http://x/", "/redirect", "to=http://x/"),
        ("//x", "//x", ""),
    ],
)
def test_targets(target: str, path: str, query: str) -> None:
    (request,) = requests(context(), get(target))
    assert (request.target, request.path, request.query) == (target, path, query)


STREAM = (
    get("/1")
    + post(b"two", "/2")
    + chunked(b"th", b"ree", path="/3")
    + b"\r\n\r\n"  # some clients do
    + get("/4", method="HEAD")
    + post(b"", "/5")
    + get("/6", "Connection: close")
)
ASKED = [
    ("GET", "/1", b""),
    ("POST", "/2", b"two"),
    ("POST", "/3", b"three"),
    ("HEAD", "/4", b""),
    ("POST", "/5", b""),
    ("GET", "/6", b""),
]


@pytest.mark.parametrize("step", [1, 2, 3, 7, 50, len(STREAM)])
def test_a_stream_in_pieces(step: int) -> None:
    core, found = context(), []
    for start in range(0, len(STREAM), step):
        found += requests(core, STREAM[start : start + step])
    assert [(one.method, one.path, one.body) for one in found] == ASKED
    assert core.ended


@pytest.mark.parametrize("cut", range(1, len(STREAM)))
def test_a_stream_cut_anywhere(cut: int) -> None:
    core = context()
    found = requests(core, STREAM[:cut]) + requests(core, STREAM[cut:])
    assert [(one.method, one.path, one.body) for one in found] == ASKED
    assert statuses(output_of(core)) == [200] * 6


def test_chunk_extensions_and_trailers_are_skipped() -> None:
    data = get("/", "Transfer-Encoding: chunked", method="PUT")
    data += b"2;a=b\r\nhi\r\n0\r\nX: y\r\n\r\n"
    first, second = requests(context(), data + get("/2"))
    assert first.body == b"hi"
    assert second.path == "/2"


# ---------------------------------------------------------------------- refusals

CHUNKED = "Transfer-Encoding: chunked"

REFUSED = [
    (400, b"nonsense\r\n\r\n"),
    (400, b"\x16\x03\x01\x02\x00"),  # TLS
    (400, b"GET /\r\n\r\n"),  # HTTP/0.9
    (400, b"GET / HTTP/1.1\r\n\r\n"),  # without Host
    (400, get("/", "Host: again")),
    (400, get("/", "No colon")),
    (400, get("/", "Content-Length: x", method="POST")),
    (400, get("/", "Content-Length: -1", method="POST")),
    (400, get("/", "Content-Length: 1", "Content-Length: 2", method="POST")),
    (400, get("/", "Content-Length: 3", CHUNKED, method="POST")),
    (400, get("/", CHUNKED, method="POST", version="1.0")),
    (400, get("/", CHUNKED, method="POST") + b"xyz\r\n"),
    (400, get("/", CHUNKED, method="POST") + b"1\r\nab\r\n"),
    (400, get("/", "Content-Length: " + "1" * 400, method="POST")),
    (413, get("/", "Content-Length: 101", method="POST")),
    (413, get("/", CHUNKED, method="POST") + b"65\r\n" + b"x" * 101),
    (413, get("/", CHUNKED, method="POST") + b"40\r\n%b\r\n" % (b"x" * 64) * 2),
    (414, b"GET /" + b"x" * 501),
    (417, get("/", "Expect: the unexpected", method="POST")),
    (431, get("/", "X: " + "x" * 501)),
    (431, get("/", "X: " + "x" * 501)[:-4]),
    (431, get("/", *[f"X{n}: y" for n in range(100)])),
    (501, get("host:443", method="CONNECT")),
    (501, get("/", "Transfer-Encoding: gzip", method="POST")),
    (505, get("/", version="2.0")),
]


@pytest.mark.parametrize(("status", "data"), REFUSED)
def test_refused(status: int, data: bytes) -> None:
    core = context()
    assert not requests(core, data)
    output = output_of(core)
    assert statuses(output) == [status]
    assert b"\r\nConnection: close\r\n" in output
    assert core.ended
    assert core.refused.startswith(str(status))
    assert not core.wants_data
    assert core.deadline is None
    assert not requests(core, get("/after"))
    assert not output_of(core)


@pytest.mark.parametrize(("status", "data"), REFUSED)
def test_refused_byte_by_byte(status: int, data: bytes) -> None:
    core = context()
    for index in range(len(data)):
        assert not requests(core, data[index : index + 1])
    output = output_of(core)
    if status == 431:  # a line may be too long before it is complete
        assert statuses(output) in ([431], [414])
    else:
        assert statuses(output) == [status]


def test_the_largest_allowed() -> None:
    head = get("/", "X: ")
    head = head.replace(b"X: ", b"X: " + b"x" * (500 - len(head)))
    assert len(head) == 500
    assert len(requests(context(), head + post(b"x" * 100) + chunked(b"x" * 50, b"y" * 50))) == 3


def test_a_refusal_waits_for_its_turn() -> None:
    core = context()
    core.receive(get("/1") + get("/2") + b"nonsense\r\n\r\n", 0.0)
    one, two = taken(core)
    assert not output_of(core)
    core.answer(two, text("2"), 0.0)
    assert not core.ended
    core.answer(one, text("1"), 0.0)
    assert statuses(output_of(core)) == [200, 200, 400]
    assert core.ended


def test_refusing_head_sends_no_body() -> None:
    core = context()
    requests(core, get("/", "Content-Length: 1000", method="HEAD"))
    output = output_of(core)
    assert statuses(output) == [413]
    assert not body_of(output)


# ---------------------------------------------------------------------- order


def test_answers_leave_in_the_order_of_the_requests() -> None:
    core = context()
    core.receive(get("/1") + get("/2") + get("/3", method="HEAD"), 0.0)
    one, two, three = taken(core)
    core.answer(three, text("three"), 0.0)
    core.answer(two, text("two"), 0.0)
    assert not output_of(core)
    core.answer(one, text("one"), 0.0)
    output = output_of(core)
    assert statuses(output) == [200] * 3
    assert output.index(b"one") < output.index(b"two")
    assert b"three" not in output
    core.answer(one, text("again"), 0.0)
    assert not output_of(core)


def test_no_more_than_max_pipelined_at_a_time() -> None:
    core = context()
    core.receive(b"".join(get(f"/{n}") for n in range(5)), 0.0)
    first = taken(core)
    assert len(first) == 3
    assert not core.wants_data
    core.answer(first[1], text("1"), 0.0)
    assert not taken(core)
    core.answer(first[0], text("0"), 0.0)
    assert len(taken(core)) == 2
    assert not core.wants_data  # three again
    core.answer(first[2], text("2"), 0.0)
    assert not taken(core)
    assert core.wants_data


def test_an_unsafe_request_runs_alone() -> None:
    core = context()
    core.receive(get("/1") + post(b"x", "/2") + get("/3") + get("/4"), 0.0)
    (one,) = taken(core)
    assert not core.wants_data
    core.answer(one, text("1"), 0.0)
    (two,) = taken(core)
    assert not core.wants_data
    core.answer(two, text("2"), 0.0)
    three, four = taken(core)
    assert [x.request.path for x in (one, two, three, four) if x.request] == [
        "/1",
        "/2",
        "/3",
        "/4",
    ]


def test_an_answer_that_closes_drops_later_requests() -> None:
    core = context()
    core.receive(get("/1") + get("/2"), 0.0)
    one, two = taken(core)
    core.answer(two, text("2"), 0.0)
    closing = text("1")
    closing.close = True
    core.answer(one, closing, 0.0)
    output = output_of(core)
    assert statuses(output) == [200]
    assert b"Connection: close" in output
    assert core.ended
    core.answer(two, text("2"), 0.0)
    assert not output_of(core)


@pytest.mark.parametrize(
    "last",
    [get("/", "Connection: x, CLOSE"), get("/", version="1.0"), get("/", "Connection: close")],
)
def test_the_last_request(last: bytes) -> None:
    core = context()
    assert len(requests(core, get("/") + last + get("/never"))) == 2
    output = output_of(core)
    assert statuses(output) == [200, 200]
    assert output.count(b"Connection: close") == 1
    assert core.ended


def test_a_held_last_request_is_served() -> None:
    core = context()
    core.receive(get("/1") + get("/2", "Connection: close", method="DELETE"), 0.0)
    (one,) = taken(core)
    core.answer(one, text("1"), 0.0)
    assert not core.ended
    (two,) = taken(core)
    core.answer(two, text("2"), 0.0)
    assert core.ended


def test_an_upgrade_is_not_made() -> None:
    core = context()
    assert len(requests(core, get("/", "Connection: Upgrade", "Upgrade: h2c") + get("/2"))) == 2
    assert statuses(output_of(core)) == [200, 200]


# ---------------------------------------------------------------------- 100-continue

EXPECTING = get("/", "Content-Length: 2", "Expect: 100-continue", method="POST")


def test_expect_continue() -> None:
    core = context()
    assert not requests(core, EXPECTING)
    assert output_of(core) == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert not requests(core, b"h")
    assert not output_of(core)
    (request,) = requests(core, b"i")
    assert request.body == b"hi"


def test_a_client_that_does_not_wait_is_not_told_to_continue() -> None:
    core = context()
    assert len(requests(core, EXPECTING + b"hi")) == 1
    assert statuses(output_of(core)) == [200]


def test_continue_waits_for_earlier_answers_and_so_does_the_clock() -> None:
    core = context()
    core.receive(get("/1") + EXPECTING, 0.0)
    (one,) = taken(core)
    assert not output_of(core)
    assert core.deadline == 30.0  # for the answer
    core.answer(one, text("1"), 25.0)
    assert statuses(output_of(core)) == [200, 100]
    assert core.deadline == 35.0


def test_a_body_that_is_too_large_is_not_asked_for() -> None:
    core = context()
    requests(core, get("/", "Content-Length: 200", "Expect: 100-continue", method="POST"))
    assert statuses(output_of(core)) == [413]


def test_http_1_0_is_not_told_to_continue() -> None:
    core = context()
    core.receive(EXPECTING.replace(b"HTTP/1.1", b"HTTP/1.0"), 0.0)
    assert not taken(core)
    assert not output_of(core)


# ---------------------------------------------------------------------- answers


def answered(request: bytes, response: HttpResponse) -> bytes:
    core = context()
    core.receive(request, 0.0)
    (exchange,) = taken(core)
    core.answer(exchange, response, 0.0)
    return output_of(core)


def test_an_answer_to_the_byte() -> None:
    response = HttpResponse(404, b"none")
    response.set_header("X-Y", "gr\xfc\xdfe")
    assert answered(get("/"), response) == (
        b"HTTP/1.1 404 Not Found\r\nX-Y: gr\xfc\xdfe\r\nContent-Length: 4\r\nDate: today\r\n"
        b"\r\nnone"
    )


def test_header_fields_that_a_callback_may_set() -> None:
    response = HttpResponse(299, b"")
    response.reason = "Fine"
    response.headers = [("Date", "then"), ("Content-Length", "7"), ("Connection", "keep-alive")]
    assert answered(get("/", "Connection: close"), response) == (
        b"HTTP/1.1 299 Fine\r\nDate: then\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    )


def test_an_unusual_status_has_no_reason() -> None:
    assert answered(get("/"), HttpResponse(799)).startswith(b"HTTP/1.1 799 \r\n")


def test_chunked_answer() -> None:
    response = HttpResponse(200, b"hello")
    response.set_header("Transfer-Encoding", "chunked")
    output = answered(get("/"), response)
    assert body_of(output) == b"5\r\nhello\r\n0\r\n\r\n"
    assert b"Content-Length" not in output


def test_chunked_answer_to_1_0_is_as_long_as_the_connection() -> None:
    response = HttpResponse(200, b"hello")
    response.set_header("Transfer-Encoding", "chunked")
    output = answered(get("/", version="1.0"), response)
    assert body_of(output) == b"hello"
    assert b"Transfer-Encoding" not in output


def test_head_tells_the_length_of_the_omitted_body() -> None:
    output = answered(get("/", method="HEAD"), text("hello"))
    assert b"Content-Length: 5\r\n" in output
    assert not body_of(output)
    response = HttpResponse()
    response.set_header("content-length", "1234")
    assert b"content-length: 1234\r\n" in answered(get("/", method="HEAD"), response)


@pytest.mark.parametrize("status", [204, 304])
def test_no_body_with(status: int) -> None:
    output = answered(get("/"), HttpResponse(status, b"text"))
    assert not body_of(output)
    assert b"Content-Length" not in output


BAD_RESPONSES = [
    ("headers", [("X", "a\r\nSet-Cookie: b")]),
    ("headers", [("X\r\nY", "a")]),
    ("headers", [("X", "\u20ac")]),
    ("headers", [("X", 5)]),
    ("headers", [("Transfer-Encoding", "gzip")]),
    ("reason", "a\r\nX: y"),
]


@pytest.mark.parametrize(("name", "value"), BAD_RESPONSES)
def test_impossible_answers_change_nothing(name: str, value: object) -> None:
    core = context()
    core.receive(get("/"), 0.0)
    (exchange,) = taken(core)
    response = HttpResponse()
    setattr(response, name, value)
    with pytest.raises(BadResponseError):
        core.answer(exchange, response, 0.0)
    assert not output_of(core)
    core.answer(exchange, text("sorry", 500), 0.0)
    assert statuses(output_of(core)) == [500]


def test_the_date() -> None:
    assert http_date().endswith(" GMT")


# ---------------------------------------------------------------------- time


def test_idle_before_the_first_request_and_between_two() -> None:
    core = context()
    assert core.deadline == 60.0
    core.receive(b"\r\n\r\n", 50.0)  # is not activity
    assert core.deadline == 60.0
    core.receive(get("/"), 55.0)
    (exchange,) = taken(core, 55.0)
    core.answer(exchange, text("x"), 58.0)
    assert not taken(core, 58.0)
    assert core.deadline == 118.0
    output_of(core)
    core.expire(117.9)
    assert not core.ended
    core.expire(118.0)
    assert core.ended
    assert not output_of(core)


def test_a_slow_request() -> None:
    core = context()
    for second in range(10):  # one byte a second does not extend the time
        core.receive(get("/")[second : second + 1], 20.0 + second)
        assert not taken(core, 20.0 + second)
        core.expire(20.0 + second)
    assert core.deadline == 30.0
    core.expire(30.0)
    assert statuses(output_of(core)) == [408]
    assert core.ended


def test_a_slow_body() -> None:
    core = context()
    core.receive(post(b"xyz")[:-1], 5.0)
    assert not taken(core, 5.0)
    core.expire(15.0)
    assert statuses(output_of(core)) == [408]


def test_a_slow_answer() -> None:
    core = context()
    core.receive(get("/1") + get("/2"), 0.0)
    one, two = taken(core, 7.0)
    assert core.deadline == 37.0
    core.answer(two, text("2"), 8.0)
    core.expire(37.0)
    assert statuses(output_of(core)) == [503]
    assert core.ended
    core.answer(one, text("1"), 38.0)
    assert not output_of(core)


def test_the_clock_of_an_unread_request_stands_still() -> None:
    core = context()
    core.receive(post(b"x") + post(b"y")[:-1], 0.0)
    (exchange,) = taken(core)
    assert core.deadline == 30.0
    core.answer(exchange, text("x"), 29.0)
    assert not taken(core, 29.0)
    assert core.deadline == 39.0


def test_holding_back_stops_the_clock_too() -> None:
    core = context()
    core.receive(get("/")[:-1], 0.0)
    assert not taken(core)
    core.hold_back()
    assert core.deadline is None
    assert not core.wants_data
    assert not taken(core, 100.0)
    assert core.wants_data
    assert core.deadline == 110.0


# ---------------------------------------------------------------------- the end


def test_the_peer_leaves_between_requests() -> None:
    core = context()
    requests(core, get("/"))
    output_of(core)
    assert not requests(core, b"")
    assert core.ended
    assert not output_of(core)


def test_the_peer_leaves_within_a_request() -> None:
    core = context()
    requests(core, get("/")[:-1])
    requests(core, b"")
    assert statuses(output_of(core)) == [400]
    assert core.ended


def test_the_peer_finishes_sending_and_gets_all_answers() -> None:
    core = context()
    core.receive(get("/1") + post(b"x", "/2") + get("/3"), 0.0)
    core.receive(b"", 0.0)
    for path in ("/1", "/2", "/3"):
        (exchange,) = taken(core)
        assert not core.ended
        assert exchange.request is not None
        assert exchange.request.path == path
        core.answer(exchange, text(path), 0.0)
    assert not taken(core)
    assert core.ended
    assert statuses(output_of(core)) == [200] * 3


def test_draining_when_idle() -> None:
    core = context()
    core.receive(get("/")[:5], 0.0)
    core.drain(0.0)
    assert core.ended
    assert not output_of(core)


def test_draining_answers_the_outstanding_requests() -> None:
    core = context()
    core.receive(get("/1") + get("/2") + post(b"x", "/3") + get("/4"), 0.0)
    one, two = taken(core)
    core.drain(0.0)
    core.drain(0.0)
    assert not core.ended
    assert not taken(core)
    core.answer(two, text("2"), 0.0)
    core.answer(one, text("1"), 0.0)
    output = output_of(core)
    assert statuses(output) == [200, 200]
    assert output.count(b"Connection: close") == 1
    assert core.ended
    assert not taken(core)


def test_reprs_tell_the_state() -> None:
    core = context()
    assert repr(core) == "<HttpContext reading outstanding=0>"
    core.receive(get("/"), 0.0)
    (exchange,) = taken(core)
    assert repr(exchange) == "<HttpExchange GET waiting>"
    core.answer(exchange, text("x"), 0.0)
    assert repr(exchange) == "<HttpExchange GET done>"
    assert core.output_bytes == len(output_of(core))


# ---------------------------------------------------------------------- garbage

PIECES = st.sampled_from(
    [get("/"), post(b"abc"), chunked(b"a", b"bc"), EXPECTING, b"\r\n", b"0\r\n\r\n", b"GET ", b"\0"]
    + [data for _, data in REFUSED]
)


@settings(max_examples=examples(150), deadline=None)
@given(st.lists(st.one_of(PIECES, st.binary(min_size=1, max_size=40)), max_size=12), st.randoms())
def test_garbage_never_raises_and_stops_at_the_first_refusal(
    pieces: list[bytes], random: object
) -> None:
    core, now = context(), 0.0
    waiting: list[HttpExchange] = []
    for piece in pieces:
        now += 1.0
        core.receive(piece, now)
        waiting += taken(core, now)
        core.expire(now)
        while waiting and random.random() < 0.7:  # type: ignore[attr-defined]
            core.answer(waiting.pop(random.randrange(len(waiting))), text("x"), now)  # type: ignore[attr-defined]
            waiting += taken(core, now)
    while waiting:
        core.answer(waiting.pop(), text("x"), now)
        waiting += taken(core, now)
    found = statuses(output_of(core))
    assert all(status in (100, 200) for status in found[:-1])
    assert core.ended or core.wants_data
    core.receive(b"", now)
    assert not taken(core, now)
    assert core.ended


@settings(max_examples=examples(150), deadline=None)
@given(st.lists(st.one_of(PIECES, st.binary(min_size=1, max_size=40)), max_size=12), st.randoms())
def test_garbage_for_bodies_in_parts(pieces: list[bytes], random: object) -> None:
    core, now = HttpContext(LIMITS, PEER, 0.0, lambda: "today", offers_bodies=True), 0.0
    feeding: HttpExchange | None = None
    for piece in [*pieces, b""]:
        now += 1.0
        core.receive(piece, now)
        while not core.ended:
            if feeding is not None:
                part = core.next_part(now)
                if part is None:
                    feeding = None if feeding.answered else feeding
                    break
                if part and random.random() < 0.9:  # type: ignore[attr-defined]
                    continue
                core.answer(feeding, text("x"), now)
                feeding = None
            exchange = core.next_request(now)
            if exchange is None:
                break
            if not exchange.incomplete:
                core.answer(exchange, text("x"), now)
            elif random.random() < 0.5:  # type: ignore[attr-defined]
                core.collect(now)
            else:
                feeding = exchange
        core.expire(now)
    found = statuses(output_of(core))
    assert all(status in (100, 200) for status in found[:-1])
    assert core.ended


# ---------------------------------------------------------------------- bodies in parts


def offered(data: bytes) -> tuple[HttpContext, HttpExchange]:
    core = HttpContext(LIMITS, PEER, 0.0, lambda: "today", offers_bodies=True)
    core.receive(data, 0.0)
    (exchange,) = taken(core)
    assert exchange.incomplete
    assert exchange.request is not None
    assert exchange.request.body == b""
    return core, exchange


def test_a_body_in_parts() -> None:
    core, exchange = offered(post(b"x" * 500)[:-100])
    assert core.next_part(1.0) == b"x" * 400
    assert core.next_part(1.0) is None
    assert core.wants_data
    assert core.deadline == 11.0
    core.receive(b"x" * 100 + get("/2"), 8.0)
    assert core.next_part(8.0) == b"x" * 100
    assert core.next_part(8.0) == b""
    assert not exchange.incomplete
    assert not taken(core, 8.0)
    core.answer(exchange, text("1"), 9.0)
    assert len(taken(core, 9.0)) == 1
    assert b"Connection: close" not in output_of(core)


def test_a_body_that_is_collected_has_its_limits() -> None:
    core, _ = offered(post(b"x" * 101))
    core.collect(0.0)
    assert not taken(core)
    assert statuses(output_of(core)) == [413]
    core, _ = offered(chunked(b"x" * 60, b"x" * 60))
    core.collect(0.0)
    assert not taken(core)
    assert statuses(output_of(core)) == [413]


def test_many_tiny_chunks_are_one_body() -> None:
    (request,) = requests(context(), chunked(*[b"%d" % (n % 10) for n in range(100)]))
    assert request.body == b"0123456789" * 10
