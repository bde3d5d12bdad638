"""Inbox: chat messages on their way from the server to the application, each once. Pure.

    put ──▶ queued ──next──▶ in hand ──done──▶ seen, and to be acknowledged

A server sends a message again at every login until it is acknowledged. So a ``seq`` that is
queued or in hand is not queued twice, and one that was seen is acknowledged once more and not
shown. A message without ``seq`` was not stored: it passes through, and is never acknowledged.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

from client.model import ChatMessage

SEEN_SEQS = 20_000
"""How many are remembered, the newest. A server sends again only what it has not heard of as
acknowledged, and that is among the last few hundred; what is older may be forgotten."""

QUEUE_LIMIT = 10_000
"""Messages that wait for the application. A server that stores them never sends more than 200."""


class Inbox:
    """What one user is being told. Not thread-safe."""

    def __init__(self, seen: Iterable[int] = ()) -> None:
        self._queue: deque[ChatMessage] = deque()
        self._pending: set[int] = set()  # the seqs that are queued or in hand
        self._seen: dict[int, None] = dict.fromkeys(seen)  # a set that knows which is oldest
        self._to_acknowledge: list[int] = []
        self._trim()

    def __repr__(self) -> str:
        return f"<Inbox {len(self._queue)} queued, {len(self._seen)} seen>"

    def __len__(self) -> int:
        """How many are queued."""
        return len(self._queue)

    @property
    def seen(self) -> tuple[int, ...]:
        """The seqs that are remembered, in the order in which they were taken care of."""
        return tuple(self._seen)

    @property
    def overflowing(self) -> bool:
        """Whether more messages wait than memory should be spent on."""
        return len(self._queue) > QUEUE_LIMIT

    @property
    def has_acknowledgements(self) -> bool:
        """Whether ``take_acknowledgements`` would return some."""
        return bool(self._to_acknowledge)

    def put(self, message: ChatMessage) -> bool:
        """A message has arrived. Returns whether it is new, and queued."""
        seq = message.seq
        if seq is not None:
            if seq in self._seen:
                self._to_acknowledge.append(seq)
                return False
            if seq in self._pending:
                return False
            self._pending.add(seq)
        self._queue.append(message)
        return True

    def next(self) -> ChatMessage | None:
        """The oldest message, which is now in the application's hands; None if there is none."""
        return self._queue.popleft() if self._queue else None

    def done(self, message: ChatMessage) -> bool:
        """The application has taken care of a message. Returns whether it is to be remembered."""
        seq = message.seq
        if seq is None or seq not in self._pending:
            return False
        self._pending.remove(seq)
        self._seen[seq] = None
        self._to_acknowledge.append(seq)
        self._trim()
        return True

    def take_acknowledgements(self) -> list[int]:
        """The seqs to acknowledge. If that fails, the server sends them again."""
        seqs, self._to_acknowledge = self._to_acknowledge, []
        return seqs

    def _trim(self) -> None:
        while len(self._seen) > SEEN_SEQS:
            del self._seen[next(iter(self._seen))]
