"""Framing: cuts the bytes of one connection into frames, and makes bytes of frames.

A frame is one JSON object. A framer knows how frames are separated on the wire. There is one
implementation, for TCP: lines that end with LF or with NUL.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Protocol

from chat.protocol import LF, NUL, FrameDecoder


class Framer(Protocol):
    """The framing of one connection. The connection's loop.

    Attributes:
        max_frame: the limit of one frame in bytes; may be changed at any time.
        taken: the number of frames that the last ``take`` has cut, empty ones included.
        too_large: a frame exceeded the limit; no further frame is cut.
    """

    max_frame: int
    taken: int
    too_large: bool

    @property
    def held(self) -> int:
        """The number of bytes that wait: frames that were not taken, and an unfinished one."""

    @property
    def may_be_original(self) -> bool:
        """Can the peer be a client of the original? False for a framer of another transport."""

    def whole(self, data: bytes) -> bytes | None:
        """The frame, if ``data`` is exactly one and nothing waits; None means: ``feed`` it."""

    def several(self, data: bytes, limit: int) -> list[bytes] | None:
        """The frames, if ``data`` is two to ``limit`` and nothing waits; None: ``feed`` it."""

    def feed(self, data: bytes) -> None:
        """Add the next bytes of the stream."""

    def take(self, limit: int) -> list[bytes]:
        """Cut up to ``limit`` frames, in order."""

    def clear(self) -> None:
        """Drop the bytes that were fed and not taken."""

    def surplus(self, received: int) -> int:
        """Of the ``received`` bytes so far, those that made no frame, since the last call.

        Bytes of which the service learns nothing, such as a WebSocket's Pings.
        """

    def pack(self, frames: Collection[bytes]) -> bytes:
        """The bytes that carry these frames, at least one, to the peer."""

    def pack_one(self, frame: bytes) -> bytes:
        """``pack`` for one frame. Every live message passes here."""


class LineFramer(FrameDecoder):
    """Frames that end with LF or NUL: with the one that ended the peer's first frame."""

    __slots__ = ()

    @property
    def may_be_original(self) -> bool:
        """Clients of the original end their frames with NUL, or with nothing."""
        return self.terminator == NUL or not (self.decided or self.too_large)

    @property
    def ends_with_lf(self) -> bool:
        """Has the peer ended a frame with LF? No client of the original does."""
        return self.decided and self.terminator == LF

    def answer_with_nul(self) -> None:
        """The peer ends its frames with nothing: from here on it gets NUL."""
        self.terminator = NUL

    def surplus(self, received: int) -> int:
        """Each byte belongs to a line, and ``FlowControl.keep`` charges for it."""
        return 0

    def pack(self, frames: Collection[bytes]) -> bytes:
        """The bytes that carry these frames, at least one, to the peer."""
        end = self.terminator
        return end.join(frames) + end

    def pack_one(self, frame: bytes) -> bytes:
        """``pack`` for one frame."""
        return frame + self.terminator


def pack_for_original(frame: bytes) -> bytes:
    """The bytes of one frame for a client of the original, also before its first frame has ended.

    Its own frames may end with nothing, but it parses up to the first NUL.
    """
    return frame + NUL


def pack_for_unknown(frame: bytes) -> bytes:
    """The bytes of one frame for a peer that has sent nothing yet."""
    return frame + LF
