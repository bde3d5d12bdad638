"""Roster: the user's name, friends and groups, kept up to date. Pure."""

from __future__ import annotations

from dataclasses import replace

from client.values import Account, Friend, Group, Member, Presence

CREATOR = "creator"
ONLINE = "online"


class Roster:
    """The account of the login answer, with all changes since then. Not thread-safe.

    Attributes:
        account: the present account; replaced, never changed in place.
        heard: the number of presence notices so far.
    """

    def __init__(self, account: Account) -> None:
        self.account = account
        self.heard = 0
        self._last: dict[int, tuple[int, str]] = {}  # user → the last notice's number and state

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

    def add_friend(self, friend: Friend, since: int | None = None) -> None:
        """Put a friend on the list, or replace its entry.

        ``since``: the value of ``heard`` at the time of the request; a later presence notice is
        newer than the answer. Example: A adds B; the server reads B's state, offline; meanwhile B
        logs in, and the notice reaches A before the answer.
        """
        heard, state = self._last.get(friend.id, (0, ""))
        if since is not None and heard > since:
            friend = replace(friend, state=state)
        others = [other for other in self.account.friends if other.id != friend.id]
        self.account = replace(self.account, friends=(*others, friend))

    def remove_friend(self, friend_id: int) -> None:
        """Take a friend off the list."""
        friends = tuple(other for other in self.account.friends if other.id != friend_id)
        self.account = replace(self.account, friends=friends)

    def created_group(self, group_id: int, name: str, desc: str) -> Group:
        """Add a group that the user has created; returns it."""
        me = Member(self.account.id, self.account.name, ONLINE, CREATOR)
        group = Group(group_id, name, desc, (me,), 1)
        self.add_group(group)
        return group

    def add_group(self, group: Group) -> None:
        """Put a group on the list of groups, or replace its entry."""
        others = [other for other in self.account.groups if other.id != group.id]
        self.account = replace(self.account, groups=(*others, group))

    def remove_group(self, group_id: int) -> None:
        """Take a group off the list of groups."""
        groups = tuple(other for other in self.account.groups if other.id != group_id)
        self.account = replace(self.account, groups=groups)

    def set_members(self, group_id: int, members: tuple[Member, ...]) -> None:
        """Replace the members of a group."""
        groups = tuple(
            replace(group, members=members, member_count=len(members))
            if group.id == group_id
            else group
            for group in self.account.groups
        )
        self.account = replace(self.account, groups=groups)

    def remove_member(self, group_id: int, user_id: int) -> None:
        """Take a member out of a group."""
        for group in self.account.groups:
            if group.id == group_id:
                left = tuple(member for member in group.members if member.id != user_id)
                count = max(group.member_count - 1, len(left))
                fewer = replace(group, members=left, member_count=count)
                self.account = replace(
                    self.account,
                    groups=tuple(fewer if g is group else g for g in self.account.groups),
                )


def _with_presence(group: Group, presence: Presence) -> Group:
    if all(member.id != presence.user_id for member in group.members):
        return group
    members = tuple(
        replace(member, state=presence.state) if member.id == presence.user_id else member
        for member in group.members
    )
    return replace(group, members=members)
