"""MessageBuilder: one message that arrives in several pieces."""

from __future__ import annotations

import codecs

from muduopy.websocket.close_code import CloseCode
from muduopy.websocket.errors import FrameError
from muduopy.websocket.message_deflate import MessageDeflate

_new_utf8_decoder = codecs.getincrementaldecoder("utf-8")


class MessageBuilder:
    """Joins, decompresses and checks the pieces of a message. Pure.

    A piece is a fragment, or the part of a frame that one read has brought. Each is checked when it
    arrives: a text that cannot become UTF-8 any more is refused at once. Thread contract: none; it
    belongs to its FrameReader.

    Attributes:
        frames: the number of frames so far.
    """

    __slots__ = ("_data", "_decoder", "_deflate", "_most", "frames")

    def __init__(self, is_text: bool, most: int, deflate: MessageDeflate | None) -> None:
        """``most``: the limit in bytes. ``deflate``: decompress, else None."""
        self.frames = 1
        self._data = bytearray()
        self._most = most
        self._deflate = deflate
        self._decoder = _new_utf8_decoder() if is_text else None

    def expect(self, length: int) -> None:
        """A frame with so many bytes of payload begins. Raises FrameError if that is too much."""
        if self._deflate is None and len(self._data) + length > self._most:
            raise FrameError(CloseCode.TOO_BIG, f"a message of more than {self._most} bytes")

    def add(self, piece: bytes, *, last: bool) -> None:
        """Take a piece, ``last`` if it ends the message. Raises FrameError."""
        if self._deflate is not None:
            piece = self._deflate.decompress(piece, self._most - len(self._data), last=last)
        if self._decoder is not None:
            try:
                self._decoder.decode(piece, last)
            except UnicodeDecodeError:
                raise not_utf8() from None
        self._data += piece

    def finish(self) -> str | bytes:
        """The message, after its last piece: text or binary."""
        return bytes(self._data) if self._decoder is None else self._data.decode()


def not_utf8() -> FrameError:
    """The error of a text message that is not UTF-8."""
    return FrameError(CloseCode.INVALID_DATA, "a text message that is not UTF-8")
