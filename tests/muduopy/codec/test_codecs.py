"""The codecs: a stream gives the same frames for any division into pieces."""

from __future__ import annotations

import itertools
import struct
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from muduopy import Buffer, MuduoError
from muduopy.codec import (
    BadLengthError,
    BadPayloadError,
    Codec,
    CodecError,
    Decoder,
    DelimiterCodec,
    FrameTooLargeError,
    LengthHeaderCodec,
    LineCodec,
)
from tests.tiers import examples

LIMIT = 8


@dataclass(frozen=True)
class Outcome:
    """The expected result of a stream: frames, then an error or the incomplete rest."""

    frames: list[bytes]
    error: type[CodecError] | None
    rest: bytes = b""


def delimited(stream: bytes, delimiter: bytes, *, strip_cr: bool = False) -> Outcome:
    *ended, rest = stream.split(delimiter)
    frames: list[bytes] = []
    for piece in ended:
        frame = piece.removesuffix(b"\r") if strip_cr else piece
        if len(frame) > LIMIT:
            return Outcome(frames, FrameTooLargeError)
        frames.append(frame)
    # The rest may end with the beginning of a delimiter.
    if len(rest) > LIMIT + strip_cr + len(delimiter) - 1:
        return Outcome(frames, FrameTooLargeError)
    return Outcome(frames, None, rest)


def headed(stream: bytes) -> Outcome:
    frames: list[bytes] = []
    while len(stream) >= 4:
        length = int.from_bytes(stream[:4], "big", signed=True)
        if length < 0:
            return Outcome(frames, BadLengthError)
        if length > LIMIT:
            return Outcome(frames, FrameTooLargeError)
        if len(stream) < 4 + length:
            break
        frames.append(stream[4 : 4 + length])
        stream = stream[4 + length :]
    return Outcome(frames, None, stream)


@dataclass(frozen=True)
class Case:
    """A codec, its expected results, and bytes with a meaning for it."""

    codec: Codec
    model: Callable[[bytes], Outcome]
    pieces: list[bytes]


CASES = {
    "line": Case(
        LineCodec(LIMIT),
        lambda stream: delimited(stream, b"\n", strip_cr=True),
        [b"\n", b"\r\n", b"\r", b"a", b"12345678", b"123456789"],
    ),
    "nul": Case(
        DelimiterCodec(max_size=LIMIT),
        lambda stream: delimited(stream, b"\0"),
        [b"\0", b"\n", b"a", b"12345678", b"123456789"],
    ),
    "long": Case(
        DelimiterCodec(b"\r\n\r\n", LIMIT),
        lambda stream: delimited(stream, b"\r\n\r\n"),
        [b"\r\n\r\n", b"\r\n", b"\r", b"\n", b"a", b"12345678", b"1234567\r"],
    ),
    # A delimiter that overlaps with itself.
    "self": Case(
        DelimiterCodec(b"aba", LIMIT),
        lambda stream: delimited(stream, b"aba"),
        [b"aba", b"ab", b"a", b"b", b"x", b"12345678"],
    ),
    "length": Case(
        LengthHeaderCodec(LIMIT),
        headed,
        [
            *(struct.pack("!i", length) for length in (0, 1, 3, LIMIT, LIMIT + 1, -1)),
            *(struct.pack("!i", length) + b"x" * length for length in (1, 2, LIMIT)),
            b"\0",
            b"\0\0\0",
            b"a",
        ],
    ),
}

all_codecs = pytest.mark.parametrize("case", CASES.values(), ids=CASES)


def drain(decoder: Decoder, buffer: Buffer) -> list[bytes]:
    frames = []
    while (frame := decoder.decode(buffer)) is not None:
        assert type(frame) is bytes
        frames.append(frame)
    return frames


def decoded(codec: Codec, parts: list[bytes]) -> Outcome:
    """The result of a stream that arrives in these parts."""
    decoder, buffer, frames = codec.decoder(), Buffer(), []
    for part in parts:
        buffer.append(part)
        try:
            while (frame := decoder.decode(buffer)) is not None:
                assert type(frame) is bytes
                frames.append(frame)
        except CodecError as error:
            return Outcome(frames, type(error))
    return Outcome(frames, None, buffer.retrieve_all())


def split_at(stream: bytes, cuts: list[int]) -> list[bytes]:
    places = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    return [stream[start:end] for start, end in itertools.pairwise(places)]


def single_bytes(stream: bytes) -> list[bytes]:
    return [stream[place : place + 1] for place in range(len(stream))]


@all_codecs
def test_any_split_of_any_stream(case: Case) -> None:
    streams = st.lists(st.sampled_from(case.pieces) | st.binary(max_size=12), max_size=25)

    @given(stream=streams.map(b"".join), cuts=st.lists(st.integers(0, 200), max_size=20))
    @example(stream=b"12345678\r\n", cuts=[9])
    @example(stream=b"12345678\r\r\n", cuts=[9])
    @example(stream=b"a\n123456789\nb\n", cuts=[])
    @example(stream=b"ababa" * 3, cuts=[2])
    @settings(max_examples=examples(400), deadline=None, database=None)
    def check(stream: bytes, cuts: list[int]) -> None:
        expected = case.model(stream)
        for parts in ([stream], split_at(stream, cuts), single_bytes(stream)):
            assert decoded(case.codec, parts) == expected

    check()


@all_codecs
def test_round_trip(case: Case) -> None:
    payloads = (st.sampled_from(case.pieces) | st.binary(max_size=LIMIT + 2)).map(
        lambda payload: payload[: LIMIT + 1]
    )

    @given(payloads=st.lists(payloads, max_size=10))
    @settings(max_examples=examples(300), deadline=None, database=None)
    def check(payloads: list[bytes]) -> None:
        sent, stream = [], b""
        for payload in payloads:
            try:
                stream += case.codec.encode(payload)
            except FrameTooLargeError as error:
                assert (error.size, error.limit) == (len(payload), LIMIT)
                assert len(payload) > LIMIT
            except BadPayloadError as error:
                # The check is right: the payload would have arrived as another one.
                delimiter = b"\n" if isinstance(case.codec, LineCodec) else error.delimiter
                outcome = case.model(payload + delimiter)
                assert (outcome.frames, outcome.rest) != ([payload], b"")
            else:
                sent.append(payload)
        assert decoded(case.codec, [stream]) == Outcome(sent, None)
        assert decoded(case.codec, single_bytes(stream)) == Outcome(sent, None)

    check()


@all_codecs
@given(stream=st.binary(max_size=200))
@settings(max_examples=examples(200), deadline=None, database=None)
def test_garbage_takes_no_more_memory_than_allowed(case: Case, stream: bytes) -> None:
    decoder, buffer = case.codec.decoder(), Buffer()
    for part in single_bytes(stream):
        buffer.append(part)
        try:
            drain(decoder, buffer)
        except CodecError:
            break
        assert len(buffer) < LIMIT + 8


@all_codecs
def test_streams_do_not_mix(case: Case) -> None:
    frame = case.codec.encode(b"x")
    first, second = case.codec.decoder(), case.codec.decoder()
    one, two = Buffer(), Buffer()
    for part in single_bytes(frame[:-1]):
        one.append(part)
        assert first.decode(one) is None
    two.append(frame)
    assert second.decode(two) == b"x"
    one.append(frame[-1:])
    assert first.decode(one) == b"x"


@all_codecs
def test_between_frames_the_buffer_is_anybodys(case: Case) -> None:
    frame = case.codec.encode(b"x")
    decoder, buffer = case.codec.decoder(), Buffer()
    buffer.append(frame + b"mine" + frame + frame[:-1])
    assert decoder.decode(buffer) == b"x"
    assert buffer.retrieve_as_bytes(4) == b"mine"
    assert decoder.decode(buffer) == b"x"
    assert decoder.decode(buffer) is None
    buffer.append(frame[-1:])
    assert decoder.decode(buffer) == b"x"
    assert decoder.decode(buffer) is None


@all_codecs
def test_an_error_is_final(case: Case) -> None:
    too_large = b"\x7f" * (LIMIT + 10)
    decoder, buffer = case.codec.decoder(), Buffer()
    buffer.append(case.codec.encode(b"x") + too_large)
    assert decoder.decode(buffer) == b"x"
    for _ in range(3):
        with pytest.raises(FrameTooLargeError):
            decoder.decode(buffer)
        buffer.append(case.codec.encode(b"y"))


@all_codecs
def test_the_limit_is_for_the_payload(case: Case) -> None:
    largest = b"x" * LIMIT
    assert decoded(case.codec, [case.codec.encode(largest)]).frames == [largest]
    with pytest.raises(FrameTooLargeError):
        case.codec.encode(largest + b"x")


@pytest.mark.parametrize("codec", [LineCodec(), DelimiterCodec(b"--")])
def test_each_byte_is_searched_once(codec: LineCodec | DelimiterCodec) -> None:
    """A long line that arrives byte by byte must not cost quadratic time."""

    class Watched(Buffer):
        searched = 0

        def find(self, what: bytes, start: int = 0) -> int:
            self.searched += len(self) - start
            return super().find(what, start)

    decoder, buffer = codec.decoder(), Watched()
    line = b"-" + b"x" * 5000
    for part in single_bytes(codec.encode(line)):
        buffer.append(part)
        frame = decoder.decode(buffer)
    assert frame == line
    assert buffer.searched < 2.1 * len(line)


# ---------------------------------------------------------------------- one by one


def test_defaults() -> None:
    for codec in (LineCodec(), DelimiterCodec(), LengthHeaderCodec()):
        assert codec.max_size == 65536
    assert LineCodec().encode(b"hello") == b"hello\n"
    assert LineCodec(crlf=True).encode(b"hello") == b"hello\r\n"
    assert DelimiterCodec().encode(b"hello") == b"hello\0"
    assert DelimiterCodec(b"--").encode(b"hello") == b"hello--"
    # The bytes of muduo's chat example.
    assert LengthHeaderCodec().encode(b"hello") == b"\x00\x00\x00\x05hello"
    assert LengthHeaderCodec().encode(b"") == b"\x00\x00\x00\x00"


def test_line_ends() -> None:
    stream = b"a\nb\r\n\n\r\nc\r\r\nd\re\n\xe4\xbd\xa0\nf"
    assert decoded(LineCodec(), [stream]) == Outcome(
        [b"a", b"b", b"", b"", b"c\r", b"d\re", "你".encode()], None, b"f"
    )


@pytest.mark.parametrize("payload", [b"\n", b"a\nb", b"a\n", b"a\r", b"\r"])
def test_lines_that_are_none(payload: bytes) -> None:
    for codec in (LineCodec(), LineCodec(crlf=True)):
        with pytest.raises(BadPayloadError):
            codec.encode(payload)


@pytest.mark.parametrize("payload", [b"--", b"a--b", b"a-", b"-"])
def test_payloads_that_hold_the_delimiter(payload: bytes) -> None:
    with pytest.raises(BadPayloadError) as caught:
        DelimiterCodec(b"--").encode(payload)
    assert caught.value.delimiter == b"--"


@pytest.mark.parametrize("length", [-1, -(2**31)])
def test_negative_lengths(length: int) -> None:
    with pytest.raises(BadLengthError) as caught:
        LengthHeaderCodec().decode(Buffer(struct.pack("!i", length)))
    assert caught.value.length == length


def test_a_length_beyond_the_limit_is_not_waited_for() -> None:
    with pytest.raises(FrameTooLargeError) as caught:
        LengthHeaderCodec().decode(Buffer(struct.pack("!i", 65537)))
    assert (caught.value.size, caught.value.limit) == (65537, 65536)


@pytest.mark.parametrize("max_size", [0, -1])
@pytest.mark.parametrize("make", [LineCodec, DelimiterCodec, LengthHeaderCodec])
def test_limits_that_are_none(make: Callable[..., Codec], max_size: int) -> None:
    with pytest.raises(ValueError, match="max_size"):
        make(max_size=max_size)


def test_arguments_that_make_no_codec() -> None:
    with pytest.raises(ValueError, match="empty"):
        DelimiterCodec(b"")
    with pytest.raises(ValueError, match="max_size"):
        LengthHeaderCodec(2**31)


def test_errors_tell_their_fields() -> None:
    assert issubclass(CodecError, MuduoError)
    assert str(FrameTooLargeError(9, 8)) == "a frame of 9 bytes or more, 8 are allowed"
    assert str(BadLengthError(-2)) == "a length header of -2"
    assert "b'--'" in str(BadPayloadError(b"--"))
