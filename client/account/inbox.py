"""Inbox: chat messages on their way from the server to the application, each once. Pure.

    put ──▶ queued ──next──▶ in hand ──done──▶ seen, and to be acknowledged

A server sends a message again at each login until it is acknowledged. So a message that is queued
or in hand is not queued twice. A message that was seen is acknowledged again and not shown. A
message without ``seq`` was not stored: it is never acknowledged.

Two messages with one ``seq`` are the same message, if the server is the same. Example: a server is
set up anew at the same address, and counts from 1 again; its message 1 is not the message 1 of
last year. So a mark has a check sum of sender, time and text beside the number.
"""

from __future__ import annotations

import zlib
from collections import deque
from collections.abc import Iterable
from typing import NamedTuple

from client.values import ChatMessage

SEEN_SEQS = 20_000
"""The number of seen messages that are remembered. A server repeats only messages whose
acknowledgement it has not received. These are among the last few hundred."""

QUEUE_LIMIT = 10_000
"""The most messages that wait. A server that stores messages sends at most 200 of them."""


class Seen(NamedTuple):
    """The mark of a message: its ``seq``, and the check sum of its content."""

    seq: int
    check: int


def mark_of(message: ChatMessage) -> Seen | None:
    """The mark of a message; None if the server has not stored it."""
    if message.seq is None:
        return None
    said = f"{message.sender_id}\n{message.time_text}\n{message.text}"
    return Seen(message.seq, zlib.crc32(said.encode("utf-8", "surrogatepass")))


class Inbox:
    """The messages to one user. Not thread-safe."""

    def __init__(self, seen: Iterable[Seen] = ()) -> None:
        self._queue: deque[ChatMessage] = deque()
        self._pending: set[Seen] = set()  # those that are queued or in hand
        self._seen: dict[Seen, None] = dict.fromkeys(seen)  # a set with an order
        self._to_acknowledge: list[int] = []
        self._trim()

    def __repr__(self) -> str:
        return f"<Inbox {len(self._queue)} queued, {len(self._seen)} seen>"

    def __len__(self) -> int:
        """How many are queued."""
        return len(self._queue)

    @property
    def seen(self) -> tuple[Seen, ...]:
        """The messages that are remembered, in the order in which they were taken care of."""
        return tuple(self._seen)

    @property
    def overflowing(self) -> bool:
        """Whether too many messages wait."""
        return len(self._queue) > QUEUE_LIMIT

    @property
    def has_acknowledgements(self) -> bool:
        """Whether ``take_acknowledgements`` would return some."""
        return bool(self._to_acknowledge)

    def put(self, message: ChatMessage) -> bool:
        """A message has arrived. Returns whether it is new, and queued."""
        mark = mark_of(message)
        if mark is not None:
            if mark in self._seen:
                self._to_acknowledge.append(mark.seq)
                return False
            if mark in self._pending:
                return False
            self._pending.add(mark)
        self._queue.append(message)
        return True

    def next(self) -> ChatMessage | None:
        """The oldest message, now in the hands of the application; None if there is none."""
        return self._queue.popleft() if self._queue else None

    def done(self, message: ChatMessage) -> Seen | None:
        """The application has taken care of a message. Returns its mark, if that is new."""
        mark = mark_of(message)
        if mark is None or mark not in self._pending:
            return None
        self._pending.remove(mark)
        self._seen[mark] = None
        self._to_acknowledge.append(mark.seq)
        self._trim()
        return mark

    def take_acknowledgements(self) -> list[int]:
        """The seqs to acknowledge. If that fails, the server sends them again."""
        seqs, self._to_acknowledge = self._to_acknowledge, []
        return seqs

    def _trim(self) -> None:
        while len(self._seen) > SEEN_SEQS:
            del self._seen[next(iter(self._seen))]
