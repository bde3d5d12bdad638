"""LineFramer: the end of frames on the wire, and the peers that it tells apart."""

from __future__ import annotations

import pytest

from chat.connection.framing import Framer, LineFramer, pack_for_original, pack_for_unknown
from chat.protocol import FrameDecoder


def fed(*pieces: bytes) -> LineFramer:
    framer = LineFramer()
    for piece in pieces:
        framer.feed(piece)
    framer.take()
    return framer


@pytest.mark.parametrize("end", [b"\n", b"\0"])
def test_answers_end_as_the_peer_s_frames_do(end: bytes) -> None:
    framer = fed(b"{}" + end)
    assert framer.pack((b"1",)) == b"1" + end
    assert framer.pack([b"1", b"2"]) == b"1" + end + b"2" + end


@pytest.mark.parametrize("end", [b"\n", b"\0"])
def test_packed_frames_are_cut_again(end: bytes) -> None:
    packed = fed(b"{}" + end).pack([b"1", b"22", b"333"])
    decoder = FrameDecoder()
    found = []
    for place in range(len(packed)):  # byte by byte
        decoder.feed(packed[place : place + 1])
        found += decoder.take()
    assert found == [b"1", b"22", b"333"]


@pytest.mark.parametrize(
    ("pieces", "may_be_original", "ends_with_lf"),
    [
        ((), True, False),
        ((b"{",), True, False),
        ((b"{}\n",), False, True),
        ((b"{", b"}\r\n"), False, True),
        ((b"{}\0",), True, False),
    ],
)
def test_peers(pieces: tuple[bytes, ...], may_be_original: bool, ends_with_lf: bool) -> None:
    framer = fed(*pieces)
    assert (framer.may_be_original, framer.ends_with_lf) == (may_be_original, ends_with_lf)


def test_a_peer_with_a_frame_that_is_too_large_is_not_taken_for_an_original() -> None:
    framer = LineFramer(max_frame=10)
    framer.feed(b"x" * 20)
    framer.take()
    assert framer.too_large
    assert not framer.may_be_original


def test_a_peer_without_terminator_gets_nul() -> None:
    framer = fed(b"{}")
    framer.answer_with_nul()
    assert framer.pack((b"1",)) == b"1\0"
    assert framer.may_be_original


def test_single_frames_before_the_first_one_of_the_peer() -> None:
    assert pack_for_original(b"1") == b"1\0"
    assert pack_for_unknown(b"1") == b"1\n"


def test_it_is_a_framer() -> None:
    framer: Framer = LineFramer()
    assert framer.held == 0
