"""AccountCommands: the commands of line mode about the own account, its list and its devices."""

from __future__ import annotations

from chat.protocol import ErrNo
from client.errors import RefusedError
from client.ids import parse_id
from client.original_commands import CommandError
from client.plain.command_group import Command, CommandGroup, Lines
from client.plain.plain_text import friend_line


class AccountCommands(CommandGroup):
    """The own name, password, friends, blocked users and devices. The console's thread."""

    def by_name(self) -> dict[str, Command]:
        """The commands by their words."""
        return {
            "whoami": self.whoami,
            "nick": self.rename,
            "password": self.password,
            "friends": self.friends,
            "find": self.find,
            "remove": self.remove,
            "block": self.block,
            "unblock": self.unblock,
            "blocked": self.blocked,
            "devices": self.devices,
            "end": self.end_device,
        }

    def whoami(self) -> Lines:
        """The name and the number of this user."""
        account = self._client.account
        if account is None:
            return None
        return [self._text("current user", id=account.id, name=account.name)]

    def rename(self, name: str) -> Lines:
        """Change the name of this user."""
        self._client.rename(name.strip())
        return self.whoami()

    def password(self) -> Lines:
        """Change the password: the old one, and the new one twice."""
        old, new, again = (
            self._ask_secret(self._text(key)) for key in ("old password", "new password", "again")
        )
        if new != again:
            raise CommandError(self._text("passwords differ"))
        self._client.change_password(old, new)
        return None

    def friends(self) -> Lines:
        """The list of friends."""
        account = self._client.account
        friends = () if account is None else account.friends
        return [friend_line(friend) for friend in friends] or [self._text("nothing")]

    def find(self, name: str) -> Lines:
        """The users of this name; with a directory also those whose names begin with it."""
        try:
            users = self._client.find_users(name.strip())
        except RefusedError as exc:
            if exc.errno != ErrNo.REFUSED:
                raise
            user = self._client.find_user(name.strip())  # the server has no directory
            users = () if user is None else (user,)
        return [self._text.user_line(user) for user in users] or [self._text("nothing")]

    def remove(self, who: str) -> Lines:
        """Remove a friend, or take a request back."""
        self._client.remove_friend(self._user(who))
        return None

    def block(self, who: str) -> Lines:
        """Take no more messages from a user."""
        self._client.block(self._user(who))
        return None

    def unblock(self, who: str) -> Lines:
        """Take messages from a user again."""
        self._client.unblock(self._user(who))
        return None

    def blocked(self) -> Lines:
        """The blocked users."""
        lines = []
        for number in self._client.blocked():
            lines.append(f"{number} {self._text.shown(self._client.name_of(number))}".rstrip())
        return lines or [self._text("nothing")]

    def devices(self) -> Lines:
        """The devices of this user."""
        return map(self._text.device_line, self._client.devices())

    def end_device(self, number: str) -> Lines:
        """End a device. ``number``: of the list; 0 for the unnamed device."""
        device = 0 if number.strip() == "0" else parse_id(number)
        if device is None:
            raise CommandError(self._text("device number"))
        self._client.end_device(device)
        return [self._text("device ended", id=device)]
