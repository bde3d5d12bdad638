"""FrameDecoder: a stream in any pieces gives the same frames as the stream at once."""

from __future__ import annotations

import itertools
import re
import tracemalloc
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from chat.protocol import LF, MAX_FRAME, NUL, FrameDecoder
from chat.protocol.frames import WINDOW, LineCutter
from tests.tiers import examples

LIMIT = 8

PIECES = st.sampled_from([b"{}", b"a", b"\r", b"\n", b"\0", b"\r\n", b"12345678", b"123456789"])
STREAMS = st.lists(PIECES | st.binary(max_size=12), max_size=25).map(b"".join)


def model(stream: bytes, limit: int) -> tuple[list[bytes], bool, bytes]:
    """The frames, ``too_large`` and the terminator of the whole stream at once."""
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
    # Incomplete: one byte more may be the CR of a CR LF.
    return frames, len(tail) > limit + 1, terminator


def decode_all(decoder: FrameDecoder, parts: Iterable[bytes], limit: int = 1 << 30) -> list[bytes]:
    """As a connection does it: whole frames the quick way, other bytes by ``take`` with a limit."""
    frames = []
    for part in parts:
        whole = decoder.whole(part)
        if whole is not None:
            frames.append(whole)
            continue
        decoder.feed(part)
        while True:
            some = decoder.take(limit)
            assert len(some) <= decoder.taken <= limit
            frames += some
            if decoder.taken < limit:
                break
    return frames


def split_at(stream: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    return [stream[start:end] for start, end in itertools.pairwise(places)]


@given(
    stream=STREAMS,
    cuts=st.lists(st.integers(0, 200), max_size=20),
    limit=st.integers(1, 5) | st.just(1000),
)
@example(stream=b"12345678\r\n", cuts=[9], limit=1)
@example(stream=b"12345678\r\r\n", cuts=[9], limit=1)
@example(stream=b"123456789\r\n", cuts=[9, 10], limit=1)
@example(stream=b"a\n123456789\nb\n", cuts=[], limit=1)
@settings(max_examples=examples(1000), deadline=None, database=None)
def test_any_split_of_any_stream(stream: bytes, cuts: list[int], limit: int) -> None:
    expected, too_large, terminator = model(stream, LIMIT)
    for parts in (
        [stream],
        split_at(stream, cuts),
        [stream[place : place + 1] for place in range(len(stream))],
        # As clients usually write: each piece ends with a terminator, which has a quick way. The
        # other terminator and CR may be anywhere in the piece.
        re.findall(rb"[^\n]*\n|[^\n]+", stream),
        re.findall(rb"[^\0]*\0|[^\0]+", stream),
    ):
        decoder = FrameDecoder(LIMIT)
        frames = decode_all(decoder, parts, limit)
        assert frames == expected
        assert decoder.too_large == too_large
        if not too_large:
            assert decoder.terminator == terminator
        assert all(type(frame) is bytes for frame in frames)


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\0"])
def test_frames_byte_by_byte(end: bytes) -> None:
    decoder = FrameDecoder()
    stream = (b'{"msgid":1}' + end) * 3
    frames = decode_all(decoder, (bytes([byte]) for byte in stream))
    assert frames == [b'{"msgid":1}'] * 3
    assert decoder.terminator == end[-1:]


def test_a_frame_comes_out_with_its_last_byte() -> None:
    decoder = FrameDecoder()
    assert decode_all(decoder, [b"{"]) == []
    assert decode_all(decoder, [b"}"]) == []
    assert decode_all(decoder, [b"\n{"]) == [b"{}"]
    assert decode_all(decoder, [b"}\n"]) == [b"{}"]


def test_empty_frames_are_skipped() -> None:
    assert decode_all(FrameDecoder(), [b"\n\n\0\r\n\0\0{}\n\r\n\n"]) == [b"{}"]


def test_empty_frames_count() -> None:
    decoder = FrameDecoder()
    decoder.feed(b"\n\n{}\n\n{}\n")
    assert (decoder.take(2), decoder.taken) == ([], 2)
    assert (decoder.take(2), decoder.taken) == ([b"{}"], 2)
    assert (decoder.take(2), decoder.taken) == ([b"{}"], 1)
    assert (decoder.take(2), decoder.taken) == ([], 0)


def test_nuls_in_a_row_are_one_end() -> None:
    """A client that sends its whole buffer does not use up its rate limit."""
    decoder = FrameDecoder()
    for _ in range(2):
        data = b"{}".ljust(1024, NUL)
        assert decoder.whole(data) is None
        decoder.feed(data)
        assert (decoder.take(), decoder.taken) == ([b"{}"], 1)
    decoder.feed(b"\0\0{}\0\0\0{}\n\n\0")
    assert (decoder.take(), decoder.taken) == ([b"{}", b"{}"], 5)


def test_frames_that_wait_stay_bytes() -> None:
    decoder = FrameDecoder()
    decoder.feed(b"11\n" * 20_000)
    assert decoder.take(3) == [b"11"] * 3
    assert decoder.held == 3 * 19_997
    assert decoder.take() == [b"11"] * 19_997
    assert decoder.held == 0


def test_a_whole_frame_only_if_no_bytes_wait_before_it() -> None:
    decoder = FrameDecoder()
    assert decoder.whole(b"{}\n") is None, "it may be the one that decides the terminator"
    decoder.feed(b"{}\n{}\n")
    assert decoder.take(1) == [b"{}"]
    assert decoder.whole(b"{}\n") is None
    decoder.take()
    assert decoder.whole(b"{}\n") == b"{}"
    for other in (b"\n", b"\r\n", b"{}", b"{}\n{}\n", b"{}\r\n", b"{}\0\n", b"{}\0"):
        assert decoder.whole(other) is None


def test_the_first_frame_decides_the_terminator() -> None:
    decoder = FrameDecoder()
    assert decoder.terminator == LF
    assert not decoder.decided
    assert decode_all(decoder, [b"a", b"\0b\n"]) == [b"a", b"b"]
    assert decoder.terminator == NUL
    assert decoder.decided
    decoder = FrameDecoder()
    assert decode_all(decoder, [b"a\nb\0"]) == [b"a", b"b"]
    assert decode_all(decoder, [b"c\0"]) == [b"c"]
    assert decoder.terminator == LF


def test_only_one_cr_is_dropped() -> None:
    assert decode_all(FrameDecoder(), [b"a\r\r\nb\rc\n"]) == [b"a\r", b"b\rc"]


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\0"])
def test_the_largest_frame_passes(end: bytes) -> None:
    frame = b"x" * MAX_FRAME
    decoder = FrameDecoder()
    assert decode_all(decoder, [frame]) == []
    assert decode_all(decoder, [end]) == [frame]
    assert not decoder.too_large
    assert decode_all(decoder, [frame + end]) == [frame]


@pytest.mark.parametrize("whole", [True, False])
def test_one_byte_more_does_not(whole: bool) -> None:
    decoder = FrameDecoder()
    stream = b"fine\n" + b"x" * (MAX_FRAME + 1) + b"\nafter\n"
    parts = [stream] if whole else [stream[:5], stream[5:]]
    assert decode_all(decoder, parts) == [b"fine"]
    assert decoder.too_large
    assert decode_all(decoder, [b"after\n"]) == []


def test_an_endless_frame_is_noticed_without_its_end() -> None:
    decoder = FrameDecoder(100)
    fed = 0
    while not decoder.too_large:
        assert decode_all(decoder, [b"x" * 10]) == []
        fed += 10
    assert fed == 110
    assert decoder.held == 0, "its memory is let go"


def test_the_limit_of_a_frame_may_change() -> None:
    decoder = FrameDecoder(4)
    decoder.feed(b"1234\n123456\n")
    assert decoder.take(1) == [b"1234"]
    decoder.max_frame = 6
    assert decoder.take() == [b"123456"]
    assert not decoder.too_large


class Looked(bytearray):
    """Counts the bytes in which an end of a frame is searched."""

    bytes_searched = 0

    def find(self, what: Any, *places: Any) -> int:
        found = super().find(what, *places)
        self.bytes_searched += (found if found >= 0 else len(self)) - (places[0] if places else 0)
        return found


def test_an_unfinished_frame_is_searched_once() -> None:
    cutter, held = LineCutter(), Looked()
    for _ in range(1000):
        held += b"x" * 10
        assert cutter.cut(held, 5) == []
    held += b"\nabc"
    assert cutter.cut(held, 5) == [b"x" * 10_000]
    held += b"\n"
    assert cutter.cut(held, 5) == [b"abc"]
    assert held.bytes_searched == 10_000


def test_many_small_takes_from_a_huge_buffer_copy_little() -> None:
    """``take`` copies a window, and not all waiting bytes."""
    decoder = FrameDecoder()
    decoder.feed(b"\n" * (1 << 23))
    tracemalloc.start()
    try:
        for _ in range(100):
            decoder.take(32)
            assert decoder.taken == 32
        assert tracemalloc.get_traced_memory()[1] < 4 * WINDOW
    finally:
        tracemalloc.stop()


def test_decoders_share_nothing() -> None:
    one, other = FrameDecoder(), FrameDecoder()
    one.feed(b"a")
    assert decode_all(other, [b"b\0"]) == [b"b"]
    assert decode_all(one, [b"c\n"]) == [b"ac"]
    assert (one.terminator, other.terminator) == (LF, NUL)


class Braces:
    """Another cutter, which ends each frame with a closing brace."""

    def cut(self, held: bytearray, limit: int) -> list[bytes]:
        end = held.find(b"}") + 1
        frame = bytes(held[:end])
        del held[:end]
        return [frame] if end else []


def test_another_cutter() -> None:
    decoder = FrameDecoder()
    decoder.cut_with(Braces())
    decoder.feed(b"{1}{2}{3")
    assert decoder.take() == [b"{1}", b"{2}"]
    decoder.feed(b"}")
    assert decoder.take() == [b"{3}"]


def test_no_data_is_one_frame_beside_another_cutter() -> None:
    """The last of several may have a terminator all the same."""
    decoder = FrameDecoder()
    decoder.feed(b"{0}\0")
    assert decoder.take() == [b"{0}"]
    decoder.cut_with(Braces())
    assert decoder.whole(b"{1}{2}\0") is None
    decoder.cut_with(LineCutter())
    assert decoder.whole(b"{3}\0") == b"{3}"


def test_a_terminator_that_comes_late_keeps_the_other_cutter() -> None:
    decoder = FrameDecoder()
    decoder.cut_with(Braces())
    decoder.feed(b"{0}\0")
    assert decoder.take() == [b"{0}"]
    decoder.feed(b"{1}")
    assert decoder.take() == [b"\n{1}"]
    assert decoder.whole(b"{2}{3}\0") is None


@pytest.mark.parametrize("end", [LF, NUL])
def test_a_burst_of_whole_frames(end: bytes) -> None:
    decoder = FrameDecoder(100)
    assert decoder.several(b"{}" + end + b"[]" + end, 8) is None  # how it ends frames is not known
    decoder.feed(b"{}" + end)
    assert decoder.take() == [b"{}"]
    assert decoder.several(b"{}" + end + b"[]" + end, 8) == [b"{}", b"[]"]
    other = NUL if end == LF else LF
    for data in (
        b"{}" + end + b"[]",  # the last is not whole
        b"{}" + end + end + b"[]" + end,  # an empty one
        b"{}" + other + b"[]" + end,
        b"{}\r" + end + b"[]" + end,
        (b"{}" + end) * 9,
        b"x" * 101 + end,
        b"",
    ):
        assert decoder.several(data, 8) is None, data
    decoder.feed(b"{")
    assert decoder.several(b"}" + end + b"[]" + end, 8) is None  # something waits
