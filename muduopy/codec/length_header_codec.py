"""LengthHeaderCodec: frames that begin with their length."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from muduopy.codec.codec import MAX_SIZE, checked_max_size
from muduopy.codec.errors import BadLengthError, FrameTooLargeError

if TYPE_CHECKING:
    from muduopy.buffer import Buffer

_HEADER = struct.Struct("!i")
_HEADER_SIZE = _HEADER.size
_MAX_LENGTH = 2**31 - 1


class LengthHeaderCodec:
    """A signed 32-bit length in network byte order, then that many bytes of payload.

    As in muduo's chat example. It is its own decoder, because decoding needs no state beyond the
    buffer. ``decode``: the thread of the buffer's owner; the rest: any thread.

    Attributes:
        max_size: most bytes of payload.
    """

    __slots__ = ("max_size",)

    def __init__(self, max_size: int = MAX_SIZE) -> None:
        """Raises ValueError for a limit below 1 or beyond 31 bits."""
        self.max_size = checked_max_size(max_size, _MAX_LENGTH)

    def encode(self, payload: bytes) -> bytes:
        """The frame of a payload. Raises FrameTooLargeError."""
        if len(payload) > self.max_size:
            raise FrameTooLargeError(len(payload), self.max_size)
        return _HEADER.pack(len(payload)) + payload

    def decoder(self) -> LengthHeaderCodec:
        return self

    def decode(self, buffer: Buffer) -> bytes | None:
        """The next frame's payload, or None. Raises FrameTooLargeError and BadLengthError.

        A bad header raises at once, before the payload has arrived.
        """
        size = len(buffer)
        if size < _HEADER_SIZE:
            return None
        length = buffer.peek_int32()
        if length > self.max_size:
            raise FrameTooLargeError(length, self.max_size)
        if length < 0:
            raise BadLengthError(length)
        if size < _HEADER_SIZE + length:
            return None
        buffer.retrieve(_HEADER_SIZE)
        return buffer.retrieve_as_bytes(length)
