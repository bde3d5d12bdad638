"""Outbox: a user's chat messages on their way to the server, in order. Pure: no socket or clock.

It returns the messages to send, and takes their answers. A message leaves the outbox only by an
answer or by a withdrawal. Example: the client sends a message; the server stores it; meanwhile the
connection breaks, and the answer is lost. The client sends the message again with the same ``mid``,
so the server recognises it and answers.

    add ──▶ WAITING ──take──▶ SENT ──answered──▶ ACKED    the server has it
              ▲                │ │
              └────────────────┘ └─────────────▶ FAILED   the server will never take it
        connection lost, or
        "not now" (errno 6, 8)

All SENT messages come before all WAITING ones. So, when the server refuses a message for the
moment, that message and all behind it wait together, and go out again in their order.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from itertools import islice

from chat.protocol import ErrNo
from client.protocol.events import ChatAnswer

IN_FLIGHT = 200
"""The largest number of messages without an answer. At 256 a server stops reading from the
connection, and then it does not read heartbeats and acknowledgements either."""

_NOT_NOW = frozenset({ErrNo.TOO_MANY, ErrNo.UNAVAILABLE})


class MessageState(Enum):
    """The progress of a message; the module has the transitions."""

    WAITING = "waiting"
    SENT = "sent"
    ACKED = "acked"
    FAILED = "failed"


class Withdrawal(Enum):
    """The result of withdrawing a message.

    WITHDRAWN: the message was never sent.
    UNSURE: it is not sent again, but the server may have it, because an earlier copy was sent
        and not answered.
    TOO_LATE: nothing has changed, because it is on its way, or has left the outbox.
    """

    WITHDRAWN = "withdrawn"
    UNSURE = "unsure"
    TOO_LATE = "too late"


@dataclass(slots=True)
class OutboxMessage:
    """One message on its way. Only the outbox changes it.

    Attributes:
        mid: the id that the sender gives it; never used twice.
        target: the id of the receiver or of the group.
        to_group: whether the target is a group.
        text: the text of the message.
        created: the time of writing, in Unix seconds.
        state: the progress.
        unanswered: the number of copies that were sent and not answered. The server may have
            stored such a copy, and the answer was lost with the connection.
    """

    mid: str
    target: int
    to_group: bool
    text: str
    created: float
    state: MessageState = MessageState.WAITING
    unanswered: int = 0

    @property
    def may_be_stored(self) -> bool:
        """Whether a copy was sent on an earlier connection, and not answered."""
        return self.unanswered > (self.state is MessageState.SENT)


class Outbox:
    """Messages without an ack, in the order of writing. Not thread-safe.

    ``retry`` is the pause in seconds after "not now", if the server names none. ``restored``: the
    messages of an earlier run. Times are seconds of one clock, which the caller chooses.
    """

    def __init__(self, retry: float, restored: Iterable[OutboxMessage] = ()) -> None:
        self._retry = retry
        self._sent: dict[str, OutboxMessage] = {}
        self._waiting: dict[str, OutboxMessage] = {}
        self._not_before = 0.0
        for message in restored:
            message.unanswered = 1  # the file does not say whether the earlier run has sent it
            self.add(message)

    def __repr__(self) -> str:
        return f"<Outbox {len(self._sent)} sent, {len(self._waiting)} waiting>"

    def __len__(self) -> int:
        return len(self._sent) + len(self._waiting)

    @property
    def messages(self) -> tuple[OutboxMessage, ...]:
        """All messages, in order."""
        return (*self._sent.values(), *self._waiting.values())

    @property
    def wake_at(self) -> float | None:
        """The time at which ``take`` will have messages; in the past if it has some now.

        None while no message waits, or ``IN_FLIGHT`` messages are without an answer.
        """
        return self._not_before if self._waiting and len(self._sent) < IN_FLIGHT else None

    def add(self, message: OutboxMessage) -> None:
        """Add a new message at the end. Raises ValueError if its ``mid`` is known."""
        if message.mid in self._sent or message.mid in self._waiting:
            raise ValueError(f"mid {message.mid!r} is in the outbox already")
        message.state = MessageState.WAITING
        self._waiting[message.mid] = message

    def take(self, now: float) -> list[OutboxMessage]:
        """Take the messages to send now, in this order. They count as SENT then."""
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
        """Prepare for a new connection: all unanswered messages wait to be sent again."""
        self._wait_again(self._sent)
        self._not_before = 0.0

    def answered(self, answer: ChatAnswer, now: float) -> OutboxMessage | None:
        """Take a CHAT_ACK. Returns its message; None if that is not in the outbox.

        The new state of the message is the result. An answer to an earlier copy counts as an
        answer to the last one, because both copies have the same ``mid``.
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
            # Another login has taken the account over. The message waits for the next login here.
            self._wait_again(self._from(message))
        else:
            self._remove(message, MessageState.FAILED)
        return message

    def withdraw(self, mid: str) -> Withdrawal:
        """Take a message back.

        A SENT message stays, because its answer is due, and the server may have delivered it.
        """
        message = self._waiting.get(mid)
        if message is None:
            return Withdrawal.TOO_LATE
        self._remove(message, MessageState.FAILED)
        return Withdrawal.UNSURE if message.unanswered > 0 else Withdrawal.WITHDRAWN

    def remove(self, mid: str) -> None:
        """Drop a message in any state. Idempotent."""
        message = self._sent.get(mid) or self._waiting.get(mid)
        if message is not None:
            self._remove(message, MessageState.FAILED)

    def _from(self, message: OutboxMessage) -> dict[str, OutboxMessage]:
        """The SENT messages from this one on."""
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
