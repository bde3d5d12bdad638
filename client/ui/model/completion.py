"""What Tab offers for a line that is half typed. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from client import original_commands
from client.ui.model.chats import Chats
from client.ui.model.slash_commands import (
    BY_NAME,
    SLASH_COMMANDS,
    ArgumentKind,
)
from client.ui.text.cells import one_line

_ORIGINAL_ARGUMENT = {
    "chat": ArgumentKind.USER,
    "groupchat": ArgumentKind.GROUP,
    "addfriend": ArgumentKind.ID,
    "addgroup": ArgumentKind.ID,
}


@dataclass(frozen=True, slots=True)
class Candidate:
    """One way to complete a line.

    Attributes:
        text: what takes the place of the last ``replaces`` characters.
        shown: how it is offered, escaped.
        hint: what it means, escaped.
    """

    text: str
    replaces: int
    shown: str
    hint: str = ""


def candidates(line: str, chats: Chats) -> Iterator[Candidate]:
    """Every way to complete the line, whose end is where the cursor is."""
    if line.startswith("/") and not line.startswith("//"):
        yield from _slash(line, chats)
        return
    word, colon, rest = line.partition(":")
    if colon and word in _ORIGINAL_ARGUMENT:
        if ":" not in rest:
            yield from _arguments(_ORIGINAL_ARGUMENT[word], rest, chats, end=":")
        return
    if not colon and line and " " not in line:
        yield from _original_words(line)
    yield from _mentions(line, chats)


def _slash(line: str, chats: Chats) -> Iterator[Candidate]:
    word, space, rest = line[1:].partition(" ")
    if not space:
        for command in SLASH_COMMANDS:
            if command.name.startswith(word.casefold()):
                end = " " if command.params else ""
                yield Candidate(f"/{command.name}{end}", len(line), command.usage)
        return
    found = BY_NAME.get(word.casefold())
    if found is None or not found.params or " " in rest:
        return
    yield from _arguments(found.params[0].kind, rest, chats, end=" ")


def _arguments(kind: ArgumentKind, begun: str, chats: Chats, end: str) -> Iterator[Candidate]:
    if kind in (ArgumentKind.USER, ArgumentKind.ID):
        yield from _ids(begun, _people(chats), end)
    elif kind is ArgumentKind.GROUP:
        groups = chats.account.groups if chats.account is not None else ()
        yield from _ids(begun, [(group.id, group.name) for group in groups], end)
    elif kind is ArgumentKind.COMMAND:
        names = (command.name for command in SLASH_COMMANDS)
        yield from (Candidate(n, len(begun), n) for n in names if n.startswith(begun))
    elif "|" in kind.value:
        choices = kind.value.split("|")
        yield from (Candidate(c, len(begun), c) for c in choices if c.startswith(begun))


def _people(chats: Chats) -> list[tuple[int, str]]:
    """Friends, and whoever has a conversation, members of the group that is looked at."""
    found: dict[int, str] = {}
    if chats.account is not None:
        found.update((friend.id, friend.name) for friend in chats.account.friends)
    for key in chats.rooms:
        if not key.in_group:
            found.setdefault(key.id, chats.name_of(key.id))
    if chats.current is not None and chats.current.key.in_group:
        group = chats.group(chats.current.key.id)
        for member in () if group is None else group.members:
            found.setdefault(member.id, member.name)
    return sorted(found.items(), key=lambda pair: (pair[1].casefold(), pair[0]))


def _ids(begun: str, known: Iterable[tuple[int, str]], end: str) -> Iterator[Candidate]:
    wanted = begun.casefold().lstrip('"')
    for number, name in known:
        if str(number).startswith(wanted) or name.casefold().startswith(wanted):
            shown = one_line(name) or str(number)
            yield Candidate(f"{number}{end}", len(begun), f"{number} {shown}")


def _original_words(line: str) -> Iterator[Candidate]:
    for command in original_commands.ORIGINAL_COMMANDS:
        if command.params and command.name.startswith(line):
            yield Candidate(f"{command.name}:", len(line), command.format)


def _mentions(line: str, chats: Chats) -> Iterator[Candidate]:
    """Names after an @, in a conversation."""
    before, at, begun = line.rpartition("@")
    if not at or " " in begun or (before and before[-1].isalnum()):
        return
    for _, name in _people(chats):
        if name and name.casefold().startswith(begun.casefold()):
            yield Candidate(f"@{name} ", len(begun) + 1, f"@{one_line(name)}")
