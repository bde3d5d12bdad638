"""The slash commands: their names and their arguments. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class ArgumentKind(Enum):
    """The kind of an argument; it selects the completions.

    The first word of its value is its name in a usage.
    """

    USER = "WHO"
    ASKER = "WHO asks to be a friend"
    GROUP = "GROUP"
    JOINABLE = "GROUP that invites"
    NAME = "NAME"
    TEXT = "TEXT"
    FILE = "FILE"
    COMMAND = "COMMAND"
    DEVICE = "NUMBER"
    THEME = "dark|light"
    LANGUAGE = "en|zh"
    SWITCH = "on|off"
    NOTIFY = "off|9|777"
    ROLE = "creator|admin|normal"
    ACCESS = "open|invite|password"

    @property
    def shown(self) -> str:
        """Its name in a usage."""
        return self.value.partition(" ")[0]


REST_OF_LINE = frozenset({ArgumentKind.TEXT, ArgumentKind.NAME, ArgumentKind.FILE})
"""The kinds of arguments that may contain spaces."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One argument of a command."""

    kind: ArgumentKind
    optional: bool = False

    def __str__(self) -> str:
        return f"[{self.kind.shown}]" if self.optional else self.kind.shown


@dataclass(frozen=True, slots=True)
class SlashCommand:
    """One command. ``help NAME`` is its help text.

    Attributes:
        name: the word after the slash.
        params: its arguments.
        aliases: its other names.
        asks_password: it asks for a password, which is not typed in the line of the command.
    """

    name: str
    params: tuple[Parameter, ...] = ()
    aliases: tuple[str, ...] = ()
    asks_password: bool = False

    @property
    def usage(self) -> str:
        """The command and its arguments, as they are typed."""
        return " ".join([f"/{self.name}", *map(str, self.params)])


def _optional(kind: ArgumentKind) -> Parameter:
    return Parameter(kind, optional=True)


SLASH_COMMANDS = (
    SlashCommand("help", (_optional(ArgumentKind.COMMAND),)),
    SlashCommand(
        "chat", (Parameter(ArgumentKind.USER), _optional(ArgumentKind.TEXT)), ("msg", "query")
    ),
    SlashCommand(
        "group", (Parameter(ArgumentKind.GROUP), _optional(ArgumentKind.TEXT)), ("groupchat",)
    ),
    SlashCommand("say", (Parameter(ArgumentKind.TEXT),)),
    SlashCommand("add", (Parameter(ArgumentKind.USER),), ("addfriend",)),
    SlashCommand("remove", (_optional(ArgumentKind.USER),), ("removefriend",)),
    SlashCommand("friends"),
    SlashCommand("find", (Parameter(ArgumentKind.NAME),)),
    SlashCommand("requests"),
    SlashCommand("accept", (Parameter(ArgumentKind.ASKER),)),
    SlashCommand("decline", (Parameter(ArgumentKind.ASKER),)),
    SlashCommand("block", (_optional(ArgumentKind.USER),)),
    SlashCommand("unblock", (Parameter(ArgumentKind.USER),)),
    SlashCommand("blocked"),
    SlashCommand("nick", (Parameter(ArgumentKind.NAME),)),
    SlashCommand("password", asks_password=True),
    SlashCommand("receipts", (_optional(ArgumentKind.SWITCH),)),
    SlashCommand("devices"),
    SlashCommand("end", (Parameter(ArgumentKind.DEVICE),)),
    SlashCommand("create", (Parameter(ArgumentKind.NAME),), ("creategroup",)),
    SlashCommand("join", (Parameter(ArgumentKind.JOINABLE),), ("addgroup",), asks_password=True),
    SlashCommand("members", (_optional(ArgumentKind.GROUP),)),
    SlashCommand("invite", (Parameter(ArgumentKind.USER),)),
    SlashCommand("invitations"),
    SlashCommand("kick", (Parameter(ArgumentKind.USER),)),
    SlashCommand("ban", (Parameter(ArgumentKind.USER), _optional(ArgumentKind.TEXT))),
    SlashCommand("unban", (Parameter(ArgumentKind.USER),)),
    SlashCommand("bans"),
    SlashCommand("role", (Parameter(ArgumentKind.USER), Parameter(ArgumentKind.ROLE))),
    SlashCommand("rename", (Parameter(ArgumentKind.NAME),)),
    SlashCommand("access", (_optional(ArgumentKind.ACCESS),), asks_password=True),
    SlashCommand("leave", (_optional(ArgumentKind.GROUP),)),
    SlashCommand("dissolve", (_optional(ArgumentKind.GROUP),)),
    SlashCommand("search", (_optional(ArgumentKind.TEXT),)),
    SlashCommand("export", (Parameter(ArgumentKind.FILE),)),
    SlashCommand("bare"),
    SlashCommand("open"),
    SlashCommand("retry"),
    SlashCommand("unsend"),
    SlashCommand("discard"),
    SlashCommand("close"),
    SlashCommand("mute", (_optional(ArgumentKind.SWITCH),)),
    SlashCommand("list"),
    SlashCommand("whoami"),
    SlashCommand("theme", (_optional(ArgumentKind.THEME),)),
    SlashCommand("lang", (_optional(ArgumentKind.LANGUAGE),)),
    SlashCommand("bell", (_optional(ArgumentKind.SWITCH),)),
    SlashCommand("notify", (_optional(ArgumentKind.NOTIFY),)),
    SlashCommand("reconnect"),
    SlashCommand("logout", (), ("loginout",)),
    SlashCommand("deleteaccount", asks_password=True),
    SlashCommand("quit", (), ("exit",)),
)

BY_NAME = {name: command for command in SLASH_COMMANDS for name in (command.name, *command.aliases)}
"""The commands by their names and aliases."""
