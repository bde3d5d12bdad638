"""SendQueue: bytes and files that other threads send, until the connection's loop takes them."""

from __future__ import annotations

import threading

from muduopy.file_part import FilePart


class SendQueue:
    """The part of a connection that its loop shares with other threads. Any thread.

    Only the first chunk of a burst wakes the loop, and the loop takes all chunks together. So a
    burst costs one wake-up.

    Attributes:
        sealed: no more chunks are accepted. It never becomes False again.
    """

    __slots__ = ("_chunks", "_lock", "sealed")

    def __init__(self) -> None:
        self._lock = threading.Lock()  # guards both attributes
        self._chunks: list[bytes | FilePart] | None = None
        self.sealed = False

    def put(self, chunk: bytes | FilePart) -> bool:
        """Append. True if the loop must be told to ``take``. A sealed queue drops the chunk."""
        with self._lock:
            if self.sealed:
                if isinstance(chunk, FilePart):
                    chunk.close()
                return False
            if self._chunks is not None:
                self._chunks.append(chunk)
                return False
            self._chunks = [chunk]
            return True

    def take(self) -> list[bytes | FilePart]:
        """Empty the queue. Bytes that follow each other come as one chunk."""
        with self._lock:
            chunks, self._chunks = self._chunks, None
        if chunks is None:
            return []
        try:
            return [b"".join(chunks)]  # type: ignore[arg-type]
        except TypeError:  # a file is among them
            return chunks

    def seal(self) -> None:
        """Accept no more chunks. Idempotent."""
        with self._lock:
            self.sealed = True
