"""The public values: users, groups and messages as the server reports them. Immutable."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from client.wire_time import parse_time


@dataclass(frozen=True, slots=True)
class Friend:
    """An entry of the contact list.

    Attributes:
        state: "online" or "offline".
    """

    id: int
    name: str
    state: str


@dataclass(frozen=True, slots=True)
class Member:
    """A member of a group.

    Attributes:
        state: "online" or "offline".
        role: "creator" or "normal".
    """

    id: int
    name: str
    state: str
    role: str


@dataclass(frozen=True, slots=True)
class Group:
    """A group with its members."""

    id: int
    name: str
    desc: str
    members: tuple[Member, ...]


@dataclass(frozen=True, slots=True)
class Account:
    """The user that is logged in, with friends and groups.

    Attributes:
        heartbeat: seconds between two PING_MSG; None if the server named no interval.
    """

    id: int
    name: str
    friends: tuple[Friend, ...]
    groups: tuple[Group, ...]
    heartbeat: float | None


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """A chat message from another user.

    Attributes:
        time_text: the time as it stands on the wire.
        group_id: None for one-to-one.
        seq: the server's number for it; None if the server does not store messages.
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

        None where ``time_text`` is no time: old classic clients could write any text there.
        """
        return parse_time(self.time_text)


@dataclass(frozen=True, slots=True)
class Presence:
    """A friend came or went.

    Attributes:
        state: "online" or "offline".
    """

    user_id: int
    state: str


@dataclass(frozen=True, slots=True)
class History:
    """A page of a conversation's past.

    Attributes:
        messages: oldest first.
        more: there are older ones.
    """

    messages: tuple[ChatMessage, ...]
    more: bool
