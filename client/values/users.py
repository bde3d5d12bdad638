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
    """A notice: another user asks to be a friend, or has accepted the request of this user.

    Attributes:
        event: "asked", "accepted", or a newer word.
        user_id: the number of the other user.
        name: the name of the other user, not escaped.
        state: "online" or "offline"; empty in "asked".
        time_text: the time of the request as it stands on the wire; empty in "accepted".
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
