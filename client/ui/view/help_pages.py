"""The help page, with all keys, marks and commands, and the help of one command. Pure."""

from __future__ import annotations

from client.original_commands import ORIGINAL_COMMANDS
from client.ui.model.slash_commands import BY_NAME, SLASH_COMMANDS, SlashCommand
from client.ui.text.cells import pad, width
from client.ui.text.styled_line import Line
from client.ui.text.translations import Translations
from client.ui.text.wrap import wrap

_KEYS = (
    *("send", "line", "complete", "history", "rooms", "number", "back", "unread", "new", "switch"),
    *("scroll", "line scroll", "ends", "search", "copy", "retry", "unsend", "list", "reconnect"),
    *("redraw", "help", "quit", "cancel"),
)
_MARKS = ("sending", "stored", "failed", "presence", "unread")
_LEFT = 26
_GAP = "  "


def help_page(texts: Translations, cells: int) -> list[Line]:
    """All keys, marks and commands, in lines of this width."""
    commands = [_command_row(command, texts) for command in SLASH_COMMANDS]
    pages = [
        *_table(texts("keys title"), [_row(texts(f"key {key}")) for key in _KEYS], cells),
        *_table(texts("marks title"), [_row(texts(f"mark {mark}")) for mark in _MARKS], cells),
        *_table(texts("commands title"), commands, cells),
        *_paragraph(texts("commands more"), cells),
        [],
        [("class:help.title", texts("original title"))],
    ]
    forms = ", ".join(command.format for command in ORIGINAL_COMMANDS)
    return [*pages, *_paragraph(texts("original more", forms=forms), cells)]


def command_help(name: str, texts: Translations) -> str | None:
    """The help of one command on a line; None for an unknown one."""
    command = BY_NAME.get(name.removeprefix("/").casefold())
    if command is None:
        return None
    usage, about = _command_row(command, texts)
    return f"{usage}: {about}"


def _command_row(command: SlashCommand, texts: Translations) -> tuple[str, str]:
    return command.usage, texts(f"help {command.name}")


def _row(text: str) -> tuple[str, str]:
    key, _, meaning = text.partition("|")
    return key, meaning


def _table(title: str, rows: list[tuple[str, str]], cells: int) -> list[Line]:
    """Two columns, the right one wrapped; on a narrow screen one below the other."""
    found: list[Line] = [[("class:help.title", title)]]
    beside = cells >= 2 * _LEFT
    for left, right in rows:
        indent = _LEFT if beside else 4
        pieces = wrap(right, max(cells - indent - len(_GAP), 10))
        if beside and width(left) <= _LEFT - len(_GAP):
            first = pieces.pop(0)
            found.append([("class:help.key", _GAP + pad(left, _LEFT - len(_GAP))), ("", first)])
        else:
            found.append([("class:help.key", _GAP + left)])
        found.extend([("", " " * indent + piece)] for piece in pieces)
    return [*found, []]


def _paragraph(text: str, cells: int) -> list[Line]:
    return [[("", _GAP + piece)] for piece in wrap(text, max(cells - 2 * len(_GAP), 10))]
