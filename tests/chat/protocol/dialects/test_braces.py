"""BraceCutter: frames that end with their closing brace."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.protocol.dialects import BraceCutter

FRAMES = [
    b'{"msgid":1}',
    b'{"msg":"a } in { a string"}',
    rb'{"msg":"a quote \" and a backslash \\"}',
    b'{"a":{"b":[{"c":{}}]},"d":[]}',
    '{"msg":"你好"}'.encode(),
]


def cut_all(cutter: BraceCutter, held: bytearray) -> list[bytes]:
    frames: list[bytes] = []
    while pieces := cutter.cut(held, 3):
        frames += [piece for piece in pieces if piece]
    return frames


def test_several_in_a_row_are_split() -> None:
    held = bytearray(b"".join(FRAMES))
    cutter = BraceCutter()
    assert cut_all(cutter, held) == FRAMES
    assert not held
    assert cutter.found == len(FRAMES)


def test_the_limit_is_kept() -> None:
    held = bytearray(b'{"a":1}{"b":2}{"c":3}')
    cutter = BraceCutter()
    assert cutter.cut(held, 2) == [b'{"a":1}', b'{"b":2}']
    assert cutter.cut(held, 2) == [b'{"c":3}']
    assert cutter.cut(held, 2) == []


@pytest.mark.parametrize("end", [b"", b"\n", b"\n\n", b"\r\n", b" \n "])
def test_byte_by_byte(end: bytes) -> None:
    cutter, held, frames = BraceCutter(), bytearray(), list[bytes]()
    for frame in FRAMES:
        for byte in frame:
            before = len(frames)
            held.append(byte)
            frames += cut_all(cutter, held)
        assert frames[before:] == [frame], "at its last byte, and not before"
        held += end
        assert cut_all(cutter, held) == []
    assert frames == FRAMES


@pytest.mark.parametrize(
    ("stream", "frames"),
    [
        (b'junk{"a":1}{"b":2}', [b'junk{"a":1}', b'{"b":2}']),
        (b'}{"b":2}', [b"}", b'{"b":2}']),
        (b'{"a":"\n{"b":2}', [b'{"a":"', b'{"b":2}']),
        (b'{"a":"\\\n{"b":2}', [b'{"a":"\\', b'{"b":2}']),
        (b'{"a":\n{"b":2}', [b'{"a":', b'{"b":2}']),
        (b'no "quotes" count here {"b":2}', [b'no "quotes" count here {"b":2}']),
        (b"{" * 33 + b'{"b":2}', [b"{" * 33, b'{"b":2}']),
        (b'{"a":"\\', []),
        (b'{"a":1', []),
    ],
)
def test_garbage_is_cut_off(stream: bytes, frames: list[bytes]) -> None:
    held = bytearray(stream)
    assert cut_all(BraceCutter(), held) == frames


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.lists(st.dictionaries(st.text(), values, max_size=4), max_size=4), st.data())
def test_all_json_objects_are_found(messages: list[dict[str, Any]], data: st.DataObject) -> None:
    frames = [json.dumps(message, ensure_ascii=False).encode() for message in messages]
    stream = b"".join(frames)
    cutter, held, found = BraceCutter(), bytearray(), list[bytes]()
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        held += stream[:size]
        stream = stream[size:]
        found += cut_all(cutter, held)
    assert found == frames


@given(st.binary(max_size=200), st.data())
def test_pieces_do_not_matter(stream: bytes, data: st.DataObject) -> None:
    whole = cut_all(BraceCutter(), bytearray(stream))
    cutter, held, found = BraceCutter(), bytearray(), list[bytes]()
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        held += stream[:size]
        stream = stream[size:]
        found += cut_all(cutter, held)
    assert found == whole


@pytest.mark.parametrize(
    ("begin", "repeated"),
    [
        (b'{"a":"', b"x"),
        (b'{"a":"', b'\\"'),
        (b'{"a":"', b"\\\\"),
        (b'{"a":', b"["),
        (b'{"a":[', b"{},"),
        (b'{"a":[', b"{{}},"),
        (b'{"a":[', b'"",'),
    ],
)
def test_each_byte_is_looked_at_once(begin: bytes, repeated: bytes) -> None:
    """In any number of pieces: four times the bytes do not take sixteen times the time."""

    def seconds(size: int) -> float:
        stream = (begin + repeated * size)[:size]
        cutter, held = BraceCutter(), bytearray()
        begun = time.thread_time()
        for at in range(0, size, 16):
            held += stream[at : at + 16]
            assert cutter.cut(held, 1) == []
        return time.thread_time() - begun

    seconds(1024)
    few, many = min(seconds(16_384) for _ in range(3)), min(seconds(65_536) for _ in range(3))
    assert many < 8 * few
