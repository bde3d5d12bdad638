"""The program ``chatclient``: arguments, standard streams, exit codes. The composition root."""

from __future__ import annotations

import argparse
import io
import os
import signal
import sys
from typing import NoReturn, TextIO

from client.connection import open_socket
from client.console import Console
from client.errors import ConnectError, OutputClosedError
from client.menu import Menu
from client.session import Session
from client.timing import Timing
from client.version import __version__

_EXIT_FAILURE = 1
_EXIT_USAGE = 2
_EXIT_SIGNAL = 128  # plus the signal's number, as shells have it
_MAX_PORT = 65535


def main(argv: list[str] | None = None) -> int:
    """Run the client; returns the exit code. Main thread.

    0 at the end of input and after ``quit``, 1 when the server cannot be reached or was lost
    or nobody reads the output, 2 for wrong arguments, 130 after Ctrl-C. Raises SystemExit for
    ``--help``, ``--version`` and wrong arguments, as argparse does.
    """
    args = _parser().parse_args(argv)
    # So that a password prompt switches the echo on again before the process ends.
    for signum in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(signum) is signal.SIG_DFL:  # leave nohup's decision alone
            signal.signal(signum, _terminate)
    out = _text_stream(sys.stdout)
    try:
        with Console(_input_fd(), out, _text_stream(sys.stderr)) as console:
            return _run(args.host, args.port, console)
    except KeyboardInterrupt:
        return _EXIT_SIGNAL + signal.SIGINT
    except OutputClosedError:
        _discard_unwritten(out)
        return _EXIT_FAILURE


def _run(host: str, port: int, console: Console) -> int:
    timing = Timing()
    try:
        sock = open_socket(host, port, timing)
    except ConnectError as exc:
        console.error(str(exc))
        return _EXIT_FAILURE
    with Session(sock, console.wake, timing) as session:
        return Menu(console, session, timing).run()


class _Parser(argparse.ArgumentParser):
    """Argparse, with its complaint on one line."""

    def error(self, message: str) -> NoReturn:
        usage = " ".join(self.format_usage().split())
        self.exit(_EXIT_USAGE, f"{self.prog}: {message} ({usage})\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="chatclient", description="A chat client for one terminal.")
    parser.add_argument("host", metavar="HOST", help="the server's name or address")
    parser.add_argument("port", metavar="PORT", type=_port, help="its TCP port")
    parser.add_argument("--version", action="version", version=f"chatclient {__version__}")
    return parser


def _port(text: str) -> int:
    if text.isascii() and text.isdigit() and 1 <= int(text[:6]) <= _MAX_PORT:
        return int(text[:6])
    raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to {_MAX_PORT}")


def _text_stream(stream: TextIO | None) -> TextIO:
    """A standard stream in UTF-8, whatever the locale says; a closed one swallows what it gets."""
    if stream is None:
        # Not closed on purpose: it lives as long as the process, as the others do.
        return open(os.devnull, "w", encoding="utf-8")
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    return stream


def _input_fd() -> int:
    """Standard input's descriptor; of an input that is closed, one that is at its end."""
    return os.open(os.devnull, os.O_RDONLY) if sys.stdin is None else sys.stdin.fileno()


def _discard_unwritten(out: TextIO) -> None:
    """Keep the interpreter from flushing into a closed pipe at exit, and complaining of it."""
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, out.fileno())
    os.close(devnull)


def _terminate(signum: int, frame: object) -> NoReturn:
    raise SystemExit(_EXIT_SIGNAL + signum)


if __name__ == "__main__":
    sys.exit(main())
