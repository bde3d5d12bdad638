"""ConnectionPool: a bounded number of database connections, opened at the start or when needed.

The one that was given back last is handed out first, so that in quiet times few are used and the
others can be closed by the server. A connection that has lain idle is asked whether it lives
before it is trusted; one that was in use a moment ago is not, as that would cost every
transaction a round trip.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from chat.storage.base import StorageError

WAIT_SECONDS = 5.0
"""How long to wait for a connection when all are in use."""

IDLE_SECONDS = 5.0
"""A connection idle for longer is tried before use."""


class PooledConnection(Protocol):
    """What the pool asks of a connection."""

    def is_alive(self) -> bool:
        """Ask the server. Blocks; never raises."""
        ...

    def reset(self) -> None:
        """Undo what is not committed. Raises StorageError."""
        ...

    def close(self) -> None:
        """Never raises."""
        ...


C = TypeVar("C", bound=PooledConnection)


class ConnectionPool(Generic[C]):
    """Lends connections. Any thread.

    Attributes:
        bound: there are never more connections than this.
    """

    def __init__(self, connect: Callable[[], C], bound: int, wait: float = WAIT_SECONDS) -> None:
        """``connect`` raises StorageError."""
        self.bound = bound
        self._connect = connect
        self._wait = wait
        self._lock = threading.Lock()  # guards _idle, _count and _closed
        self._returned = threading.Condition(self._lock)
        self._idle: list[tuple[float, C]] = []  # with the time of return, oldest first
        self._count = 0  # lent or idle
        self._closed = False

    @property
    def size(self) -> int:
        """How many connections there are, lent or idle."""
        with self._lock:
            return self._count

    @property
    def idle(self) -> int:
        with self._lock:
            return len(self._idle)

    def take(self) -> C:
        """A connection, to be given back. Blocks. Raises StorageError if none can be had."""
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

        For a server that ends silent connections. One connection at a time is out of the pool.
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
        """Open so many connections now, or ``bound`` if that is fewer. Raises StorageError.

        Later no request has to wait for one to be opened, or to find a descriptor for it.
        """
        taken: list[C] = []
        try:
            while len(taken) < min(count, self.bound):
                taken.append(self.take())
        finally:
            for connection in taken:
                self.give_back(connection)

    def give_back(self, connection: C) -> None:
        """It can be used again. One with an open transaction is rolled back."""
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
        """It is broken: forget it."""
        connection.close()
        self._forget()

    def close(self) -> None:
        """Close what is idle now, and what is lent when it comes back. Idempotent."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
            self._returned.notify_all()
        for _, connection in idle:
            self.discard(connection)

    def _reserve(self, deadline: float) -> tuple[float, C] | None:
        """An idle connection, or None: a new one may be opened and is counted already."""
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
                self._returned.wait(left)

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
