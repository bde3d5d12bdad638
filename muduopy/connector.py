"""Connector: establishes one outgoing connection, and retries until it has one."""

from __future__ import annotations

import errno
import logging
import socket
import threading
from collections.abc import Callable, Sequence
from enum import Enum

from muduopy.address import Address, check_address
from muduopy.backoff import FIRST_DELAY, LAST_DELAY, Backoff
from muduopy.connect_attempt import os_error
from muduopy.connect_race import HOPELESS, ConnectRace
from muduopy.event_loop import EventLoop
from muduopy.host_address import HostAddress
from muduopy.timer_queue import Timer

log = logging.getLogger(__name__)

CONNECT_SECONDS = 10.0
"""The time-out of one attempt. The kernel's own is about two minutes."""


class ConnectorState(Enum):
    IDLE = "idle"
    RESOLVING = "resolving"
    CONNECTING = "connecting"
    WAITING = "waiting"
    CONNECTED = "connected"


class Connector:
    """Connects without blocking, and hands over the socket.

    A ``HostAddress`` is resolved before each attempt, in a thread of its own, and its addresses
    compete in a ConnectRace. Set the callbacks before ``start``; both run in the loop's thread. It
    owns the socket until it has handed it over. Used by TcpClient.

    Attributes:
        new_connection_callback: gets the connected, non-blocking socket.
        failed_callback: gets the error of each failed attempt, and the seconds until the next
            one, or None if there is no next one.
    """

    def __init__(
        self,
        loop: EventLoop,
        address: Address | HostAddress,
        *,
        connect_seconds: float = CONNECT_SECONDS,
        first_delay: float = FIRST_DELAY,
        last_delay: float = LAST_DELAY,
        jitter: bool = False,
    ) -> None:
        """
        ``connect_seconds``: the time-out of one attempt, including the resolution of a name.
        ``first_delay``, ``last_delay``, ``jitter``: as in Backoff.
        """
        if not connect_seconds > 0:
            raise ValueError(f"connect_seconds: {connect_seconds} must be positive")
        if not isinstance(address, HostAddress):
            check_address(address)
        self.address = address
        self.new_connection_callback: Callable[[socket.socket], object] = socket.socket.close
        self.failed_callback: Callable[[OSError, float | None], object] = _ignore
        self._loop = loop
        self._connect_seconds = connect_seconds
        self._backoff = Backoff(first_delay, last_delay, jitter=jitter)
        self._not_before = 0.0  # the next start waits until then; monotonic seconds
        self._state = ConnectorState.IDLE
        self._race: ConnectRace | None = None
        self._resolver_runs = False
        self._timer: Timer | None = None  # until the next attempt, or the time-out of this one

    def __repr__(self) -> str:
        return f"<Connector {self.address} {self._state.value}>"

    def start(self) -> None:
        """Begin to connect, with the shortest delay. No effect during an attempt. Any thread."""
        self._loop.run_in_loop(self._start_in_loop)

    def stop(self) -> None:
        """Cancel the attempt that is under way. A connected socket is not touched. Any thread."""
        self._loop.run_in_loop(self._stop_in_loop)

    def failed(self, error: OSError) -> None:
        """Retry, because the last socket was useless: its TLS handshake failed. Loop thread."""
        if self._state is ConnectorState.CONNECTED:
            self._try_later(error)

    def hold_off(self) -> None:
        """Begin the next delay, but no attempt, because the last socket was useless. Loop thread.

        A ``start`` during that delay waits for its end.
        """
        self._state = ConnectorState.IDLE
        self._not_before = self._loop.poll_return_time + self._backoff.next_delay()

    def restart(self) -> None:
        """Connect again at once, after a stable connection has gone down. Loop thread.

        With jitter it waits for a random part of the first delay, because all clients of a server
        that restarts lose their connections at the same moment.
        """
        self._backoff.reset()
        self._wait(self._backoff.spread())

    def _start_in_loop(self) -> None:
        if self._state not in (ConnectorState.IDLE, ConnectorState.CONNECTED):
            return
        wait = self._not_before - self._loop.poll_return_time
        if wait <= 0:
            self._backoff.reset()
        self._wait(wait)

    def _stop_in_loop(self) -> None:
        if self._state not in (ConnectorState.IDLE, ConnectorState.CONNECTED):
            self._clean_up()
            self._state = ConnectorState.IDLE

    def _wait(self, seconds: float) -> None:
        self._state = ConnectorState.WAITING
        if seconds > 0:
            self._timer = self._loop.run_after(seconds, self._try)
        else:
            self._try()

    # ------------------------------------------------------------------ one attempt

    def _try(self) -> None:
        if self._state is not ConnectorState.WAITING:
            return
        self._timer = self._loop.run_after(self._connect_seconds, self._timed_out)
        if isinstance(self.address, HostAddress):
            self._state = ConnectorState.RESOLVING
            self._start_resolver(self.address)
        else:
            self._connect([self.address])

    def _start_resolver(self, host: HostAddress) -> None:
        # The resolver of an attempt that timed out cannot be stopped. Its result serves the next
        # attempt, so there is never more than one thread.
        if self._resolver_runs:
            return
        thread = threading.Thread(
            target=self._resolve, args=(host,), name=f"resolve {host}", daemon=True
        )
        self._resolver_runs = True
        try:
            thread.start()
        except RuntimeError:  # no thread can be started
            self._resolver_runs = False
            self._failed(os_error(errno.EAGAIN))

    def _resolve(self, host: HostAddress) -> None:
        """In the resolver thread."""
        found: list[Address] = []
        error: OSError | None = None
        try:
            found.extend(host.resolve())
        except OSError as exc:
            error = exc
        self._loop.queue_in_loop(lambda: self._resolved(found, error))

    def _resolved(self, found: Sequence[Address], error: OSError | None) -> None:
        self._resolver_runs = False
        if self._state is not ConnectorState.RESOLVING:  # stopped or timed out meanwhile
            return
        if error is not None:
            self._failed(error)
        else:
            self._connect(found)

    def _connect(self, addresses: Sequence[Address]) -> None:
        self._state = ConnectorState.CONNECTING
        self._race = ConnectRace(self._loop, addresses, self._connected, self._failed)
        self._race.start()

    def _connected(self, sock: socket.socket) -> None:
        self._clean_up()
        self._state = ConnectorState.CONNECTED
        self.new_connection_callback(sock)

    def _timed_out(self) -> None:
        if self._state in (ConnectorState.RESOLVING, ConnectorState.CONNECTING):
            self._failed(os_error(errno.ETIMEDOUT))

    def _failed(self, error: OSError) -> None:
        if error.errno in HOPELESS:
            self._clean_up()
            log.error("connecting to %s: %s; giving up", self.address, error.strerror)
            self.hold_off()  # else a callback that calls connect() would recurse
            self.failed_callback(error, None)
        else:
            self._try_later(error)

    def _try_later(self, error: OSError) -> None:
        self._clean_up()
        delay = self._backoff.next_delay()
        reason = error.strerror or error
        log.info("connecting to %s: %s; again in %.1f s", self.address, reason, delay)
        self._wait(delay)
        self.failed_callback(error, delay)

    def _clean_up(self) -> None:
        if self._timer is not None:
            self._loop.cancel(self._timer)
            self._timer = None
        if self._race is not None:
            self._race.cancel()
            self._race = None


def _ignore(error: OSError, delay: float | None) -> None:
    pass
