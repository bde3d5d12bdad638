"""The rows that the models return."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

ONLINE = "online"
OFFLINE = "offline"

ACTIVE = "active"
DISABLED = "disabled"
DELETED = "deleted"
"""The status of an account."""


class NameHashes(NamedTuple):
    """The two hashes of a name, in hexadecimal. None: not computed, or held by an older name."""

    folded: str | None
    skeleton: str | None


NO_HASHES = NameHashes(None, None)


@dataclass(frozen=True, slots=True)
class User:
    """A row of ``user``.

    Attributes:
        password: a hash. An account of the original system has a plain password until its next
            login.
        state: ONLINE or OFFLINE.
        node, device: of the current login; None if there is none, or it named no device.
        generation: grows with each login.
        dialect: the table of the user's classic client; None: it is not known.
        status: ACTIVE, DISABLED by an operator, or DELETED by the user.
    """

    id: int
    name: str
    password: str = field(repr=False)
    state: str
    node: str | None
    device: str | None
    generation: int
    dialect: str | None = None
    status: str = ACTIVE


@dataclass(frozen=True, slots=True)
class Contact:
    """The part of a user that friends see."""

    id: int
    name: str
    state: str


@dataclass(frozen=True, slots=True)
class FriendRequestRow:
    """A request to be a friend, as its receiver sees it.

    Attributes:
        id, name: the user that asks.
        time: Unix seconds.
    """

    id: int
    name: str
    time: int


@dataclass(frozen=True, slots=True)
class GroupUser:
    """A member of a group."""

    id: int
    name: str
    state: str
    role: str


@dataclass(frozen=True, slots=True)
class Membership:
    """A user's place in a group.

    Attributes:
        role: CREATOR, ADMIN or NORMAL, see group.py.
        since: the last message of the log at the time of joining; history begins after it.
    """

    role: str
    since: int


@dataclass(frozen=True, slots=True)
class Group:
    """A row of ``allgroup``, with the first of its members.

    Attributes:
        users: the members with the lowest ids.
        members: the number of all members.
        join: OPEN, INVITE or PASSWORD, see group.py.
    """

    id: int
    name: str
    desc: str
    users: tuple[GroupUser, ...] = ()
    members: int = 0
    join: str = "open"


class JoinRule(NamedTuple):
    """How users join a group.

    Attributes:
        mode: OPEN, INVITE or PASSWORD, see group.py.
        hash: of the group's password; None in the other modes.
    """

    mode: str
    hash: str | None


@dataclass(frozen=True, slots=True)
class GroupBan:
    """A row of ``groupban``.

    Attributes:
        user_id, name: the user that may not join.
        kind: REMOVED or BANNED, see groupban.py.
        by: the member that did it.
        time: Unix seconds.
    """

    user_id: int
    name: str
    kind: str
    by: int
    time: int
    reason: str


@dataclass(frozen=True, slots=True)
class GroupInvitation:
    """An invitation that waits for the invited user.

    Attributes:
        by, by_name: the member that invites.
    """

    group_id: int
    group_name: str
    by: int
    by_name: str
