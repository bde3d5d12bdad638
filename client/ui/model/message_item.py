"""MessageItem: one message as an item of a conversation. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from client.account.sending import Sending
from client.ui.text import times
from client.values import ChatMessage

Place = tuple[float, int]
"""The sort key of an item: its ``seq``, and a count among the items without one."""

LAST = float("inf")


class Mark(Enum):
    """The delivery mark of an own message; RECEIVED marks the messages of other users.

    NOTICE marks a line about a change of the group, which is no message.
    """

    RECEIVED = "received"
    NOTICE = "notice"
    SENDING = "sending"
    STORED = "stored"
    FAILED = "failed"


@dataclass(slots=True, eq=False)
class MessageItem:
    """One message.

    Attributes:
        sender: the name of the sender in the message, not escaped. ``text`` is not, either.
        time_text: the time as the server or a classic client wrote it.
        time: the same in Unix seconds; None if it cannot be parsed.
        mid: the ``mid`` of an own message that is not stored yet.
        failure: the reason why an own message failed.
        mention: whether the text names the user.
        unread: whether it was not shown yet. Only its room changes this.
        receipt: whether it is the last own message that the other user has read. Only its room
            changes this.
        place: the sort key. Only its room changes this.
        rendered: a cache of the message view; None after each change.
    """

    sender_id: int
    sender: str
    text: str
    time_text: str
    time: float | None
    mark: Mark
    seq: int | None = None
    mid: str | None = None
    failure: str = ""
    mention: bool = False
    unread: bool = False
    receipt: bool = False
    place: Place = (LAST, 0)
    rendered: object = field(default=None, repr=False)

    @property
    def mine(self) -> bool:
        """Whether the user wrote it."""
        return self.mark not in (Mark.RECEIVED, Mark.NOTICE)

    def change(self, mark: Mark, *, failure: str = "", time_text: str | None = None) -> None:
        """Set the delivery mark; ``time_text`` replaces the time."""
        self.mark = mark
        self.failure = failure
        if time_text:
            self.time_text = time_text
            self.time = times.parse(time_text)
        self.rendered = None


def received(message: ChatMessage, me: int) -> MessageItem:
    """The item of a message from the server, which may be an own one from the history.

    The item of an event of a group is a notice with a ``seq``.
    """
    if message.event is not None:
        mark = Mark.NOTICE
    else:
        mark = Mark.STORED if message.sender_id == me else Mark.RECEIVED
    return MessageItem(
        sender_id=message.sender_id,
        sender=message.sender_name,
        text=message.text,
        time_text=message.time_text,
        time=times.parse(message.time_text),
        mark=mark,
        seq=message.seq,
    )


def notice(text: str, moment: float) -> MessageItem:
    """The item of a notice about a group. ``moment``: Unix seconds."""
    return MessageItem(
        sender_id=0,
        sender="",
        text=text,
        time_text=times.to_text(moment),
        time=moment,
        mark=Mark.NOTICE,
    )


def written(sending: Sending, me: int, name: str) -> MessageItem:
    """The item of an own message that is being sent."""
    return MessageItem(
        sender_id=me,
        sender=name,
        text=sending.text,
        time_text=times.to_text(sending.created),
        time=sending.created,
        mark=Mark.SENDING,
        mid=sending.mid,
    )
