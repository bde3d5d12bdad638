"""Outbox: a user's chat messages on their way to the server, in order. Pure: no socket or clock.

It says what is to be sent and learns what became of it. Nothing leaves it but by an answer:
a connection that breaks between a message and its answer only means that the message is sent
again with the same ``mid``, and the server sees to it that nobody gets it twice.

    add ──▶ WAITING ──take──▶ SENT ──answered──▶ ACKED    the server has it
              ▲                │ │
              └────────────────┘ └─────────────▶ FAILED   the server will never take it
        connection lost, or
        "not now" (errno 6, 8)

Those that are SENT all come before those that are WAITING. So when the server cannot take one
for the moment, that one and all after it wait together, and go out again in their order.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from itertools import islice

from chat.protocol import ErrNo
from client.protocol.events import ChatAnswer

IN_FLIGHT = 200
"""Messages sent and not answered. A server stops reading at 256, and would then not hear our
heartbeats and acknowledgements either."""

_NOT_NOW = frozenset({ErrNo.TOO_MANY, ErrNo.UNAVAILABLE})


class MessageState(Enum):
    """Where a message is on its way."""

    WAITING = "waiting"
    SENT = "sent"
    ACKED = "acked"
    FAILED = "failed"


class Withdrawal(Enum):
    """The result of withdrawing a message.

    WITHDRAWN: it is not sent; the server has not got it.
    UNSURE: it is not sent again, but an earlier copy was not answered: the server may have it.
    TOO_LATE: it is on its way and will be answered, or its fate is decided.
    """

    WITHDRAWN = "withdrawn"
    UNSURE = "unsure"
    TOO_LATE = "too late"


@dataclass(slots=True)
class OutboxMessage:
    """One message on its way. Only the outbox changes it.

    Attributes:
        mid: the sender's own id for it; never used twice.
        target: the receiver's or the group's id.
        created: unix seconds.
        unanswered: copies that were sent and of which nothing was heard. The server may have
            committed one whose answer was lost with the connection.
    """

    mid: str
    target: int
    to_group: bool
    text: str
    created: float
    state: MessageState = MessageState.WAITING
    unanswered: int = 0


class Outbox:
    """Un-acked messages in the order in which they were written. Not thread-safe.

    ``retry`` is the pause in seconds after "not now", when the server names none. Times are
    seconds of any clock, as long as it is always the same.
    """

    def __init__(self, retry: float, restored: Iterable[OutboxMessage] = ()) -> None:
        self._retry = retry
        self._sent: dict[str, OutboxMessage] = {}
        self._waiting: dict[str, OutboxMessage] = {}
        self._not_before = 0.0
        for message in restored:
            message.unanswered = 1  # the file does not tell whether the earlier run has sent it
            self.add(message)

    def __repr__(self) -> str:
        return f"<Outbox {len(self._sent)} sent, {len(self._waiting)} waiting>"

    def __len__(self) -> int:
        return len(self._sent) + len(self._waiting)

    @property
    def messages(self) -> tuple[OutboxMessage, ...]:
        """All that are in it, in order."""
        return (*self._sent.values(), *self._waiting.values())

    @property
    def wake_at(self) -> float | None:
        """When there is something to send: a time, in the past for "now"; None: after an event."""
        return self._not_before if self._waiting and len(self._sent) < IN_FLIGHT else None

    def add(self, message: OutboxMessage) -> None:
        """Put a new message behind the others."""
        if message.mid in self._sent or message.mid in self._waiting:
            raise ValueError(f"mid {message.mid!r} is in the outbox already")
        message.state = MessageState.WAITING
        self._waiting[message.mid] = message

    def take(self, now: float) -> list[OutboxMessage]:
        """What to send now, in this order; it counts as sent from here on."""
        if now < self._not_before:
            return []
        taken = list(islice(self._waiting.values(), max(0, IN_FLIGHT - len(self._sent))))
        for message in taken:
            del self._waiting[message.mid]
            self._sent[message.mid] = message
            message.state = MessageState.SENT
            message.unanswered += 1
        return taken

    def start_over(self) -> None:
        """A connection is gone: whatever was not answered on it must be sent on the next one."""
        self._wait_again(self._sent)
        self._not_before = 0.0

    def answered(self, answer: ChatAnswer, now: float) -> OutboxMessage | None:
        """Take a CHAT_ACK. Returns the message it concerns, None if that is not in here.

        The message's state says what came of it. An answer that is repeated or late, or that
        concerns an earlier copy, is one like any other.
        """
        message = self._sent.get(answer.mid) or self._waiting.get(answer.mid)
        if message is None:
            return None
        message.unanswered -= 1
        if answer.errno == ErrNo.OK:
            self._remove(message, MessageState.ACKED)
        elif answer.errno in _NOT_NOW:
            pause = self._retry if answer.retry_after is None else answer.retry_after
            self._not_before = max(self._not_before, now + pause)
            self._wait_again(self._from(message))
        elif answer.errno == ErrNo.NOT_YOU:
            # The session is somebody else's by now; the message is as good as before.
            self._wait_again(self._from(message))
        else:
            self._remove(message, MessageState.FAILED)
        return message

    def withdraw(self, mid: str) -> Withdrawal:
        """The user does not want a message sent after all.

        One that is SENT stays: its answer is due, and the server may deliver it meanwhile.
        """
        message = self._waiting.get(mid)
        if message is None:
            return Withdrawal.TOO_LATE
        self._remove(message, MessageState.FAILED)
        return Withdrawal.UNSURE if message.unanswered > 0 else Withdrawal.WITHDRAWN

    def remove(self, mid: str) -> None:
        """A message is not to be sent after all."""
        message = self._sent.get(mid) or self._waiting.get(mid)
        if message is not None:
            self._remove(message, MessageState.FAILED)

    def _from(self, message: OutboxMessage) -> dict[str, OutboxMessage]:
        """The sent ones from this one on."""
        if message.mid not in self._sent:
            return {}
        mids = list(self._sent)
        return {mid: self._sent[mid] for mid in mids[mids.index(message.mid) :]}

    def _wait_again(self, messages: dict[str, OutboxMessage]) -> None:
        for message in messages.values():
            message.state = MessageState.WAITING
        self._waiting = {**messages, **self._waiting}
        self._sent = {mid: self._sent[mid] for mid in self._sent if mid not in messages}

    def _remove(self, message: OutboxMessage, state: MessageState) -> None:
        self._sent.pop(message.mid, None)
        self._waiting.pop(message.mid, None)
        message.state = state
