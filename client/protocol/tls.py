"""TlsSocket: TLS over a connected socket, for one reading thread and several writing ones.

It is not ``ssl.SSLSocket``, because two threads must not use one OpenSSL object at once. Example:
the receiver's thread is in ``recv``; meanwhile another thread calls ``send``. Before CPython 3.13.1
no lock separates the two. Here the TLS machine works on two buffers in memory. A lock is held
while bytes are encrypted or decrypted, and released before a thread waits for the network.

Only connections with TLS import this module: ``ssl`` takes a while to load.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading

from client.errors import ConnectError, ConnectFault

_NOT_TLS = frozenset({"WRONG_VERSION_NUMBER", "UNKNOWN_PROTOCOL", "HTTP_REQUEST"})
"""OpenSSL's reasons for an answer that is no TLS."""

_RECV_SIZE = 64 * 1024


def make_context(ca_file: str | None = None) -> ssl.SSLContext:
    """A context for clients that trusts the system's authorities, or those in a PEM file.

    Any thread. Raises OSError, such as an ssl.SSLError, if it is no PEM file.
    """
    return ssl.create_default_context(cafile=ca_file)


def wrap(sock: socket.socket, host: str, port: int, context: ssl.SSLContext) -> TlsSocket:
    """Make a TlsSocket, and shake hands. Takes the socket over. Any thread; blocks.

    The socket's time-out applies to each step. Raises ConnectError, and closes the socket then.
    """
    try:
        tls = TlsSocket(sock, context, host)
        tls.shake_hands()
        return tls
    except ssl.SSLCertVerificationError as exc:
        sock.close()
        reason = f"its certificate is not valid: {exc.verify_message}"
        raise ConnectError(host, port, reason, ConnectFault.BAD_CERTIFICATE) from exc
    except ssl.SSLError as exc:
        sock.close()
        if exc.reason in _NOT_TLS:
            reason = "this port does not speak TLS; connect without TLS, or to the TLS port"
            raise ConnectError(host, port, reason, ConnectFault.NOT_TLS) from exc
        words = (exc.reason or str(exc)).lower().replace("_", " ")
        raise ConnectError(host, port, f"TLS failed: {words}") from exc
    except TimeoutError as exc:
        sock.close()
        raise ConnectError(host, port, "timed out", ConnectFault.TIMED_OUT) from exc
    except (OSError, ValueError) as exc:  # ValueError: the name is none that a server could have
        sock.close()
        raise ConnectError(host, port, str(exc)) from exc


class TlsSocket:
    """The part of a socket that a Connection uses. Takes the socket over and closes it."""

    def __init__(self, sock: socket.socket, context: ssl.SSLContext, host: str) -> None:
        self._sock = sock
        self._arrived = ssl.MemoryBIO()
        self._leaving = ssl.MemoryBIO()
        self._tls_lock = threading.Lock()  # guards the two above and the object below
        self._order_lock = threading.Lock()  # keeps encrypted bytes in order on the wire
        self._tls = context.wrap_bio(self._arrived, self._leaving, server_hostname=host)

    def shake_hands(self) -> None:
        """Shake hands, before any other call, on one thread. Raises OSError or ssl.SSLError."""
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                self._flush()
                encrypted = self._sock.recv(_RECV_SIZE)
                if not encrypted:
                    raise ConnectionResetError("closed during the TLS handshake") from None
                self._arrived.write(encrypted)
            except ssl.SSLError:
                with contextlib.suppress(OSError):
                    self._flush()  # the alert tells the server why
                raise
            else:
                self._flush()
                return

    def settimeout(self, seconds: float | None) -> None:
        """As a socket's. Any thread."""
        self._sock.settimeout(seconds)

    def fileno(self) -> int:
        """As a socket's. Any thread."""
        return self._sock.fileno()

    def shutdown(self, how: int) -> None:
        """As a socket's: ends a ``recv`` and a ``sendall`` that wait. Any thread."""
        self._sock.shutdown(how)

    def close(self) -> None:
        """As a socket's. Any thread."""
        self._sock.close()

    def sendall(self, data: bytes) -> None:
        """As a socket's. Any thread."""
        with self._tls_lock:
            self._tls.write(data)
        self._flush()

    def recv(self, size: int) -> bytes:
        """As a socket's; empty at the end of the stream. One thread at a time."""
        while True:
            data = self._read(size)
            self._flush_if_needed()
            if data is not None:
                return data
            encrypted = self._sock.recv(_RECV_SIZE)
            with self._tls_lock:
                if encrypted:
                    self._arrived.write(encrypted)
                else:
                    self._arrived.write_eof()

    def _read(self, size: int) -> bytes | None:
        """The decrypted bytes; None if more bytes must arrive first."""
        with self._tls_lock:
            try:
                return self._tls.read(size)
            except ssl.SSLWantReadError:
                return None
            except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
                # An attacker on the path can cause an end without close_notify. It does no harm
                # here, because half a message is no frame, and the server sends each message
                # again that was not acknowledged.
                return b""

    def _flush(self) -> None:
        with self._order_lock:
            with self._tls_lock:
                encrypted = self._leaving.read()
            self._sock.sendall(encrypted)

    def _flush_if_needed(self) -> None:
        if self._leaving.pending:  # an alert, or the answer to a change of keys
            with contextlib.suppress(OSError):  # the next read fails, too
                self._flush()
