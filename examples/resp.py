"""A codec of one's own: RESP, the protocol of Redis, whose frames are values instead of bytes.

    python -m examples.resp [PORT]
    redis-cli -p PORT set name muduo
    redis-cli -p PORT get name

The server keeps strings and knows PING, GET, SET and DEL. FrameHandler is generic in the codec's
frame, so a type checker knows what ``on_command`` gets and what ``handler.send`` takes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from examples import _run
from muduopy import Buffer, EventLoop, TcpConnection, TcpServer
from muduopy.codec import CodecError, FrameHandler, FrameTooLargeError

CRLF = b"\r\n"
MAX_SIZE = 64 * 1024


@dataclass(frozen=True)
class Error:
    """What "-ERR ..." says."""

    text: str


@dataclass(frozen=True)
class Null:
    """ "No such value". None would mean that a frame has not arrived completely."""


# str is a simple string such as "OK"; bytes is a bulk string, of any bytes.
Value: TypeAlias = str | Error | int | bytes | Null | list["Value"]


class RespCodec:
    """A value without state; its own decoder, as the buffer holds all that is to be remembered."""

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
        """The value that begins at ``start``, and where it ends."""
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
            return self._bulk(data, end, int(text))
        if kind == b"*":
            values: list[Value] = []
            for _ in range(int(text)):
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
        return data[start : start + size], end


class _IncompleteError(Exception):
    """The rest of the value has not arrived."""


class Store:
    """Answers commands. One loop, one thread: no lock."""

    def __init__(self) -> None:
        self.handler: FrameHandler[None, Value] = FrameHandler(RespCodec(), self.on_command)
        self._values: dict[bytes, bytes] = {}
        self._commands: dict[tuple[bytes, int], Callable[..., Value]] = {
            (b"PING", 0): lambda: "PONG",
            (b"GET", 1): lambda key: self._values.get(key, Null()),
            (b"SET", 2): self._set,
            (b"DEL", 1): lambda key: int(self._values.pop(key, None) is not None),
        }

    def on_command(self, connection: TcpConnection, command: Value, when: float) -> None:
        self.handler.send(connection, self._answer(command))

    def _answer(self, command: Value) -> Value:
        if not isinstance(command, list):
            return Error("ERR a command is an array")
        words = [word for word in command if isinstance(word, bytes)]
        if not words or len(words) != len(command):
            return Error("ERR a command is an array of bulk strings")
        function = self._commands.get((words[0].upper(), len(words) - 1))
        return Error("ERR unknown command") if function is None else function(*words[1:])

    def _set(self, key: bytes, value: bytes) -> Value:
        self._values[key] = value
        return "OK"


def main() -> None:
    with EventLoop() as loop:
        server = TcpServer(loop, _run.address(6380), "resp")
        server.set_message_callback(Store().handler)
        _run.serve(loop, server)


if __name__ == "__main__":
    main()
