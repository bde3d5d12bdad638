"""The first line of a connection decides what it speaks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.connection.first_line import MAX_LINE, Speech, speech_of

HTTP = [
    b"GET / HTTP/1.1\r\n",
    b"GET /ws HTTP/1.1\r\nHost: x\r\n\r\n",
    b"OPTIONS * HTTP/1.0\n",
    b"get http://127.0.0.1:6000/ HTTP/1.1\r\n",
]
LINES = [
    b'{"msgid":26}\n',
    b"{",
    b"this is not JSON\n",
    b"\n",
    b"\r\nGET / HTTP/1.1\r\n",
    b"GET / HTTP/2.0\r\n",
    b"GET  / HTTP/1.1\r\n",
    b"GET / HTTP/1.1 \r\n",
    b"GET /\r\n",
    b"abc\0",
    "你好".encode(),
    b"A" * (MAX_LINE + 1),
    b"PROXY TCP4 1.2.3.4 1.2.3.4 1 2\r\n",
]
UNKNOWN = [b"", b"G", b"GET", b"GET ", b"GET /", b"GET / ", b"GET / HT", b"GET / HTTP/1.1\r"]


@pytest.mark.parametrize("data", HTTP)
def test_http(data: bytes) -> None:
    assert speech_of(data) is Speech.HTTP


@pytest.mark.parametrize("data", LINES)
def test_lines(data: bytes) -> None:
    assert speech_of(data) is Speech.LINES


@pytest.mark.parametrize("data", UNKNOWN)
def test_not_decided_yet(data: bytes) -> None:
    assert speech_of(data) is Speech.UNKNOWN


@pytest.mark.parametrize("data", HTTP)
def test_no_piece_of_a_request_line_is_taken_for_lines(data: bytes) -> None:
    end = data.index(b"\n")
    assert all(speech_of(data[:size]) is Speech.UNKNOWN for size in range(end + 1))


@given(st.binary(max_size=200), st.integers(min_value=0, max_value=200))
def test_a_decision_stays(data: bytes, size: int) -> None:
    """More bytes do not change what was decided."""
    first = speech_of(data[:size])
    assert first is Speech.UNKNOWN or first is speech_of(data)
