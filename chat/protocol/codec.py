"""Decodes a frame of JSON to a dict, and encodes a dict. Stricter than ujson.

ujson is fast and lax: it accepts NaN, Infinity, raw control characters and lone surrogates. Such a
value would raise an exception later, when the message is encoded for its receiver. So ``decode``
refuses it.
"""

from __future__ import annotations

import json
from typing import Any

import ujson

from chat.protocol.errors import ErrNo, ProtocolError

Message = dict[str, Any]

MAX_DEPTH = 32
"""The depth of nested arrays and objects. No message needs nearly as much."""

_CONTROL = bytes(range(32))


def decode(frame: bytes) -> Message:
    """The message in a frame. Raises ProtocolError(BAD_REQUEST) if it is not a JSON object."""
    try:
        text = frame.decode()  # ujson would accept invalid UTF-8 such as encoded surrogates
        message = ujson.loads(frame)  # quicker than from text
        # The search for one character comes first, because it is quicker and mostly enough.
        if (
            ("\\" in text and "\\u" in text)
            or ("N" in text and "NaN" in text)
            or ("I" in text and "Infinity" in text)
        ):
            _check_strictly(text, message)
    except (ValueError, RecursionError) as exc:
        raise ProtocolError(ErrNo.BAD_REQUEST, "not valid JSON in UTF-8") from exc
    if type(message) is not dict:
        raise ProtocolError(ErrNo.BAD_REQUEST, "not a JSON object")
    if len(frame.translate(None, _CONTROL)) != len(frame):
        raise ProtocolError(ErrNo.BAD_REQUEST, "raw control character in frame")
    # Most messages are flat, which two searches for one character find out quickly.
    if ("[" in text or text.find("{", 1) > 0) and _too_deep(text, message):
        raise ProtocolError(ErrNo.BAD_REQUEST, "nested too deep")
    return message


def without_nulls(message: Message) -> Message:
    """The message without fields that are null."""
    return {key: value for key, value in message.items() if value is not None}


def encode(message: Message) -> bytes:
    """A message as compact UTF-8 JSON, without terminator.

    Raises ValueError or OverflowError for NaN and infinities, which JSON does not have.
    """
    # Arguments by position take half the time of keywords (0.47 against 0.84 µs): ensure_ascii,
    # encode_html_chars, escape_forward_slashes, sort_keys, indent, allow_nan.
    return ujson.dumps(message, False, False, False, False, 0, False).encode()  # type: ignore[arg-type]


def _check_strictly(text: str, message: object) -> None:
    json.loads(text, parse_constant=_refuse_constant)
    if "\\u" in text:
        # Raises UnicodeEncodeError, a ValueError, if an escape was half of a surrogate pair.
        json.dumps(message, ensure_ascii=False).encode()


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _too_deep(text: str, message: Message) -> bool:
    return text.count("[") + text.count("{") > MAX_DEPTH and _depth(message) > MAX_DEPTH


def _depth(value: object) -> int:
    """The depth of a parsed value, without recursion. It stops counting above MAX_DEPTH."""
    depth = 0
    level = [value]
    while level and depth <= MAX_DEPTH:
        children: list[object] = []
        for item in level:
            if isinstance(item, dict):
                children.extend(item.values())
            elif isinstance(item, list):
                children.extend(item)
        if any(isinstance(item, dict | list) for item in level):
            depth += 1
        level = children
    return depth
