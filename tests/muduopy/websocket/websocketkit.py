"""A WebSocketServer in a thread, and peers of it."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable
from typing import Any, TypeVar

from muduopy import Address, EventLoopThread
from muduopy.websocket import WebSocketConnection, WebSocketLimits, WebSocketServer
from tests.muduopy.netkit import LOOPBACK, WAIT, call_in, connect_to
from tests.muduopy.websocket.rawpeer import RawPeer

T = TypeVar("T")
Configure = Callable[[WebSocketServer], object]
WebSocketMaker = Callable[..., "RunningWebSockets"]


def echo(server: WebSocketServer) -> None:
    """Configure a server that sends each message back."""
    server.set_text_callback(lambda websocket, text, when: websocket.send(text))
    server.set_binary_callback(lambda websocket, data, when: websocket.send(data))


class RunningWebSockets:
    """A WebSocketServer whose base loop runs in a thread of its own.

    Every UP and DOWN is put into ``ups`` and ``downs``.
    """

    def __init__(
        self,
        configure: Configure,
        threads: int,
        address: Address = LOOPBACK,
        limits: dict[str, Any] | None = None,
        **options: Any,
    ) -> None:
        self._thread = EventLoopThread("websocket-base")
        self.loop = self._thread.start_loop()
        self.peers: list[RawPeer] = []
        self.ups: queue.SimpleQueue[WebSocketConnection] = queue.SimpleQueue()
        self.downs: queue.SimpleQueue[WebSocketConnection] = queue.SimpleQueue()
        self.stopped = False
        self.server: WebSocketServer[Any] = self.call(
            lambda: WebSocketServer(
                self.loop, address, "test", limits=WebSocketLimits(**limits or {}), **options
            )
        )
        self.server.set_thread_num(threads)
        self.server.set_connection_callback(self._up_or_down)
        configure(self.server)
        self.call(self.server.start)

    def _up_or_down(self, websocket: WebSocketConnection) -> None:
        (self.ups if websocket.connected else self.downs).put(websocket)

    def call(self, function: Callable[[], T]) -> T:
        return call_in(self.loop, function)

    def peer(self) -> RawPeer:
        """A client that has sent nothing yet."""
        self.peers.append(RawPeer(connect_to(self.server.address)))
        return self.peers[-1]

    def accept(self, path: str = "/", *fields: str) -> tuple[RawPeer, WebSocketConnection]:
        """A client, and the server's end of it, which is up."""
        peer = self.peer().open(path, *fields)
        return peer, self.ups.get(timeout=WAIT)

    def down(self) -> WebSocketConnection:
        """Wait for the next WebSocket to go down."""
        return self.downs.get(timeout=WAIT)

    def stop(self, drain_seconds: float = WAIT) -> None:
        stopped = threading.Event()
        self.server.stop(drain_seconds, stopped.set)
        assert stopped.wait(2 * WAIT), "the server did not stop"
        self.stopped = True
        assert self._thread.stop(WAIT), "the base loop did not stop"

    def shut(self) -> None:
        for peer in self.peers:
            peer.shut()
        if not self.stopped:
            self.stop(0.0)
