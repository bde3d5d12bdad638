"""FrameDecoder: any split of any stream gives what splitting the whole would give."""

from __future__ import annotations

import itertools
import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from chat.protocol import LF, MAX_FRAME, NUL, FrameDecoder

LIMIT = 8

PIECES = st.sampled_from([b"{}", b"a", b"\r", b"\n", b"\0", b"\r\n", b"12345678", b"123456789"])
STREAMS = st.lists(PIECES | st.binary(max_size=12), max_size=25).map(b"".join)


def model(stream: bytes, limit: int) -> tuple[list[bytes], bool, bytes]:
    """Frames, whether one was too large, and the terminator; from the whole stream at once."""
    *ended, tail = re.split(rb"[\n\0]", stream)
    first = re.search(rb"[\n\0]", stream)
    terminator = first.group() if first else LF
    frames: list[bytes] = []
    for piece in ended:
        frame = piece.removesuffix(b"\r")
        if len(frame) > limit:
            return frames, True, terminator
        if frame:
            frames.append(frame)
    # Unfinished: one byte over may be the CR of a CR LF.
    return frames, len(tail) > limit + 1, terminator


def split_at(stream: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    return [stream[start:end] for start, end in itertools.pairwise(places)]


@given(stream=STREAMS, cuts=st.lists(st.integers(0, 200), max_size=20))
@example(stream=b"12345678\r\n", cuts=[9])
@example(stream=b"12345678\r\r\n", cuts=[9])
@example(stream=b"123456789\r\n", cuts=[9, 10])
@example(stream=b"a\n123456789\nb\n", cuts=[])
@settings(max_examples=1000, deadline=None, database=None)
def test_any_split_of_any_stream(stream: bytes, cuts: list[int]) -> None:
    expected, too_large, terminator = model(stream, LIMIT)
    for parts in (
        [stream],
        split_at(stream, cuts),
        [stream[place : place + 1] for place in range(len(stream))],
        # As clients usually write: each piece ends with a terminator, for which there is a
        # quick way. The other terminator and CR may be anywhere in it.
        re.findall(rb"[^\n]*\n|[^\n]+", stream),
        re.findall(rb"[^\0]*\0|[^\0]+", stream),
    ):
        decoder = FrameDecoder(LIMIT)
        frames = [frame for part in parts for frame in decoder.feed(part)]
        assert frames == expected
        assert decoder.too_large == too_large
        if not too_large:
            assert decoder.terminator == terminator
        assert all(type(frame) is bytes for frame in frames)


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\0"])
def test_frames_byte_by_byte(end: bytes) -> None:
    decoder = FrameDecoder()
    frames = []
    for byte in (b'{"msgid":1}' + end) * 3:
        frames += decoder.feed(bytes([byte]))
    assert frames == [b'{"msgid":1}'] * 3
    assert decoder.terminator == end[-1:]


def test_a_frame_comes_out_with_its_last_byte() -> None:
    decoder = FrameDecoder()
    assert decoder.feed(b"{") == []
    assert decoder.feed(b"}") == []
    assert decoder.feed(b"\n{") == [b"{}"]
    assert decoder.feed(b"}\n") == [b"{}"]


def test_empty_frames_are_skipped() -> None:
    assert FrameDecoder().feed(b"\n\n\0\r\n\0\0{}\n\r\n\n") == [b"{}"]


def test_the_first_frame_decides_the_terminator() -> None:
    decoder = FrameDecoder()
    assert decoder.terminator == LF
    assert decoder.feed(b"a\0b\n") == [b"a", b"b"]
    assert decoder.terminator == NUL
    decoder = FrameDecoder()
    assert decoder.feed(b"a\nb\0") == [b"a", b"b"]
    assert decoder.feed(b"c\0") == [b"c"]
    assert decoder.terminator == LF


def test_only_one_cr_is_dropped() -> None:
    assert FrameDecoder().feed(b"a\r\r\nb\rc\n") == [b"a\r", b"b\rc"]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\0"])
def test_the_largest_frame_passes(end: bytes) -> None:
    frame = b"x" * MAX_FRAME
    decoder = FrameDecoder()
    assert decoder.feed(frame) == []
    assert decoder.feed(end) == [frame]
    assert not decoder.too_large
    assert decoder.feed(frame + end) == [frame]


@pytest.mark.parametrize("whole", [True, False])
def test_one_byte_more_does_not(whole: bool) -> None:
    decoder = FrameDecoder()
    stream = b"fine\n" + b"x" * (MAX_FRAME + 1) + b"\nafter\n"
    parts = [stream] if whole else [stream[:5], stream[5:]]
    assert [frame for part in parts for frame in decoder.feed(part)] == [b"fine"]
    assert decoder.too_large
    assert decoder.feed(b"after\n") == []


def test_an_endless_frame_is_noticed_without_its_end() -> None:
    decoder = FrameDecoder(100)
    fed = 0
    while not decoder.too_large:
        assert decoder.feed(b"x" * 10) == []
        fed += 10
    assert fed == 110
    assert decoder._tail is None  # and its memory is let go


def test_decoders_share_nothing() -> None:
    one, other = FrameDecoder(), FrameDecoder()
    one.feed(b"a")
    assert other.feed(b"b\0") == [b"b"]
    assert one.feed(b"c\n") == [b"ac"]
    assert (one.terminator, other.terminator) == (LF, NUL)
