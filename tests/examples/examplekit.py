"""Runs an example like a user: in a process, with its output line by line, and Ctrl-C."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from pathlib import Path
from types import TracebackType

ROOT = Path(__file__).resolve().parents[2]
WAIT = 20.0


class Example:
    """A running example. ``ports``: the ports in its output, in order."""

    def __init__(self, name: str, *args: object, servers: int = 1) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-u", "-m", f"examples.{name}", *map(str, args)],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.ports: list[int] = []
        self.clients: list[socket.socket] = []
        for _ in range(servers):
            line = self.line()
            assert "listening on" in line, line + self.errors()
            self.ports.append(int(line.rpartition(":")[2]))

    def __enter__(self) -> Example:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for client in self.clients:
            client.close()
        if exc is not None:
            self.process.kill()
        elif self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        status = self.process.wait(WAIT)
        errors = self.errors()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            assert pipe is not None
            pipe.close()
        if exc is None:
            assert (status, errors) == (0, "")

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().rstrip("\n")

    def errors(self) -> str:
        assert self.process.stderr is not None
        return self.process.stderr.read() if self.process.poll() is not None else ""

    def write(self, text: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(text)
        self.process.stdin.flush()

    def end_input(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()

    def connect(self, server: int = 0) -> socket.socket:
        client = socket.create_connection(("127.0.0.1", self.ports[server]), WAIT)
        self.clients.append(client)
        return client


def read_all(sock: socket.socket) -> bytes:
    parts = []
    while part := sock.recv(1 << 16):
        parts.append(part)
    return b"".join(parts)


def read_exactly(sock: socket.socket, count: int) -> bytes:
    data = bytearray()
    while len(data) < count:
        part = sock.recv(count - len(data))
        assert part, f"the stream ends after {bytes(data)!r}"
        data += part
    return bytes(data)


def read_line(sock: socket.socket) -> bytes:
    line = bytearray()
    while not line.endswith(b"\n"):
        line += read_exactly(sock, 1)
    return bytes(line)
