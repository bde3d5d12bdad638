"""What is typed into the input line: text to send, a slash command, or one of the original's. Pure.

``/chat 5 hello``, ``/chat "li si" hello`` and the original's ``chat:5:hello`` are the same order.
A line that begins with ``//`` is text that begins with ``/``; ``/say`` sends anything.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from client import original_commands
from client.ids import parse_id
from client.original_commands import CommandError


class Takes(Enum):
    """What an argument is; also what Tab completes it with."""

    USER = "WHO"
    GROUP = "GROUP"
    ID = "ID"
    NAME = "NAME"
    TEXT = "TEXT"
    FILE = "FILE"
    COMMAND = "COMMAND"
    THEME = "dark|light"
    LANGUAGE = "en|zh"
    SWITCH = "on|off"
    NOTIFY = "off|9|777"


@dataclass(frozen=True, slots=True)
class Param:
    """One argument of a command."""

    takes: Takes
    optional: bool = False

    def __str__(self) -> str:
        return f"[{self.takes.value}]" if self.optional else self.takes.value


@dataclass(frozen=True, slots=True)
class SlashCommand:
    """One command: its name, other names for it, and what follows. Texts.help says what it does."""

    name: str
    params: tuple[Param, ...] = ()
    aliases: tuple[str, ...] = ()

    @property
    def usage(self) -> str:
        """How it is typed."""
        return " ".join([f"/{self.name}", *map(str, self.params)])


@dataclass(frozen=True, slots=True)
class Say:
    """Text for the conversation that is looked at."""

    text: str


@dataclass(frozen=True, slots=True)
class Order:
    """A command with its arguments: user and group ids are numbers, the rest is text."""

    name: str
    args: tuple[int | str, ...] = ()


class OrderError(ValueError):
    """What was typed cannot be done.

    Attributes:
        key: of the text that says so.
        values: for that text.
    """

    def __init__(self, key: str, **values: str) -> None:
        super().__init__(key, values)
        self.key = key
        self.values = values


def _optional(takes: Takes) -> Param:
    return Param(takes, optional=True)


COMMANDS = (
    SlashCommand("help", (_optional(Takes.COMMAND),)),
    SlashCommand("chat", (Param(Takes.USER), _optional(Takes.TEXT)), ("msg", "query")),
    SlashCommand("group", (Param(Takes.GROUP), _optional(Takes.TEXT)), ("groupchat",)),
    SlashCommand("say", (Param(Takes.TEXT),)),
    SlashCommand("add", (Param(Takes.ID),), ("addfriend",)),
    SlashCommand("remove", (_optional(Takes.USER),), ("removefriend",)),
    SlashCommand("friends"),
    SlashCommand("create", (Param(Takes.NAME),), ("creategroup",)),
    SlashCommand("join", (Param(Takes.ID),), ("addgroup",)),
    SlashCommand("members", (_optional(Takes.GROUP),)),
    SlashCommand("kick", (Param(Takes.USER),)),
    SlashCommand("leave", (_optional(Takes.GROUP),)),
    SlashCommand("dissolve", (_optional(Takes.GROUP),)),
    SlashCommand("search", (_optional(Takes.TEXT),), ("find",)),
    SlashCommand("export", (Param(Takes.FILE),)),
    SlashCommand("bare"),
    SlashCommand("open"),
    SlashCommand("retry"),
    SlashCommand("unsend"),
    SlashCommand("discard"),
    SlashCommand("close"),
    SlashCommand("list"),
    SlashCommand("whoami"),
    SlashCommand("theme", (_optional(Takes.THEME),)),
    SlashCommand("lang", (_optional(Takes.LANGUAGE),)),
    SlashCommand("bell", (_optional(Takes.SWITCH),)),
    SlashCommand("notify", (_optional(Takes.NOTIFY),)),
    SlashCommand("reconnect"),
    SlashCommand("logout", (), ("loginout",)),
    SlashCommand("quit", (), ("exit",)),
)

BY_NAME = {name: command for command in COMMANDS for name in (command.name, *command.aliases)}

# The original's word → ours. Its last argument is the rest of the line, as ours is.
_ORIGINAL = {
    "chat": "chat",
    "groupchat": "group",
    "addfriend": "add",
    "addgroup": "join",
    "creategroup": "create",
}
_BARE = {"help": "help", "loginout": "logout", "quit": "quit"}

_original = re.compile("(" + "|".join(_ORIGINAL) + r")\s*:").match
_token = re.compile(r'\s*(?:"([^"]*)"|(\S+))').match

Resolve = Callable[[Takes, str], int | None]
"""Finds the id of whom a name means."""


def understand(line: str, resolve: Resolve, *, in_room: bool) -> Say | Order | None:
    """What a line means; None if it is empty. Raises OrderError.

    ``in_room``: a conversation is looked at, so that plain words are said there.
    """
    if not line.strip():
        return None
    if line.startswith("//"):
        return Say(line[1:])
    if line.startswith("/"):
        return _slash(line[1:], resolve)
    if _original(line) is not None:
        return _from_original(line)
    word = line.strip()
    if word in _BARE and not in_room:
        return Order(_BARE[word])
    return Say(line)


def _slash(line: str, resolve: Resolve) -> Order:
    word, _, rest = line.partition(" ")
    command = BY_NAME.get(word.casefold())
    if command is None:
        raise OrderError("no such command", command=f"/{word}")
    args: list[int | str] = []
    for param in command.params:
        text, rest = _next_argument(param, rest)
        if not text:
            if param.optional:
                break
            raise OrderError("usage", usage=command.usage)
        args.append(_value(param.takes, text, resolve))
    if rest.strip():
        raise OrderError("usage", usage=command.usage)
    return Order(command.name, tuple(args))


def _next_argument(param: Param, rest: str) -> tuple[str, str]:
    """The next argument, and what is left of the line."""
    if param.takes in (Takes.TEXT, Takes.NAME, Takes.FILE):
        return rest.strip(), ""
    found = _token(rest)
    if found is None:
        return "", rest
    return found[1] if found[1] is not None else found[2], rest[found.end() :]


def _value(takes: Takes, text: str, resolve: Resolve) -> int | str:
    if takes is Takes.ID:
        number = parse_id(text)
        if number is None:
            raise OrderError("no id", text=text)
        return number
    if takes in (Takes.USER, Takes.GROUP):
        number = parse_id(text)
        if number is None:
            number = resolve(takes, text)
        if number is None:
            key = "nobody is called" if takes is Takes.USER else "no group is called"
            raise OrderError(key, name=text)
        return number
    if "|" in takes.value and text not in takes.value.split("|"):
        raise OrderError("one of", choices=takes.value.replace("|", ", "), text=text)
    return text


def _from_original(line: str) -> Order:
    try:
        word, args = original_commands.parse(line)
    except CommandError as exc:
        raise OrderError("original usage", usage=str(exc).removeprefix("usage: ")) from exc
    name = _ORIGINAL[word]
    if name == "create":
        return Order(name, (":".join(args) if args[1] else args[0],))
    return Order(name, (int(args[0]), *args[1:]))


def split_name(text: str) -> tuple[str, str]:
    """A group's name, which may stand in quotes, and its description, after a colon."""
    quoted = re.fullmatch(r'"([^"]+)"\s*(?::(.*))?', text.strip(), re.DOTALL)
    if quoted is not None:
        return quoted[1].strip(), (quoted[2] or "").strip()
    name, _, desc = text.partition(":")
    return name.strip(), desc.strip()
