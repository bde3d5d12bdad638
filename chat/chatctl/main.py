"""The executable chatctl: parses a command, asks the server, and shows the result."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from chat import __version__
from chat.chatctl.commands import COMMANDS, Command, add_options, find
from chat.chatctl.errors import DONE, CtlError, UsageError
from chat.chatctl.link import connect

INTERRUPTED = 130

HELP = """\
usage: chatctl [--socket PATH | --port PORT] [--json] COMMAND …

Operates a running chat server.

{commands}

options:
  --socket PATH  the admin socket of the server, as it logs it at its start
  --port PORT    the server at this port, one of several in this folder
  --json         print the result as JSON
  --version      print the version
  --help         print this text; after a command: its arguments

Run it in the folder of the server, as the account of the server or as root.
exit status: 0 done, 1 the server refused, 2 wrong arguments, 3 no server"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command. Returns the exit status, see errors.py."""
    try:
        return _run(sys.argv[1:] if argv is None else argv)
    except CtlError as exc:
        print(f"chatctl: {exc}", file=sys.stderr)  # noqa: T201
        return exc.status
    except BrokenPipeError:  # of `chatctl … | head`
        sys.stderr.close()
        return DONE
    except KeyboardInterrupt:
        return INTERRUPTED


def _run(argv: Sequence[str]) -> int:
    given, words = _general_options().parse_known_args(argv)
    if given.version:
        return _print([f"chatctl {__version__}"])
    found = find(words)
    if found is None:
        return _help(words)
    command, rest = found
    parser = _Parser(prog=f"chatctl {command.words}", description=command.help, allow_abbrev=False)
    add_options(command, parser)
    arguments = {
        name: value for name, value in vars(parser.parse_args(rest)).items() if value is not None
    }
    with connect(given.socket, given.port) as link:
        result = link.ask(command.words, arguments)
    if given.json:
        return _print([json.dumps(result, ensure_ascii=False)])
    return _print(command.view(result))


def _general_options() -> argparse.ArgumentParser:
    parser = _Parser(prog="chatctl", add_help=False, allow_abbrev=False)
    server = parser.add_mutually_exclusive_group()
    server.add_argument("--socket", type=Path)
    server.add_argument("--port", type=int)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--version", action="store_true")
    return parser


def _help(words: Sequence[str]) -> int:
    """Print the commands, or those that begin with the first word. Raises UsageError."""
    wanted = [word for word in words if word not in ("--help", "-h")]
    commands = [command for command in COMMANDS if command.words.split()[:1] == wanted[:1]]
    if len(wanted) == len(words):  # --help was not asked for
        if not words:
            raise UsageError("no command; try: chatctl --help")
        names = ", ".join(command.words for command in commands)
        hint = f"there are {names}" if commands else "try: chatctl --help"
        raise UsageError(f"no command {' '.join(words[:2])!r}; {hint}")
    if wanted and not commands:
        raise UsageError(f"no command {' '.join(wanted)!r}; try: chatctl --help")
    if wanted:
        return _print(_list(commands))
    return _print([HELP.format(commands="\n".join(_list(COMMANDS)))])


def _list(commands: Sequence[Command]) -> list[str]:
    lines = [
        (f"  {command.words} {_usage(command)}".rstrip(), command.help) for command in commands
    ]
    widest = max(len(line) for line, _ in lines)
    return [f"{line:<{widest}}  {text}" for line, text in lines]


def _usage(command: Command) -> str:
    return " ".join(options["metavar"] for names, options in command.options if names[0][0] != "-")


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> None:  # type: ignore[override]
        """One line; argparse would print the usage before it."""
        self.exit(2, f"{self.prog}: {message} (try --help)\n")


def _print(lines: Sequence[str]) -> int:
    print("\n".join(lines), flush=True)  # noqa: T201
    return DONE


if __name__ == "__main__":
    sys.exit(main())
