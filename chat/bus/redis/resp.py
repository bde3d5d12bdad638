"""RESP: how Redis frames commands and replies (version 2 of its protocol). Pure.

Source: the specification at redis.io. Integers and publications come by the thousand, so they have
a short way through the parser: ``feed`` takes them without ``_parse``, and matches the whole head
of a publication at once.
"""

from __future__ import annotations

import re
from typing import NamedTuple

MAX_BULK = 1024 * 1024
"""Bytes of a string. With the default limits of messages, chat servers send shorter ones. A longer
publication is skipped while it arrives, so it takes no memory."""

MAX_DEPTH = 4
"""Levels of arrays in arrays. The replies that are used have two; deeper ones could exhaust the
stack."""

_CRLF = b"\r\n"
_COLON, _DOLLAR, _STAR, _PLUS, _MINUS = b":$*+-"
_message = re.compile(
    rb"\*3\r\n\$(?:7\r\nmessage|8\r\nsmessage)\r\n\$\d+\r\n([^\r\n]*)\r\n\$(\d+)\r\n"
).match
"""The head of a publication: its channel, and the length of the payload that follows."""


class RespError(Exception):
    """This is not RESP; the rest of the stream cannot be parsed."""


class ErrorReply(NamedTuple):
    """An error that Redis has replied: ``WRONGPASS …``, ``MOVED …``, ``NOPERM …``."""

    text: str

    @property
    def code(self) -> str:
        """Its first word."""
        return self.text.partition(" ")[0]


class Published(NamedTuple):
    """A publication; ``payload`` is None where it was too long."""

    channel: bytes
    payload: bytes | None


Reply = int | bytes | None | ErrorReply | Published | list["Reply"]


def encode_command(*words: bytes) -> bytes:
    """A command as Redis expects it."""
    head = b"*%d\r\n" % len(words)
    return head + b"".join([b"$%d\r\n%b\r\n" % (len(word), word) for word in words])


class RespParser:
    """Cuts a stream into replies. One thread at a time.

    An incomplete reply is kept, and parsed from its beginning when more bytes have come. So no
    state of a half-parsed array need be kept.
    """

    def __init__(self) -> None:
        self._rest = b""
        self._skip = 0  # bytes to come of a payload that is too long

    def feed(self, data: bytes) -> list[Reply]:
        """The replies that are complete now. Raises RespError."""
        if self._skip:
            skipped = min(self._skip, len(data))
            self._skip -= skipped
            data = data[skipped:]
        if self._rest:
            data = self._rest + data
        replies: list[Reply] = []
        position, size = 0, len(data)
        try:
            while position < size:
                first = data[position]
                if first == _COLON:
                    end = data.find(_CRLF, position)
                    if end < 0:
                        break
                    replies.append(_integer(data[position + 1 : end]))
                    position = end + 2
                elif first == _STAR and (found := _message(data, position)) is not None:
                    begin, length = found.end(), int(found[2])
                    end = begin + length
                    if end + 2 <= size:
                        payload = data[begin:end] if length <= MAX_BULK else None
                        replies.append(Published(found[1], payload))
                    elif length <= MAX_BULK:
                        break
                    else:
                        replies.append(Published(found[1], None))
                        # The rest of the payload, and CR LF.
                        self._skip = end + 2 - size
                    position = end + 2
                else:
                    reply, position = _parse(data, position, 0)
                    replies.append(reply)
        except _IncompleteError:
            pass
        self._rest = data[position:]
        return replies


class _IncompleteError(Exception):
    """More bytes are needed."""


def _parse(data: bytes, position: int, depth: int) -> tuple[Reply, int]:
    """The reply that begins there, and where it ends. Raises RespError, _IncompleteError."""
    end = data.find(_CRLF, position)
    if end < 0:
        if len(data) - position > MAX_BULK:
            raise RespError("a line without an end")
        raise _IncompleteError
    kind, line = data[position], data[position + 1 : end]
    position = end + 2
    if kind == _PLUS:
        return line, position
    if kind == _MINUS:
        return ErrorReply(line.decode(errors="replace")), position
    if kind == _COLON:
        return _integer(line), position
    if kind == _DOLLAR:
        return _bulk(data, position, _integer(line))
    if kind == _STAR and depth < MAX_DEPTH:
        items: list[Reply] = []
        for _ in range(_integer(line)):
            item, position = _parse(data, position, depth + 1)
            items.append(item)
        return items, position
    raise RespError(f"{data[position - len(line) - 3 : position][:20]!r} is no reply")


def _bulk(data: bytes, position: int, length: int) -> tuple[Reply, int]:
    if length < 0:
        return None, position
    if length > MAX_BULK:
        raise RespError(f"a reply of {length} bytes")
    end = position + length
    if end + 2 > len(data):
        raise _IncompleteError
    return data[position:end], end + 2


def _integer(digits: bytes) -> int:
    try:
        return int(digits)
    except ValueError as exc:
        raise RespError(f"{digits[:20]!r} is no number") from exc
