"""DelimiterCodec: frames that end with a delimiter."""

from __future__ import annotations

from typing import TYPE_CHECKING

from muduopy.codec.codec import MAX_SIZE, checked_max_size
from muduopy.codec.errors import BadPayloadError, FrameTooLargeError

if TYPE_CHECKING:
    from muduopy.buffer import Buffer


class DelimiterCodec:
    """Frames end with a delimiter: one NUL, or any other bytes. A frame may be empty.

    There is no escaping, so the payload must not contain the delimiter. Any thread.

    Attributes:
        delimiter: the bytes that end a frame.
        max_size: most bytes of payload.
    """

    __slots__ = ("delimiter", "max_size")

    def __init__(self, delimiter: bytes = b"\0", max_size: int = MAX_SIZE) -> None:
        """Raises ValueError for an empty delimiter and for a limit below 1."""
        if not delimiter:
            raise ValueError("the delimiter is empty")
        self.delimiter = delimiter
        self.max_size = checked_max_size(max_size)

    def encode(self, payload: bytes) -> bytes:
        """The frame of a payload.

        Raises FrameTooLargeError, and BadPayloadError if the frame would end too early.
        """
        if len(payload) > self.max_size:
            raise FrameTooLargeError(len(payload), self.max_size)
        frame = payload + self.delimiter
        # Search the frame and not the payload: b"a-" before the delimiter b"--" ends a byte early.
        if frame.find(self.delimiter) < len(payload):
            raise BadPayloadError(self.delimiter)
        return frame

    def decoder(self) -> DelimiterDecoder:
        return DelimiterDecoder(self.delimiter, self.max_size)


class DelimiterDecoder:
    """Cuts at delimiters. It searches each byte once, even if the bytes come one by one."""

    __slots__ = ("_delimiter", "_grace", "_max_size", "_overlap", "_searched", "_strip_cr")

    def __init__(self, delimiter: bytes, max_size: int, *, strip_cr: bool = False) -> None:
        """``strip_cr``: a CR right before the delimiter belongs to it."""
        self._delimiter = delimiter
        self._max_size = max_size
        self._strip_cr = strip_cr
        self._overlap = len(delimiter) - 1  # so many bytes at the end may begin a delimiter
        self._grace = self._overlap + strip_cr  # the same, with a CR
        self._searched = 0  # no delimiter begins before this place

    def decode(self, buffer: Buffer) -> bytes | None:
        """The next frame's payload, or None. Raises FrameTooLargeError."""
        end = buffer.find(self._delimiter, self._searched)
        if end < 0:
            self._wait(len(buffer))
            return None
        frame = buffer.peek(end)
        if self._strip_cr and frame.endswith(b"\r"):
            frame = frame[:-1]
        if len(frame) > self._max_size:
            raise FrameTooLargeError(len(frame), self._max_size)
        buffer.retrieve(end + len(self._delimiter))
        self._searched = 0
        return frame

    def _wait(self, size: int) -> None:
        least = size - self._grace
        if least > self._max_size:
            raise FrameTooLargeError(least, self._max_size)
        self._searched = size - self._overlap if size > self._overlap else 0
