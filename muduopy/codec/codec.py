"""The protocols Codec and Decoder. A codec of your own needs their methods, and no base class.

A codec is generic in its frame. Frames are ``bytes`` in this package; those of
``examples/_resp_codec.py`` are the values of a protocol.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from typing_extensions import TypeVar  # see muduopy.callbacks

    from muduopy.buffer import Buffer

    FrameT = TypeVar("FrameT", default=bytes)
    FrameT_co = TypeVar("FrameT_co", covariant=True, default=bytes)
else:
    from typing import TypeVar

    FrameT = TypeVar("FrameT")
    FrameT_co = TypeVar("FrameT_co", covariant=True)

MAX_SIZE = 64 * 1024
"""Default limit of a frame's payload, in bytes, from muduo's chat example."""


class Codec(Protocol[FrameT]):
    """Cuts streams into frames. A value without state, shared by all connections."""

    def encode(self, frame: FrameT, /) -> bytes:
        """The bytes of a frame on the wire. Any thread. Raises CodecError."""

    def decoder(self) -> Decoder[FrameT]:
        """A decoder for one stream, from its beginning. Any thread."""


class Decoder(Protocol[FrameT_co]):
    """Cuts one stream. It belongs to one buffer, and has the same owner (its loop thread)."""

    def decode(self, buffer: Buffer, /) -> FrameT_co | None:
        """Take the next frame out of the buffer; None if it has not arrived completely.

        An incomplete frame stays in the buffer, and only the decoder may take it out. Between
        frames other code may use the buffer. Raises CodecError when the stream breaks the rules or
        exceeds a limit: first it returns the frames before that place, then it raises at each call.
        """


def checked_max_size(max_size: int, at_most: int | None = None) -> int:
    """Return a limit that is in range. Raises ValueError for others."""
    if max_size < 1 or (at_most is not None and max_size > at_most):
        raise ValueError(f"max_size {max_size} is out of range")
    return max_size
