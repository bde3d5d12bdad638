"""Parsing of the input line: a text to send, a slash command, or a command of the original. Pure.

``/chat 5 hello``, ``/chat "li si" hello`` and the original's ``chat:5:hello`` are one command.
A line that begins with ``//`` is a text that begins with ``/``; ``/say`` sends any text.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from client import original_commands
from client.ids import parse_id
from client.original_commands import CommandError
from client.ui.model.slash_commands import BY_NAME, REST_OF_LINE, ArgumentKind, Parameter


@dataclass(frozen=True, slots=True)
class TextInput:
    """A text for the open conversation."""

    text: str


@dataclass(frozen=True, slots=True)
class CommandInput:
    """A command with its arguments: ids are numbers, the others are text."""

    name: str
    args: tuple[int | str, ...] = ()


class InputError(ValueError):
    """A line that cannot be parsed or carried out.

    Attributes:
        key: the key of the text that names the fault.
        values: the values of the placeholders in that text.
    """

    def __init__(self, key: str, **values: str) -> None:
        super().__init__(key, values)
        self.key = key
        self.values = values


class UnknownUserError(InputError):
    """The user with this name is not known here. The server may know it.

    Attributes:
        name: the name.
    """

    def __init__(self, name: str) -> None:
        super().__init__("unknown user name", name=name)
        self.name = name


class PasswordTypedError(InputError):
    """A password was typed in the line of a command, where it is visible.

    The line is emptied, and does not get among the entered lines.
    """


# A command of the original → the slash command. In both, the last argument is the rest of the line.
_ORIGINAL = {
    "chat": "chat",
    "groupchat": "group",
    "addfriend": "add",
    "addgroup": "join",
    "creategroup": "create",
}
_ORIGINAL_WITHOUT_ARGUMENTS = {"help": "help", "loginout": "logout", "quit": "quit"}

_original = re.compile("(" + "|".join(_ORIGINAL) + r")\s*:").match
_token = re.compile(r'\s*(?:"([^"]*)"|(\S+))').match

_UNKNOWN_NAME = {
    ArgumentKind.USER: "unknown user name",
    ArgumentKind.ASKER: "unknown asker",
    ArgumentKind.GROUP: "unknown group name",
    ArgumentKind.JOINABLE: "unknown invitation",
}
"""The kinds of arguments that are a number or a name, with the text about an unknown name."""

Resolve = Callable[[ArgumentKind, str], int | None]
"""Returns the id of the user or group with a name; None if there is not exactly one."""


def parse_line(line: str, resolve: Resolve, *, in_room: bool) -> TextInput | CommandInput | None:
    """Parse a line; None if it is empty. Raises InputError.

    ``in_room``: a conversation is open, so "quit" is a text and not a command.
    """
    if not line.strip():
        return None
    if line.startswith("//"):
        return TextInput(line[1:])
    if line.startswith("/"):
        return _parse_slash(line[1:], resolve)
    if _original(line) is not None:
        return _parse_original(line, resolve)
    word = line.strip()
    if word in _ORIGINAL_WITHOUT_ARGUMENTS and not in_room:
        return CommandInput(_ORIGINAL_WITHOUT_ARGUMENTS[word])
    return TextInput(line)


def _parse_slash(line: str, resolve: Resolve) -> CommandInput:
    word, _, rest = line.partition(" ")
    command = BY_NAME.get(word.casefold())
    if command is None:
        raise InputError("no such command", command=f"/{word}")
    args: list[int | str] = []
    for param in command.params:
        is_last = param is command.params[-1] and not command.asks_password
        text, rest = _next_argument(param, rest, is_last=is_last)
        if not text:
            if param.optional:
                break
            raise InputError("usage", usage=command.usage)
        args.append(_value(param.kind, text, resolve))
    if rest.strip():
        if command.asks_password:
            raise PasswordTypedError("password typed", usage=command.usage)
        raise InputError("usage", usage=command.usage)
    return CommandInput(command.name, tuple(args))


def _next_argument(param: Parameter, rest: str, *, is_last: bool) -> tuple[str, str]:
    """The next argument, and the rest of the line. A name at the end needs no quotes."""
    if param.kind in REST_OF_LINE:
        return rest.strip(), ""
    found = _token(rest)
    if found is None:
        return "", rest
    if found[1] is not None:
        return found[1], rest[found.end() :]
    if is_last and param.kind in _UNKNOWN_NAME and parse_id(found[2]) is None:
        return rest.strip(), ""
    return found[2], rest[found.end() :]


def _value(kind: ArgumentKind, text: str, resolve: Resolve) -> int | str:
    if kind in _UNKNOWN_NAME:
        number = parse_id(text)
        if number is None:
            number = resolve(kind, text)
        if number is None and kind is ArgumentKind.USER:
            raise UnknownUserError(text)
        if number is None:
            raise InputError(_UNKNOWN_NAME[kind], name=text)
        return number
    if "|" in kind.value and text not in kind.value.split("|"):
        raise InputError("one of", choices=kind.value.replace("|", ", "), text=text)
    return text


def _parse_original(line: str, resolve: Resolve) -> CommandInput:
    try:
        word, args = original_commands.parse(line)
    except CommandError as exc:
        raise InputError("original usage", usage=str(exc).removeprefix("usage: ")) from exc
    name = _ORIGINAL[word]
    if name == "create":
        return CommandInput(name, (":".join(args) if args[1] else args[0],))
    kind = ArgumentKind.USER if name in ("chat", "add") else ArgumentKind.GROUP
    return CommandInput(name, (_value(kind, args[0].strip(), resolve), *args[1:]))


def split_name(text: str) -> tuple[str, str]:
    """The name of a new group, which may stand in quotes, and its description after a colon."""
    quoted = re.fullmatch(r'"([^"]+)"\s*(?::(.*))?', text.strip(), re.DOTALL)
    if quoted is not None:
        return quoted[1].strip(), (quoted[2] or "").strip()
    name, _, desc = text.partition(":")
    return name.strip(), desc.strip()
