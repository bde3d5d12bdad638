"""State: the life of a TcpConnection, and the steps that it may take."""

from __future__ import annotations

from enum import Enum


class State(Enum):
    """A state of a TcpConnection. Immutable; any thread."""

    CONNECTING = "connecting"
    CONNECTED = "connected"
    DISCONNECTING = "disconnecting"
    DISCONNECTED = "disconnected"


# The states that may follow each state.
NEXT: dict[State, frozenset[State]] = {
    State.CONNECTING: frozenset({State.CONNECTED, State.DISCONNECTED}),
    State.CONNECTED: frozenset({State.DISCONNECTING, State.DISCONNECTED}),
    State.DISCONNECTING: frozenset({State.DISCONNECTED}),
    State.DISCONNECTED: frozenset(),
}
