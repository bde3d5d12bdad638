"""Frames: turns messages into bytes (RFC 6455, 5.2).

A frame's first byte has the final-fragment bit, three reserved bits and the opcode. Its second byte
has the mask bit and the length; 126 and 127 announce a longer length in the next 2 or 8 bytes.
"""

from __future__ import annotations

import os
import struct

from muduopy.websocket.close_code import CloseCode, may_travel
from muduopy.websocket.errors import FrameError
from muduopy.websocket.masking import apply_mask

FINAL = 0x80
COMPRESSED = 0x40
"""RSV1, the first reserved bit: permessage-deflate marks a compressed message with it."""

CONTINUATION = 0x0
TEXT = 0x1
BINARY = 0x2
CLOSE = 0x8
PING = 0x9
PONG = 0xA

FINAL_TEXT = FINAL | TEXT
FINAL_BINARY = FINAL | BINARY

MASKED = 0x80
"""The mask bit in the second byte."""

MAX_CONTROL_BYTES = 125
MAX_REASON_BYTES = MAX_CONTROL_BYTES - 2

# Most frames are short text messages: a table look-up instead of making two bytes.
_SHORT_TEXT_HEADS = [bytes((FINAL_TEXT, length)) for length in range(126)]

_SHORT = struct.Struct("!BB")
_MEDIUM = struct.Struct("!BBH")
_LONG = struct.Struct("!BBQ")


def encode_frame(first: int, payload: bytes | bytearray | memoryview) -> bytes:
    """A frame of a server. ``first``: its first byte. Any thread."""
    length = len(payload)
    if length < 126:
        head = _SHORT_TEXT_HEADS[length] if first == FINAL_TEXT else _SHORT.pack(first, length)
    elif length < 0x10000:
        head = _MEDIUM.pack(first, 126, length)
    else:
        head = _LONG.pack(first, 127, length)
    return head + payload


def encode_masked_frame(first: int, payload: bytes | bytearray | memoryview) -> bytes:
    """A frame of a client, with a fresh key. ``first``: its first byte. Any thread."""
    length = len(payload)
    if length < 126:
        head = _SHORT.pack(first, MASKED | length)
    elif length < 0x10000:
        head = _MEDIUM.pack(first, MASKED | 126, length)
    else:
        head = _LONG.pack(first, MASKED | 127, length)
    key = os.urandom(4)
    return head + key + apply_mask(payload, key)


def close_payload(code: int, reason: str) -> bytes:
    """The payload of a Close frame; empty for NO_CODE. Any thread.

    Raises ValueError for a code that may not travel, and for a reason of more than 123 bytes.
    """
    if code == CloseCode.NO_CODE and not reason:
        return b""
    if not may_travel(code):
        raise ValueError(f"close code {code}: use 1000, or 3000 to 4999")
    text = reason.encode()
    if len(text) > MAX_REASON_BYTES:
        raise ValueError(f"a close reason of {len(text)} bytes has more than {MAX_REASON_BYTES}")
    return code.to_bytes(2, "big") + text


def parse_close(payload: bytes) -> tuple[int, str]:
    """Code and reason of an arrived Close frame. Any thread. Raises FrameError."""
    if not payload:
        return CloseCode.NO_CODE, ""
    code = int.from_bytes(payload[:2], "big")
    if len(payload) < 2 or not may_travel(code):
        raise FrameError(CloseCode.PROTOCOL_ERROR, "a Close frame with an invalid code")
    try:
        return code, payload[2:].decode()
    except UnicodeDecodeError:
        raise FrameError(
            CloseCode.INVALID_DATA, "a Close frame whose reason is not UTF-8"
        ) from None
