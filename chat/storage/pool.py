"""ConnectionPool: a bounded number of database connections, opened at the start or when needed.

The pool lends the connection that came back last. So in quiet times few connections are used, and
the server can close the others. A connection that was idle for a while is pinged before it is lent.
A connection that was in use a moment ago is not: a ping costs a round trip.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from chat.storage.base import StorageError

WAIT_SECONDS = 5.0
"""The wait for a connection when all are lent."""

IDLE_SECONDS = 5.0
"""A connection that was idle for longer is pinged first."""


class PooledConnection(Protocol):
    """The methods of a connection that the pool calls."""

    def is_alive(self) -> bool:
        """Ping the server. Blocks; never raises."""
        ...

    def reset(self) -> None:
        """Roll back an open transaction. Raises StorageError."""
        ...

    def close(self) -> None:
        """Never raises."""
        ...


C = TypeVar("C", bound=PooledConnection)


class ConnectionPool(Generic[C]):
    """Lends connections. Any thread.

    Attributes:
        bound: the largest number of connections.
        waits, waited: how often a thread had to wait for a connection, and the seconds in all.
    """

    def __init__(self, connect: Callable[[], C], bound: int, wait: float = WAIT_SECONDS) -> None:
        """``connect`` raises StorageError."""
        self.bound = bound
        self._connect = connect
        self._wait = wait
        self._lock = threading.Lock()  # guards _idle, _count, _closed, waits and waited
        self._returned = threading.Condition(self._lock)
        self._idle: list[tuple[float, C]] = []  # with the time of return, oldest first
        self._count = 0  # lent or idle
        self._closed = False
        self.waits = 0
        self.waited = 0.0

    @property
    def size(self) -> int:
        """The number of connections, lent or idle."""
        with self._lock:
            return self._count

    @property
    def idle(self) -> int:
        with self._lock:
            return len(self._idle)

    def take(self) -> C:
        """Lend a connection, for ``give_back``. Blocks. Raises StorageError if there is none."""
        deadline = time.monotonic() + self._wait
        while True:
            found = self._reserve(deadline)
            if found is None:
                return self._open()
            returned, connection = found
            if time.monotonic() - returned < IDLE_SECONDS or connection.is_alive():
                return connection
            self.discard(connection)

    def refresh(self, seconds: float) -> None:
        """Ping the connections that have been idle for ``seconds``; close the dead ones.

        For a server that closes silent connections. It takes one connection at a time.
        """
        before = time.monotonic() - seconds
        while True:
            with self._lock:
                if self._closed or not self._idle or self._idle[0][0] > before:
                    return
                _, connection = self._idle.pop(0)
            if not connection.is_alive():
                self.discard(connection)
                continue
            with self._lock:
                if not self._closed:
                    self._idle.append((time.monotonic(), connection))
                    self._returned.notify()
                    continue
            self.discard(connection)

    def fill(self, count: int) -> None:
        """Open ``count`` connections now, at most ``bound``. Raises StorageError.

        Then no request waits for a connection to open, or fails for lack of a descriptor.
        """
        taken: list[C] = []
        try:
            while len(taken) < min(count, self.bound):
                taken.append(self.take())
        finally:
            for connection in taken:
                self.give_back(connection)

    def give_back(self, connection: C) -> None:
        """Return a connection after use. Its open transaction is rolled back."""
        try:
            connection.reset()
        except StorageError:
            self.discard(connection)
            return
        with self._lock:
            if not self._closed:
                self._idle.append((time.monotonic(), connection))
                self._returned.notify()
                return
        self.discard(connection)

    def discard(self, connection: C) -> None:
        """Return a broken connection: close it."""
        connection.close()
        self._forget()

    def close(self) -> None:
        """Close idle connections now, and lent ones when they come back. Idempotent."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
            self._returned.notify_all()
        for _, connection in idle:
            self.discard(connection)

    def _reserve(self, deadline: float) -> tuple[float, C] | None:
        """An idle connection with the time of its return; None: open a new one, already counted."""
        with self._lock:
            while True:
                if self._closed:
                    raise StorageError("the database is closed")
                if self._idle:
                    return self._idle.pop()
                if self._count < self.bound:
                    self._count += 1
                    return None
                left = deadline - time.monotonic()
                if left <= 0:
                    raise StorageError(f"all {self.bound} database connections are in use")
                self.waits += 1
                begun = time.monotonic()
                self._returned.wait(left)
                self.waited += time.monotonic() - begun

    def _open(self) -> C:
        try:
            return self._connect()
        except BaseException:
            self._forget()
            raise

    def _forget(self) -> None:
        with self._lock:
            self._count -= 1
            self._returned.notify()
