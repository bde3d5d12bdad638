"""A new codec: RESP, the protocol of Redis. Its frames are values instead of bytes.

    python -m examples.resp [PORT]
    redis-cli -p PORT set name muduo
    redis-cli -p PORT get name

The server stores strings and has the commands PING, GET, SET and DEL. The codec is in
``_resp_codec.py``. FrameHandler is generic in its frame, so a type checker knows the types of
``on_command`` and ``handler.send``.
"""

from __future__ import annotations

from collections.abc import Callable

from examples import _run
from examples._resp_codec import Error, Null, RespCodec, Value
from muduopy import EventLoop, TcpConnection, TcpServer
from muduopy.codec import FrameHandler


class Store:
    """Stores strings, and answers commands. There is one loop, so it needs no lock."""

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
