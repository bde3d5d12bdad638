"""Directory: the users and groups that the logged-in user knows. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from client.account.roster import ONLINE
from client.ui.model.room import RoomKey
from client.values import Account, Friend, Group, Member


class Directory:
    """Names, groups and presence. The terminal's thread.

    Names come from the account (friends and members) and from the messages of other users.

    Attributes:
        me: the id and name of the logged-in user.
        account: with friends and groups; None before the first login.
    """

    def __init__(self, user_id: int, name: str = "") -> None:
        self.me = (user_id, name)
        self.account: Account | None = None
        self._friends: dict[int, Friend] = {}
        self._groups: dict[int, Group] = {}
        self._names: dict[int, str] = {}  # of users who are not friends

    def set_account(self, account: Account) -> None:
        """Take over friends, groups and the user's own name."""
        self.me = (account.id, account.name)
        self.account = account
        self._friends = {friend.id: friend for friend in account.friends}
        self._groups = {group.id: group for group in account.groups}
        for group in account.groups:
            for member in group.members:
                self._names.setdefault(member.id, member.name)
        for request in account.friend_requests:
            self._names.setdefault(request.user_id, request.name)

    def add_name(self, user_id: int, name: str, *, newest: bool) -> None:
        """Note the name in a message. An old message does not replace a known name."""
        if newest or user_id not in self._names:
            self._names[user_id] = name

    def name_of(self, user_id: int) -> str:
        """The name of a user, not escaped; empty if unknown."""
        if user_id == self.me[0]:
            return self.me[1]
        friend = self._friends.get(user_id)
        return friend.name if friend is not None else self._names.get(user_id, "")

    @property
    def seen_names(self) -> Mapping[int, str]:
        """The names of all users in lists, messages and notices, by id."""
        return self._names

    def group(self, group_id: int) -> Group | None:
        """A group of the user; None for the groups of others."""
        return self._groups.get(group_id)

    def members_of(self, group_id: int) -> tuple[Member, ...]:
        """The members of a group of the user; empty for the groups of others."""
        group = self._groups.get(group_id)
        return () if group is None else group.members

    def is_friend(self, user_id: int) -> bool:
        """Whether a user is on the friend list."""
        return user_id in self._friends

    def is_listed(self, key: RoomKey) -> bool:
        """Whether a conversation is with a friend, or in a group of the user."""
        return key.id in (self._groups if key.in_group else self._friends)

    def is_online(self, key: RoomKey) -> bool | None:
        """The presence of the other user of a conversation; None if unknown, and for groups."""
        if key.in_group:
            return None
        friend = self._friends.get(key.id)
        if friend is not None:
            return friend.state == ONLINE
        return True if key.id == self.me[0] else None

    def members_online(self, group_id: int) -> tuple[int | None, int]:
        """The number of members of a group who are online, and of all members.

        The first is None while some members are not known.
        """
        group = self._groups.get(group_id)
        if group is None:
            return 0, 0
        if len(group.members) < group.member_count:
            return None, group.member_count
        return sum(member.state == ONLINE for member in group.members), len(group.members)
