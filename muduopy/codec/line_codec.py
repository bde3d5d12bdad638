"""LineCodec: lines of text."""

from __future__ import annotations

from muduopy.codec.codec import MAX_SIZE, checked_max_size
from muduopy.codec.delimiter_codec import DelimiterDecoder
from muduopy.codec.errors import BadPayloadError, FrameTooLargeError

LF = b"\n"
CR = b"\r"


class LineCodec:
    """Lines end with LF or CR LF, and come without their end. A line may be empty.

    The payload is bytes in an encoding that uses the byte LF for nothing else, such as UTF-8.
    Any thread.

    Attributes:
        max_size: most bytes of a line, without its end.
        ending: the end of the lines that ``encode`` makes.
    """

    __slots__ = ("ending", "max_size")

    def __init__(self, max_size: int = MAX_SIZE, *, crlf: bool = False) -> None:
        """``crlf``: end lines with CR LF instead of LF, as most Internet text protocols require.

        Raises ValueError for a limit below 1.
        """
        self.max_size = checked_max_size(max_size)
        self.ending = CR + LF if crlf else LF

    def encode(self, payload: bytes) -> bytes:
        """The frame of a line.

        Raises FrameTooLargeError; BadPayloadError for an LF, and for a CR at the end.
        """
        if len(payload) > self.max_size:
            raise FrameTooLargeError(len(payload), self.max_size)
        if LF in payload:
            raise BadPayloadError(LF)
        if payload.endswith(CR):
            raise BadPayloadError(CR)
        return payload + self.ending

    def decoder(self) -> DelimiterDecoder:
        return DelimiterDecoder(LF, self.max_size, strip_cr=True)
