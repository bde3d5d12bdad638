"""The original client's commands after the login, those that line mode adds, and a parser. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from client.ids import parse_id


@dataclass(frozen=True, slots=True)
class Param:
    """One argument of a command. ``is_user``: a number or a name."""

    name: str
    is_id: bool = False
    is_user: bool = False
    may_be_empty: bool = False


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

ADDED_COMMANDS = (
    Command("requests", "show the users that ask to be your friend"),
    Command("accept", "accept such a request", (Param("who"),)),
    Command("decline", "decline such a request", (Param("who"),)),
    Command("devices", "show your devices"),
    Command("end", "sign a device out", (Param("number"),)),
)
"""Requests are for servers where the other user has to agree. ``who`` is a number or a name."""

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
    if param.is_id and parse_id(arg) is None:
        raise CommandError(f"usage: {command.format} ({param.name} is a number)")
