"""The exceptions of muduopy.websocket.

MuduoError
└── WebSocketError
    ├── FrameError        the peer broke a rule; the package closes with the code
    └── HandshakeError    no WebSocket came about: the other side refused, or its answer is wrong
"""

from __future__ import annotations

from muduopy.errors import MuduoError


class WebSocketError(MuduoError):
    """Root of the package's exceptions."""


class FrameError(WebSocketError):
    """The peer's bytes break a rule. Bytes after them on the connection cannot be read.

    Attributes:
        code: the close code that tells the peer.
        reason: text for a human reader, in ASCII.
    """

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.code}: {self.reason}"


class HandshakeError(WebSocketError):
    """The opening handshake has failed.

    Attributes:
        status: the HTTP status of the refusal; 0 if there was no answer that can be read.
        reason: text for a human reader.
    """

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(status, reason)
        self.status = status
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.status}: {self.reason}" if self.status else self.reason
