"""All cases, and the way to run one."""

from __future__ import annotations

from collections.abc import Callable

from tests.muduopy.websocket.cases import (
    close_cases,
    deflate_cases,
    frame_cases,
    limit_cases,
    utf8_cases,
)
from tests.muduopy.websocket.cases.case import Case, Scale
from tests.muduopy.websocket.rawpeer import RawPeer

LIMITS = {
    "max_message_bytes": 32 << 20,
    "max_fragments": 1 << 20,
    "message_seconds": 600.0,
    "ping_seconds": 1000.0,
}
"""Of the server that the cases run with: the suite has messages of 16 MiB in frames of 64 B."""


def key(case: Case) -> tuple[int, ...]:
    return tuple(int(part) for part in case.number.split("."))


CASES = sorted(
    [
        *frame_cases.cases(),
        *utf8_cases.cases(),
        *close_cases.cases(),
        *limit_cases.cases(),
        *deflate_cases.cases(),
    ],
    key=key,
)


def failure_of(case: Case, connect: Callable[[], RawPeer], scale: Scale) -> str:
    """Run one case; "" if the server behaves, else what it did instead."""
    peer = connect()
    try:
        peer.open("/", *case.fields)
        case.run(peer, scale)
    except (AssertionError, OSError, EOFError) as exc:
        return f"{type(exc).__name__}: {exc}"[:200]
    finally:
        peer.shut()
    return ""
