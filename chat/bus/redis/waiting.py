"""Waiters: worker threads that wait until the loop has their subscriptions confirmed."""

from __future__ import annotations

import threading
from collections.abc import Callable

from chat.bus.redis.codec import channel_name
from chat.message import Topic

CONFIRM_SECONDS = 2.0
"""How long a login waits for its subscription."""


class Waiter:
    """A worker that waits for subscriptions."""

    __slots__ = ("channels", "names", "over")

    def __init__(self, channels: list[Topic]) -> None:
        self.channels = channels
        self.names = [channel_name(channel) for channel in channels]
        self.over = threading.Event()


class Waiters:
    """All of them. Any thread.

    Attributes:
        closed: nobody waits any more.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()  # guards _waiting, and the writing of closed
        self._waiting: set[Waiter] = set()
        self.closed = False

    def wait(self, waiter: Waiter, begin: Callable[[], object]) -> None:
        """Until it is over, or the bus is unwell; then the mailboxes are polled."""
        with self._lock:
            if self.closed:
                return
            self._waiting.add(waiter)
        begin()
        waiter.over.wait(CONFIRM_SECONDS)
        with self._lock:
            self._waiting.discard(waiter)

    def release(self) -> None:
        """Nobody waits from now on. Idempotent."""
        with self._lock:
            self.closed = True
            waiting = list(self._waiting)
        for waiter in waiting:
            waiter.over.set()
