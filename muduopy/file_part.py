"""FilePart: a part of a file that waits to be sent."""

from __future__ import annotations

import errno
import os
import socket
import stat
from typing import Protocol

from muduopy.buffer import SEND_CHUNK

_NO_SENDFILE = {errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP}
"""Errors of ``sendfile`` for file systems that it cannot read from."""


class HasFileno(Protocol):
    """An object with a descriptor, such as an open file."""

    def fileno(self) -> int:
        """The descriptor."""


class FilePart:
    """Owns a duplicate of the file's descriptor, so the program may close the file meanwhile.

    One owner at a time, which calls ``close``.
    """

    __slots__ = ("_end", "_fd", "_offset", "_use_sendfile")

    def __init__(self, file: HasFileno, offset: int = 0, count: int | None = None) -> None:
        """``count`` bytes from ``offset`` on; None: up to the present end.

        Raises ValueError unless it is a regular file that has these bytes, TypeError for a path,
        and OSError.
        """
        self._fd = -1
        if not hasattr(file, "fileno"):
            kind = type(file).__name__
            raise TypeError(f'a file to send is an open file, not {kind}: open(path, "rb")')
        self._fd = os.dup(file.fileno())
        found = os.fstat(self._fd)
        self._offset = offset
        self._end = found.st_size if count is None else offset + count
        self._use_sendfile = hasattr(os, "sendfile")
        if not stat.S_ISREG(found.st_mode):
            self.close()
            raise ValueError("send_file() takes a regular file; read others, and send() the bytes")
        if not 0 <= offset <= self._end <= found.st_size:
            self.close()
            raise ValueError(f"bytes {offset} to {self._end} of a file of {found.st_size} bytes")

    def __del__(self) -> None:
        self.close()

    def __len__(self) -> int:
        return self._end - self._offset

    def close(self) -> None:
        """Release the descriptor; idempotent."""
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def write_to(self, sock: socket.socket) -> int:
        """Let the kernel send the next bytes; returns their number. Raises OSError."""
        count = min(len(self), SEND_CHUNK)
        if self._use_sendfile:
            try:
                return self._advance(os.sendfile(sock.fileno(), self._fd, self._offset, count))
            except OSError as exc:
                if exc.errno not in _NO_SENDFILE:
                    raise
                self._use_sendfile = False
        return self._advance(sock.send(self._peek(count)))

    def read(self, limit: int) -> bytes:
        """The next bytes, at most ``limit``. Raises OSError."""
        data = self._peek(min(len(self), limit))
        self._advance(len(data))
        return data

    def _peek(self, count: int) -> bytes:
        return os.pread(self._fd, count, self._offset)

    def _advance(self, count: int) -> int:
        if not count:
            raise OSError(errno.EIO, "the file became shorter while it was being sent")
        self._offset += count
        return count
