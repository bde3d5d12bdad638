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


UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
"""Seconds."""


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


def seconds(text: str) -> int:
    """The seconds of ``90s``, ``30m``, ``2h`` or ``7d``. Raises ArgumentTypeError."""
    number, unit = text[:-1], text[-1:]
    if unit not in UNITS or not (number.isascii() and number.isdigit() and int(number)):
        raise argparse.ArgumentTypeError(f"{text!r} is not a time such as 90s, 30m, 2h or 7d")
    return int(number) * UNITS[unit]


def _option(*names: str, **options: Any) -> Option:
    return names, options


_ONLINE = _option("--online", action="store_true", help="only users online")
_SEARCH = _option("--search", metavar="TEXT", help="only names that contain this text")
_AFTER = _option("--after", metavar="ID", type=int, help="begin after this id")
_LIMIT = _option("--limit", metavar="N", type=int, help="rows (default 100, at most 1000)")
_LAST = _option(
    "--last", metavar="N", type=int, dest="limit", help="rows (default 20, at most 1000)"
)
_USER = _option("user", metavar="ID|NAME", help="a number is an id")
_GROUP = _option("group", metavar="ID|NAME", help="a number is an id")

_NETWORK = _option("network", metavar="NETWORK", help="203.0.113.7, 203.0.113.0/24, 2001:db8::/64")
_FOR = _option(
    "--for",
    metavar="TIME",
    type=seconds,
    dest="seconds",
    help="such as 90s, 30m, 2h or 7d (default: for ever)",
)

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
    Command(
        "ban address",
        "refuse an address or network, close its connections",
        views.banned,
        (_NETWORK, _FOR, _option("--reason", metavar="TEXT", help="for the list of bans")),
    ),
    Command("unban", "end a ban", views.unbanned, (_NETWORK,)),
    Command("bans", "list bans", views.bans),
    Command(
        "invite",
        "make a code for registrations",
        views.invitation,
        (
            _option("--uses", metavar="N", type=int, help="registrations (default 1)"),
            _FOR,
            _option("--note", metavar="TEXT", help="for the list of invitations"),
        ),
    ),
    Command("invites", "list invitations", views.invitations),
    Command(
        "uninvite",
        "delete an invitation",
        views.uninvited,
        (_option("invitation", metavar="ID|CODE", help="its id in: chatctl invites"),),
    ),
    Command(
        "announce",
        "show a text to all users online",
        views.announced,
        (_option("text", metavar="TEXT", help="at most 500 characters; in quotes"),),
    ),
    Command("node list", "list the servers of the database", views.nodes),
    Command(
        "node drain",
        "have a server finish its work and end",
        views.drained,
        (_option("node", metavar="NODE", help="its name in: chatctl node list"),),
    ),
    Command(
        "top",
        "show the connections that send most",
        views.top,
        (
            _option("--seconds", metavar="N", type=int, help="measure for N seconds (default 2)"),
            _option("--limit", metavar="N", type=int, help="rows (default 20, at most 1000)"),
        ),
    ),
    Command("limits show", "show the limits and their use", views.limits),
    Command("reload", "read the settings again", views.reloaded),
    Command(
        "log-level",
        "log more or less, until the next reload or start",
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
