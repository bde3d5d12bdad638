"""FileOutput: the waiting output of a connection when it contains a file."""

from __future__ import annotations

import socket
from collections import deque

from muduopy.buffer import Buffer
from muduopy.file_part import FilePart


class FileOutput:
    """Bytes and parts of files, in order. It has the methods of a Buffer that a transport uses.

    It owns the parts. One owner at a time.
    """

    def __init__(self, waiting: Buffer | None) -> None:
        """``waiting``: bytes that leave first."""
        self._parts: deque[Buffer | FilePart] = deque()
        self._bytes = 0
        if waiting:
            self._parts.append(waiting)
            self._bytes = len(waiting)

    def __len__(self) -> int:
        return self._bytes

    def append(self, data: bytes | bytearray | memoryview) -> None:
        """Add to the end."""
        before = self._bytes
        self._bytes += len(data)
        if before and isinstance(self._parts[-1], Buffer):
            self._parts[-1].append(data)
        elif data:
            buffer = Buffer()
            buffer.append(data)
            self._parts.append(buffer)

    def append_file(self, part: FilePart) -> None:
        """Add a part of a file, which is not empty, to the end."""
        self._bytes += len(part)
        self._parts.append(part)

    def write_to(self, sock: socket.socket) -> int:
        """Send bytes of the first part on the socket; returns the number of sent bytes.

        Raises OSError; the output is unchanged then.
        """
        sent = self._parts[0].write_to(sock)
        self._sent(sent)
        return sent

    def close(self) -> None:
        """Drop everything. Idempotent."""
        for part in self._parts:
            if isinstance(part, FilePart):
                part.close()
        self._parts.clear()
        self._bytes = 0

    def _sent(self, count: int) -> None:
        """Note that ``count`` bytes of the first part were sent."""
        self._bytes -= count
        if not self._parts[0]:
            part = self._parts.popleft()
            if isinstance(part, FilePart):
                part.close()
