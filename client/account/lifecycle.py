"""Lifecycle: the states of a client, and their transitions. Pure.

::

    IDLE ──▶ CONNECTING ──▶ CONNECTED ──▶ LOGGING_IN ──▶ ONLINE
                ▲  │            │              │            │
                │  ▼            ▼              ▼            ▼
                WAITING ◀───── the connection is lost; back-off

    ONLINE ──▶ CONNECTED   after a logout that the server has confirmed
    STOPPED                the server has ended the session (BYE_MSG) or refuses the token; with
                           keep_connected=False also after a lost connection. A new login or
                           ``reconnect`` leads to CONNECTING
    CLOSED                 the end; no state follows
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from client.errors import ClientError


class State(Enum):
    """The state of a client's connection and login."""

    IDLE = "idle"
    CONNECTING = "connecting"
    CONNECTED = "connected"
    LOGGING_IN = "logging in"
    ONLINE = "online"
    WAITING = "waiting"
    STOPPED = "stopped"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class Status:
    """A state, and its reason.

    Attributes:
        state: the state.
        error: the error that ended the last attempt or connection; None if there was none.
        retry_at: in WAITING, the time of the next attempt in ``time.monotonic()`` seconds; None in
            other states.
    """

    state: State
    error: ClientError | None = None
    retry_at: float | None = None


_FOLLOWS: dict[State, frozenset[State]] = {
    State.IDLE: frozenset({State.CONNECTING, State.CLOSED}),
    State.CONNECTING: frozenset({State.CONNECTED, State.WAITING, State.STOPPED, State.CLOSED}),
    State.CONNECTED: frozenset(
        {State.LOGGING_IN, State.WAITING, State.STOPPED, State.CONNECTING, State.CLOSED}
    ),
    State.LOGGING_IN: frozenset(
        {
            State.ONLINE,
            State.CONNECTED,
            State.WAITING,
            State.STOPPED,
            State.CONNECTING,
            State.CLOSED,
        }
    ),
    State.ONLINE: frozenset(
        {State.CONNECTED, State.WAITING, State.STOPPED, State.CONNECTING, State.CLOSED}
    ),
    State.WAITING: frozenset({State.CONNECTING, State.CLOSED}),
    State.STOPPED: frozenset({State.CONNECTING, State.CLOSED}),
    State.CLOSED: frozenset(),
}

UP = frozenset({State.CONNECTED, State.LOGGING_IN, State.ONLINE})
"""The states with a connection."""


class Lifecycle:
    """The one place where the state changes. Not thread-safe.

    Attributes:
        status: the state now, and its reason.
    """

    def __init__(self) -> None:
        self.status = Status(State.IDLE)

    def __repr__(self) -> str:
        return f"<Lifecycle {self.status.state.value}>"

    @property
    def state(self) -> State:
        """The state now."""
        return self.status.state

    def become(
        self, state: State, error: ClientError | None = None, retry_at: float | None = None
    ) -> Status:
        """Change the state. Raises ValueError for an illegal transition, and changes nothing."""
        if state not in _FOLLOWS[self.state]:
            raise ValueError(f"{state} must not follow {self.state}")
        self.status = Status(state, error, retry_at)
        return self.status
