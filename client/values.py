"""The public values: users, groups and messages as the server reports them. Immutable."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from client.wire_time import parse_time


@dataclass(frozen=True, slots=True)
class Friend:
    """An entry of the friend list.

    Attributes:
        id: the number of the user.
        name: the name of the user, not escaped.
        state: "online" or "offline".
    """

    id: int
    name: str
    state: str


@dataclass(frozen=True, slots=True)
class Member:
    """A member of a group.

    Attributes:
        id: the number of the user.
        name: the name of the user, not escaped.
        state: "online" or "offline".
        role: "creator" or "normal".
    """

    id: int
    name: str
    state: str
    role: str


@dataclass(frozen=True, slots=True)
class Group:
    """A group with its members. Name and description are not escaped.

    Attributes:
        id: the number of the group.
        members: those that are known. A login knows the first 200 at most; the rest comes with
            ``ChatClient.members``.
        member_count: the number of all members.
    """

    id: int
    name: str
    desc: str
    members: tuple[Member, ...]
    member_count: int = 0


@dataclass(frozen=True, slots=True)
class Account:
    """The user that is logged in, with friends and groups.

    Attributes:
        id: the number of the user.
        name: the name of the user, not escaped.
        friends: the friend list.
        groups: the groups of the user.
        heartbeat: seconds between two PING_MSG; None if the server named no interval.
    """

    id: int
    name: str
    friends: tuple[Friend, ...]
    groups: tuple[Group, ...]
    heartbeat: float | None


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
    """

    sender_id: int
    sender_name: str
    time_text: str
    text: str
    group_id: int | None
    seq: int | None
    to_id: int = 0

    @property
    def time(self) -> datetime | None:
        """The time of arrival at the server: aware, in UTC.

        None if ``time_text`` is no time, because old classic clients could send any text in it.
        """
        return parse_time(self.time_text)


@dataclass(frozen=True, slots=True)
class Presence:
    """A presence notice: a friend has come online or gone offline.

    Attributes:
        user_id: the friend.
        state: "online" or "offline".
    """

    user_id: int
    state: str


@dataclass(frozen=True, slots=True)
class History:
    """A page of a conversation's past.

    Attributes:
        messages: the messages of the page, oldest first.
        more: whether there are older messages.
    """

    messages: tuple[ChatMessage, ...]
    more: bool
