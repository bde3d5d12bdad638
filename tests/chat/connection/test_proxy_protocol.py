from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.connection.proxy_protocol import MAX_LINE, BadProxyLineError, is_idle, split_proxy_line

LINE = b"PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\n"


@pytest.mark.parametrize(
    ("line", "address"),
    [
        (LINE, "192.0.2.1"),
        (b"PROXY TCP6 2001:db8::1 2001:db8::2 1 2\r\n", "2001:db8::1"),
        (b"PROXY UNKNOWN\r\n", None),
        (b"PROXY UNKNOWN ffff::1 ffff::2 65535 65535\r\n", None),
    ],
)
def test_an_announcement(line: bytes, address: str | None) -> None:
    assert split_proxy_line(line) == (address, b"")
    assert split_proxy_line(line + b'{"msgid":26}\n') == (address, b'{"msgid":26}\n')


def test_it_may_come_in_pieces() -> None:
    for end in range(len(LINE)):
        assert split_proxy_line(LINE[:end]) is None


@pytest.mark.parametrize(
    "data",
    [
        b'{"msgid":26}\n',
        b"GET / HTTP/1.1\r\n",
        b"PROXY\r\n",
        b"PROXY TCP4\r\n",
        b"PROXY TCP4 nowhere 192.0.2.2 1 2\r\n",
        b"PROXY TCP4 192.0.2.1 192.0.2.2 1 2 3\r\n",
        b"PROXY TCP4 \xff 192.0.2.2 1 2\r\n",
        b"PROXY UDP4 192.0.2.1 192.0.2.2 1 2\r\n",
        b"PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n",
        b"PROXY TCP6 fe80::1%x\x1b[31m ::1 1 2\r\n",
        b"PROXY " + b"x" * MAX_LINE,
        b"PROXY UNKNOWN " + b"x" * MAX_LINE + b"\r\n",
        b"\r\n\x00\r\nQUIT\n",  # version 2
    ],
)
def test_what_is_none(data: bytes) -> None:
    with pytest.raises(BadProxyLineError):
        split_proxy_line(data)


@given(st.binary())
def test_garbage(data: bytes) -> None:
    try:
        split_proxy_line(data)
    except BadProxyLineError:
        pass


@pytest.mark.parametrize(
    ("data", "proxy", "idle"),
    [
        (b"", True, True),
        (LINE, True, True),
        (LINE[:20], True, True),
        (LINE + b"\n", True, True),
        (LINE + b'{"msgid":26}\n', True, False),
        (b"GET / HTTP/1.1\r\n", True, False),  # a mistake, which the log reports
        (b"\r\n\0\n", False, True),
        (LINE, False, False),
        (b"{", False, False),
    ],
)
def test_a_peer_that_needs_no_answer(data: bytes, proxy: bool, idle: bool) -> None:
    assert is_idle(data, proxy=proxy) is idle
