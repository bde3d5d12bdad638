"""Roster: the user's name, friends and groups, kept up to date. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from client.values import (
    Account,
    ChatMessage,
    Friend,
    FriendNotice,
    FriendRequest,
    Group,
    GroupNotice,
    Invitation,
    Member,
    Presence,
)

CREATOR = "creator"
ADMIN = "admin"
NORMAL = "normal"
ONLINE = "online"

_ENDS = frozenset({"left", "removed", "banned"})
_MOVES = _ENDS | {"joined", "role"}


class Roster:
    """The account of the login answer, with all changes since then. Not thread-safe.

    Attributes:
        account: the present account; replaced, never changed in place.
        heard: the number of notices so far.
    """

    def __init__(self, account: Account) -> None:
        self.account = account
        self.heard = 0
        self._last: dict[int, tuple[int, str]] = {}  # user → the last notice's number and state
        self._ended: dict[int, int] = {}  # group → the number of the notice that ended it
        self._moved: dict[int, int] = {}  # group → the number of the last notice about members

    def __repr__(self) -> str:
        who = self.account
        return f"<Roster of {who.id}: {len(who.friends)} friends, {len(who.groups)} groups>"

    def set_presence(self, presence: Presence) -> None:
        """Take a presence notice: a friend has come online or gone offline."""
        self.heard += 1
        self._last[presence.user_id] = (self.heard, presence.state)
        friends = tuple(
            replace(friend, state=presence.state) if friend.id == presence.user_id else friend
            for friend in self.account.friends
        )
        groups = tuple(_with_presence(group, presence) for group in self.account.groups)
        self.account = replace(self.account, friends=friends, groups=groups)

    def set_muted(self, user_id: int | None, group_id: int | None, *, muted: bool) -> None:
        """A conversation is muted, or is not any more."""
        users, groups = self.account.muted_users, self.account.muted_groups
        if user_id is not None:
            users = users | {user_id} if muted else users - {user_id}
        if group_id is not None:
            groups = groups | {group_id} if muted else groups - {group_id}
        self.account = replace(self.account, muted_users=users, muted_groups=groups)

    def rename(self, name: str) -> None:
        """The user has another name."""
        self.account = replace(self.account, name=name)

    def add_friend(self, friend: Friend, since: int | None = None) -> None:
        """Put a friend on the list, or replace its entry. Its request is used up.

        ``since``: the value of ``heard`` at the time of the request; a later presence notice is
        newer than the answer. Example: A adds B; the server reads B's state, offline; meanwhile B
        logs in, and the notice reaches A before the answer.
        """
        heard, state = self._last.get(friend.id, (0, ""))
        if since is not None and heard > since:
            friend = replace(friend, state=state)
        others = [other for other in self.account.friends if other.id != friend.id]
        self.account = replace(self.account, friends=(*others, friend))
        self.forget_friend_request(friend.id)

    def take_friend_notice(self, notice: FriendNotice) -> None:
        """Take a notice: of another user, or of a change by another device of this user."""
        self.heard += 1
        user_id, name = notice.user_id, notice.name
        if notice.event in ("accepted", "added"):
            self.add_friend(Friend(user_id, name, notice.state))
        elif notice.event == "asked":
            self.forget_friend_request(user_id)
            new = FriendRequest(user_id, name, notice.time_text)
            requests = (new, *self.account.friend_requests)
            self.account = replace(self.account, friend_requests=requests)
        elif notice.event == "removed":
            self.remove_friend(user_id)
        elif notice.event == "declined":
            self.forget_friend_request(user_id)

    def set_friend_requests(self, requests: tuple[FriendRequest, ...], since: int | None) -> None:
        """Replace the requests that wait, unless there was a notice since the request.

        ``since``: as in ``add_friend``.
        """
        if since is not None and self.heard == since:
            self.account = replace(self.account, friend_requests=requests)

    def forget_friend_request(self, user_id: int) -> None:
        """The request of this user is used up."""
        left = tuple(item for item in self.account.friend_requests if item.user_id != user_id)
        self.account = replace(self.account, friend_requests=left)

    def remove_friend(self, friend_id: int) -> None:
        """Take a friend off the list."""
        friends = tuple(other for other in self.account.friends if other.id != friend_id)
        self.account = replace(self.account, friends=friends)

    def created_group(self, group_id: int, name: str, desc: str, join: str = "open") -> Group:
        """Add a group that the user has created; returns it."""
        me = Member(self.account.id, self.account.name, ONLINE, CREATOR)
        group = Group(group_id, name, desc, (me,), 1, join)
        self.add_group(group)
        return group

    def add_group(self, group: Group, since: int | None = None) -> None:
        """Put a group on the list of groups, or replace its entry. Its invitation is used up.

        ``since``: as in ``add_friend``. Example: the user joins, and is removed at once; the notice
        of the removal is taken before the answer to the request.
        """
        self._forget_invitation(group.id)
        if since is not None and self._ended.get(group.id, 0) > since:
            return
        others = [other for other in self.account.groups if other.id != group.id]
        self.account = replace(self.account, groups=(*others, group))

    def take_group_notice(self, notice: GroupNotice) -> None:
        """Take a notice: another user has changed a group."""
        self.heard += 1
        event, group_id, user_id = notice.event, notice.group_id, notice.user_id
        if event in _MOVES:
            self._moved[group_id] = self.heard
        if event == "invited":
            self._forget_invitation(group_id)
            new = Invitation(group_id, notice.group_name, notice.by_id, notice.by_name)
            self.account = replace(self.account, invitations=(new, *self.account.invitations))
        elif event == "dissolved" or (event in _ENDS and user_id == self.account.id):
            self._ended[group_id] = self.heard
            self.remove_group(group_id)
            self._forget_invitation(group_id)
        elif event in _ENDS:
            self.remove_member(group_id, user_id)
        elif event == "joined":
            self._add_member(group_id, Member(user_id, notice.name, ONLINE, NORMAL))
        elif event == "role":
            self.set_role(group_id, user_id, notice.role)
        elif event in ("renamed", "changed"):
            self.change_group(group_id, notice.group_name, notice.group_desc, notice.join)

    def take_group_event(self, message: ChatMessage) -> None:
        """Take a change of a group by another user, or by this one, on any device.

        The lists in the answer to the login know the older events. Example: the user was removed
        from a group while it was offline, and has joined it again.
        """
        event, me = message.event, self.account
        assert event is not None
        if message.seq is not None and message.seq <= me.newest:
            return
        group = next((one for one in me.groups if one.id == event.group_id), None)
        is_mine = event.user_id == me.id and event.event in ("created", "joined")
        if is_mine and group is None:
            role = CREATOR if event.event == "created" else NORMAL
            mine = Member(me.id, me.name, ONLINE, role)
            self.add_group(Group(event.group_id, event.group_name, "", (mine,), 1))
        elif is_mine or (event.by_id == me.id and _is_known(event, group)):
            self.heard += 1  # this device has made the change
        else:
            self.take_group_notice(event)

    def change_group(self, group_id: int, name: str, desc: str, join: str) -> None:
        """Change the name, the description and the join mode of a group."""
        self._change(group_id, lambda group: replace(group, name=name, desc=desc, join=join))

    def set_role(self, group_id: int, user_id: int, role: str) -> None:
        """Change the role of a member. A new creator makes the former one an administrator."""

        def changed(member: Member) -> Member:
            if member.id == user_id:
                return replace(member, role=role)
            return replace(member, role=ADMIN) if _loses(member, role) else member

        self._change(
            group_id,
            lambda group: replace(group, members=tuple(changed(m) for m in group.members)),
        )

    def _add_member(self, group_id: int, member: Member) -> None:
        def added(group: Group) -> Group:
            others = tuple(other for other in group.members if other.id != member.id)
            is_new = len(others) == len(group.members)
            count = group.member_count + is_new
            return replace(group, members=(*others, member), member_count=count)

        self._change(group_id, added)

    def _change(self, group_id: int, change: Callable[[Group], Group]) -> None:
        groups = tuple(
            change(group) if group.id == group_id else group for group in self.account.groups
        )
        self.account = replace(self.account, groups=groups)

    def _forget_invitation(self, group_id: int) -> None:
        left = tuple(item for item in self.account.invitations if item.group_id != group_id)
        self.account = replace(self.account, invitations=left)

    def remove_group(self, group_id: int) -> None:
        """Take a group off the list of groups."""
        groups = tuple(other for other in self.account.groups if other.id != group_id)
        self.account = replace(self.account, groups=groups)

    def set_members(
        self, group_id: int, members: tuple[Member, ...], since: int | None = None
    ) -> None:
        """Replace the members of a group, unless a notice since the request is newer.

        ``since``: as in ``add_friend``.
        """
        if since is not None and self._moved.get(group_id, 0) > since:
            return
        self._change(
            group_id,
            lambda group: replace(group, members=members, member_count=len(members)),
        )

    def remove_member(self, group_id: int, user_id: int) -> None:
        """Take a member out of a group."""

        def without(group: Group) -> Group:
            left = tuple(member for member in group.members if member.id != user_id)
            count = max(group.member_count - 1, len(left))
            return replace(group, members=left, member_count=count)

        self._change(group_id, without)


def _is_known(event: GroupNotice, group: Group | None) -> bool:
    """Is the end of another user's membership in the list already?"""
    if group is None or event.event not in _ENDS or event.user_id == event.by_id:
        return False
    return event.user_id not in [member.id for member in group.members]


def _loses(member: Member, role: str) -> bool:
    return role == CREATOR and member.role == CREATOR


def _with_presence(group: Group, presence: Presence) -> Group:
    if all(member.id != presence.user_id for member in group.members):
        return group
    members = tuple(
        replace(member, state=presence.state) if member.id == presence.user_id else member
        for member in group.members
    )
    return replace(group, members=members)
