"""HttpLimits: the limits in size and time for one HTTP client."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpLimits:
    """The limits, and the answers beyond them. Immutable; any thread. Raises ValueError.

    Sizes are bytes, times are seconds (``math.inf`` for no limit). After an answer with one of
    the error codes below, the connection is closed.

    Attributes:
        max_header_bytes: for request line and header fields together; else 431 (or 414).
        max_body_bytes: for a request's body, which is kept in memory; else 413.
        max_pipelined: most requests of one connection that the callback has at a time, and that
            one pass of the loop takes. Further ones wait in the kernel.
        max_unsent_bytes: while more output waits for a client, its requests are not read.
        idle_seconds: between requests, and before the first; then closed without an answer.
        request_seconds: from a request's first byte to its last; else 408.
        answer_seconds: from a request's last byte to ``finish``; else 503.
        send_seconds: for a client that takes no byte of the waiting output; then closed.
        linger_seconds: for the client to close after the last answer. If the server closed at
            once while the client still sends, the kernel would reset the connection and drop
            that answer.
    """

    max_header_bytes: int = 16 * 1024
    max_body_bytes: int = 1024 * 1024
    max_pipelined: int = 16
    max_unsent_bytes: int = 1024 * 1024
    idle_seconds: float = 60.0
    request_seconds: float = 30.0
    answer_seconds: float = 60.0
    send_seconds: float = 30.0
    linger_seconds: float = 2.0

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            least_allowed = 0 if field.name == "max_body_bytes" else 1
            if field.name.endswith("seconds"):
                if not value > 0:  # this form also catches NaN
                    raise ValueError(f"{field.name}: {value} is not positive")
            elif value < least_allowed:
                raise ValueError(f"{field.name}: {value} is less than {least_allowed}")


DEFAULT_LIMITS = HttpLimits()
