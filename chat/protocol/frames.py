"""Frames: where one JSON object ends and the next begins in a stream of bytes.

A frame ends with LF or with one NUL; CR before LF is dropped, empty frames are skipped.
Neither byte can occur inside a frame, because raw control characters are not allowed there.
That makes the decoder simple: it turns every NUL into LF and splits.
"""

from __future__ import annotations

LF = b"\n"
NUL = b"\0"
CR = 13

MAX_FRAME = 64 * 1024
"""Default limit of one frame in bytes, terminator not counted."""


class FrameDecoder:
    """Cuts a byte stream into frames.

    It holds at most one unfinished frame of ``max_frame`` bytes. It does not look inside
    frames. Not thread-safe: one decoder belongs to one connection.

    Attributes:
        terminator: ``b"\\n"`` or ``b"\\0"``, whichever ended the first frame; ``b"\\n"``
            until then. Answers on this connection end with it.
        too_large: True once a frame exceeded the limit. Nothing is decoded after that.
    """

    __slots__ = ("_decided", "_max_frame", "_other", "_tail", "terminator", "too_large")

    def __init__(self, max_frame: int = MAX_FRAME) -> None:
        self.terminator = LF
        self.too_large = False
        self._decided = False
        self._other = NUL
        self._max_frame = max_frame
        self._tail: bytearray | None = None

    def feed(self, data: bytes) -> list[bytes]:
        """Take the next bytes of the stream; return the frames that they complete, in order.

        Frames come without terminator. When a frame is too large, the ones before it are
        still returned and ``too_large`` is set.
        """
        if self._decided and self._tail is None:
            # Nearly always: exactly one whole frame. Worth 0.3 of 0.5 µs.
            last = len(data) - 1
            if (
                data.find(self.terminator) == last
                and 0 < last <= self._max_frame
                and data[last - 1] != CR
                and self._other not in data
            ):
                return [data[:last]]
        if self.too_large:
            return []
        if NUL in data:
            if not self._decided and LF not in data[: data.index(NUL)]:
                self.terminator, self._other = NUL, LF
            self._decided = True
            data = data.replace(NUL, LF)
        pieces = data.split(LF)
        rest = pieces.pop()
        if pieces:
            self._decided = True
            if self._tail is not None:
                self._tail += pieces[0]
                pieces[0] = bytes(self._tail)
                self._tail = None
        if rest:
            self._keep(rest)
        return self._check(pieces)

    def _keep(self, rest: bytes) -> None:
        # A bytearray grows in place: a frame that arrives byte by byte costs linear time.
        if self._tail is None:
            self._tail = bytearray(rest)
        else:
            self._tail += rest
        # One byte of grace: it may be the CR of a CR LF.
        if len(self._tail) > self._max_frame + 1:
            self._overflow()

    def _check(self, pieces: list[bytes]) -> list[bytes]:
        frames = []
        for piece in pieces:
            frame = piece[:-1] if piece.endswith(b"\r") else piece
            if len(frame) > self._max_frame:
                self._overflow()
                break
            if frame:
                frames.append(frame)
        return frames

    def _overflow(self) -> None:
        self.too_large = True
        self._tail = None
        self._decided = False  # shuts the quick way
