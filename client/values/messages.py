"""Messages, and what the server finds of them. Immutable."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from client.values.groups import GroupNotice
from client.wire_time import parse_time


@dataclass(frozen=True, slots=True)
class Announcement:
    """A text of the operator of the server for all users. It is not escaped.

    ``time_text``: as in ChatMessage.
    """

    text: str
    time_text: str


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """A chat message as the server delivers it. Name and text are not escaped.

    Attributes:
        sender_id: the number of the sender.
        sender_name: the name of the sender.
        text: the text of the message.
        time_text: the time as it stands on the wire.
        group_id: the group; None for a one-to-one message.
        seq: the number that the server gave the message; None in the mode ``direct``.
        to_id: the receiver; 0 for a message to a group.
        mine: this account has sent it, from another device, or to itself. In the history: from
            any device.
        event: the change of the group, if this is one and no message. The sender is the user that
            made the change, and the text says it in English.
    """

    sender_id: int
    sender_name: str
    time_text: str
    text: str
    group_id: int | None
    seq: int | None
    to_id: int = 0
    mine: bool = False
    event: GroupNotice | None = None

    @property
    def other_id(self) -> int:
        """The other user of a one-to-one conversation; 0 in a group."""
        if self.group_id is not None:
            return 0
        return self.to_id if self.mine else self.sender_id

    @property
    def time(self) -> datetime | None:
        """The time of arrival at the server: aware, in UTC.

        None if ``time_text`` is no time, because old classic clients could send any text in it.
        """
        return parse_time(self.time_text)


@dataclass(frozen=True, slots=True)
class History:
    """A page of a conversation's past.

    Attributes:
        messages: the messages of the page, oldest first.
        more: whether there are older messages.
    """

    messages: tuple[ChatMessage, ...]
    more: bool


@dataclass(frozen=True, slots=True)
class Hit:
    """A message that a search has found.

    Attributes:
        message: the message.
        marks: where the words stand in its text: the index of the first character of a match, and
            the one behind it.
    """

    message: ChatMessage
    marks: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class SearchPage:
    """A page of the result of a search.

    Attributes:
        hits: the newest first. A page may have none, and yet others follow.
        before: the number to ask for the next page with; None: this is the last page.
    """

    hits: tuple[Hit, ...]
    before: int | None
