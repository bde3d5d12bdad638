"""The codec: strict where ujson is lax; it raises its own errors only."""

from __future__ import annotations

import json
import math
import random
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from chat.protocol import ErrNo, ProtocolError, decode, encode
from chat.protocol.codec import MAX_DEPTH
from tests.tiers import examples

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)
MESSAGES = st.dictionaries(TEXT, VALUES, max_size=6)

# Bytes that are nearly JSON: pieces of it in any order, and noise.
PIECES = st.sampled_from(
    [
        *(bytes([char]) for char in b'{}[]":,\\ \t\n\r\0-+.0123456789eE'),
        *(b"NaN", b"Infinity", b"-Infinity", b"null", b"true", b"false", b"nul"),
        *(b"\\u", b"\\ud800", b"\\udc00", b"\\ud83d\\ude00", b"\\u0000", b"\\n", b"\\x"),
        *(b'"a":', b'{"a":', b"1e999", b"9" * 30, b"9" * 5000, b"[" * 1100, b'{"a":' * 1100),
        *(b"\xff", b"\xed\xa0\x80", b"\xc0\x80", b"\xf0\x9f\x98\x80", b"\xef\xbb\xbf", b"\x7f"),
    ]
)
NEARLY_JSON = st.lists(PIECES, max_size=12).map(b"".join)


def check_decode(frame: bytes) -> None:
    """Rules for any bytes."""
    try:
        message = decode(frame)
    except ProtocolError as exc:
        assert exc.errno is ErrNo.BAD_REQUEST
        assert exc.errmsg
        return
    assert type(message) is dict
    try:
        again = encode(message)
    except (ValueError, OverflowError):
        return  # a number that JSON can write and Python not hold
    assert not any(char < 32 for char in again)
    assert decode(again) == message


@given(st.binary(max_size=60))
@settings(max_examples=examples(500), deadline=None, database=None)
def test_arbitrary_bytes(frame: bytes) -> None:
    check_decode(frame)


@given(NEARLY_JSON)
@example(b"[" * 100_000)
@example(b'{"a":' * 100_000)
@example(b'{"a":"\\u0061"' + b',"b":' + b"[" * 900 + b"]" * 900 + b"}")
@settings(max_examples=examples(1000), deadline=None, database=None)
def test_bytes_that_are_nearly_json(frame: bytes) -> None:
    check_decode(frame)
    check_decode(b'{"a":' + frame + b"}")
    check_decode(b'{"a":"' + frame + b'"}')


@given(MESSAGES, st.data())
@settings(max_examples=examples(300), deadline=None, database=None)
def test_damaged_messages(message: dict[str, Any], data: st.DataObject) -> None:
    frame = bytearray(json.dumps(message, ensure_ascii=data.draw(st.booleans())).encode())
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(frame) - 1))
        frame[place] = data.draw(st.integers(0, 255))
    check_decode(bytes(frame))


@given(MESSAGES, st.booleans())
@settings(max_examples=examples(500), deadline=None, database=None)
def test_every_message_goes_through(message: dict[str, Any], ascii_only: bool) -> None:
    assert decode(json.dumps(message, ensure_ascii=ascii_only).encode()) == message
    frame = encode(message)
    assert decode(frame) == message
    assert json.loads(frame) == message
    assert not any(char < 32 for char in frame)  # frame terminators could hide there


def test_encode_is_compact_utf8() -> None:
    assert encode({"msg": "grüß/你好\n", "to": [1, 2]}) == (
        '{"msg":"grüß/你好\\n","to":[1,2]}'.encode()
    )


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
def test_encode_refuses_numbers_that_json_lacks(number: float) -> None:
    with pytest.raises((ValueError, OverflowError)):
        encode({"number": number})


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        b" ",
        b"null",
        b"1",
        b'"text"',
        b"[]",
        b'[{"msgid":1}]',
        b"{",
        b'{"a":1}x',
        b'{"a":1}{"a":1}',
        b"{'a':1}",
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b'{"a":-Infinity}',
        b'{"a":"\\ud800"}',
        b'{"a":"\\udc00\\ud800"}',
        b'{"\\ud800":1}',
        b'{"a":"\xed\xa0\x80"}',
        b'{"a":"\xff"}',
        b'{"a":"\xc0\x80"}',
        b'{"a":"\t"}',
        b'{"a":\t1}',
        b'{"a":"\0"}',
        b'{"a":"\x1f"}',
        b"\xef\xbb\xbf{}",
        b'{"a":"\\x"}',
        b'{"a":"\\u12"}',
    ],
)
def test_refused(frame: bytes) -> None:
    with pytest.raises(ProtocolError) as caught:
        decode(frame)
    assert caught.value.errno is ErrNo.BAD_REQUEST


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (b"{}", {}),
        (b' { "a" : 1 } ', {"a": 1}),
        (b'{"a":"NaN and Infinity"}', {"a": "NaN and Infinity"}),
        (b'{"a":"\\ud83d\\ude00"}', {"a": "\U0001f600"}),
        (b'{"a":"\\u0000\\n"}', {"a": "\0\n"}),
        (b'{"a":"\x7f"}', {"a": "\x7f"}),
        (b'{"a":1,"a":2}', {"a": 2}),
        (b'{"a":18446744073709551615}', {"a": 2**64 - 1}),
    ],
)
def test_accepted(frame: bytes, message: dict[str, Any]) -> None:
    assert decode(frame) == message


@pytest.mark.parametrize(("opening", "closing"), [(b"[", b"]"), (b'{"a":', b"}")])
def test_depth(opening: bytes, closing: bytes) -> None:
    def nested(depth: int) -> bytes:
        """An object of so many levels, itself counted."""
        return b'{"a":' + opening * (depth - 1) + b"1" + closing * (depth - 1) + b"}"

    decode(nested(MAX_DEPTH))
    for depth in (MAX_DEPTH + 1, 500, 20_000):
        with pytest.raises(ProtocolError):
            decode(nested(depth))


def test_depth_is_not_width() -> None:
    message = {"a": [[number] for number in range(1000)], "b": "[" * 1000}
    assert decode(encode(message)) == message


def test_the_largest_frames_of_noise() -> None:
    rng = random.Random(1)
    for alphabet in (b'[]{}",:0', bytes(range(256)), b'\\u"{}d8', b"0123456789", b"NaNIfinty-"):
        check_decode(bytes(rng.choices(alphabet, k=64 * 1024)))


def test_the_error_has_words_and_extra_fields() -> None:
    error = ProtocolError(ErrNo.TOO_MANY, "slow down", retry_after=3)
    assert (error.errno, error.errmsg, error.extra) == (6, "slow down", {"retry_after": 3})
    assert str(error) == "errno 6: slow down"
