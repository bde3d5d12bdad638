"""Events: the server's messages that answer no request, and logins. Plain values.

A session hands them over in the order of the stream.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from client.values import Account, ChatMessage, Presence


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """A login has succeeded. All later events belong to this user.

    Attributes:
        token: replaces the password at the next login; None if the server gave none.
    """

    account: Account
    token: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class ChatAnswer:
    """A CHAT_ACK: the server's answer to a chat message of ours, good or bad.

    Attributes:
        mid: the message that it answers.
        seq: the server's number for the message; None if it was refused or is not stored.
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
    """An ERROR_MSG about a frame that belongs to no request."""

    errmsg: str


@dataclass(frozen=True, slots=True)
class Goodbye:
    """A BYE_MSG: the server is about to close the connection.

    Attributes:
        reason: "replaced", "draining", "idle", "abuse" or a newer word.
        reconnect: whether a new connection is welcome.
    """

    reason: str
    reconnect: bool


Event = LoggedIn | ChatMessage | ChatAnswer | Presence | ServerError | Goodbye
