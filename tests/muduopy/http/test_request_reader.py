"""RequestReader against the standard, and against h11, an independent reader of it."""

from __future__ import annotations

import re

import h11
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from muduopy.http import BadRequestError
from muduopy.http.request_reader import MAX_CHUNK_LINE, RequestReader
from tests.muduopy.http.httpkit import chunked, get, post
from tests.tiers import examples

Read = list[tuple[str, str, bytes]]


def read(data: bytes, step: int = 1 << 20) -> tuple[Read, int]:
    """The requests in a whole stream: (method, target, body); the status of a refusal, or 0."""
    reader, found = RequestReader(16 * 1024), []
    pieces = [data[start : start + step] for start in range(0, len(data), step)]
    head, body = None, b""
    try:
        for piece in [*pieces, b""]:
            reader.feed(piece, 0.0)
            while True:
                if head is None and (head := reader.read_head()) is None:
                    break
                part = reader.read_part()
                if part is None:
                    break
                body += part
                if not part:
                    found.append((head.method, head.target, body))
                    head, body = None, b""
                    reader.next(0.0)
    except BadRequestError as exc:
        return found, exc.status
    return found, 0


def read_with_h11(data: bytes) -> tuple[Read, bool]:
    """As ``read``, with h11; whether it refuses."""
    found: Read = []
    rest = data.lstrip(b"\r\n")
    while rest:
        wire = h11.Connection(h11.SERVER)
        head, body = None, b""
        wire.receive_data(rest)
        wire.receive_data(b"")
        try:
            while not isinstance(event := wire.next_event(), h11.EndOfMessage):
                if isinstance(event, h11.Request):
                    head = event
                elif isinstance(event, h11.Data):
                    body += bytes(event.data)
                else:
                    return found, True
        except h11.RemoteProtocolError:
            return found, True
        assert head is not None
        found.append((head.method.decode(), head.target.decode(), body))
        rest = wire.trailing_data[0].lstrip(b"\r\n")
    return found, False


STREAM = get("/1") + post(b"two", "/2") + chunked(b"th", b"ree", path="/3") + b"\r\n" + get("/4")


@pytest.mark.parametrize("step", [1, 2, 3, 5, 64, 1 << 20])
def test_a_stream(step: int) -> None:
    expected = [("GET", "/1", b""), ("POST", "/2", b"two"), ("POST", "/3", b"three")]
    assert read(STREAM, step) == ([*expected, ("GET", "/4", b"")], 0)


REFUSED = [
    b"GET / HTTP/1.1\nHost: x\n\n",
    b"GET / HTTP/1.1\r\nHost: x\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\nA: b\rc\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\r\n\r\n",
    b"\nGET / HTTP/1.1\r\nHost: x\r\n\r\n",
    b"\rGET / HTTP/1.1\r\nHost: x\r\n\r\n",
    get("/", "A: b\r\n folded"),
    get("/", "A: b\r\n\tfolded"),
    b"GET / HTTP/1.1\r\n Host: x\r\n\r\n",
    get("/", "A : b"),
    get("/", ": b"),
    get("/", "A\x00: b"),
    get("/", "A: \x00"),
    get("/", "A: \x7f"),
    get("/", "A: \x0b"),
    b"GET  / HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /a b HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET /\xe4 HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET / HTTP/1.1 \r\nHost: x\r\n\r\n",
    b"GET / http/1.1\r\nHost: x\r\n\r\n",
    b"GET / HTTP/1.\xb2\r\nHost: x\r\n\r\n",
    b"G@T / HTTP/1.1\r\nHost: x\r\n\r\n",
    get("/", "Content-Length: +1", method="POST"),
    get("/", "Content-Length: 1_0", method="POST"),
    get("/", "Content-Length: \xb2", method="POST"),
    get("/", "Content-Length: ", method="POST"),
    get("/", "Content-Length: 1, 1", method="POST"),
    get("/", "Content-Length: 1", "Content-Length: 1", method="POST"),
    get("/", "Transfer-Encoding: chunked, chunked", method="POST"),
    get("/", "Transfer-Encoding: chunked", "Transfer-Encoding: chunked", method="POST"),
    get("/", "Transfer-Encoding: identity", method="POST"),
    get("/", "Transfer-Encoding: ", method="POST"),
]
CHUNKS = [
    b"1\nx\n0\n\n",
    b"1\r\nx\n0\r\n\r\n",
    b"1\r\nx0\r\n\r\n",
    b" 1\r\nx\r\n0\r\n\r\n",
    b"0x1\r\nx\r\n0\r\n\r\n",
    b"+1\r\nx\r\n0\r\n\r\n",
    b"1_0\r\nx\r\n0\r\n\r\n",
    b"\r\n",
    b"1;a=\x00\r\nx\r\n0\r\n\r\n",
    b"1;a=b\nx\r\n0\r\n\r\n",
    b"1;" + b"x" * MAX_CHUNK_LINE + b"\r\nx\r\n0\r\n\r\n",
    b"ffffffffffffffff\r\n",
    b"0\r\nno colon\r\n\r\n",
    b"0\r\nA: b\n\r\n",
    b"0\r\nA: b\r\n folded\r\n\r\n",
    b"0\r\nA: " + b"x" * 20_000 + b"\r\n\r\n",
]


@pytest.mark.parametrize("step", [1, 1 << 20])
@pytest.mark.parametrize(
    "data", REFUSED + [get("/", "Transfer-Encoding: chunked", method="PUT") + c for c in CHUNKS]
)
def test_refused(data: bytes, step: int) -> None:
    found, status = read(data, step)
    assert not found
    assert status in (400, 431, 501)


@pytest.mark.parametrize("data", [b"GET / HTTP/1.1\r\nHost: x\n", b"GET / HTTP/1.1\n", b"\n"])
def test_a_bare_lf_is_refused_at_once(data: bytes) -> None:
    """Else the client would wait for the time-out."""
    reader = RequestReader(1000)
    reader.feed(data, 0.0)
    with pytest.raises(BadRequestError):
        reader.read_head()


@pytest.mark.parametrize(
    ("line", "body"),
    [(b'1;a=b;c="d"', b"x"), (b"1 ;a", b"x"), (b"1\t", b"x"), (b"00001", b"x")],
)
def test_chunk_lines(line: bytes, body: bytes) -> None:
    data = get("/", "Transfer-Encoding: Chunked", method="PUT") + line + b"\r\nx\r\n0\r\n\r\n"
    assert read(data) == read(data, 1) == ([("PUT", "/", body)], 0)


PIECE = st.sampled_from(
    [
        *(get("/"), post(b"abc"), chunked(b"a", b"bc"), get("/", version="1.0")),
        *(b"GET ", b"/ ", b"HTTP/1.1", b"\r\n", b"\n", b"\r", b" ", b"\t", b":", b"A: b\r\n"),
        *(b"Host: x\r\n", b"Content-Length: 3\r\n", b"Transfer-Encoding: chunked\r\n", b"3", b"0"),
        *(b"Content-Length:3", b"abc", b";", b"\0", b"\x80", b"0\r\n\r\n", b"1\r\na\r\n"),
    ]
)


@settings(max_examples=examples(300), deadline=None)
@given(st.lists(PIECE | st.binary(max_size=3), max_size=14).map(b"".join), st.integers(1, 9))
def test_it_reads_what_h11_reads_or_less(data: bytes, step: int) -> None:
    compare(data, step)


def compare(data: bytes, step: int) -> None:
    """A stream that is taken means the same to both. h11 takes bare LF and folded lines, too."""
    found, status = read(data)
    assert read(data, step) == (found, status)
    theirs, they_refuse = read_with_h11(data)
    if status == 0:
        assert (theirs, they_refuse) == (found, False)
    else:
        assert theirs[: len(found)] == found


@settings(max_examples=examples(150), deadline=None)
@given(st.binary(max_size=60), st.integers(1, 9))
def test_a_changed_stream(noise: bytes, step: int) -> None:
    data = bytearray(STREAM)
    for index, byte in enumerate(noise):
        data[(index * 37 + byte) % len(data)] = byte
    compare(bytes(data), step)


def test_the_time_of_a_long_line_grows_with_its_length_only() -> None:
    """Spaces within a value are a trap for a careless pattern: it would try all ends."""
    data = get("/", "A: b" + " " * 15_000 + "c", "D" * 500 + ": " + "\t " * 200)
    assert read(data)[1] == 0
    assert re.search(rb"A: b +c", data)
