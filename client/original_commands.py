"""The original client's commands after the login, those that line mode adds, and a parser. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from client.ids import parse_id


@dataclass(frozen=True, slots=True)
class Param:
    """One argument of a command. ``is_user``: a number or a name. ``choices``: all good words."""

    name: str
    is_id: bool = False
    is_user: bool = False
    may_be_empty: bool = False
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Command:
    """One command: its word, its purpose and its parameters."""

    name: str
    description: str
    params: tuple[Param, ...] = ()

    @property
    def format(self) -> str:
        """The form to type, such as ``chat:friendid:message``."""
        return ":".join((self.name, *(param.name for param in self.params)))


class CommandError(ValueError):
    """An unknown command, or wrong arguments. Its text is for the user."""


ORIGINAL_COMMANDS = (
    Command("help", "show all supported commands"),
    Command("chat", "one-to-one chat", (Param("friendid", is_user=True), Param("message"))),
    Command("addfriend", "add a friend", (Param("friendid", is_user=True),)),
    Command(
        "creategroup",
        "create a group",
        (Param("groupname"), Param("groupdesc", may_be_empty=True)),
    ),
    Command("addgroup", "join a group", (Param("groupid", is_id=True),)),
    Command("groupchat", "group chat", (Param("groupid", is_id=True), Param("message"))),
    Command("loginout", "log out"),
    Command("quit", "leave the program"),
)

_WHO = Param("who", is_user=True)
_GROUP = Param("groupid", is_id=True)


def _choice(*words: str) -> Param:
    return Param("|".join(words), choices=words)


_SWITCH = _choice("on", "off")

ADDED_COMMANDS = (
    Command("list", "show your conversations"),
    Command("search", "search the messages for words", (Param("words"),)),
    Command("history", "show the newest messages with a user", (_WHO,)),
    Command("grouphistory", "show the newest messages of a group", (_GROUP,)),
    Command("friends", "show your friends"),
    Command("find", "find a user", (Param("name"),)),
    Command("remove", "remove a friend", (_WHO,)),
    Command("block", "take no more messages from a user", (_WHO,)),
    Command("unblock", "take messages from a user again", (_WHO,)),
    Command("blocked", "show the users that you have blocked"),
    Command("mute", "mute a conversation on all devices", (_WHO, _SWITCH)),
    Command("groupmute", "mute a group on all devices", (_GROUP, _SWITCH)),
    Command("receipts", "let others see what you have read", (_SWITCH,)),
    Command("members", "show the members of a group", (_GROUP,)),
    Command("invite", "invite a user to a group", (_GROUP, _WHO)),
    Command("invitations", "show the groups that have invited you"),
    Command("kick", "remove a member", (_GROUP, _WHO)),
    Command("ban", "remove a user for good", (_GROUP, _WHO, Param("reason", may_be_empty=True))),
    Command("unban", "let a removed or banned user join again", (_GROUP, _WHO)),
    Command("bans", "show the removed and banned users", (_GROUP,)),
    Command(
        "role",
        "appoint an administrator, or hand the group over",
        (_GROUP, _WHO, _choice("creator", "admin", "normal")),
    ),
    Command("rename", "rename a group", (_GROUP, Param("groupname"))),
    Command(
        "access", "change who may join a group", (_GROUP, _choice("open", "invite", "password"))
    ),
    Command("leave", "leave a group", (_GROUP,)),
    Command("dissolve", "end a group for all members", (_GROUP,)),
    Command("whoami", "show your name and number"),
    Command("nick", "change your name", (Param("name"),)),
    Command("password", "change your password"),
    Command("requests", "show the users that ask to be your friend"),
    Command("accept", "accept such a request", (Param("who"),)),
    Command("decline", "decline such a request", (Param("who"),)),
    Command("devices", "show your devices"),
    Command("end", "sign a device out", (Param("number"),)),
)
"""``who`` is a number or a name. Requests are for servers where the other user has to agree."""

LINE_MODE_COMMANDS = (*ORIGINAL_COMMANDS[:-2], *ADDED_COMMANDS, *ORIGINAL_COMMANDS[-2:])
"""In the order of the help; the commands that end something are the last ones."""

INVALID_COMMAND = "invalid input command!"

_BY_NAME = {command.name: command for command in LINE_MODE_COMMANDS}


def parse(line: str) -> tuple[str, tuple[str, ...]]:
    """A line as (command word, arguments). Raises CommandError.

    The last argument is the rest of the line: a message may contain colons and spaces. An
    argument for an id is a number, ready for ``int()``.
    """
    word, colon, rest = line.partition(":")
    command = _BY_NAME.get(word.strip())
    if command is None:
        raise CommandError(INVALID_COMMAND)
    args = tuple(rest.split(":", max(len(command.params) - 1, 0))) if colon else ()
    if len(args) != len(command.params):
        raise CommandError(f"usage: {command.format}")
    for param, arg in zip(command.params, args, strict=True):
        _check(command, param, arg)
    return command.name, args


def _check(command: Command, param: Param, arg: str) -> None:
    if not ((arg.strip() if param.is_user else arg) or param.may_be_empty):
        raise CommandError(f"usage: {command.format}")
    if param.choices and arg.strip() not in param.choices:
        raise CommandError(f"usage: {command.format}")
    if param.is_id and parse_id(arg) is None:
        raise CommandError(f"usage: {command.format} ({param.name} is a number)")
