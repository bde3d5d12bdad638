"""Connector: establishes one outgoing connection, trying again as long as it takes."""

from __future__ import annotations

import errno
import logging
import os
import random
import socket
from collections.abc import Callable
from enum import Enum

from muduopy.address import Address
from muduopy.channel import Channel
from muduopy.event_loop import EventLoop
from muduopy.timer_queue import Timer

log = logging.getLogger(__name__)

FIRST_DELAY = 0.5
LAST_DELAY = 30.0
"""Seconds between attempts: doubled from the one to the other, as in muduo."""

CONNECT_SECONDS = 10.0
"""How long one attempt may take; the kernel alone would wait for two minutes."""

_IN_PROGRESS = {0, errno.EINPROGRESS, errno.EINTR, errno.EISCONN}

_HOPELESS = {errno.EACCES, errno.EPERM, errno.EAFNOSUPPORT, errno.EINVAL, errno.ENAMETOOLONG}
"""What a later attempt would meet again. Everything else may pass: a server that is not up yet,
a network that is down, too few ports or descriptors."""


class ConnectorState(Enum):
    IDLE = "idle"
    CONNECTING = "connecting"
    WAITING = "waiting"
    CONNECTED = "connected"


class Connector:
    """Connects without blocking, and hands over the socket.

    Set the callbacks before ``start``; both run in the loop's thread. It owns the socket until
    it has handed it over. Used by TcpClient.

    Attributes:
        new_connection_callback: gets the connected, non-blocking socket.
        failed_callback: hears of each attempt that failed, with the seconds until the next one,
            or None when there will be none.
    """

    def __init__(
        self,
        loop: EventLoop,
        address: Address,
        *,
        connect_seconds: float = CONNECT_SECONDS,
        jitter: bool = False,
    ) -> None:
        """``jitter``: wait a random part of each delay, so that clients of a server that has
        been away do not all come back at the same moment."""
        self.address = address
        self.new_connection_callback: Callable[[socket.socket], object] = socket.socket.close
        self.failed_callback: Callable[[OSError, float | None], object] = _ignore
        self._loop = loop
        self._connect_seconds = connect_seconds
        self._jitter = jitter
        self._state = ConnectorState.IDLE
        self._delay = FIRST_DELAY
        self._socket: socket.socket | None = None
        self._channel: Channel | None = None
        self._timer: Timer | None = None  # the next attempt's, or this one's time-out

    def __repr__(self) -> str:
        return f"<Connector {self.address} {self._state.value}>"

    def start(self) -> None:
        """Begin, with the shortest delay; nothing if it has begun. Any thread."""
        self._loop.run_in_loop(self._start_in_loop)

    def stop(self) -> None:
        """Give up what is under way; a connection handed over is not touched. Any thread."""
        self._loop.run_in_loop(self._stop_in_loop)

    def failed(self, error: OSError) -> None:
        """What was handed over turned out to be of no use: go on trying. Loop thread."""
        if self._state is ConnectorState.CONNECTED:
            self._try_later(error)

    def _start_in_loop(self) -> None:
        if self._state in (ConnectorState.IDLE, ConnectorState.CONNECTED):
            self._delay = FIRST_DELAY
            self._connect()

    def _stop_in_loop(self) -> None:
        if self._state in (ConnectorState.CONNECTING, ConnectorState.WAITING):
            self._clean_up()
            self._state = ConnectorState.IDLE

    # ------------------------------------------------------------------ one attempt

    def _connect(self) -> None:
        self._state = ConnectorState.CONNECTING
        try:
            self._socket = sock = socket.socket(self.address.family, socket.SOCK_STREAM)
            sock.setblocking(False)
            error = sock.connect_ex(self.address.sockaddr)
        except OSError as exc:  # out of descriptors; a family that this machine does not have
            self._failed(exc)
            return
        if error not in _IN_PROGRESS:
            self._failed(_os_error(error))
            return
        # Connected or failed, the socket becomes writable.
        self._channel = channel = Channel(self._loop, sock.fileno())
        channel.write_callback = channel.error_callback = channel.close_callback = self._finished
        channel.enable_writing()
        self._timer = self._loop.run_after(self._connect_seconds, self._timed_out)

    def _finished(self) -> None:
        if self._state is not ConnectorState.CONNECTING or self._socket is None:
            return
        error = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if error:
            self._failed(_os_error(error))
        elif _is_self_connect(self._socket):
            # Nobody listens, and the kernel chose the port we wanted to reach as ours.
            self._failed(_os_error(errno.ECONNREFUSED))
        else:
            sock, self._socket = self._socket, None
            self._clean_up()
            self._state = ConnectorState.CONNECTED
            self.new_connection_callback(sock)

    def _timed_out(self) -> None:
        if self._state is ConnectorState.CONNECTING:
            self._failed(_os_error(errno.ETIMEDOUT))

    def _failed(self, error: OSError) -> None:
        self._clean_up()
        if error.errno in _HOPELESS:
            log.error("connecting to %s: %s; giving up", self.address, error.strerror)
            self._state = ConnectorState.IDLE
            self.failed_callback(error, None)
        else:
            self._try_later(error)

    def _try_later(self, error: OSError) -> None:
        delay = random.uniform(0, self._delay) if self._jitter else self._delay
        self._delay = min(2 * self._delay, LAST_DELAY)
        log.info("connecting to %s: %s; again in %.1f s", self.address, error.strerror, delay)
        self._state = ConnectorState.WAITING
        self._timer = self._loop.run_after(delay, self._try_again)
        self.failed_callback(error, delay)

    def _try_again(self) -> None:
        if self._state is ConnectorState.WAITING:
            self._connect()

    def _clean_up(self) -> None:
        if self._timer is not None:
            self._loop.cancel(self._timer)
            self._timer = None
        if self._channel is not None:
            self._channel.disable_all()
            self._channel = None
        if self._socket is not None:
            # After this pass, see EventLoop: its number must not come back within it.
            self._loop.queue_in_loop(self._socket.close)
            self._socket = None


def _ignore(error: OSError, delay: float | None) -> None:
    pass


def _os_error(number: int) -> OSError:
    return OSError(number, os.strerror(number))


def _is_self_connect(sock: socket.socket) -> bool:
    try:
        return sock.family != socket.AF_UNIX and sock.getsockname() == sock.getpeername()
    except OSError:  # the peer has gone again: reading will tell
        return False
