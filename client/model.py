"""What the server tells, as plain values.

Reading is tolerant: a field that is missing or of the wrong type becomes empty, because a
client that shows a friend without a name is of more use than one that shows nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chat.protocol import MAX_SEQ, Message, MsgType


@dataclass(frozen=True, slots=True)
class Friend:
    """An entry of the contact list."""

    id: int
    name: str
    state: str


@dataclass(frozen=True, slots=True)
class Member:
    """A member of a group."""

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
    """Who is logged in, and what the login ack said. Its offline messages arrive as events.

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
    """A message that somebody sent. Event.

    Attributes:
        group_id: None for one-to-one.
        seq: the server's number for it; None if the server does not store messages.
    """

    sender_id: int
    sender_name: str
    time: str
    text: str
    group_id: int | None
    seq: int | None


@dataclass(frozen=True, slots=True)
class ChatFailed:
    """A message of one's own was refused, or nothing is known of it. Event.

    Attributes:
        target: the friend's or the group's id.
        errmsg: why.
    """

    target: int
    to_group: bool
    errmsg: str


@dataclass(frozen=True, slots=True)
class ServerError:
    """The server complains about a frame that belongs to no request. Event."""

    errmsg: str


@dataclass(frozen=True, slots=True)
class Goodbye:
    """The server is about to close the connection. Event.

    Attributes:
        reason: "replaced", "draining", "idle", "abuse" or a newer word.
        reconnect: whether it is worth connecting again.
    """

    reason: str
    reconnect: bool


Event = ChatMessage | ChatFailed | ServerError | Goodbye


def read_account(ack: Message) -> Account:
    """The account in a successful LOGIN_MSG_ACK of the v2 dialect."""
    return Account(
        id=read_id(ack, "id"),
        name=_str(ack, "name"),
        friends=tuple(read_friend(item) for item in objects(ack, "friends")),
        groups=tuple(read_group(item) for item in objects(ack, "groups")),
        heartbeat=_seconds(ack.get("heartbeat")),
    )


def read_friend(item: Message) -> Friend:
    """A friend in LOGIN_MSG_ACK or ADD_FRIEND_ACK."""
    return Friend(read_id(item, "id"), _str(item, "name"), _str(item, "state"))


def read_group(item: Message) -> Group:
    """A group in LOGIN_MSG_ACK or ADD_GROUP_ACK."""
    members = tuple(
        Member(read_id(user, "id"), _str(user, "name"), _str(user, "state"), _str(user, "role"))
        for user in objects(item, "users")
    )
    return Group(read_id(item, "id"), _str(item, "groupname"), _str(item, "groupdesc"), members)


def read_chat(message: Message) -> ChatMessage:
    """A ONE_CHAT_MSG or GROUP_CHAT_MSG, live or stored."""
    seq = message.get("seq")
    in_group = message.get("msgid") == MsgType.GROUP_CHAT_MSG
    return ChatMessage(
        sender_id=read_id(message, "id"),
        sender_name=_str(message, "name"),
        time=_str(message, "time"),
        text=_str(message, "msg"),
        group_id=read_id(message, "groupid") if in_group else None,
        seq=seq if type(seq) is int and 0 < seq <= MAX_SEQ else None,
    )


def read_goodbye(message: Message) -> Goodbye:
    """A BYE_MSG."""
    return Goodbye(_str(message, "reason"), message.get("reconnect") is True)


def read_failure(answer: Message) -> tuple[int, str]:
    """``errno`` and ``errmsg`` of an answer. An answer without a proper ``errno`` is a failure."""
    errno = answer.get("errno")
    number = errno if type(errno) is int else -1
    return number, _str(answer, "errmsg") or f"error {number}"


def read_id(message: Message, key: str) -> int:
    """The id in a field, 0 if there is none."""
    value = message.get(key)
    return value if type(value) is int else 0


def read_object(message: Message, key: str) -> Message:
    """The object in a field, an empty one if there is none."""
    value = message.get(key)
    return value if type(value) is dict else {}


def objects(message: Message, key: str) -> list[Message]:
    """The objects in an array field; whatever else stands in it is left out."""
    value = message.get(key)
    return [item for item in value if type(item) is dict] if type(value) is list else []


def _str(message: Message, key: str) -> str:
    value = message.get(key)
    return value if type(value) is str else ""


def _seconds(value: Any) -> float | None:
    return float(value) if type(value) in (int, float) and 0 < value < 1e6 else None
