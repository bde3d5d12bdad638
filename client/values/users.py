"""Users and friends, as the server reports them. Immutable."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class User:
    """A user that was found by its name.

    Attributes:
        id: the number of the user.
        name: the name of the user, not escaped.
    """

    id: int
    name: str


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
class FriendRequest:
    """A request of another user to be a friend. It waits for ``ChatClient.answer_friend``.

    Attributes:
        user_id: the number of the user that asks.
        name: the name of that user, not escaped.
        time_text: the time as it stands on the wire.
    """

    user_id: int
    name: str
    time_text: str


@dataclass(frozen=True, slots=True)
class FriendNotice:
    """A notice about a friend, or a request to be one.

    "asked" and "accepted": another user asks to be a friend, or has accepted the request of this
    user. "added", "removed" and "declined": another device of this user has added or removed a
    friend, or has declined a request.

    Attributes:
        event: one of these, or a newer word.
        user_id: the number of the other user.
        name: the name of the other user, not escaped; empty if the account was deleted.
        state: "online" or "offline", in "accepted" and "added"; else empty.
        time_text: the time of the request as it stands on the wire, in "asked"; else empty.
    """

    event: str
    user_id: int
    name: str
    state: str = ""
    time_text: str = ""


@dataclass(frozen=True, slots=True)
class Presence:
    """A presence notice: a friend has come online or gone offline.

    Attributes:
        user_id: the friend.
        state: "online" or "offline".
    """

    user_id: int
    state: str
