"""Connection: one TCP connection that carries messages both ways.

It does not know the meaning of the messages, and it does not connect again.

The receiver thread is the only reader of the socket while the connection lives. The client of the
original has two readers: the main thread reads the answer to the login, and a second thread reads
all other messages. Example: the user logs out and logs in again; meanwhile the second thread still
reads, and gets the answer that the main thread waits for.
"""

from __future__ import annotations

import contextlib
import errno
import socket
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from chat.protocol import LF, MAX_FRAME, FrameDecoder, Message, ProtocolError, decode, encode
from client.errors import ConnectError, ConnectFault, ConnectionLostError, TooLargeError
from client.timing import Timing

if TYPE_CHECKING:
    import ssl

    from client.protocol.tls import TlsSocket

MAX_INCOMING = 16 * 1024 * 1024
"""The largest frame, in bytes. A login answer may contain 200 messages of 16 KiB, as JSON."""

_RECV_SIZE = 64 * 1024

CLOSED = "closed by the server"
UNANSWERED = "closed by the server without an answer; if it wants TLS, connect with TLS"
"""The reason of a close before any answer. A TLS port that gets plain text closes in this way."""

NOT_CHAT = "the server does not speak the chat protocol"

_LOCAL_CLOSE = "closed by this side"

_JOIN_SECONDS = 5.0
"""The time that ``close`` waits for the receiver. It ends at once unless a callback blocks."""


def open_socket(
    host: str, port: int, timing: Timing, tls: ssl.SSLContext | None = None
) -> socket.socket | TlsSocket:
    """Connect a socket, with TLS if there is a context. Any thread; blocks. Raises ConnectError."""
    try:
        sock = socket.create_connection((host, port), timing.connect)
    except TimeoutError as exc:
        raise ConnectError(host, port, "timed out", ConnectFault.TIMED_OUT) from exc
    except OSError as exc:
        raise ConnectError(host, port, exc.strerror or str(exc), _fault_of(exc)) from exc
    except UnicodeError as exc:  # from the IDNA codec, for ".." and labels of 64 letters
        fault = ConnectFault.UNKNOWN_NAME
        raise ConnectError(host, port, "not a host name", fault) from exc
    # Messages are small and urgent, so Nagle's algorithm must not delay them.
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    if tls is None:
        return sock
    from client.protocol.tls import wrap

    return wrap(sock, host, port, tls)


def _fault_of(exc: OSError) -> ConnectFault:
    if isinstance(exc, ConnectionRefusedError):
        return ConnectFault.REFUSED
    if isinstance(exc, socket.gaierror):
        return ConnectFault.UNKNOWN_NAME
    if exc.errno in (errno.EHOSTUNREACH, errno.ENETUNREACH):
        return ConnectFault.UNREACHABLE
    return ConnectFault.OTHER


class Connection:
    """Sends messages from any thread, and receives them on its own thread.

    It takes the socket over, and closes it. ``on_message`` gets each decoded message. ``on_close``
    gets the reason of the end, once, after the last message. Both are called on the receiver
    thread, and no lock is held.

    Attributes:
        last_heard: the time at which bytes last arrived, in ``time.monotonic()`` seconds.
    """

    def __init__(
        self,
        sock: socket.socket | TlsSocket,
        on_message: Callable[[Message], None],
        on_close: Callable[[str], None],
        send_seconds: float,
    ) -> None:
        # This time-out applies to both directions. The receiver ignores it, and reads again.
        sock.settimeout(send_seconds)
        self._sock = sock
        self._on_message = on_message
        self._on_close = on_close
        self._send_lock = threading.Lock()  # keeps frames whole on the wire
        self._reason_lock = threading.Lock()
        self._reason: str | None = None
        self._is_plain = isinstance(sock, socket.socket)
        self._has_spoken = threading.Event()
        self._abandoned = threading.Event()
        self._receiver = threading.Thread(target=self._receive, name="receiver", daemon=True)
        self.last_heard = time.monotonic()

    def __repr__(self) -> str:
        return f"<Connection {'open' if self._reason is None else self._reason}>"

    def start(self) -> None:
        """Begin to receive. Any thread, once."""
        self._receiver.start()

    def send_message(self, message: Message) -> None:
        """Send one message; returns when the kernel has it. Any thread.

        Raises TooLargeError before anything was sent, or ConnectionLostError.
        """
        frame = encode(message)
        if len(frame) > MAX_FRAME:
            raise TooLargeError(len(frame), MAX_FRAME)
        try:
            with self._send_lock:
                self._has_spoken.set()
                self._sock.sendall(frame + LF)
        except OSError as exc:
            # After a time-out half a frame may be on the wire, so no other frame can follow.
            timed_out = isinstance(exc, TimeoutError)
            reason = "the server takes no data" if timed_out else _words(exc)
            self.fail(reason)
            raise ConnectionLostError(self._set_reason(reason)) from exc

    def fail(self, reason: str) -> None:
        """End the connection. Any thread; returns at once, and ``on_close`` follows.

        Bytes that have arrived are still received, because a BYE_MSG may be among them.
        """
        self._set_reason(reason)
        with contextlib.suppress(OSError):  # already closed or reset
            self._sock.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close, and wait for the end of the receiver thread. Any thread; idempotent."""
        self._abandoned.set()
        self.fail(_LOCAL_CLOSE)
        if self._receiver.ident is None:
            self._sock.close()
        elif self._receiver is not threading.current_thread():
            self._receiver.join(_JOIN_SECONDS)

    def _set_reason(self, reason: str) -> str:
        """Keep the first reason, because later ones are its consequences. Returns it."""
        with self._reason_lock:
            if self._reason is None:
                self._reason = reason
            return self._reason

    def _receive(self) -> None:
        """The receiver thread."""
        reason = "internal error"
        try:
            reason = self._receive_until_end()
        finally:
            self.fail(reason)  # also ends a send that waits because the server does not read
            with self._send_lock:  # no thread may use the descriptor after its close
                self._sock.close()
            self._on_close(self._set_reason(reason))

    def _receive_until_end(self) -> str:
        decoder = FrameDecoder(MAX_INCOMING)
        has_heard = False
        while not self._abandoned.is_set():
            try:
                data = self._sock.recv(_RECV_SIZE)
            except TimeoutError:
                continue
            except OSError as exc:
                return _words(exc)
            if not data:
                # It does not take the send lock. The holder may wait for a server that does not
                # read.
                unanswered = self._is_plain and self._has_spoken.is_set() and not has_heard
                return UNANSWERED if unanswered else CLOSED
            has_heard = True
            self.last_heard = time.monotonic()
            try:
                decoder.feed(data)
                for frame in decoder.take():
                    self._on_message(decode(frame))
            except ProtocolError:
                return NOT_CHAT
            if decoder.too_large:
                return "the server sent a frame that is too large"
        return _LOCAL_CLOSE


def _words(exc: OSError) -> str:
    return exc.strerror or str(exc) or type(exc).__name__
