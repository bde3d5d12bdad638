"""GroupCommands: the commands of line mode about the members and the rules of groups."""

from __future__ import annotations

from client.plain.command_group import Command, CommandGroup, Lines
from client.plain.plain_text import member_line


class GroupCommands(CommandGroup):
    """Members, invitations, bans and settings of groups. The console's thread."""

    def by_name(self) -> dict[str, Command]:
        """The commands by their words."""
        return {
            "members": self.members,
            "invite": self.invite,
            "invitations": self.invitations,
            "kick": self.kick,
            "ban": self.ban,
            "unban": self.unban,
            "bans": self.bans,
            "role": self.role,
            "rename": self.rename,
            "access": self.access,
            "leave": self.leave,
            "dissolve": self.dissolve,
        }

    def members(self, group_id: str) -> Lines:
        """All members of a group."""
        return map(member_line, self._client.members(int(group_id)))

    def invite(self, group_id: str, who: str) -> Lines:
        """Invite a user to a group."""
        self._client.invite(int(group_id), self._user(who))
        return None

    def invitations(self) -> Lines:
        """The groups that have invited this user."""
        account = self._client.account
        found = () if account is None else account.invitations
        lines = [
            self._text("invited", by=one.by_name, name=one.group_name, group=one.group_id)
            for one in found
        ]
        return lines or [self._text("nothing")]

    def kick(self, group_id: str, who: str) -> Lines:
        """Remove a member."""
        self._client.remove_member(int(group_id), self._user(who))
        return None

    def ban(self, group_id: str, who: str, reason: str) -> Lines:
        """Remove a user for good."""
        self._client.ban_member(int(group_id), self._user(who), reason)
        return None

    def unban(self, group_id: str, who: str) -> Lines:
        """Let a removed or banned user join again."""
        self._client.unban_member(int(group_id), self._user(who))
        return None

    def bans(self, group_id: str) -> Lines:
        """The removed and banned users."""
        found = self._client.bans(int(group_id))
        return [self._text.ban_line(ban) for ban in found] or [self._text("nothing")]

    def role(self, group_id: str, who: str, role: str) -> Lines:
        """Appoint an administrator, or hand the group over."""
        self._client.set_role(int(group_id), self._user(who), role.strip())
        return None

    def rename(self, group_id: str, name: str) -> Lines:
        """Rename a group."""
        self._client.change_group(int(group_id), name=name)
        return None

    def access(self, group_id: str, join: str) -> Lines:
        """Change who may join; ``password`` asks for the password of the group."""
        password = None
        if join.strip() == "password":
            password = self._ask_secret(self._text("new group password", id=group_id))
        self._client.change_group(int(group_id), join=join.strip(), password=password)
        return None

    def leave(self, group_id: str) -> Lines:
        """Leave a group."""
        self._client.leave_group(int(group_id))
        return None

    def dissolve(self, group_id: str) -> Lines:
        """End a group for all members, after a question."""
        if not self._confirm(self._text("dissolve sure", id=group_id)):
            return []
        self._client.dissolve_group(int(group_id))
        return None
