"""Groups, their members and bans, and their changes, as the server reports them. Immutable."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Member:
    """A member of a group.

    Attributes:
        id: the number of the user.
        name: the name of the user, not escaped.
        state: "online" or "offline".
        role: "creator", "admin" or "normal".
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
        join: "open", "invite" or "password".
    """

    id: int
    name: str
    desc: str
    members: tuple[Member, ...]
    member_count: int = 0
    join: str = "open"


@dataclass(frozen=True, slots=True)
class Invitation:
    """An invitation to a group. ``join_group`` uses it up.

    Attributes:
        group_id: the number of the group.
        group_name: the name of the group, not escaped.
        by_id: the number of the member that invites.
        by_name: the name of that member, not escaped.
    """

    group_id: int
    group_name: str
    by_id: int
    by_name: str


@dataclass(frozen=True, slots=True)
class Ban:
    """A user that may not join a group.

    Attributes:
        user_id: the number of the user.
        name: the name of the user, not escaped.
        kind: "removed" or "banned".
        by_id: the number of the member that did it.
        time_text: the time as it stands on the wire.
        reason: the text of that member, not escaped; it may be empty.
    """

    user_id: int
    name: str
    kind: str
    by_id: int
    time_text: str
    reason: str


@dataclass(frozen=True, slots=True)
class GroupNotice:
    """A notice: another user has changed a group, its members, or this user's place in it.

    Names and texts are not escaped. Those that the event does not have are empty.

    Attributes:
        event: "created", "joined", "left", "removed", "banned", "role", "renamed", "changed",
            "dissolved", "invited", or a newer word. A notice has no "created".
        group_id: the number of the group.
        user_id: the user whose membership changes; 0: the change is of the group itself.
        by_id: the user that has made the change; 0: an operator of the server.
        name: the name of ``user_id``.
        by_name: the name of ``by_id``.
        role: the new role.
        group_name: the name of the group.
        group_desc: the description of the group.
        join: the join mode of the group.
        reason: the reason of a ban.
    """

    event: str
    group_id: int
    user_id: int
    by_id: int
    name: str = ""
    by_name: str = ""
    role: str = ""
    group_name: str = ""
    group_desc: str = ""
    join: str = ""
    reason: str = ""
