"""FrameReader, by bytes alone: every cut of the stream, and every kind of wrong frame."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from muduopy.websocket.errors import FrameError
from muduopy.websocket.frame_reader import ControlFrame, FrameReader
from muduopy.websocket.frames import (
    FINAL_BINARY,
    FINAL_TEXT,
    close_payload,
    encode_frame,
    encode_masked_frame,
    parse_close,
)
from muduopy.websocket.message_deflate import DeflateParameters, MessageDeflate
from muduopy.websocket.websocket_limits import WebSocketLimits
from tests.muduopy.websocket.rawpeer import (
    BINARY,
    CLOSE,
    CONTINUATION,
    PING,
    PONG,
    TEXT,
    frame,
)

Event = str | bytes | ControlFrame

PARAMETERS = DeflateParameters(
    inflate_bits=12, deflate_bits=12, inflate_forgets=False, deflate_forgets=False
)


def reader(*, masked: bool = True, deflate: bool = False, **limits: Any) -> FrameReader:
    return FrameReader(
        WebSocketLimits(**limits),
        masked=masked,
        deflate=MessageDeflate(PARAMETERS) if deflate else None,
    )


def read_all(one: FrameReader, pieces: Iterable[bytes]) -> list[Event]:
    found: list[Event] = []
    for piece in pieces:
        one.feed(piece)
        while (event := one.next()) is not None:
            found.append(event)
    return found


def code_of(data: bytes, pieces: Iterable[bytes] | None = None, **options: Any) -> int:
    """The close code that the bytes cause; 0 for none."""
    try:
        read_all(reader(**options), [data] if pieces is None else pieces)
    except FrameError as error:
        return error.code
    return 0


def bytewise(data: bytes) -> list[bytes]:
    return [data[i : i + 1] for i in range(len(data))]


# ---------------------------------------------------------------- what is right

lengths = st.sampled_from([0, 1, 2, 124, 125, 126, 127, 200, 65535, 65536, 70000])
payloads = st.builds(lambda n, seed: bytes([seed]) * n, lengths, st.integers(0, 127))
messages = st.one_of(st.text(max_size=40), payloads, payloads.map(bytes.decode))
controls = st.builds(ControlFrame, st.sampled_from([PING, PONG]), st.binary(max_size=125))


def in_fragments(message: str | bytes, cuts: list[int], between: bytes, masked: bool) -> bytes:
    """A message cut at these places, with a control frame between the fragments."""
    data = message.encode() if isinstance(message, str) else message
    opcode = TEXT if isinstance(message, str) else BINARY
    places = [0, *sorted(cut % (len(data) + 1) for cut in cuts), len(data)]
    parts = [data[a:b] for a, b in pairwise(places)]
    frames = [
        frame(opcode if i == 0 else CONTINUATION, part, fin=i == len(parts) - 1, masked=masked)
        for i, part in enumerate(parts)
    ]
    return between.join(frames)


@given(st.data(), st.booleans(), st.lists(st.one_of(messages, controls), max_size=8))
def test_what_was_sent_arrives_however_it_is_cut(
    data: st.DataObject, masked: bool, events: list[Event]
) -> None:
    stream = b""
    expected: list[Event] = []
    for event in events:
        if isinstance(event, ControlFrame):
            stream += frame(event.opcode, event.payload, masked=masked)
            expected.append(event)
            continue
        cuts = data.draw(st.lists(st.integers(0, 70000), max_size=3))
        stream += in_fragments(event, cuts, frame(PONG, b"between", masked=masked), masked)
        expected += [ControlFrame(PONG, b"between")] * len(cuts)
        expected.append(event)
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=10))
    places = [0, *sorted(cuts), len(stream)]
    pieces = [stream[a:b] for a, b in pairwise(places)]
    one = reader(masked=masked)
    assert read_all(one, pieces) == expected
    assert not one.incomplete


@pytest.mark.parametrize("masked", [True, False])
def test_byte_by_byte(masked: bool) -> None:
    stream = b"".join(
        [
            frame(TEXT, "grüß, 世界, 🙂".encode(), masked=masked),
            frame(BINARY, bytes(range(256)), masked=masked),
            frame(TEXT, b"", masked=masked),
            frame(TEXT, "世".encode()[:1], fin=False, masked=masked),
            frame(PING, b"now", masked=masked),
            frame(CONTINUATION, "世".encode()[1:], masked=masked),
            frame(CLOSE, b"\x03\xe8bye", masked=masked),
        ]
    )
    assert read_all(reader(masked=masked), bytewise(stream)) == [
        "grüß, 世界, 🙂",
        bytes(range(256)),
        "",
        ControlFrame(PING, b"now"),
        "世",
        ControlFrame(CLOSE, b"\x03\xe8bye"),
    ]


def test_the_encoders_agree_with_the_standard() -> None:
    for length in (0, 1, 125, 126, 65535, 65536):
        payload = b"x" * length
        assert encode_frame(FINAL_TEXT, payload) == frame(TEXT, payload, masked=False)
        assert encode_frame(FINAL_BINARY, payload) == frame(BINARY, payload, masked=False)
        masked = encode_masked_frame(FINAL_BINARY, payload)
        key = masked[-length - 4 :][:4] if length else masked[-4:]
        assert masked == frame(BINARY, payload, key=key)


def test_incomplete_tells_of_a_message_on_its_way() -> None:
    one = reader()
    for event in (frame(TEXT, b"ab", fin=False), frame(CONTINUATION, b"c")[:5]):
        one.feed(event)
        assert one.next() is None
        assert one.incomplete
    one.feed(frame(CONTINUATION, b"c", key=b"\0\0\0\0")[5:])
    one = reader()
    one.feed(frame(TEXT, b"whole"))
    assert one.next() == "whole"
    assert one.next() is None
    assert not one.incomplete


def test_an_idle_reader_keeps_no_buffer() -> None:
    one = reader()
    read_all(one, [frame(BINARY, bytes(60000))])
    assert one._data == b""


def test_a_thousand_fragments_in_one_read() -> None:
    count = 3000
    stream = frame(TEXT, b"x", fin=False) + frame(CONTINUATION, b"y", fin=False) * (count - 2)
    assert read_all(reader(), [stream + frame(CONTINUATION, b"z")]) == ["x" + "y" * 2998 + "z"]


# ---------------------------------------------------------------- what is wrong


@pytest.mark.parametrize("rsv", range(1, 8))
@pytest.mark.parametrize("opcode", [TEXT, BINARY, PING, PONG, CLOSE])
def test_reserved_bits(opcode: int, rsv: int) -> None:
    assert code_of(frame(opcode, b"\x03\xe8", rsv=rsv)) == 1002
    expected = 0 if rsv == 4 and opcode in (TEXT, BINARY) else 1002
    if expected:
        assert code_of(frame(opcode, b"\x03\xe8", rsv=rsv), deflate=True) == expected


@pytest.mark.parametrize("opcode", [3, 4, 5, 6, 7, 11, 12, 13, 14, 15])
@pytest.mark.parametrize("payload", [b"", b"x", b"x" * 126])
def test_unknown_opcodes(opcode: int, payload: bytes) -> None:
    data = frame(opcode, payload)
    assert code_of(data) == 1002
    assert code_of(data, bytewise(data)) == 1002


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(frame(CONTINUATION, b"x"), id="continuation of nothing"),
        pytest.param(frame(CONTINUATION, b"x", fin=False), id="open continuation of nothing"),
        pytest.param(frame(TEXT, b"x", fin=False) + frame(TEXT, b"y"), id="text in a text"),
        pytest.param(frame(TEXT, b"x", fin=False) + frame(BINARY, b"y"), id="binary in a text"),
        pytest.param(
            frame(TEXT, b"x", fin=False) + frame(CONTINUATION, b"y", rsv=4), id="rsv later"
        ),
        pytest.param(frame(PING, b"x" * 126), id="long ping"),
        pytest.param(frame(CLOSE, b"\x03\xe8" + b"x" * 124), id="long close"),
        pytest.param(frame(PING, b"x", fin=False), id="ping in fragments"),
        pytest.param(frame(PONG, b"x", fin=False), id="pong in fragments"),
        pytest.param(frame(TEXT, b"x", masked=False), id="no mask"),
        pytest.param(frame(TEXT, b"x" * 300, masked=False), id="no mask, 300 bytes"),
        pytest.param(frame(TEXT, b"x" * 70000, masked=False), id="no mask, 70,000 bytes"),
        pytest.param(frame(TEXT, b"x", size=2), id="length 1 in 2 bytes"),
        pytest.param(frame(TEXT, b"x" * 125, size=8), id="length 125 in 8 bytes"),
        pytest.param(frame(TEXT, b"x" * 65535, size=8), id="length 65535 in 8 bytes"),
        pytest.param(b"\x82\xff" + b"\xff" * 8 + bytes(4), id="a length of 2**64 - 1"),
    ],
)
def test_protocol_errors(data: bytes) -> None:
    assert code_of(data) == 1002
    assert code_of(data, bytewise(data)) == 1002


def test_a_server_must_not_mask() -> None:
    for length in (0, 1, 126, 70000):
        assert code_of(frame(TEXT, b"x" * length), masked=False) == 1002


def test_messages_that_are_too_big() -> None:
    limits: dict[str, Any] = {"max_message_bytes": 200}
    assert code_of(frame(BINARY, bytes(200)), **limits) == 0
    assert code_of(frame(BINARY, bytes(201)), **limits) == 1009
    assert code_of(frame(BINARY, bytes(70000))[:14], **limits) == 1009  # by its head alone
    fragments = frame(BINARY, bytes(100), fin=False) + frame(CONTINUATION, bytes(101))
    assert code_of(fragments, **limits) == 1009
    assert code_of(fragments[:-101], **limits) == 1009
    assert code_of(b"\x82\xff" + b"\x7f" + b"\xff" * 7, **limits) == 1009


def test_messages_in_too_many_fragments() -> None:
    begin = frame(TEXT, b"", fin=False) + frame(CONTINUATION, b"", fin=False) * 8
    assert code_of(begin + frame(CONTINUATION), max_fragments=10) == 0
    more = begin + frame(CONTINUATION, b"", fin=False) + frame(CONTINUATION)
    assert code_of(more, max_fragments=10) == 1008
    assert code_of(more, bytewise(more), max_fragments=10) == 1008


INVALID = [
    b"\x80",
    b"\xc0\xaf",
    b"\xc1\xbf",
    b"\xe0\x80\xaf",
    b"\xed\xa0\x80",
    b"\xed\xbf\xbf",
    b"\xf0\x80\x80\xaf",
    b"\xf4\x90\x80\x80",
    b"\xf5\x80\x80\x80",
    b"\xf8\x88\x80\x80\x80",
    b"\xfe",
    b"\xff",
    b"\xe4\xb8",
    b"\xf0\x9f\x99",
]


@pytest.mark.parametrize("wrong", INVALID)
def test_invalid_utf8_at_every_position(wrong: bytes) -> None:
    valid = "aé世🙂z".encode()
    for place in range(len(valid) + 1):
        data = valid[:place] + wrong + valid[place:]
        try:
            data.decode()
        except UnicodeDecodeError:
            whole = frame(TEXT, data)
            assert code_of(whole) == 1007
            assert code_of(whole, bytewise(whole)) == 1007
            cut = frame(TEXT, data[:place], fin=False) + frame(CONTINUATION, data[place:])
            assert code_of(cut) == 1007
            assert code_of(cut, deflate=True) == 1007


def test_invalid_utf8_is_refused_as_soon_as_it_is_known() -> None:
    start = frame(TEXT, b"ok\xf4", fin=False)
    assert code_of(start) == 0
    assert code_of(start + frame(CONTINUATION, b"\x90", fin=False)) == 1007
    one_frame = frame(TEXT, b"ok\xf4\x90" + b"x" * 1000)
    assert code_of(one_frame[:11], bytewise(one_frame[:11])) == 0
    assert code_of(one_frame[:12], bytewise(one_frame[:12])) == 1007


@given(st.lists(st.binary(max_size=60), max_size=8), st.booleans(), st.booleans())
def test_garbage_gets_a_close_code_or_waits(
    pieces: list[bytes], masked: bool, deflate: bool
) -> None:
    assert code_of(b"", pieces, masked=masked, deflate=deflate) in (0, 1002, 1007, 1008, 1009)


# ---------------------------------------------------------------- the Close


def test_close_payloads() -> None:
    assert parse_close(b"") == (1005, "")
    assert parse_close(close_payload(1000, "é" * 61)) == (1000, "é" * 61)
    assert close_payload(1005, "") == b""
    with pytest.raises(ValueError, match="124 bytes"):
        close_payload(1000, "é" * 62)


VALID_CODES = [*range(1000, 1004), *range(1007, 1015), 3000, 3999, 4000, 4999]


def test_every_close_code() -> None:
    for code in range(0x10000):
        is_valid = code in VALID_CODES or 3000 <= code <= 4999
        payload = code.to_bytes(2, "big")
        if is_valid:
            assert parse_close(payload) == (code, "")
            assert close_payload(code, "") == payload
            continue
        with pytest.raises(FrameError) as caught:
            parse_close(payload)
        assert caught.value.code == 1002
        if code != 1005:
            with pytest.raises(ValueError, match="close code"):
                close_payload(code, "")


def test_close_frames_that_are_wrong() -> None:
    with pytest.raises(FrameError) as caught:
        parse_close(b"\x03")
    assert caught.value.code == 1002
    with pytest.raises(FrameError) as caught:
        parse_close(b"\x03\xe8\xff")
    assert caught.value.code == 1007
