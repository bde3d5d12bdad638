"""Decides by the first bytes of a connection whether it speaks HTTP. Pure.

``METHOD target HTTP/1.x`` is HTTP. Everything else is the line protocol, ``this is not JSON``
included. Silence decides nothing.
"""

from __future__ import annotations

import re
from enum import Enum

MAX_LINE = 8192
"""Bytes of a first line. A longer one is no request line."""

_TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+"

_is_request_line = re.compile(_TOKEN + rb" [^ \r\n\0]+ HTTP/1\.[0-9]\r?\n").match

_may_begin_one = re.compile(_TOKEN + rb"(?: (?:[^ \r\n\0]+(?: [HTTP/1.0-9]*\r?)?)?)?\Z").match
"""The beginning of a request line whose end has not arrived."""


class Speech(Enum):
    """What a connection speaks."""

    HTTP = "http"
    LINES = "lines"
    UNKNOWN = "unknown"


def speech_of(data: bytes) -> Speech:
    """``data``: all bytes that have arrived. UNKNOWN: ask again when more have come."""
    if _is_request_line(data):
        return Speech.HTTP
    if not data or (len(data) <= MAX_LINE and b"\n" not in data and _may_begin_one(data)):
        return Speech.UNKNOWN
    return Speech.LINES
