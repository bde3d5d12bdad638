"""ConnectAttempt: connects one socket to one address."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Callable

from muduopy.address import Address
from muduopy.channel import Channel
from muduopy.event_loop import EventLoop

_IN_PROGRESS = {0, errno.EINPROGRESS, errno.EINTR, errno.EISCONN}


class ConnectAttempt:
    """Connects without blocking, and hands over the socket. Loop thread.

    It owns the socket until it has handed it over. Used by ConnectRace.
    """

    def __init__(
        self,
        loop: EventLoop,
        address: Address,
        connected: Callable[[ConnectAttempt, socket.socket], object],
        failed: Callable[[ConnectAttempt, OSError], object],
    ) -> None:
        """``connected``, ``failed``: one of them is called, from an event of the loop."""
        self._loop = loop
        self._address = address
        self._connected = connected
        self._failed = failed
        self._socket: socket.socket | None = None
        self._channel: Channel | None = None

    def start(self) -> OSError | None:
        """Begin to connect. If that fails at once, returns the error, and no callback follows."""
        try:
            self._socket = sock = socket.socket(self._address.family, socket.SOCK_STREAM)
            sock.setblocking(False)
            error = sock.connect_ex(self._address.sockaddr)
        except OSError as exc:  # no descriptors left, or an address family without support
            self.cancel()
            return exc
        if error not in _IN_PROGRESS:
            self.cancel()
            return os_error(error)
        # Connected or failed, the socket becomes writable.
        self._channel = channel = Channel(self._loop, sock.fileno())
        channel.write_callback = channel.error_callback = channel.close_callback = self._finished
        channel.enable_writing()
        return None

    def cancel(self) -> None:
        """Close the socket; no callback follows. Idempotent."""
        if self._channel is not None:
            self._channel.disable_all()
            self._channel = None
        if self._socket is not None:
            # After this pass: until then no new socket can get this descriptor's number.
            self._loop.queue_in_loop(self._socket.close)
            self._socket = None

    def _finished(self) -> None:
        sock = self._socket
        if sock is None or self._channel is None:
            return
        error = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if not error and is_self_connect(sock):
            # No server listens. The kernel chose the target's port as our source port.
            error = errno.ECONNREFUSED
        if error:
            self.cancel()
            self._failed(self, os_error(error))
            return
        self._channel.disable_all()
        self._channel = self._socket = None
        self._connected(self, sock)


def os_error(number: int) -> OSError:
    """The exception for an error number of the operating system."""
    return OSError(number, os.strerror(number))


def is_self_connect(sock: socket.socket) -> bool:
    """Whether the socket is connected to itself, as may happen on a local port without a listener.

    Example: no server listens on port 40000. The kernel picks 40000 as the source port of our
    connection to port 40000, and the SYN meets the socket that sent it.
    """
    try:
        return sock.family != socket.AF_UNIX and sock.getsockname() == sock.getpeername()
    except OSError:  # the peer has gone; the first read finds that
        return False
