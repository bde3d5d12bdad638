"""FrameProxy: stands before a server and cuts connections before, inside or after chosen frames."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Callable
from enum import Enum
from typing import Any, Self

Message = dict[str, Any]


class Way(Enum):
    """In which direction a frame goes."""

    UP = "up"
    DOWN = "down"


class Cut(Enum):
    """What of the frame gets through before both ends are closed."""

    BEFORE = "nothing"
    INSIDE = "half"
    AFTER = "all"


Policy = Callable[[Way, Message], Cut | None]


def never(way: Way, message: Message) -> Cut | None:
    return None


class CutOnce:
    """Cuts at the ``nth`` frame of a kind, and never again. Any thread."""

    def __init__(self, way: Way, msgid: int, cut: Cut, nth: int = 1) -> None:
        self._what = (way, msgid)
        self._cut = cut
        self._left = nth
        self._lock = threading.Lock()  # guards _left
        self.happened = threading.Event()

    def __call__(self, way: Way, message: Message) -> Cut | None:
        if (way, message["msgid"]) != self._what:
            return None
        with self._lock:
            self._left -= 1
            if self._left != 0:
                return None
        self.happened.set()
        return self._cut


class FrameProxy:
    """Passes frames on, one by one, and asks its policy about each.

    Attributes:
        port: where it listens.
        policy: set it before a client connects.
        bytes_until_cut: a connection is cut after so many bytes from the server, if not None;
            taken by the next connections one after the other.
        connections: how many there were.
    """

    def __init__(self, target: int) -> None:
        self.policy: Policy = never
        self.bytes_until_cut: list[int] = []
        self.connections = 0
        self._target = target
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._threads: list[threading.Thread] = []
        self._sockets: list[socket.socket] = []
        self._run(self._accept)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        for sock in (self._listener, *self._sockets):
            _shut(sock)
        for thread in self._threads:
            thread.join(10)
        for sock in (self._listener, *self._sockets):
            sock.close()

    def _run(self, function: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=function, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            try:
                server = socket.create_connection(("127.0.0.1", self._target))
            except OSError:
                client.close()
                continue
            limit = self.bytes_until_cut.pop(0) if self.bytes_until_cut else None
            for sock in (client, server):
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._sockets += [client, server]
            self._run(self._pump, Way.UP, client, server, None)
            self._run(self._pump, Way.DOWN, server, client, limit)

    def _pump(
        self, way: Way, source: socket.socket, target: socket.socket, limit: int | None
    ) -> None:
        rest, passed = b"", 0
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                if limit is not None:
                    target.sendall(data[: limit - passed])
                    passed += len(data)
                    if passed >= limit:
                        break
                    continue
                *frames, rest = (rest + data).split(b"\n")
                if any(self._is_cut(way, frame, target) for frame in frames):
                    break
        _shut(source)
        _shut(target)

    def _is_cut(self, way: Way, frame: bytes, target: socket.socket) -> bool:
        cut = self.policy(way, json.loads(frame))
        if cut is not Cut.BEFORE:
            target.sendall(frame[: len(frame) // 2] if cut is Cut.INSIDE else frame + b"\n")
        return cut is not None


def _shut(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
