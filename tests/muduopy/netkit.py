"""Parts of muduopy's tests: a link in the test's loop, servers in threads, sockets.

Time-outs are generous, because they matter only to a test that fails; nothing here sleeps.
"""

from __future__ import annotations

import contextlib
import logging
import os
import queue
import socket
import struct
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from muduopy import (
    Address,
    Buffer,
    EventLoop,
    EventLoopThread,
    InetAddress,
    TcpConnection,
    TcpServer,
)

WAIT = 10.0
"""Seconds until a test fails that waits for an event."""

KERNEL_TAKES = 2 * 1024 * 1024
"""More bytes than a link's two socket buffers hold."""

LOOPBACK = InetAddress.loopback(0)

T = TypeVar("T")
Configure = Callable[[TcpServer], object]
PairMaker = Callable[[], tuple[socket.socket, socket.socket]]
LinkMaker = Callable[[], "Link"]
ServerMaker = Callable[..., "RunningServer"]


class ErrorLog(logging.Handler):
    """The errors that muduopy has logged."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.records: list[logging.LogRecord] = []
        self.expected = False

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)

    @property
    def exceptions(self) -> list[str]:
        """The texts of the exceptions that were logged, in order."""
        return [str(record.exc_info[1]) for record in self.records if record.exc_info]


class Passes:
    """Runs single passes of a loop that belongs to the test's own thread."""

    def __init__(self, loop: EventLoop) -> None:
        self.loop = loop

    def one(self) -> None:
        """One pass that does not sleep."""
        self.loop.queue_in_loop(_nothing)
        self.loop._one_pass()

    def until(self, condition: Callable[[], object], what: str = "the condition") -> None:
        """Run passes until the condition holds. Between events the loop sleeps as usual."""
        late: list[bool] = []
        guard = self.loop.run_after(WAIT, lambda: late.append(True))
        while not condition():
            assert not late, f"waited in vain for {what}"
            self.loop._one_pass()
        self.loop.cancel(guard)

    def settle(self) -> None:
        """Run enough passes for ready events and for the functions that they queue."""
        for _ in range(5):
            self.one()


def _nothing() -> None:
    pass


def in_turn(*functions: Callable[[], object]) -> Callable[[], None]:
    """A function that calls these functions in turn."""

    def call() -> None:
        for function in functions:
            function()

    return call


def port_of(address: Address) -> int:
    """The port of an Internet address."""
    assert isinstance(address, InetAddress)
    return address.port


def connect_to(address: Address) -> socket.socket:
    """A blocking client of a server, with a time-out."""
    client = socket.socket(address.family)
    client.settimeout(WAIT)
    try:
        client.connect(address.sockaddr)
    except OSError:
        client.close()
        raise
    return client


def reset(sock: socket.socket) -> None:
    """Close with a RST."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def read_all(sock: socket.socket, chunk: int = 64 * 1024) -> bytes:
    """All bytes until the end of the stream, which may be a FIN or a RST."""
    parts = []
    with contextlib.suppress(ConnectionResetError):
        while part := sock.recv(chunk):
            parts.append(part)
    return b"".join(parts)


def read_exactly(sock: socket.socket, count: int) -> bytes:
    """``count`` bytes, fewer only at the end of the stream."""
    data = bytearray()
    while len(data) < count and (part := sock.recv(count - len(data))):
        data += part
    return bytes(data)


class Link:
    """A TcpConnection in the test's own loop. Its peer is a plain socket.

    ``seen`` records in order: "UP", "DOWN", "closed" (the owner's callback), arriving ``bytes``,
    "written" for write-complete, "high" and "low" for the water marks.
    """

    def __init__(self, passes: Passes, pair: tuple[socket.socket, socket.socket]) -> None:
        server_end, self.peer = pair
        server_end.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 64 * 1024)
        self.peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)
        self.passes = passes
        self.seen: list[object] = []
        self.conn = TcpConnection(
            passes.loop, server_end, "link#1", InetAddress.from_sockaddr(server_end.getpeername())
        )
        self.conn.set_connection_callback(self._up_or_down)
        self.conn.set_close_callback(lambda conn: self.seen.append("closed"))
        self.conn.set_message_callback(self._message)

    def _up_or_down(self, conn: TcpConnection) -> None:
        self.seen.append("UP" if conn.connected else "DOWN")

    def _message(self, conn: TcpConnection, buffer: Buffer, when: float) -> None:
        self.seen.append(buffer.retrieve_all())

    def watch_writes(self, *, high: int = 1 << 20, low: int = 0) -> None:
        """Record write-complete and the water marks, too."""
        self.conn.set_write_complete_callback(lambda conn: self.seen.append("written"))
        self.conn.set_high_water_callback(lambda conn, waiting: self.seen.append("high"), high)
        self.conn.set_low_water_callback(lambda conn, waiting: self.seen.append("low"), low)

    def up(self) -> Link:
        self.conn.establish()
        return self

    def until_seen(self, *events: object) -> None:
        self.passes.until(
            lambda: all(event in self.seen for event in events), f"{events} in {self.seen}"
        )

    def gone(self) -> None:
        """Wait for the end and check that it was reported once, and in the right order."""
        self.until_seen("DOWN", "closed")
        self.passes.settle()
        assert [event for event in self.seen if event in ("UP", "DOWN", "closed")] == [
            "UP",
            "DOWN",
            "closed",
        ]

    def fill(self, at_least: int) -> int:
        """Send so much that at least ``at_least`` bytes wait; returns the number of all bytes."""
        # In one piece: write-complete would report each smaller piece.
        sent = at_least + KERNEL_TAKES
        self.conn.send(bytes(sent))
        assert self.conn.output_bytes >= at_least
        return sent

    def drain_peer(self) -> int:
        """Let the peer read until no output waits; returns how many bytes it read."""
        self.peer.setblocking(False)
        count = 0

        def read() -> bool:
            nonlocal count
            with contextlib.suppress(BlockingIOError):
                while part := self.peer.recv(1 << 20):
                    count += len(part)
            return not self.conn.output_bytes

        self.passes.until(read, "the output to drain")
        read()
        self.peer.settimeout(WAIT)
        return count


def call_in(loop: EventLoop, function: Callable[[], T]) -> T:
    """Run a function in another thread's loop; returns its result or raises its exception."""
    future: Future[T] = Future()

    def run() -> None:
        try:
            future.set_result(function())
        except BaseException as exc:  # noqa: BLE001 - handed to the caller
            future.set_exception(exc)

    loop.queue_in_loop(run)
    return future.result(WAIT)


class RunningServer:
    """A TcpServer whose base loop runs in a thread of its own.

    Every UP and DOWN is put into ``ups`` and ``downs`` after the test's own callback.
    """

    def __init__(
        self, threads: int, configure: Configure, address: Address = LOOPBACK, **options: Any
    ) -> None:
        self._thread = EventLoopThread("base")
        self.loop = self._thread.start_loop()
        self.ups: queue.SimpleQueue[TcpConnection] = queue.SimpleQueue()
        self.downs: queue.SimpleQueue[TcpConnection] = queue.SimpleQueue()
        self.on_up: Callable[[TcpConnection], object] = lambda conn: None
        self.on_down: Callable[[TcpConnection], object] = lambda conn: None
        self.clients: list[socket.socket] = []
        self.stopped = False
        self.server = self.call(lambda: TcpServer(self.loop, address, "test", **options))
        self.server.set_thread_num(threads)
        self.server.set_connection_callback(self._up_or_down)
        configure(self.server)
        self.call(self.server.start)

    def _up_or_down(self, conn: TcpConnection) -> None:
        up = conn.connected
        try:
            (self.on_up if up else self.on_down)(conn)
        finally:
            (self.ups if up else self.downs).put(conn)

    def call(self, function: Callable[[], T]) -> T:
        return call_in(self.loop, function)

    def connect(self) -> socket.socket:
        self.clients.append(connect_to(self.server.address))
        return self.clients[-1]

    def accept(self) -> tuple[socket.socket, TcpConnection]:
        """A new client and the server's end of it, which is up."""
        return self.connect(), self.ups.get(timeout=WAIT)

    def stop(self, drain_seconds: float = WAIT) -> None:
        """Stop the server and its thread; waits for the end of both."""
        stopped = threading.Event()
        self.server.stop(drain_seconds, stopped.set)
        assert stopped.wait(2 * WAIT), "the server did not stop"
        self.end()

    def end(self) -> None:
        self.stopped = True
        assert self._thread.stop(WAIT), "the base loop did not stop"

    def close(self) -> None:
        for client in self.clients:
            client.close()
        if not self.stopped:
            self.stop(drain_seconds=0.0)


def echo(conn: TcpConnection, buffer: Buffer, when: float) -> None:
    conn.send(buffer.retrieve_all())


def drained(events: queue.SimpleQueue[T]) -> list[T]:
    """Take all items out of a queue."""
    return [events.get_nowait() for _ in range(events.qsize())]


def eventually(condition: Callable[[], object], what: str = "the condition") -> None:
    """Poll a condition that has no event, such as a reference count."""
    deadline = time.monotonic() + WAIT
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        os.sched_yield()
