"""What the server tells, as plain values.

Reading is tolerant: a field that is missing or of the wrong type becomes empty, because a
client that shows a friend without a name is of more use than one that shows nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from chat.protocol import MAX_ID, MAX_SEQ, Message, MsgType
from client.wire_time import parse_time

LONGEST_RETRY = 3600.0
"""A server that asks for more patience, in seconds, is asked again after this."""


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
        time_text: the time as it stands on the wire.
        group_id: None for one-to-one.
        seq: the server's number for it; None if the server does not store messages.
        to_id: the receiver; 0 for a group's.
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
        """When the server got it: aware, in UTC. None for the text of an old classic client."""
        return parse_time(self.time_text)


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


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """A login has succeeded; what follows in the stream is already this user's. Signal.

    Attributes:
        token: logs in without the password; None if the server gave none.
    """

    account: Account
    token: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class ChatAnswer:
    """A CHAT_ACK, good or bad. Signal.

    Attributes:
        mid: which message.
        seq: the server's number for it; None if it failed or is not stored.
        retry_after: seconds to wait before trying again, if the server says so.
    """

    mid: str
    errno: int
    errmsg: str
    seq: int | None
    time: str
    retry_after: float | None


@dataclass(frozen=True, slots=True)
class Presence:
    """A friend came or went. Signal.

    Attributes:
        state: "online" or "offline".
    """

    user_id: int
    state: str


Signal = LoggedIn | ChatAnswer | Presence
"""What a program wants to know at once and in the order of the stream, and no person is shown."""


@dataclass(frozen=True, slots=True)
class History:
    """A page of a conversation's past.

    Attributes:
        messages: oldest first.
        more: there are older ones.
    """

    messages: tuple[ChatMessage, ...]
    more: bool


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
    group_id, name, desc = read_id(item, "id"), _str(item, "groupname"), _str(item, "groupdesc")
    return Group(group_id, name, desc, read_members(item))


def read_members(item: Message) -> tuple[Member, ...]:
    """The ``users`` of a group or of MEMBERS_ACK."""
    return tuple(
        Member(read_id(user, "id"), _str(user, "name"), _str(user, "state"), _str(user, "role"))
        for user in objects(item, "users")
    )


def read_chat(message: Message) -> ChatMessage:
    """A ONE_CHAT_MSG or GROUP_CHAT_MSG, live or stored."""
    in_group = message.get("msgid") == MsgType.GROUP_CHAT_MSG
    return ChatMessage(
        sender_id=read_id(message, "id"),
        sender_name=_str(message, "name"),
        time_text=_str(message, "time"),
        text=_str(message, "msg"),
        group_id=read_id(message, "groupid") if in_group else None,
        seq=_seq(message),
        to_id=read_id(message, "toid"),
    )


def read_history(ack: Message) -> History:
    """A successful HISTORY_ACK."""
    messages = tuple(read_chat(item) for item in objects(ack, "messages"))
    return History(messages, ack.get("more") is True)


def read_logged_in(ack: Message) -> LoggedIn:
    """A successful LOGIN_MSG_ACK."""
    return LoggedIn(read_account(ack), _str(ack, "token") or None)


def read_chat_answer(ack: Message) -> ChatAnswer | None:
    """A CHAT_ACK; None if it does not say of which message."""
    mid = ack.get("mid")
    if type(mid) is not str:
        return None
    errno, errmsg = read_failure(ack)
    return ChatAnswer(mid, errno, errmsg, _seq(ack), _str(ack, "time"), read_retry_after(ack))


def read_presence(message: Message) -> Presence | None:
    """A PRESENCE_MSG; None if it names nobody."""
    user_id, state = read_id(message, "id"), _str(message, "state")
    return Presence(user_id, state) if 0 < user_id <= MAX_ID and state else None


def read_retry_after(answer: Message) -> float | None:
    """How long to wait before trying again, in seconds; None if the answer does not say."""
    seconds = _seconds(answer.get("retry_after"))
    return None if seconds is None else min(seconds, LONGEST_RETRY)


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


def _seq(message: Message) -> int | None:
    seq = message.get("seq")
    return seq if type(seq) is int and 0 < seq <= MAX_SEQ else None


def _seconds(value: Any) -> float | None:
    return float(value) if type(value) in (int, float) and 0 < value < 1e6 else None
