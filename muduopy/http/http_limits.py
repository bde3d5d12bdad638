"""HttpLimits: how much, and how long, one HTTP client gets."""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpLimits:
    """The written answers to overload. Immutable; any thread. Raises ValueError.

    Sizes are bytes, times are seconds (``math.inf`` for none). After an answer with one of the
    error codes below the connection is closed.

    Attributes:
        max_header_bytes: of request line and header fields together, else 431 (or 414).
        max_body_bytes: of a request's body, else 413. It is kept in memory.
        max_pipelined: so many requests of one connection are with the callback at a time, and
            so many are taken in one pass of the loop. The others wait in the kernel.
        max_unsent_bytes: while more waits for a client that does not read its answers, no
            further request of this client is looked at.
        idle_seconds: between requests, and before the first. Then closed without an answer.
        request_seconds: from a request's first byte to its last, else 408.
        answer_seconds: from a request's last byte to ``finish``, else 503.
        send_seconds: for a client that takes no single byte of what waits for it. Then closed.
        linger_seconds: for the client to close, too, after the last answer. It protects that
            answer, which the kernel would throw away if the client were still sending.
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
                if not value > 0:  # this way round it catches NaN, too
                    raise ValueError(f"{field.name}: {value} is not positive")
            elif value < least_allowed:
                raise ValueError(f"{field.name}: {value} is less than {least_allowed}")


DEFAULT_LIMITS = HttpLimits()
