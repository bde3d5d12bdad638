"""GroupMethods: groups, their members, roles and bans."""

from __future__ import annotations

from client.account.requester import Requester
from client.ids import check_id
from client.limits import check_text
from client.protocol import requests
from client.values import Ban, Group, Member


class GroupMethods:
    """A base of ChatClient."""

    _requester: Requester

    def create_group(
        self, name: str, desc: str = "", *, join: str | None = None, password: str | None = None
    ) -> Group:
        """Create a group; the user is its creator and first member. Any thread; blocks.

        ``join``: "open", "invite" or "password"; None: as the server's default. ``password``: for
        the mode "password".
        """
        fields = _given(groupname=name, groupdesc=desc, join=join, password=password)
        group_id, mode = self._requester.ask(requests.CREATE_GROUP, **fields)
        group = self._requester.with_roster(lambda r: r.created_group(group_id, name, desc, mode))
        return group or Group(group_id, name, desc, (), join=mode)

    def join_group(self, group_id: int, password: str | None = None) -> Group:
        """Join a group; returns it, also to a user that is in it already. Any thread; blocks.

        ``password``: of a group with the join mode "password".
        """
        check_id(group_id)
        fields = _given(password=password)
        since = self._requester.with_roster(lambda roster: roster.heard)
        group = self._requester.ask_for("group", requests.JOIN_GROUP, groupid=group_id, **fields)
        self._requester.with_roster(lambda roster: roster.add_group(group, since))
        return group

    def change_group(
        self,
        group_id: int,
        *,
        name: str | None = None,
        desc: str | None = None,
        join: str | None = None,
        password: str | None = None,
    ) -> None:
        """Change the name, the description, the join mode or the password. Any thread; blocks.

        The user is the creator or an administrator of the group.
        """
        fields = _given(groupname=name, groupdesc=desc, join=join, password=password)
        changed = self._requester.ask(requests.CHANGE_GROUP, groupid=check_id(group_id), **fields)
        self._requester.with_roster(
            lambda r: r.change_group(group_id, changed.name, changed.desc, changed.join)
        )

    def invite(self, group_id: int, user_id: int) -> None:
        """Invite a user to a group. Any thread; blocks.

        Each member may invite to an open group, the creator and administrators to every group.
        """
        self._requester.ask(requests.INVITE, groupid=check_id(group_id), userid=check_id(user_id))

    def leave_group(self, group_id: int) -> None:
        """Leave a group. Any thread; blocks."""
        self._requester.ask(requests.LEAVE_GROUP, groupid=check_id(group_id))
        self._requester.with_roster(lambda roster: roster.remove_group(group_id))

    def members(self, group_id: int) -> tuple[Member, ...]:
        """All members of a group, and their presence. Any thread; blocks.

        One request for each 200 members.
        """
        found: list[Member] = []
        since = self._requester.with_roster(lambda roster: roster.heard)
        page = self._requester.ask(requests.MEMBERS, groupid=check_id(group_id))
        found += page.members
        while page.more and page.members:
            last = page.members[-1].id
            page = self._requester.ask(requests.MEMBERS, groupid=group_id, after=last)
            if page.members and page.members[0].id <= last:
                break  # such a server would never come to the end
            found += page.members
        members = tuple(found)
        self._requester.with_roster(lambda roster: roster.set_members(group_id, members, since))
        return members

    def remove_member(self, group_id: int, user_id: int) -> None:
        """Remove a member from a group. Any thread; blocks.

        The creator removes every other member, an administrator normal members.
        """
        fields = {"groupid": check_id(group_id), "userid": check_id(user_id)}
        self._requester.ask(requests.REMOVE_MEMBER, **fields)
        self._requester.with_roster(lambda roster: roster.remove_member(group_id, user_id))

    def set_role(self, group_id: int, user_id: int, role: str) -> None:
        """Make a member of one's group "admin", "normal" or "creator". Any thread; blocks.

        After "creator" the user is an administrator.
        """
        fields = {"groupid": check_id(group_id), "userid": check_id(user_id)}
        self._requester.ask(requests.SET_ROLE, **fields, role=role)
        self._requester.with_roster(lambda roster: roster.set_role(group_id, user_id, role))

    def ban_member(self, group_id: int, user_id: int, reason: str = "") -> None:
        """Ban a user from a group, who may be no member. Any thread; blocks.

        The rights are those of ``remove_member``.
        """
        check_text(reason)
        fields = {"groupid": check_id(group_id), "userid": check_id(user_id)}
        self._requester.ask(requests.BAN_MEMBER, **fields, reason=reason)
        self._requester.with_roster(lambda roster: roster.remove_member(group_id, user_id))

    def unban_member(self, group_id: int, user_id: int) -> None:
        """Lift a ban, or forgive a removal. Any thread; blocks."""
        fields = {"groupid": check_id(group_id), "userid": check_id(user_id)}
        self._requester.ask(requests.UNBAN_MEMBER, **fields)

    def bans(self, group_id: int) -> tuple[Ban, ...]:
        """The banned and the removed users of a group, by number. Any thread; blocks.

        The user is the creator or an administrator of the group. The list comes in pages.
        """
        fields = {"groupid": check_id(group_id)}
        found, more = self._requester.ask(requests.BANS, **fields)
        while more and found:
            page, more = self._requester.ask(requests.BANS, **fields, after=found[-1].user_id)
            if not page:
                break
            found += page
        return found

    def dissolve_group(self, group_id: int) -> None:
        """Dissolve a group that the user has created. Any thread; blocks."""
        self._requester.ask(requests.DISSOLVE_GROUP, groupid=check_id(group_id))
        self._requester.with_roster(lambda roster: roster.remove_group(group_id))


def _given(**texts: str | None) -> dict[str, str]:
    """The texts that are not None, checked."""
    given = {name: text for name, text in texts.items() if text is not None}
    for text in given.values():
        check_text(text)
    return given
