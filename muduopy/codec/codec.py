"""What a codec is. Your own needs no base class, only these methods.

A codec is generic in its frame: ``bytes`` for those of this package. The frames of
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
"""Default limit of a frame's payload, in bytes: that of muduo's chat example."""


class Codec(Protocol[FrameT]):
    """A way to cut streams into frames: a value without state, shared by all connections."""

    def encode(self, frame: FrameT, /) -> bytes:
        """The frame as it goes over the wire. Any thread. Raises CodecError."""

    def decoder(self) -> Decoder[FrameT]:
        """What cuts one stream, from its beginning. Any thread."""


class Decoder(Protocol[FrameT_co]):
    """Cuts one stream; belongs to one buffer, and has the same one owner (its loop thread)."""

    def decode(self, buffer: Buffer, /) -> FrameT_co | None:
        """Take the next frame out of the buffer; None if it has not arrived completely.

        What is unfinished stays in the buffer, and nobody else may take it from there. Between
        frames the buffer is anybody's. Raises CodecError when the stream breaks the rules or a
        limit, after the frames before that place, and then again at each call.
        """


def checked_max_size(max_size: int, at_most: int | None = None) -> int:
    """A limit as it was given, or ValueError."""
    if max_size < 1 or (at_most is not None and max_size > at_most):
        raise ValueError(f"max_size {max_size} is out of range")
    return max_size
