"""LineCodec: lines of text."""

from __future__ import annotations

from muduopy.codec.codec import MAX_SIZE, checked_max_size
from muduopy.codec.delimiter_codec import DelimiterDecoder
from muduopy.codec.errors import BadPayloadError, FrameTooLargeError

LF = b"\n"
CR = b"\r"


class LineCodec:
    """Lines end with LF or with CR LF; which of the two is not told. Empty lines are lines.

    The payload is bytes, in any encoding that leaves LF alone, such as UTF-8. Any thread.

    Attributes:
        max_size: the most bytes of a line, its end not counted.
        ending: what ``encode`` puts at the end.
    """

    __slots__ = ("ending", "max_size")

    def __init__(self, max_size: int = MAX_SIZE, *, crlf: bool = False) -> None:
        """``crlf``: send CR LF, as most text protocols of the Internet demand, instead of LF.

        Raises ValueError for a limit below 1.
        """
        self.max_size = checked_max_size(max_size)
        self.ending = CR + LF if crlf else LF

    def encode(self, payload: bytes) -> bytes:
        """Raises FrameTooLargeError; BadPayloadError for an LF, and for a CR at the end."""
        if len(payload) > self.max_size:
            raise FrameTooLargeError(len(payload), self.max_size)
        if LF in payload:
            raise BadPayloadError(LF)
        if payload.endswith(CR):
            raise BadPayloadError(CR)
        return payload + self.ending

    def decoder(self) -> DelimiterDecoder:
        return DelimiterDecoder(LF, self.max_size, strip_cr=True)
