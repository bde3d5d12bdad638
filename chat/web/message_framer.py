"""MessageFramer: the framing of a connection on a WebSocket. A text message is one frame."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection
from itertools import islice

from muduopy.websocket.frames import FINAL_TEXT, encode_frame

OVERHEAD = 14
"""The most bytes of a frame's header."""


class MessageFramer:
    """Frames are messages: see ``chat.connection.framing.Framer``. The connection's loop."""

    __slots__ = ("_used", "_waiting", "held", "max_frame", "taken", "too_large")

    def __init__(self, max_frame: int, received: int = 0) -> None:
        """``received``: the bytes of the connection so far, which were HTTP."""
        self.max_frame = max_frame
        self.taken = 0
        self.too_large = False
        self.held = 0
        self._waiting: deque[bytes] = deque()
        self._used = received

    @property
    def may_be_original(self) -> bool:
        """No client of the original speaks WebSocket."""
        return False

    def whole(self, data: bytes) -> bytes | None:
        """The message, unless others wait before it, or it is too large."""
        self._used += len(data) + OVERHEAD
        if self._waiting or len(data) > self.max_frame or self.too_large:
            return None
        return data

    def several(self, data: bytes, limit: int) -> list[bytes] | None:
        """Messages come one at a time."""
        return None

    def feed(self, data: bytes) -> None:
        """Add a message. None is taken after one that is too large."""
        if self.too_large:
            return
        if len(data) > self.max_frame and not self._waiting:
            self.too_large = True
            return
        self._waiting.append(data)
        self.held += len(data)

    def take(self, limit: int) -> list[bytes]:
        """Up to ``limit`` messages, in order."""
        frames: list[bytes] = []
        for frame in islice(self._waiting, limit):
            if len(frame) > self.max_frame:
                self.too_large = True
                break
            frames.append(frame)
        for frame in frames:
            self._waiting.popleft()
            self.held -= len(frame)
        if self.too_large:
            self.clear()
        self.taken = len(frames)
        return frames

    def clear(self) -> None:
        """Drop the messages that were not taken."""
        self._waiting.clear()
        self.held = 0

    def surplus(self, received: int) -> int:
        """Bytes of Pings, empty messages and empty fragments. A half message counts once whole."""
        surplus = received - self._used - 2 * self.max_frame
        if surplus <= 0:
            return 0
        self._used += surplus
        return surplus

    def pack(self, frames: Collection[bytes]) -> bytes:
        """The bytes that carry these frames to the peer."""
        return b"".join([encode_frame(FINAL_TEXT, frame) for frame in frames])

    def pack_one(self, frame: bytes) -> bytes:
        """``pack`` for one frame."""
        return encode_frame(FINAL_TEXT, frame)
