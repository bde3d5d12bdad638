"""A TLS relay in front of a plain server: muduopy's TLS on one side, plain sockets behind."""

from __future__ import annotations

import queue
import socket
import ssl
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

from muduopy import Buffer, EventLoopThread, InetAddress, TcpConnection, TcpServer

PEM = Path(__file__).parents[1] / "muduopy" / "certs" / "localhost.pem"


def server_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(PEM)
    return context


class _Tunnel:
    """One connection of the relay. A thread of its own reads the plain side."""

    def __init__(self, near: TcpConnection, port: int) -> None:
        self._near = near
        self._far = socket.create_connection(("127.0.0.1", port))
        self._out: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._threads = [
            threading.Thread(target=run, daemon=True) for run in (self._read, self._write)
        ]
        for thread in self._threads:
            thread.start()

    def pass_on(self, data: bytes) -> None:
        self._out.put(data)

    def end(self) -> None:
        self._out.put(None)

    def join(self) -> None:
        for thread in self._threads:
            thread.join(10)
        self._far.close()

    def _write(self) -> None:
        while (data := self._out.get()) is not None:
            try:
                self._far.sendall(data)
            except OSError:
                break
        try:
            self._far.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # the server was faster

    def _read(self) -> None:
        try:
            while data := self._far.recv(65536):
                self._near.send(data)
        except OSError:
            pass
        self._near.loop.run_in_loop(self._near.shutdown)


class TlsRelay:
    """Listens on a port of its own and passes the decrypted bytes on."""

    def __init__(self, target: int, context: ssl.SSLContext | None = None) -> None:
        self._target = target
        self._thread = EventLoopThread("tls relay")
        self._loop = self._thread.start_loop()
        self._tunnels: list[_Tunnel] = []
        ready: queue.SimpleQueue[TcpServer] = queue.SimpleQueue()
        tls = context or server_context()

        def build() -> None:
            server = TcpServer(self._loop, InetAddress("127.0.0.1", 0), "tls relay", tls=tls)
            server.set_connection_callback(self._on_connection)
            server.set_message_callback(_on_message)
            server.start()
            ready.put(server)

        self._loop.run_in_loop(build)
        self._server = ready.get(timeout=10)
        address = self._server.address
        assert isinstance(address, InetAddress)
        self.port: int = address.port

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        closed = threading.Event()

        def close() -> None:
            self._server.close()
            closed.set()

        self._loop.run_in_loop(close)
        assert closed.wait(10)
        self._thread.stop()
        for tunnel in self._tunnels:
            tunnel.end()
            tunnel.join()

    def _on_connection(self, connection: TcpConnection) -> None:
        if connection.connected:
            tunnel = _Tunnel(connection, self._target)
            connection.context = tunnel
            self._tunnels.append(tunnel)
        elif isinstance(connection.context, _Tunnel):
            connection.context.end()


def _on_message(connection: TcpConnection, buffer: Buffer, when: float) -> None:
    tunnel = connection.context
    assert isinstance(tunnel, _Tunnel)
    tunnel.pass_on(buffer.retrieve_all())
