"""SocketOptions: the options of a connection's socket, and the kernel's view of it."""

from __future__ import annotations

import socket

from muduopy.peer_credentials import PeerCredentials
from muduopy.tcp_info import TcpInfo

_AF_UNIX = getattr(socket, "AF_UNIX", None)


class SocketOptions:
    """A base of TcpConnection, which owns the socket. It uses no other part of the connection.

    All methods: any thread. They raise OSError once the connection is closed.
    """

    __slots__ = ("_socket",)

    _socket: socket.socket

    def set_tcp_no_delay(self, on: bool) -> None:
        """Send small segments at once (True), or let the kernel merge them. Any thread.

        A Unix socket always sends at once; this and ``set_keep_alive`` have no effect on it.
        """
        if self._socket.family == _AF_UNIX:
            return
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, on)

    def set_keep_alive(self, idle: int, interval: int, probes: int) -> None:
        """Set the time after which the kernel gives up a silent peer. Any thread.

        The kernel probes after ``idle`` seconds of silence, then every ``interval`` seconds. After
        ``probes`` probes without an answer it resets the connection.
        """
        if self._socket.family == _AF_UNIX:
            return
        for option, value in (
            ("TCP_KEEPIDLE", idle),
            ("TCP_KEEPINTVL", interval),
            ("TCP_KEEPCNT", probes),
        ):
            if hasattr(socket, option):
                self._socket.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)

    def get_socket_option(self, level: int, option: int, size: int = 0) -> int | bytes:
        """``getsockopt``: an int, or ``size`` bytes. Any thread. Raises OSError."""
        if size:
            return self._socket.getsockopt(level, option, size)
        return self._socket.getsockopt(level, option)

    def set_socket_option(self, level: int, option: int, value: int | bytes) -> None:
        """``setsockopt``, such as (SOL_SOCKET, SO_RCVBUF, bytes). Any thread. Raises OSError."""
        self._socket.setsockopt(level, option, value)

    @property
    def tcp_info(self) -> TcpInfo:
        """The kernel's figures: round-trip time, losses and more. Any thread.

        Raises OSError unless it is an open TCP connection on Linux.
        """
        return TcpInfo.of(self._socket)

    @property
    def peer_credentials(self) -> PeerCredentials:
        """The process at the other end of a Unix socket. Any thread.

        Raises OSError unless it is an open Unix socket on Linux.
        """
        return PeerCredentials.of(self._socket)
