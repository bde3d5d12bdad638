"""An HTTP server in a thread, and a client with just enough HTTP to check it.

The client uses no code of the server: two readers of one standard find more than one twice.
"""

from __future__ import annotations

import http.client
import queue
import socket
import ssl
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from email.message import Message
from typing import Any, TypeVar

from muduopy import EventLoopThread
from muduopy.address import Address
from muduopy.http import (
    HttpCallback,
    HttpLimits,
    HttpRequest,
    HttpResponse,
    HttpServer,
    UploadCallback,
)
from tests.muduopy.netkit import LOOPBACK, WAIT, call_in

T = TypeVar("T")
HttpMaker = Callable[..., "RunningHttp"]


@dataclass(frozen=True)
class Answer:
    status: int
    reason: str
    headers: Message
    body: bytes


def get(path: str = "/", *headers: str, method: str = "GET", version: str = "1.1") -> bytes:
    lines = [f"{method} {path} HTTP/{version}", "Host: test", *headers, "", ""]
    return "\r\n".join(lines).encode("latin-1")


def post(body: bytes, path: str = "/", *headers: str) -> bytes:
    return get(path, f"Content-Length: {len(body)}", *headers, method="POST") + body


def chunked(*chunks: bytes, path: str = "/") -> bytes:
    head = get(path, "Transfer-Encoding: chunked", method="POST")
    return head + b"".join(b"%x\r\n%b\r\n" % (len(c), c) for c in (*chunks, b""))


def echo(request: HttpRequest, response: HttpResponse) -> None:
    """Answer with the fields of the request."""
    response.set_header("X-Method", request.method)
    response.set_header("X-Target", request.target)
    response.body = request.body or request.path.encode()


class HttpClient:
    """A client socket that reads one answer after the other."""

    def __init__(self, address: Address, tls: ssl.SSLContext | None = None) -> None:
        self.socket = socket.socket(address.family, socket.SOCK_STREAM)
        self.socket.settimeout(WAIT)
        try:
            self.socket.connect(address.sockaddr)
            if tls is not None:
                self.socket = tls.wrap_socket(self.socket, server_hostname="localhost")
        except OSError:
            self.socket.close()
            raise
        self.file = self.socket.makefile("rb")

    def send(self, data: bytes) -> HttpClient:
        self.socket.sendall(data)
        return self

    def ask(self, data: bytes) -> Answer:
        return self.send(data).answer(head=data.startswith(b"HEAD"))

    def answer(self, *, head: bool = False) -> Answer:
        """The next answer; EOFError if the connection ends instead."""
        line = self.file.readline()
        if not line:
            raise EOFError("no more answers")
        version, status, reason = line.decode("latin-1").split(" ", 2)
        assert version == "HTTP/1.1"
        headers = http.client.parse_headers(self.file)
        has_none = head or int(status) in (204, 304) or int(status) < 200
        body = b"" if has_none else self._body(headers)
        return Answer(int(status), reason.strip(), headers, body)

    def _body(self, headers: Message) -> bytes:
        if headers["Transfer-Encoding"] == "chunked":
            parts = []
            while size := int(self.file.readline(), 16):
                parts.append(self.file.read(size))
                assert self.file.readline() == b"\r\n"
            assert self.file.readline() == b"\r\n"
            return b"".join(parts)
        length = headers["Content-Length"]
        return self.file.read() if length is None else self.file.read(int(length))

    def at_end(self) -> bool:
        """Wait for the end of the connection. True if it was a clean end."""
        return self.file.read() == b""

    def close(self) -> None:
        self.file.close()
        self.socket.close()


class RunningHttp:
    """An HttpServer whose base loop runs in a thread of its own."""

    def __init__(
        self,
        callback: HttpCallback | None,
        threads: int,
        address: Address = LOOPBACK,
        upload_callback: UploadCallback | None = None,
        options: Mapping[str, Any] | None = None,
        **limits: Any,
    ) -> None:
        """``options``: of HttpServer."""
        self._thread = EventLoopThread("http-base")
        self.loop = self._thread.start_loop()
        self.clients: list[HttpClient] = []
        self.stopped = False
        self.server = self.call(
            lambda: HttpServer(
                self.loop, address, "http", limits=HttpLimits(**limits), **(options or {})
            )
        )
        if threads:
            self.server.set_thread_num(threads)
        if upload_callback is not None:
            self.server.set_upload_callback(upload_callback)
        if callback is not None:
            self.server.set_http_callback(callback)
        self.call(self.server.start)

    def call(self, function: Callable[[], T]) -> T:
        return call_in(self.loop, function)

    def client(self, tls: ssl.SSLContext | None = None) -> HttpClient:
        self.clients.append(HttpClient(self.server.address, tls))
        return self.clients[-1]

    def begin_stop(self, drain_seconds: float = WAIT) -> threading.Event:
        """Begin to stop. When it returns, all sessions have been told to drain.

        Otherwise an answer that the test finishes next could be out before that.
        """
        stopped = threading.Event()
        self.server.stop(drain_seconds, stopped.set)
        self.call(lambda: None)  # behind the stop, which is queued in this loop
        return stopped

    def stop(self, drain_seconds: float = WAIT) -> None:
        assert self.begin_stop(drain_seconds).wait(2 * WAIT), "the server did not stop"
        self.stopped = True
        assert self._thread.stop(WAIT), "the base loop did not stop"

    def close(self) -> None:
        for client in self.clients:
            client.close()
        if not self.stopped:
            self.stop(0.0)


class Deferring:
    """A callback that defers all answers and puts (request, response) into ``taken``."""

    def __init__(self) -> None:
        self.taken: queue.SimpleQueue[tuple[HttpRequest, HttpResponse]] = queue.SimpleQueue()

    def __call__(self, request: HttpRequest, response: HttpResponse) -> None:
        response.defer()
        self.taken.put((request, response))

    def take(self) -> tuple[HttpRequest, HttpResponse]:
        return self.taken.get(timeout=WAIT)
