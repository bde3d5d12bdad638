"""CuttingProxy: forwards connections to a server, and cuts them at a chosen moment."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable


class CuttingProxy:
    """Passes bytes on, both ways.

    ``cut_after`` is asked about each piece that a client sends: when it says yes, the piece is
    passed on, and the answer to it is not: both ends are closed.
    """

    def __init__(self, port: int) -> None:
        self._target = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.cut_after: Callable[[bytes], bool] = lambda data: False
        self.cuts = 0
        self._threads: list[threading.Thread] = []
        self._sockets: list[socket.socket] = []
        self._run(self._accept)

    def close(self) -> None:
        for sock in (self._listener, *self._sockets):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
            sock.close()
        for thread in self._threads:
            thread.join(10)

    def _run(self, function: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=function, args=args)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self._target))
            self._sockets += [client, server]
            self._run(self._forward, client, server)
            self._run(self._back, server, client)

    def _forward(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := client.recv(1 << 16):
                cut = self.cut_after(data)
                if cut:
                    self.cuts += 1
                    client.shutdown(socket.SHUT_RDWR)  # before the answer can come
                server.sendall(data)
                if cut:
                    server.recv(1 << 16)  # it has been carried out
                    break
        self._end(server)

    def _back(self, server: socket.socket, client: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := server.recv(1 << 16, socket.MSG_PEEK):
                client.sendall(data)
                server.recv(len(data))
        self._end(client)

    @staticmethod
    def _end(sock: socket.socket) -> None:
        with contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)
