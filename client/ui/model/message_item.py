"""MessageItem: one message as a conversation shows it. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from client.account.sending import Sending
from client.ui.text import times
from client.values import ChatMessage

Place = tuple[float, int]
"""Where an item stands: by ``seq``, and where there is none, behind the last that has one."""

LAST = float("inf")


class Mark(Enum):
    """What became of a message of one's own; RECEIVED is somebody else's."""

    RECEIVED = "received"
    SENDING = "sending"
    STORED = "stored"
    FAILED = "failed"


@dataclass(slots=True, eq=False)
class MessageItem:
    """One message.

    Attributes:
        sender: the name as it was written, not escaped; so is ``text``.
        time: as the server or a classic client wrote it.
        when: the same in unix seconds, if it can be read.
        mid: of a message of one's own that is not stored yet.
        why: of one that failed.
        mention: it names the user.
        unread: it has not been shown. Only its room changes it.
        place: only its room changes it.
        rendered: belongs to whoever draws it; None after every change.
    """

    sender_id: int
    sender: str
    text: str
    time: str
    when: float | None
    mark: Mark
    seq: int | None = None
    mid: str | None = None
    why: str = ""
    mention: bool = False
    unread: bool = False
    place: Place = (LAST, 0)
    rendered: object = field(default=None, repr=False)

    @property
    def mine(self) -> bool:
        """Whether the user wrote it."""
        return self.mark is not Mark.RECEIVED

    def change(self, mark: Mark, *, why: str = "", time: str | None = None) -> None:
        """Its fate has been decided, or is open again."""
        self.mark = mark
        self.why = why
        if time:
            self.time = time
            self.when = times.parse(time)
        self.rendered = None


def received(message: ChatMessage, me: int) -> MessageItem:
    """What came from the server; also what one has written oneself, from the past."""
    return MessageItem(
        sender_id=message.sender_id,
        sender=message.sender_name,
        text=message.text,
        time=message.time_text,
        when=times.parse(message.time_text),
        mark=Mark.STORED if message.sender_id == me else Mark.RECEIVED,
        seq=message.seq,
    )


def written(sending: Sending, me: int, name: str) -> MessageItem:
    """What is being sent."""
    return MessageItem(
        sender_id=me,
        sender=name,
        text=sending.text,
        time=times.to_text(sending.created),
        when=sending.created,
        mark=Mark.SENDING,
        mid=sending.mid,
    )
