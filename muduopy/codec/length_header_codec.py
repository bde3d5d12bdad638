"""LengthHeaderCodec: frames that tell their length first."""

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
    """A signed 32-bit length in network byte order, then so many bytes of payload.

    As in muduo's chat example. It is its own decoder, as it has nothing to remember: how far a
    frame has arrived is seen from the buffer. Any thread, the buffer's owner for ``decode``.

    Attributes:
        max_size: the most bytes of payload.
    """

    __slots__ = ("max_size",)

    def __init__(self, max_size: int = MAX_SIZE) -> None:
        """Raises ValueError for a limit below 1 or beyond 31 bits."""
        self.max_size = checked_max_size(max_size, _MAX_LENGTH)

    def encode(self, payload: bytes) -> bytes:
        """Raises FrameTooLargeError."""
        if len(payload) > self.max_size:
            raise FrameTooLargeError(len(payload), self.max_size)
        return _HEADER.pack(len(payload)) + payload

    def decoder(self) -> LengthHeaderCodec:
        return self

    def decode(self, buffer: Buffer) -> bytes | None:
        """The next frame's payload, or None. Raises FrameTooLargeError and BadLengthError.

        A bad header is an error at once: its payload is not waited for.
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
