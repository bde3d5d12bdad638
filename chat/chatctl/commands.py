"""The commands of chatctl: their words, their arguments, and the views of their results."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from chat.chatctl import views
from chat.chatctl.views import View

Option = tuple[Sequence[str], dict[str, Any]]
"""The arguments of ``ArgumentParser.add_argument``."""


@dataclass(frozen=True, slots=True)
class Command:
    """A command.

    Attributes:
        words: such as "user list"; the server knows it by the same words.
        help: one line.
        view: its result as lines.
        options: its arguments. The name of each is that of the request.
    """

    words: str
    help: str
    view: View
    options: Sequence[Option] = ()


def _option(*names: str, **options: Any) -> Option:
    return names, options


_ONLINE = _option("--online", action="store_true", help="only users online")
_SEARCH = _option("--search", metavar="TEXT", help="only names that contain this text")
_AFTER = _option("--after", metavar="ID", type=int, help="begin after this id")
_LIMIT = _option("--limit", metavar="N", type=int, help="at most so many (default 100, up to 1000)")
_LAST = _option(
    "--last", metavar="N", type=int, dest="limit", help="so many (default 20, up to 1000)"
)
_USER = _option("user", metavar="ID|NAME", help="a number is an id")
_GROUP = _option("group", metavar="ID|NAME", help="a number is an id")

COMMANDS: Sequence[Command] = (
    Command(
        "user list",
        "list accounts",
        views.users,
        (
            _option("--online", action="store_true", help="only users online"),
            _SEARCH,
            _AFTER,
            _LIMIT,
        ),
    ),
    Command("user show", "show an account", views.user, (_USER,)),
    Command("user disable", "refuse its logins, end the running one", views.disabled, (_USER,)),
    Command("user enable", "undo user disable", views.enabled, (_USER,)),
    Command(
        "user reset-password",
        "give it a random password, end its login and tokens",
        views.new_password,
        (_USER,),
    ),
    Command("user sessions", "show its login and its tokens", views.sessions, (_USER,)),
    Command("user logout", "end its login and its tokens", views.logged_out, (_USER,)),
    Command("group list", "list groups", views.groups, (_SEARCH, _AFTER, _LIMIT)),
    Command("group show", "show a group and its members", views.group, (_GROUP, _AFTER, _LIMIT)),
    Command(
        "group dissolve",
        "end a group; its messages stay in the log",
        views.dissolved,
        (_GROUP,),
    ),
    Command("node list", "list the servers of the database", views.nodes),
    Command(
        "node drain",
        "have a server finish its work and end",
        views.drained,
        (_option("node", metavar="NODE", help="its name in: chatctl node list"),),
    ),
    Command("reload", "read the settings again", views.reloaded),
    Command(
        "log-level",
        "log more or less, until the next reload",
        views.log_level,
        (_option("level", metavar="LEVEL", help="debug, info, warning or error"),),
    ),
    Command("audit", "show what operators have changed", views.audit, (_LAST,)),
)


def find(words: Sequence[str]) -> tuple[Command, Sequence[str]] | None:
    """The command that these words begin with, and the rest of them; None if there is none."""
    for count in (2, 1):
        for command in COMMANDS:
            if command.words.split() == list(words[:count]):
                return command, words[count:]
    return None


def add_options(command: Command, parser: argparse.ArgumentParser) -> None:
    """Give a parser the arguments of a command."""
    add: Callable[..., object] = parser.add_argument
    for names, options in command.options:
        add(*names, **options)
