"""TlsFileOutput: the waiting output of a TLS connection when it contains a file."""

from __future__ import annotations

import socket
from collections.abc import Callable

from muduopy.buffer import SEND_CHUNK, Buffer
from muduopy.file_output import FileOutput


class TlsFileOutput(FileOutput):
    """Plain bytes and parts of files, encrypted piece by piece as the socket takes them.

    TLS records must leave in the order of encryption, so bytes behind a file wait unencrypted.
    OpenSSL's own records (answers to key updates) leave before the next piece.
    """

    def __init__(
        self,
        waiting: Buffer | None,
        encrypt: Callable[[bytes], bytes],
        close_notify: Callable[[], bytes],
    ) -> None:
        """
        ``waiting``: encrypted bytes, which leave first.
        ``encrypt``, ``close_notify``: return encrypted bytes.
        """
        super().__init__(None)
        self._encrypted = waiting or Buffer()
        self._encrypt = encrypt
        self._close_notify = close_notify
        self._ends = False

    def __len__(self) -> int:
        return len(self._encrypted) + self._bytes

    def append_encrypted(self, data: bytes) -> None:
        """Add OpenSSL's own records, before everything that is not encrypted yet."""
        self._encrypted.append(data)

    def append_close_notify(self) -> None:
        """Have close_notify sent last."""
        self._ends = True
        if not self._bytes:
            self._encrypted.append(self._close_notify())

    def write_to(self, sock: socket.socket) -> int:
        """Offer the next piece to the socket; returns how many encrypted bytes it took."""
        if not self._encrypted:
            self._encrypted.append(self._encrypt(self._take()))
            if self._ends and not self._bytes:
                self._encrypted.append(self._close_notify())
        return self._encrypted.write_to(sock)

    def close(self) -> None:
        """Drop everything. Idempotent."""
        super().close()
        self._encrypted.retrieve_all()

    def _take(self) -> bytes:
        part = self._parts[0]
        if isinstance(part, Buffer):
            data = part.retrieve_as_bytes(min(len(part), SEND_CHUNK))
        else:
            data = part.read(SEND_CHUNK)
        self._sent(len(data))
        return data
