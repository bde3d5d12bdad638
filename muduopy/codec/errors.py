"""The exceptions of codecs.

    MuduoError
    └── CodecError
        ├── FrameTooLargeError    when decoding, the peer's fault; when encoding, the caller's
        ├── BadLengthError        the peer's fault: an impossible length header
        └── BadPayloadError       the caller's fault: it would not arrive as one frame

Constructors of codecs raise ``ValueError`` for wrong arguments.
"""

from __future__ import annotations

from muduopy.errors import MuduoError


class CodecError(MuduoError):
    """Root of the codecs' exceptions. A decoder that raised one cannot find the next frame."""


class FrameTooLargeError(CodecError):
    """A frame exceeds the codec's limit.

    Attributes:
        size: bytes of payload; for an incomplete frame, the bytes that it has at least.
        limit: most bytes that the codec allows.
    """

    def __init__(self, size: int, limit: int) -> None:
        super().__init__(size, limit)
        self.size = size
        self.limit = limit

    def __str__(self) -> str:
        return f"a frame of {self.size} bytes or more, {self.limit} are allowed"


class BadLengthError(CodecError):
    """A length header is negative.

    Attributes:
        length: the length in the header.
    """

    def __init__(self, length: int) -> None:
        super().__init__(length)
        self.length = length

    def __str__(self) -> str:
        return f"a length header of {self.length}"


class BadPayloadError(CodecError):
    """A payload contains the end of a frame.

    Attributes:
        delimiter: the bytes that it must not contain.
    """

    def __init__(self, delimiter: bytes) -> None:
        super().__init__(delimiter)
        self.delimiter = delimiter

    def __str__(self) -> str:
        return f"a payload must not hold {self.delimiter!r} where the frame would end"
