"""Events: the server's messages that answer no request, and logins. Plain values.

A session hands them over in the order of the stream.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from client.values import (
    Account,
    Announcement,
    ChatMessage,
    DeviceNotice,
    FriendNotice,
    GroupNotice,
    MuteNotice,
    Presence,
    ReadNotice,
    TypingNotice,
)


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """A login has succeeded. All later events belong to this user.

    Attributes:
        account: the user, with friends and groups.
        token: replaces the password at the next login; None if the server gave none.
    """

    account: Account
    token: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class ChatAnswer:
    """A CHAT_ACK: the server's answer to a chat message of this client.

    Attributes:
        mid: the id of the message that it answers.
        errno: the protocol's error number; 0 for a success.
        errmsg: the text of the server, not escaped; empty for a success.
        seq: the number that the server gave the message; None if it was refused or is not stored.
        time: the time of arrival at the server, as it stands on the wire.
        retry_after: seconds to wait before the next attempt; None if the server named none.
    """

    mid: str
    errno: int
    errmsg: str
    seq: int | None
    time: str
    retry_after: float | None


@dataclass(frozen=True, slots=True)
class ServerError:
    """An ERROR_MSG that belongs to no request.

    Attributes:
        errmsg: one line for the user.
        retry_after: the seconds to wait before the next attempt to connect; 0: not named.
    """

    errmsg: str
    retry_after: float = 0.0


@dataclass(frozen=True, slots=True)
class Goodbye:
    """A BYE_MSG: the server is about to close the connection.

    Attributes:
        reason: "replaced", "draining", "idle", "abuse" or a newer word.
        reconnect: whether the client should connect again.
    """

    reason: str
    reconnect: bool


Event = (
    LoggedIn
    | ChatMessage
    | ChatAnswer
    | Presence
    | FriendNotice
    | DeviceNotice
    | GroupNotice
    | Announcement
    | ReadNotice
    | TypingNotice
    | MuteNotice
    | ServerError
    | Goodbye
)
