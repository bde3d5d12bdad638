"""WebSocketLimits: the limits in size and time for one WebSocket."""

from __future__ import annotations

from dataclasses import dataclass, fields

from muduopy.websocket.frames import MAX_CONTROL_BYTES


@dataclass(frozen=True, slots=True, kw_only=True)
class WebSocketLimits:
    """The limits, and the close codes beyond them. Immutable; any thread. Raises ValueError.

    Sizes are bytes, times are seconds (``math.inf`` for no limit).

    Attributes:
        max_header_bytes: for the head of the handshake; a server answers 431 beyond it.
        max_message_bytes: for an arriving message, after decompression; else 1009. At least 125.
        max_fragments: frames of one message; else 1008.
        handshake_seconds: from the beginning to the end of the handshake; then 408, and the end.
        message_seconds: from the first bytes of a message to its end; else 1008.
        ping_seconds: of silence; after them the peer gets a Ping. ``math.inf`` for no Pings.
        pong_seconds: for the peer to send anything after such a Ping; else 1011, and the end.
        close_seconds: for the peer's part of the closing handshake; then the end by force.
    """

    max_header_bytes: int = 16 * 1024
    max_message_bytes: int = 1024 * 1024
    max_fragments: int = 4096
    handshake_seconds: float = 10.0
    message_seconds: float = 60.0
    ping_seconds: float = 30.0
    pong_seconds: float = 30.0
    close_seconds: float = 5.0

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            least_allowed = MAX_CONTROL_BYTES if field.name == "max_message_bytes" else 1
            if field.name.endswith("seconds"):
                if not value > 0:  # this form also catches NaN
                    raise ValueError(f"{field.name}: {value} is not positive")
            elif value < least_allowed:
                raise ValueError(f"{field.name}: {value} is less than {least_allowed}")


DEFAULT_LIMITS = WebSocketLimits()
