"""Forwarding: live messages on their way to other nodes, and who turned out not to get them.

A live message (``direct``) is in no table, so here the bus must say what became of it. To a user
it is one publish, and the number of its subscribers is the answer: none, or the node that has the
user. To a group it is one publish too, whatever the group's size, and each subscribing node answers
whom of the receivers it has; who is in no answer got nothing.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Collection

from chat.bus.base import Forward, Forwarded
from chat.protocol import GROUP_CHAT

ANSWER_SECONDS = 1.5
"""Nodes that have not answered by then count as gone. Well beyond what they take for fresh."""


class Forwarding:
    """What is under way. Any thread.

    Every method returns what has come to an end by it, to be reported.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()  # guards what follows
        self._number = 0
        self._groups: dict[int, _Pending] = {}

    def begin(self, forward: Forward) -> int:
        """A number for a group's message, under which the nodes will answer."""
        with self._lock:
            self._number += 1
            self._groups[self._number] = _Pending(forward)
            return self._number

    def published(self, forward: Forward, number: int, subscribers: int) -> list[Forwarded]:
        """Redis has handed it to so many subscribers; 0 if it could not be published."""
        if forward.message.kind != GROUP_CHAT:
            missed = frozenset() if subscribers else forward.receivers
            return [Forwarded(forward, missed)]
        return self._change(number, (), 0, subscribers)

    def answered(self, number: int, reached: Collection[int]) -> list[Forwarded]:
        """A node, this one perhaps, has these receivers."""
        return self._change(number, reached, 1, None)

    def overdue(self) -> list[Forwarded]:
        """Those that have waited for too long."""
        latest = time.monotonic() - ANSWER_SECONDS
        with self._lock:
            late = [n for n, pending in self._groups.items() if pending.begun < latest]
            return [self._groups.pop(number).result() for number in late]

    def _change(
        self, number: int, reached: Collection[int], answers: int, subscribers: int | None
    ) -> list[Forwarded]:
        with self._lock:
            pending = self._groups.get(number)
            if pending is None:  # overdue, or a node answers twice
                return []
            pending.missing.difference_update(reached)
            pending.answers += answers
            if subscribers is not None:
                pending.subscribers = subscribers
            complete = pending.subscribers is not None and (
                not pending.missing or pending.answers >= pending.subscribers
            )
            if not complete:
                return []
            del self._groups[number]
            return [pending.result()]


class _Pending:
    """A group's message whose answers are awaited."""

    __slots__ = ("answers", "begun", "forward", "missing", "subscribers")

    def __init__(self, forward: Forward) -> None:
        self.forward = forward
        self.begun = time.monotonic()
        self.missing = set(forward.receivers)
        self.answers = 0
        self.subscribers: int | None = None  # not known yet

    def result(self) -> Forwarded:
        return Forwarded(self.forward, frozenset(self.missing))
