"""The small services of the RFCs, and all of them in one."""

from __future__ import annotations

import re
import time

from tests.examples.examplekit import Example, read_all, read_exactly

CHARGEN_START = bytes(range(33, 105)) + b"\n" + bytes(range(34, 106)) + b"\n"


def is_now(answer: bytes) -> bool:
    return len(answer) == 4 and abs(int.from_bytes(answer, "big") - time.time()) < 60


def test_discard() -> None:
    with Example("discard", 0) as server:
        client = server.connect()
        client.sendall(bytes(100_000))
        assert re.fullmatch(r"1: \d+\.\d{3} MiB/s, 100000 bytes", server.line())
        client.shutdown(1)
        assert read_all(client) == b""


def test_daytime() -> None:
    with Example("daytime", 0) as server:
        assert re.fullmatch(rb"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\n", read_all(server.connect()))


def test_timeserver() -> None:
    with Example("timeserver", 0) as server:
        assert is_now(read_all(server.connect()))


def test_chargen() -> None:
    with Example("chargen", 0) as server:
        client = server.connect()
        text = read_exactly(client, 5_000_000)
        assert text.startswith(CHARGEN_START)
        assert text[: 94 * 73] == text[94 * 73 : 2 * 94 * 73]  # it repeats


def test_allinone() -> None:
    with Example("allinone", 0, servers=5) as servers:
        discard, daytime, timed, chargen, echo = (servers.connect(n) for n in range(5))
        discard.sendall(b"discarded")
        assert read_all(daytime).startswith(b"20")
        assert is_now(read_all(timed))
        assert read_exactly(chargen, len(CHARGEN_START)) == CHARGEN_START
        echo.sendall(b"hello")
        assert read_exactly(echo, 5) == b"hello"


def test_finger() -> None:
    with Example("finger", 0) as server:
        client = server.connect()
        client.sendall(b"li")
        client.sendall(b"lei\r\n")
        assert read_all(client) == b"Li Lei is happy and well.\r\n"
        stranger = server.connect()
        stranger.sendall(b"unknown\n")
        assert read_all(stranger) == b"No such user\r\n"
