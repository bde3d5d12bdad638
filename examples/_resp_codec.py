"""A codec for RESP, the protocol of Redis. Its frames are values. For resp."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from muduopy import Buffer
from muduopy.codec import CodecError, FrameTooLargeError

CRLF = b"\r\n"
MAX_SIZE = 64 * 1024


@dataclass(frozen=True)
class Error:
    """An error answer: "-ERR ..."."""

    text: str


@dataclass(frozen=True)
class Null:
    """The answer for a missing value. It is not None, by which a decoder reports "incomplete"."""


# str is a simple string such as "OK"; bytes is a bulk string, of any bytes.
Value: TypeAlias = str | Error | int | bytes | Null | list["Value"]


class RespCodec:
    """A codec without state. It is its own decoder, because decoding needs the buffer only."""

    def encode(self, value: Value) -> bytes:
        if isinstance(value, list):
            return b"*%d\r\n" % len(value) + b"".join(map(self.encode, value))
        if isinstance(value, bytes):
            return b"$%d\r\n%b\r\n" % (len(value), value)
        if isinstance(value, Null):
            return b"$-1\r\n"
        if isinstance(value, int):
            return b":%d\r\n" % value
        if isinstance(value, Error):
            return f"-{value.text}\r\n".encode()
        return f"+{value}\r\n".encode()

    def decoder(self) -> RespCodec:
        return self

    def decode(self, buffer: Buffer) -> Value | None:
        data = buffer.peek()
        try:
            value, end = self._value(data, 0)
        except _IncompleteError:
            if len(data) > MAX_SIZE:
                raise FrameTooLargeError(len(data), MAX_SIZE) from None
            return None
        except (ValueError, RecursionError) as exc:
            raise CodecError(f"this is not RESP: {exc}") from exc
        buffer.retrieve(end)
        return value

    def _value(self, data: bytes, start: int) -> tuple[Value, int]:
        """The value that begins at ``start``, and the place of its end."""
        end = data.find(CRLF, start)
        if end < 0:
            raise _IncompleteError
        kind, text, end = data[start : start + 1], data[start + 1 : end], end + len(CRLF)
        if kind == b"+":
            return text.decode(), end
        if kind == b"-":
            return Error(text.decode()), end
        if kind == b":":
            return int(text), end
        if kind == b"$":
            return self._bulk(data, end, _size(text))
        if kind == b"*":
            values: list[Value] = []
            if (size := _size(text)) < 0:
                return Null(), end
            for _ in range(size):
                value, end = self._value(data, end)
                values.append(value)
            return values, end
        raise ValueError(f"a value cannot begin with {kind!r}")

    def _bulk(self, data: bytes, start: int, size: int) -> tuple[Value, int]:
        if size < 0:
            return Null(), start
        end = start + size + len(CRLF)
        if len(data) < end:
            raise _IncompleteError
        if not data.endswith(CRLF, start, end):
            raise ValueError(f"a bulk string of {size} bytes must end with CR LF")
        return data[start : start + size], end


def _size(text: bytes) -> int:
    """A length, or -1 for a null."""
    size = int(text)
    if size < -1:
        raise ValueError(f"a length of {size}")
    return size


class _IncompleteError(Exception):
    """The rest of the value has not arrived."""
