"""RESP: in whatever pieces a stream comes the replies are the same; nothing else passes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.bus.redis.resp import (
    MAX_BULK,
    ErrorReply,
    Published,
    Reply,
    RespError,
    RespParser,
    encode_command,
)


def published(channel: bytes, payload: bytes, kind: bytes = b"message") -> bytes:
    return encode_command(kind, channel, payload)


def fed(data: bytes, piece: int | None = None) -> list[Reply]:
    parser = RespParser()
    replies: list[Reply] = []
    size = piece or len(data)
    for start in range(0, len(data), size):
        replies += parser.feed(data[start : start + size])
    return replies


STREAM = (
    b"+OK\r\n:12\r\n-WRONGPASS no\r\n"
    + published(b"chat:6:7", b'["w"]\r\n')
    + published(b"chat:6:7", b"", b"smessage")
    + b"*3\r\n$9\r\nsubscribe\r\n$8\r\nchat:6:7\r\n:1\r\n"
    + b"$-1\r\n$0\r\n\r\n*0\r\n:-5\r\n"
    + b"*2\r\n*1\r\n:1\r\n$1\r\nx\r\n"
)
REPLIES: list[Reply] = [
    b"OK",
    12,
    ErrorReply("WRONGPASS no"),
    Published(b"chat:6:7", b'["w"]\r\n'),
    Published(b"chat:6:7", b""),
    [b"subscribe", b"chat:6:7", 1],
    None,
    b"",
    [],
    -5,
    [[1], b"x"],
]


@pytest.mark.parametrize("piece", [None, 1, 2, 3, 7, 20, 64])
def test_in_pieces(piece: int | None) -> None:
    assert fed(STREAM, piece) == REPLIES


def test_a_published_message_is_told_from_an_array() -> None:
    assert type(fed(published(b"a", b"b"))[0]) is Published
    assert type(fed(published(b"a", b"b", b"another"))[0]) is list


def test_the_first_word_of_an_error() -> None:
    assert ErrorReply("MOVED 3999 127.0.0.1:6381").code == "MOVED"


def test_a_command() -> None:
    assert encode_command(b"AUTH", b"ann", "pä".encode()) == (
        b"*3\r\n$4\r\nAUTH\r\n$3\r\nann\r\n$3\r\np\xc3\xa4\r\n"
    )


@pytest.mark.parametrize("piece", [1000, 1 << 16, None])
def test_a_message_that_is_too_long_is_skipped(piece: int | None) -> None:
    big = published(b"chat:6:7", b"x" * (MAX_BULK + 1))
    largest = published(b"chat:6:7", b"y" * MAX_BULK)
    replies = fed(b":1\r\n" + big + b":2\r\n" + largest + b":3\r\n", piece)
    assert replies[:3] == [1, Published(b"chat:6:7", None), 2]
    assert replies[3:] == [Published(b"chat:6:7", b"y" * MAX_BULK), 3]


def test_what_is_too_long_is_not_kept() -> None:
    parser = RespParser()
    assert parser.feed(published(b"c", b"x" * (8 * MAX_BULK))[: 2 * MAX_BULK]) == [
        Published(b"c", None)
    ]
    assert not parser._rest


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 400 Bad Request\r\n",
        b":x\r\n",
        b":\r\n",
        b"$x\r\n",
        b"*x\r\n",
        b"\x16\x03\x01\x02\r\n",
        b"$%d\r\n" % (MAX_BULK + 1),
        b"*1\r\n" * 10 + b":1\r\n",
        b"+" + b"x" * (MAX_BULK + 10),
    ],
)
def test_what_is_not_resp(data: bytes) -> None:
    with pytest.raises(RespError):
        fed(data)


@given(st.binary(max_size=200), st.integers(1, 20))
def test_garbage(data: bytes, piece: int) -> None:
    """It is refused or waits for more; never anything else, however it is cut."""

    def outcome(size: int) -> object:
        parser, replies = RespParser(), []
        try:
            for start in range(0, len(data), size):
                replies += parser.feed(data[start : start + size])
        except RespError:
            return "refused"
        return replies

    assert outcome(piece) == outcome(max(len(data), 1))


@given(
    st.lists(st.tuples(st.binary(min_size=1, max_size=9), st.binary(max_size=99))),
    st.integers(1, 50),
)
def test_many_messages(messages: list[tuple[bytes, bytes]], piece: int) -> None:
    data = b"".join(published(b"c" + c.hex().encode(), p) for c, p in messages)
    assert fed(data, piece) == [Published(b"c" + c.hex().encode(), p) for c, p in messages]
