"""Forwarding: the requests to other nodes to hand live messages over, until their results are here.

A live message (``direct``) is in no table. So the sender's node must learn which receivers it has
not reached, and store it for them. A message to a user is one request on the user's topic. The
number of subscribers is the result: none, or the node that has the user. A message to a group is
one request on the group's topic, for any size of the group. Each subscriber answers with the
receivers that it has. Receivers in no answer are missed.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Collection
from typing import NamedTuple

from chat.message import ChatMessage
from chat.protocol import GROUP_CHAT

NODE_ANSWER_SECONDS = 1.5
"""A node that has not answered by then counts as gone, and the message is stored for its receivers.
A message is fresh for a shorter time (chat/bus/redis/shard.py). So a node that gets it later than
this does not hand it over live, and no receiver gets it twice."""


class Forward(NamedTuple):
    """A live message for receivers at other nodes.

    Attributes:
        message, receivers: the message, and its receivers that are not at this node.
        number: of the request, if each subscriber answers; else 0.
        tag: the caller's own.
    """

    message: ChatMessage
    receivers: frozenset[int]
    number: int
    tag: object


class Forwarded(NamedTuple):
    """The result of a Forward: ``missed`` are the receivers at no node that has taken it."""

    forward: Forward
    missed: frozenset[int]


class Forwarding:
    """The requests whose result is not known yet. Any thread.

    The methods return the results that the call has completed.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()  # guards the attributes below
        self._number = 0
        self._groups: dict[int, _Pending] = {}

    def begin(self, message: ChatMessage, receivers: frozenset[int], tag: object) -> Forward:
        """Before the request is published."""
        if message.kind != GROUP_CHAT:
            return Forward(message, receivers, 0, tag)
        with self._lock:
            self._number += 1
            forward = Forward(message, receivers, self._number, tag)
            self._groups[self._number] = _Pending(forward)
            return forward

    def published(self, forward: Forward, subscribers: int) -> list[Forwarded]:
        """The request had so many subscribers; 0 if it could not be published."""
        if not forward.number:
            missed = frozenset() if subscribers else forward.receivers
            return [Forwarded(forward, missed)]
        return self._change(forward.number, (), 0, subscribers)

    def answered(self, number: int, reached: Collection[int]) -> list[Forwarded]:
        """A node, maybe this one, has these receivers."""
        return self._change(number, reached, 1, None)

    def overdue(self) -> list[Forwarded]:
        """Those whose answers have not all come within NODE_ANSWER_SECONDS."""
        latest = time.monotonic() - NODE_ANSWER_SECONDS
        with self._lock:
            late = [n for n, pending in self._groups.items() if pending.begun < latest]
            return [self._groups.pop(number).result() for number in late]

    def _change(
        self, number: int, reached: Collection[int], answers: int, subscribers: int | None
    ) -> list[Forwarded]:
        # Answers may come before the count of subscribers, because they take another connection.
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
    """A request whose answers are awaited."""

    __slots__ = ("answers", "begun", "forward", "missing", "subscribers")

    def __init__(self, forward: Forward) -> None:
        self.forward = forward
        self.begun = time.monotonic()
        self.missing = set(forward.receivers)
        self.answers = 0
        self.subscribers: int | None = None  # not known yet

    def result(self) -> Forwarded:
        return Forwarded(self.forward, frozenset(self.missing))
