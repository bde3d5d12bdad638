"""Waiters: worker threads that wait until the loop has their subscriptions confirmed."""

from __future__ import annotations

import threading
from collections.abc import Callable

from chat.bus.redis.channels import channel_of
from chat.message import Topic

CONFIRM_SECONDS = 2.0
"""How long a login waits for its subscriptions."""


class Waiter:
    """A worker that waits for subscriptions.

    Attributes:
        topics, channels: of the subscriptions; channels are the topics' names on Redis.
        over: set by the loop when each subscription is confirmed, or cannot be for now.
    """

    __slots__ = ("channels", "over", "topics")

    def __init__(self, topics: list[Topic]) -> None:
        self.topics = topics
        self.channels = [channel_of(topic) for topic in topics]
        self.over = threading.Event()


class Waiters:
    """All workers that wait. Any thread.

    Attributes:
        closed: ``release`` was called, so ``wait`` returns at once.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()  # guards _waiting, and the writing of closed
        self._waiting: set[Waiter] = set()
        self.closed = False

    def wait(self, waiter: Waiter, begin: Callable[[], object]) -> None:
        """Call ``begin``, then wait until ``over`` is set or CONFIRM_SECONDS are over.

        Without a confirmation the login goes on: the bus is not healthy then, so mailboxes are
        polled.
        """
        with self._lock:
            if self.closed:
                return
            # Before ``begin``, so that ``release`` ends this wait, too, if the loop never runs it.
            self._waiting.add(waiter)
        begin()
        waiter.over.wait(CONFIRM_SECONDS)
        with self._lock:
            self._waiting.discard(waiter)

    def release(self) -> None:
        """End all waiting, now and from now on. Idempotent."""
        with self._lock:
            self.closed = True
            waiting = list(self._waiting)
        for waiter in waiting:
            waiter.over.set()
