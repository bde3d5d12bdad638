"""The types of what users hand to servers and connections. All run in the connection's loop."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from muduopy.buffer import Buffer
    from muduopy.event_loop import EventLoop
    from muduopy.tcp_connection import TcpConnection

ConnectionCallback: TypeAlias = "Callable[[TcpConnection], object]"
"""The connection came up or went down; ``connection.connected`` tells which."""

MessageCallback: TypeAlias = "Callable[[TcpConnection, Buffer, float], object]"
"""Bytes arrived: (connection, its input buffer, when: seconds of time.monotonic)."""

WriteCompleteCallback: TypeAlias = "Callable[[TcpConnection], object]"
"""The kernel has taken everything that was sent."""

WaterMarkCallback: TypeAlias = "Callable[[TcpConnection, int], object]"
"""The output crossed a water mark: (connection, bytes now waiting)."""

ThreadInitCallback: TypeAlias = "Callable[[EventLoop], object]"
"""Runs in each new loop thread before its loop runs."""
