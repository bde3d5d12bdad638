"""Case: one exchange with an echo server, and its expected outcome."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.muduopy.websocket.rawpeer import CLOSE, Frame, RawPeer, close

WHOLE, FRAMEWISE, OCTETWISE = "whole", "framewise", "octetwise"

QUIET_SECONDS = 0.05
"""The time without an answer after which the server is taken to wait for more."""


@dataclass(frozen=True)
class Scale:
    """How large the cases are: those of the suite, or smaller ones for the tests.

    Attributes:
        most_bytes: the largest message.
        messages: the number of messages of a case with many.
    """

    most_bytes: int
    messages: int

    def messages_of(self, length: int) -> int:
        """So many messages of this length, at least two."""
        return max(2, min(self.messages, self.messages * 4096 // max(length, 1)))


FULL = Scale(most_bytes=16 << 20, messages=1000)
SMALL = Scale(most_bytes=1 << 20, messages=20)

Run = Callable[[RawPeer, Scale], None]
"""Runs a case on an open connection. Raises AssertionError or OSError if it fails."""


@dataclass(frozen=True)
class Case:
    """A case of the suite.

    Attributes:
        number: as in the suite, "6.4.1".
        title: one line about it.
        run: does it.
        fields: header fields of the handshake.
    """

    number: str
    title: str
    run: Run
    fields: tuple[str, ...] = ()

    @property
    def group(self) -> str:
        """The number without its last part."""
        return self.number.rpartition(".")[0]


def send(peer: RawPeer, frames: Sequence[bytes], mode: str = WHOLE) -> None:
    """Send frames in one piece, one by one, or octet by octet."""
    try:
        if mode == WHOLE:
            peer.send(*frames)
        elif mode == FRAMEWISE:
            peer.send_pieces(frames)
        else:
            peer.send_bytewise(b"".join(frames))
    except ConnectionError:
        pass  # the server has refused the beginning already


def close_cleanly(peer: RawPeer) -> None:
    """Send Close 1000, and take the answer and the end."""
    peer.send(close(1000))
    answer = peer.read()
    assert answer.opcode == CLOSE, f"{answer} before the Close"
    assert answer.code == 1000, answer
    assert peer.at_end(), "bytes after the Close"


def expect_failure(peer: RawPeer, code: int) -> None:
    """The server sends a Close with this code, and ends the connection."""
    last = peer.read()
    assert last.opcode == CLOSE, f"{last} in place of a Close"
    assert last.code == code, f"{last.code} in place of {code}"
    assert peer.at_end(), "bytes after the Close"


def expect_silence(peer: RawPeer) -> None:
    """The server waits for more."""
    before = peer.socket.gettimeout()
    peer.socket.settimeout(QUIET_SECONDS)
    try:
        early = peer.socket.recv(1)
    except TimeoutError:
        early = None
    finally:
        peer.socket.settimeout(before)
    assert early is None, f"an early answer: {early!r}"


def exchange(
    frames: Sequence[bytes],
    expected: Sequence[Frame] = (),
    *,
    fails_with: int | None = None,
    mode: str = WHOLE,
) -> Run:
    """A case that sends frames and expects these answers, then a clean close or a failure."""

    def run(peer: RawPeer, scale: Scale) -> None:
        send(peer, frames, mode)
        for frame in expected:
            answer = peer.read()
            assert answer == frame, f"{answer} in place of {frame}"
        if fails_with is None:
            close_cleanly(peer)
        else:
            expect_failure(peer, fails_with)

    return run


def half_close(peer: RawPeer) -> None:
    """End this side of the connection."""
    peer.socket.shutdown(socket.SHUT_WR)
