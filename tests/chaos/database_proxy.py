"""DatabaseProxy: between a chat server and the database; cuts or stops at chosen statements.

It has two threads for each connection, one in each direction. The load of a chaos run is small.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable

PIECE = 1 << 16


class Trap:
    """Springs once, in the first transaction with ``statement``.

    Attributes:
        statement: a part of the SQL.
        action: "cut": the COMMIT is carried out, and the connection is cut before its answer.
            "hold": the COMMIT is carried out, and ``then`` is called while its answer is kept back.
            "stop": ``then`` is called before the statement is passed on.
        then: called when the trap springs.
    """

    def __init__(self, statement: bytes, action: str, then: Callable[[], None]) -> None:
        self.statement = statement
        self.action = action
        self.then = then


class DatabaseProxy:
    """Passes bytes on, and looks for the statement of a trap. ``arm`` and ``heal``: any thread."""

    def __init__(self, port: int) -> None:
        self._target = port
        self._lock = threading.Lock()  # guards the attributes below
        self._trap: Trap | None = None
        self._sockets: set[socket.socket] = set()
        self.sprung = 0
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def arm(self, trap: Trap) -> None:
        with self._lock:
            self._trap = trap

    def heal(self) -> None:
        with self._lock:
            self._trap = None

    def close(self) -> None:
        with self._lock:
            sockets = list(self._sockets)
        for sock in (self._listener, *sockets):
            _shut(sock)
            sock.close()

    # ------------------------------------------------------------------ passing on

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        try:
            server = socket.create_connection(("127.0.0.1", self._target))
        except OSError:
            client.close()
            return
        for sock in (client, server):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        with self._lock:
            self._sockets |= {client, server}
        answer = _Answer()
        back = threading.Thread(target=_back, args=(server, client, answer), daemon=True)
        back.start()
        self._forward(client, server, answer)
        back.join()
        with self._lock:
            self._sockets -= {client, server}
        client.close()
        server.close()

    def _forward(self, client: socket.socket, server: socket.socket, answer: _Answer) -> None:
        seen: set[bytes] = set()  # of this transaction
        with contextlib.suppress(OSError):
            while data := client.recv(PIECE):
                trap = self._look(data, seen)
                if trap is not None and trap.action == "cut":
                    _shut(client)  # before the answer can arrive
                    server.sendall(data)
                    server.recv(PIECE, socket.MSG_PEEK)  # the answer: the COMMIT was carried out
                    trap.then()
                    break
                if trap is not None and trap.action == "hold":
                    answer.hold()
                    server.sendall(data)
                    answer.came.wait()
                    trap.then()
                    break
                if trap is not None:  # "stop"
                    trap.then()
                server.sendall(data)
        _shut(server)

    def _look(self, data: bytes, seen: set[bytes]) -> Trap | None:
        commit = b"COMMIT" in data[:16].upper()
        with self._lock:
            trap = self._trap
            if trap is None:
                seen.clear()
                return None
            if trap.statement in data:
                seen.add(trap.statement)
            springs = trap.statement in seen and (commit or trap.action == "stop")
            if commit:
                seen.clear()
            if not springs:
                return None
            self._trap = None
            self.sprung += 1
            return trap


class _Answer:
    """Lets the answer to a COMMIT be kept back. Any thread."""

    def __init__(self) -> None:
        self.held = False
        self.came = threading.Event()

    def hold(self) -> None:
        """The next answer is not passed on. The server has no other answer to give now."""
        self.held = True


def _back(server: socket.socket, client: socket.socket, answer: _Answer) -> None:
    with contextlib.suppress(OSError):
        while data := server.recv(PIECE):
            if answer.held:
                answer.came.set()
            else:
                client.sendall(data)
    answer.came.set()
    _shut(client)


def _shut(sock: socket.socket) -> None:
    with contextlib.suppress(OSError):
        sock.shutdown(socket.SHUT_RDWR)
