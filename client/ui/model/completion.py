"""The completions of the input line, for Tab. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from client.original_commands import ORIGINAL_COMMANDS
from client.ui.model.known_users import asking_users, inviting_groups, known_groups, known_users
from client.ui.model.room_list import RoomList
from client.ui.model.slash_commands import BY_NAME, REST_OF_LINE, SLASH_COMMANDS, ArgumentKind
from client.ui.text.cells import one_line

_ORIGINAL_ARGUMENT = {
    "chat": ArgumentKind.USER,
    "groupchat": ArgumentKind.GROUP,
    "addfriend": ArgumentKind.USER,
    "addgroup": ArgumentKind.JOINABLE,
}

_complete_argument = re.compile(r'\s*("[^"]*"|[^\s"]+)\s+').match


@dataclass(frozen=True, slots=True)
class Candidate:
    """One completion.

    Attributes:
        text: replaces the last ``replaces`` characters of the line.
        shown: its entry in the menu, escaped.
        hint: the explanation beside it, escaped.
    """

    text: str
    replaces: int
    shown: str
    hint: str = ""


def candidates(line: str, rooms: RoomList) -> Iterator[Candidate]:
    """The completions of a line with the cursor at its end."""
    if line.startswith("/") and not line.startswith("//"):
        yield from _slash(line, rooms)
        return
    word, colon, rest = line.partition(":")
    if colon and word in _ORIGINAL_ARGUMENT:
        if ":" not in rest:
            yield from _arguments(_ORIGINAL_ARGUMENT[word], rest, rooms, end=":")
        return
    if not colon and line and " " not in line:
        yield from _original_words(line)
    yield from _mentions(line, rooms)


def _slash(line: str, rooms: RoomList) -> Iterator[Candidate]:
    word, space, rest = line[1:].partition(" ")
    if not space:
        for command in SLASH_COMMANDS:
            if command.name.startswith(word.casefold()):
                end = " " if command.params else ""
                yield Candidate(f"/{command.name}{end}", len(line), command.usage)
        return
    found = BY_NAME.get(word.casefold())
    for param in () if found is None else found.params:
        complete = _complete_argument(rest)
        if complete is None or param.kind in REST_OF_LINE:
            yield from _arguments(param.kind, rest, rooms, end=" ")
            return
        rest = rest[complete.end() :]


def _arguments(kind: ArgumentKind, begun: str, rooms: RoomList, end: str) -> Iterator[Candidate]:
    if kind is ArgumentKind.USER:
        yield from _ids(begun, _by_name(known_users(rooms)), end)
    elif kind is ArgumentKind.ASKER:
        yield from _ids(begun, _by_name(asking_users(rooms)), end)
    elif kind is ArgumentKind.GROUP:
        yield from _ids(begun, known_groups(rooms).items(), end)
    elif kind is ArgumentKind.JOINABLE:
        yield from _ids(begun, inviting_groups(rooms).items(), end)
    elif kind is ArgumentKind.COMMAND:
        names = (command.name for command in SLASH_COMMANDS)
        yield from (Candidate(n, len(begun), n) for n in names if n.startswith(begun))
    elif "|" in kind.value:
        choices = kind.value.split("|")
        yield from (Candidate(c, len(begun), c) for c in choices if c.startswith(begun))


def _by_name(users: Mapping[int, str]) -> list[tuple[int, str]]:
    return sorted(users.items(), key=lambda pair: (pair[1].casefold(), pair[0]))


def _ids(begun: str, known: Iterable[tuple[int, str]], end: str) -> Iterator[Candidate]:
    wanted = begun.casefold().lstrip('"')
    for number, name in known:
        if str(number).startswith(wanted) or name.casefold().startswith(wanted):
            shown = one_line(name) or str(number)
            yield Candidate(f"{number}{end}", len(begun), f"{number} {shown}")


def _original_words(line: str) -> Iterator[Candidate]:
    for command in ORIGINAL_COMMANDS:
        if command.params and command.name.startswith(line):
            yield Candidate(f"{command.name}:", len(line), command.format)


def _mentions(line: str, rooms: RoomList) -> Iterator[Candidate]:
    """Names after an @, in a conversation."""
    before, at, begun = line.rpartition("@")
    if not at or " " in begun or (before and before[-1].isalnum()):
        return
    for _, name in _by_name(known_users(rooms)):
        if name and name.casefold().startswith(begun.casefold()):
            yield Candidate(f"@{name} ", len(begun) + 1, f"@{one_line(name)}")
