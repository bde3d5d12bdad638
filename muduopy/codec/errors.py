"""What codecs raise.

    MuduoError
    └── CodecError
        ├── FrameTooLargeError    decoding: the peer's fault; encoding: the caller's
        ├── BadLengthError        the peer's fault: a header that no frame has
        └── BadPayloadError       the caller's fault: this would not arrive as one frame

Wrong arguments of a codec's constructor stay ``ValueError``.
"""

from __future__ import annotations

from muduopy.errors import MuduoError


class CodecError(MuduoError):
    """Root of the codecs' exceptions. A decoder that has raised one is lost in its stream."""


class FrameTooLargeError(CodecError):
    """A frame exceeds the codec's limit.

    Attributes:
        size: bytes of payload; of a frame that has not ended yet, how many there are at least.
        limit: how many the codec allows.
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
        length: what it says.
    """

    def __init__(self, length: int) -> None:
        super().__init__(length)
        self.length = length

    def __str__(self) -> str:
        return f"a length header of {self.length}"


class BadPayloadError(CodecError):
    """A payload to be sent looks as if its frame ended elsewhere.

    Attributes:
        delimiter: what it holds and must not.
    """

    def __init__(self, delimiter: bytes) -> None:
        super().__init__(delimiter)
        self.delimiter = delimiter

    def __str__(self) -> str:
        return f"a payload must not hold {self.delimiter!r} where the frame would end"
