"""MessageDeflate: compression of messages (permessage-deflate, RFC 7692)."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from muduopy.websocket.close_code import CloseCode
from muduopy.websocket.errors import FrameError

if TYPE_CHECKING:
    from zlib import _Compress, _Decompress

COMPRESS_FROM = 64
"""Messages below this number of bytes are sent as they are: compression would hardly gain."""

MEMORY_LEVEL = 5
"""Of zlib, 1 to 9. With it and a window of 12 bits, a compressor takes 38 KiB."""

_TAIL = b"\x00\x00\xff\xff"
"""Ends each compressed message, and does not travel (RFC 7692, 7.2.1)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeflateParameters:
    """What the two sides have agreed on. Immutable; any thread.

    Attributes:
        inflate_bits, deflate_bits: the size of the window, as a power of two.
        inflate_forgets, deflate_forgets: each message begins with an empty window.
    """

    inflate_bits: int
    deflate_bits: int
    inflate_forgets: bool
    deflate_forgets: bool


class MessageDeflate:
    """Compresses and decompresses the messages of one connection. Pure.

    Both streams are made when they are first needed: a peer that only receives costs no
    decompressor. Thread contract: none; one owner.
    """

    __slots__ = ("_deflater", "_inflater", "_parameters")

    def __init__(self, parameters: DeflateParameters) -> None:
        self._parameters = parameters
        self._deflater: _Compress | None = None
        self._inflater: _Decompress | None = None

    def compress(self, message: bytes | bytearray | memoryview) -> bytes:
        """The payload of a compressed message."""
        deflater = self._deflater
        if deflater is None:
            deflater = zlib.compressobj(wbits=-self._parameters.deflate_bits, memLevel=MEMORY_LEVEL)
            if not self._parameters.deflate_forgets:
                self._deflater = deflater
        data = deflater.compress(message) + deflater.flush(zlib.Z_SYNC_FLUSH)
        return data[: -len(_TAIL)]

    def decompress(self, piece: bytes, most: int, *, last: bool) -> bytes:
        """Decompress the next piece of a message, ``last`` if nothing of it follows.

        Raises FrameError for more than ``most`` bytes, and for bytes that are not DEFLATE.
        """
        inflater = self._inflater
        if inflater is None:
            inflater = self._inflater = self._new_inflater()
        try:
            out = inflater.decompress(piece, most + 1)  # zlib stops there, so a bomb stays small
            if last and len(out) <= most:
                out += inflater.decompress(_TAIL, most + 1 - len(out))
            while inflater.eof and len(out) <= most:
                # A block with the BFINAL bit ends a DEFLATE stream. The peer then begins a new one.
                rest = inflater.unused_data
                inflater = self._inflater = self._new_inflater()
                if rest in (b"", _TAIL):
                    break
                out += inflater.decompress(rest, most + 1 - len(out))
        except zlib.error:
            raise FrameError(CloseCode.INVALID_DATA, "a message that is not DEFLATE") from None
        if len(out) > most:
            raise FrameError(CloseCode.TOO_BIG, "a message that is too big when decompressed")
        if last and self._parameters.inflate_forgets:
            self._inflater = None
        return out

    def _new_inflater(self) -> _Decompress:
        return zlib.decompressobj(wbits=-self._parameters.inflate_bits)
