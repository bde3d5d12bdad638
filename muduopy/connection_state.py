"""State: the life of a TcpConnection, and the steps that it may take."""

from __future__ import annotations

from enum import Enum


class State(Enum):
    """Where a TcpConnection is in its life. Immutable; any thread."""

    CONNECTING = "connecting"
    CONNECTED = "connected"
    DISCONNECTING = "disconnecting"
    DISCONNECTED = "disconnected"


NEXT: dict[State, frozenset[State]] = {
    State.CONNECTING: frozenset({State.CONNECTED, State.DISCONNECTED}),
    State.CONNECTED: frozenset({State.DISCONNECTING, State.DISCONNECTED}),
    State.DISCONNECTING: frozenset({State.DISCONNECTED}),
    State.DISCONNECTED: frozenset(),
}
