"""The types of the callbacks of servers and connections, and the default callbacks.

All run in the connection's loop, except ThreadInitCallback.

A connection is generic in its ``context``, and so are the callbacks:

    class Session: ...

    def on_message(connection: TcpConnection[Session], buffer: Buffer, when: float) -> None:
        connection.context.heard += len(buffer)     # checked

    server: TcpServer[Session] = TcpServer(loop, address)
    server.set_message_callback(on_message)

Without the brackets the context is ``Any``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    # Type checkers know this module even if it is not installed. Before Python 3.13 only its
    # TypeVar has defaults.
    from typing_extensions import TypeVar

    from muduopy.address import Address
    from muduopy.buffer import Buffer
    from muduopy.event_loop import EventLoop
    from muduopy.tcp_connection import TcpConnection

    ContextT = TypeVar("ContextT", default=Any)
else:
    from typing import TypeVar

    ContextT = TypeVar("ContextT")

ConnectionCallback: TypeAlias = "Callable[[TcpConnection[ContextT]], object]"
"""The connection came up or went down; ``connection.connected`` tells which."""

MessageCallback: TypeAlias = "Callable[[TcpConnection[ContextT], Buffer, float], object]"
"""Bytes arrived: (connection, its input buffer, time of arrival in seconds of time.monotonic)."""

WriteCompleteCallback: TypeAlias = "Callable[[TcpConnection[ContextT]], object]"
"""The kernel has taken all output."""

WaterMarkCallback: TypeAlias = "Callable[[TcpConnection[ContextT], int], object]"
"""The waiting output crossed a water mark: (connection, bytes now waiting)."""

ThreadInitCallback: TypeAlias = "Callable[[EventLoop], object]"
"""Runs in each new loop thread before its loop runs."""


AdmissionCallback: TypeAlias = "Callable[[Address], bytes | None]"
"""A peer has connected: None admits it. Bytes refuse it, and are sent to it."""

EarlyEndCallback: TypeAlias = "Callable[[bytes], bool]"
"""A peer has connected, sent these bytes and closed: whether they need no answer."""

NamingCallback: TypeAlias = "Callable[[Address], str]"
"""A peer was admitted: the name of its connection in log lines."""


def ignore_connection(connection: TcpConnection[ContextT]) -> None:
    """The default connection callback."""


def discard_message(connection: TcpConnection[ContextT], buffer: Buffer, when: float) -> None:
    """The default message callback: as in muduo, arriving bytes are dropped."""
    buffer.retrieve_all()
