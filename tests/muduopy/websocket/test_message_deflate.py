"""MessageDeflate: both directions, with and without context, and wrong streams."""

from __future__ import annotations

import os
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muduopy.websocket.errors import FrameError
from muduopy.websocket.frame_reader import FrameReader
from muduopy.websocket.message_deflate import DeflateParameters, MessageDeflate
from muduopy.websocket.websocket_limits import WebSocketLimits
from tests.muduopy.websocket.rawpeer import BINARY, CONTINUATION, TEXT, frame

MOST = 1 << 20


def codec(bits: int = 12, *, forgets: bool = False) -> MessageDeflate:
    return MessageDeflate(
        DeflateParameters(
            inflate_bits=bits, deflate_bits=bits, inflate_forgets=forgets, deflate_forgets=forgets
        )
    )


@given(
    st.lists(st.binary(min_size=1, max_size=300), max_size=6),
    st.integers(9, 15),
    st.booleans(),
    st.integers(1, 50),
)
def test_messages_come_back(
    messages: list[bytes], bits: int, forgets: bool, piece_bytes: int
) -> None:
    sender, receiver = codec(bits, forgets=forgets), codec(bits, forgets=forgets)
    for message in messages * 2:
        data = sender.compress(message)
        starts = range(0, len(data), piece_bytes)
        parts = [
            receiver.decompress(data[i : i + piece_bytes], MOST, last=i == starts[-1])
            for i in starts
        ]
        assert b"".join(parts) == message


def test_the_context_is_kept_unless_it_is_forgotten() -> None:
    message = os.urandom(300)
    keeps, forgets = codec(), codec(forgets=True)
    assert len(keeps.compress(message)) > 300
    assert len(keeps.compress(message)) < 50
    assert len(forgets.compress(message)) == len(forgets.compress(message)) > 300


def test_a_bomb_is_refused_before_it_has_grown() -> None:
    bomb = codec().compress(bytes(1 << 24))
    with pytest.raises(FrameError) as caught:
        codec().decompress(bomb, MOST, last=True)
    assert caught.value.code == 1009


def test_the_limit_is_exact() -> None:
    data = codec().compress(bytes(1000))
    assert codec().decompress(data, 1000, last=True) == bytes(1000)
    with pytest.raises(FrameError):
        codec().decompress(data, 999, last=True)


def test_bytes_that_are_not_deflate() -> None:
    for wrong in (b"\xff\xff\xff", b"\x07", os.urandom(40) + b"\xff" * 20):
        with pytest.raises(FrameError) as caught:
            codec().decompress(wrong, MOST, last=True)
        assert caught.value.code == 1007


# The octets of RFC 7692, 7.2.3.
HELLO = bytes.fromhex("f2 48 cd c9 c9 07 00")
HELLO_AGAIN = bytes.fromhex("f2 00 11 00 00")
HELLO_STORED = bytes.fromhex("00 05 00 fa ff 48 65 6c 6c 6f 00")
HELLO_FINAL = bytes.fromhex("f3 48 cd c9 c9 07 00 00")
HELLO_TWO_BLOCKS = bytes.fromhex("f2 48 05 00 00 00 ff ff ca c9 c9 07 00")


def test_the_examples_of_the_standard() -> None:
    one = codec(15)
    assert one.decompress(HELLO, MOST, last=True) == b"Hello"
    assert one.decompress(HELLO_AGAIN, MOST, last=True) == b"Hello"
    for data in (HELLO_STORED, HELLO_FINAL, HELLO_TWO_BLOCKS):
        one = codec(15)
        for _ in range(3):
            assert one.decompress(data, MOST, last=True) == b"Hello"


def test_a_stream_may_end_and_begin_anew_in_a_message() -> None:
    def stream(data: bytes) -> bytes:
        one = zlib.compressobj(wbits=-15)
        return one.compress(data) + one.flush()

    data = stream(b"first ") + stream(b"second") + b"\0"
    assert codec(15).decompress(data, MOST, last=True) == b"first second"
    one = codec(15)
    parts = [one.decompress(data[i : i + 1], MOST, last=False) for i in range(len(data) - 1)]
    assert b"".join(parts) + one.decompress(data[-1:], MOST, last=True) == b"first second"


def test_fragments_and_plain_messages_between_compressed_ones() -> None:
    sender, reader = codec(), FrameReader(WebSocketLimits(), masked=True, deflate=codec())
    data = sender.compress(b"compressed " * 30)
    stream = b"".join(
        [
            frame(TEXT, data[:5], rsv=4, fin=False),
            frame(CONTINUATION, data[5:9], fin=False),
            frame(CONTINUATION, data[9:]),
            frame(BINARY, b"plain"),
            frame(TEXT, sender.compress(b"compressed " * 30), rsv=4),
        ]
    )
    for pieces in ([stream], [stream[i : i + 1] for i in range(len(stream))]):
        sender, reader = codec(), FrameReader(WebSocketLimits(), masked=True, deflate=codec())
        found = []
        for piece in pieces:
            reader.feed(piece)
            while (event := reader.next()) is not None:
                found.append(event)
        assert found == ["compressed " * 30, b"plain", "compressed " * 30]
