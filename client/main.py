"""The program ``chatclient``: arguments, standard streams, exit codes. The composition root.

On a terminal the program shows windows (client.ui). With pipes, with ``--plain``, and on a terminal
that cannot show windows it has the original's menu and commands, line by line (client.plain).
"""

from __future__ import annotations

import argparse
import contextlib
import io
import os
import signal
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn, TextIO

from chat.protocol import ErrNo
from chat.safe_text import escape
from chat.version import __version__
from client.account.folders import default_folder
from client.account.last_server import LastServer, last_server, remember_server
from client.encoding import encoding_of, needs_utf8
from client.errors import (
    ClientError,
    OutputClosedError,
    RefusedError,
    StoreError,
    UnreadableInputError,
)
from client.ids import parse_id
from client.limits import LIMITS
from client.plain.console import Console
from client.plain.line_mode import run_line_mode
from client.plain.plain_text import PlainText
from client.timing import Timing

if TYPE_CHECKING:
    import ssl

_EXIT_FAILURE = 1
_EXIT_USAGE = 2
_EXIT_SIGNAL = 128  # the exit code is this plus the number of the signal, as in shells
_MAX_PORT = 65535
_COERCED = ("C.UTF-8", "C.utf8", "UTF-8")  # the values that Python gives LC_CTYPE


def main(argv: list[str] | None = None) -> int:
    """Run the client; returns the exit code. Main thread.

    0: end of input, ``quit``, or the message of ``--send`` was acknowledged. 1: the server cannot
    be reached, the connection was lost, the output is a closed pipe, the encoding is wrong, or a
    command of a script failed. 2: wrong arguments. 130: Ctrl-C.
    Raises SystemExit for ``--help``, ``--version`` and wrong arguments, as argparse does.
    """
    parser = _parser()
    args = parser.parse_args(argv)
    is_last = _choose_server(parser, args)
    tls = _tls_context(parser, args)
    if args.send is not None:
        return _send_once(parser, args, tls)
    if not args.plain and _has_screen():
        return _run_screen(parser, args, tls, is_last=is_last)
    if is_last:
        line = f"{parser.prog}: the last server: {args.host} {args.port}"
        print(escape(line), file=_text_stream(sys.stderr, _encoding()))
    return _run_lines(parser, args, tls)


def _choose_server(parser: argparse.ArgumentParser, args: argparse.Namespace) -> bool:
    """Without HOST and PORT, the server of the last time; returns whether that is so."""
    if args.port is not None:
        return False
    if args.host is not None:
        parser.error("PORT is missing: type HOST and PORT, or neither for the last server")
    try:
        server = last_server(default_folder() if args.folder is None else args.folder)
    except StoreError:
        server = None
    if server is None:
        parser.error("no server has been used yet: type its HOST and PORT, as 127.0.0.1 6000")
    args.host, args.port = server.host, server.port
    args.tls = args.tls or server.tls
    args.ca = args.ca or server.ca or None
    return True


def _run_lines(
    parser: argparse.ArgumentParser, args: argparse.Namespace, tls: ssl.SSLContext | None
) -> int:
    # A handler that raises lets a password prompt switch the echo on before the process ends.
    for signum in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(signum) is signal.SIG_DFL:  # leave nohup's decision alone
            signal.signal(signum, _terminate)
    encoding = _encoding()
    out, err = _text_stream(sys.stdout, encoding), _text_stream(sys.stderr, encoding)
    try:
        with Console(_input_fd(), out, err, encoding) as console:
            return _run_menu(parser, args, tls, console)
    except KeyboardInterrupt:
        return _EXIT_SIGNAL + signal.SIGINT
    except OutputClosedError:
        _discard_unwritten(out)
        return _EXIT_FAILURE


def _run_menu(
    parser: argparse.ArgumentParser,
    args: argparse.Namespace,
    tls: ssl.SSLContext | None,
    console: Console,
) -> int:
    text = PlainText(args.lang or "en")  # a script reads the original's texts
    script, folder = not console.is_terminal, None
    # A script that names no folder keeps nothing: it must not use up a device of the account.
    if args.folder is not None or not script:
        folder, not_kept = _folder(parser, args.folder)
        if folder is None:
            console.error(f"{parser.prog}: logins are not kept: {escape(not_kept)}")

    def on_online() -> None:
        if folder is not None:
            remember_server(folder, _server(args, tls))

    return run_line_mode(
        args.host,
        args.port,
        tls,
        console,
        text,
        Timing(),
        script=script,
        folder=folder,
        user=args.user,
        on_online=on_online,
    )


def _server(args: argparse.Namespace, tls: ssl.SSLContext | None) -> LastServer:
    ca = os.path.abspath(args.ca) if args.ca else ""
    return LastServer(args.host, args.port, tls is not None, ca)


def _send_once(
    parser: argparse.ArgumentParser, args: argparse.Namespace, tls: ssl.SSLContext | None
) -> int:
    from client.plain.send_once import parse_receiver, send_once

    receiver = parse_receiver(args.send[0])
    if receiver is None:
        parser.error(f"--send {args.send[0]}: a user's name or number, or group:NUMBER, is needed")
    folder, not_kept = _folder(parser, args.folder)
    try:
        if folder is None:
            raise StoreError("--send", f"needs a saved login: {not_kept}")
        text = _text_to_send(args.send[1])
        send_once(args.host, args.port, tls, folder, args.user, receiver, text)
    except (ClientError, ValueError) as exc:
        why = str(exc)
        if isinstance(exc, RefusedError) and exc.errno == ErrNo.NOT_FOUND:
            why = f"--send {args.send[0]}: {why}; check the name or number"
        print(f"{parser.prog}: {escape(why)}", file=_text_stream(sys.stderr, _encoding()))
        return _EXIT_FAILURE
    return 0


def _text_to_send(text: str) -> str:
    """The text of ``--send``; for ``-``, the standard input without its last line end."""
    if text != "-":
        return text
    encoding = _encoding()
    try:
        data = b"" if sys.stdin is None else sys.stdin.buffer.read()
        return data.decode(encoding).removesuffix("\n")
    except UnicodeDecodeError as exc:
        raise UnreadableInputError(encoding) from exc


def _has_screen() -> bool:
    """Whether the terminal can show windows."""
    if sys.stdin is None or sys.stdout is None:
        return False
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        return False
    return (
        os.environ.get("TERM", "") not in ("", "dumb") and find_spec("prompt_toolkit") is not None
    )


def _run_screen(
    parser: argparse.ArgumentParser,
    args: argparse.Namespace,
    tls: ssl.SSLContext | None,
    *,
    is_last: bool,
) -> int:
    encoding = _encoding()
    if encoding != "utf-8":
        from client.ui.text.translations import language_of

        language = args.lang or language_of(os.environ)
        line = needs_utf8(encoding, language)
        print(f"{parser.prog}: {line}", file=_text_stream(sys.stderr, encoding))
        return _EXIT_FAILURE
    from client.ui.app import App
    from client.ui.options import Options

    _text_stream(sys.stdout, encoding)
    folder, not_kept = _folder(parser, args.folder)
    options = Options(
        host=args.host,
        port=args.port,
        tls=tls,
        folder=folder,
        user=args.user,
        language=args.lang,
        theme=args.theme,
        not_kept=not_kept,
        encrypted=tls is not None,
        ca=os.path.abspath(args.ca) if args.ca else "",
        is_last=is_last,
    )
    return App(options, os.environ).run()


def _folder(parser: argparse.ArgumentParser, wanted: Path | None) -> tuple[Path | None, str]:
    """The folder for logins and messages, and ""; or None, and the reason why there is none.

    If the ``wanted`` folder cannot be used, the program ends with an error.
    """
    try:
        folder = default_folder() if wanted is None else wanted
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
            raise StoreError(folder, "permission denied")
    except (OSError, StoreError) as exc:
        why = str(exc) if isinstance(exc, StoreError) else f"{exc.filename}: {exc.strerror}"
        if wanted is not None:
            parser.exit(_EXIT_FAILURE, f"{parser.prog}: {why}\n")
        return None, why
    return folder, ""


def _tls_context(
    parser: argparse.ArgumentParser, args: argparse.Namespace
) -> ssl.SSLContext | None:
    if not (args.tls or args.ca):
        return None
    from client.protocol.tls import make_context

    try:
        return make_context(args.ca)
    except OSError as exc:  # an SSLError is one, too
        parser.error(f"--ca {args.ca}: {exc.strerror or exc}")


class _Parser(argparse.ArgumentParser):
    """An ArgumentParser that reports an error on one line."""

    def error(self, message: str) -> NoReturn:
        usage = " ".join(self.format_usage().split())
        self.exit(_EXIT_USAGE, f"{self.prog}: {message} ({usage})\n")


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="chatclient", description="A chat client for the terminal.")
    parser.add_argument(
        "host", metavar="HOST", nargs="?", help="the server's name or address (default: the last)"
    )
    parser.add_argument("port", metavar="PORT", nargs="?", type=_port, help="its TCP port")
    parser.add_argument("--plain", action="store_true", help="line mode, without windows")
    parser.add_argument(
        "--login",
        "--user",
        metavar="NAME",
        dest="user",
        type=_user,
        help="sign in as this user: the name, or the number",
    )
    parser.add_argument(
        "--folder", metavar="DIR", type=Path, help="keep logins and unsent messages there"
    )
    parser.add_argument(
        "--send",
        nargs=2,
        metavar=("WHO", "TEXT"),
        help="send one message with a saved login, and exit; WHO: a user's name or number, or "
        "group:NUMBER; TEXT -: the standard input",
    )
    parser.add_argument("--tls", action="store_true", help="encrypt the connection")
    parser.add_argument("--ca", metavar="FILE", help="encrypt, and trust these certificates (PEM)")
    parser.add_argument("--lang", choices=("en", "zh"), help="English or Chinese")
    parser.add_argument("--theme", choices=("dark", "light"), help="colours for this background")
    parser.add_argument("--version", action="version", version=f"chatclient {__version__}")
    return parser


def _port(text: str) -> int:
    if text.isascii() and text.isdigit() and 1 <= int(text[:6]) <= _MAX_PORT:
        return int(text[:6])
    raise argparse.ArgumentTypeError(f"{text!r} is not a number from 1 to {_MAX_PORT}")


def _user(text: str) -> int | str:
    name = text.strip()
    if not 0 < len(name) <= LIMITS.name:
        raise argparse.ArgumentTypeError(f"{text!r} is no name or number of a user")
    return parse_id(name) or name


def _encoding() -> str:
    """The encoding of input and output."""
    stream = sys.stdin or sys.stdout
    return encoding_of(_locale_environment(), "" if stream is None else stream.encoding)


def _locale_environment() -> dict[str, str]:
    """The environment as the user set it.

    With LANG=zh_CN.GBK, where that locale is not installed, Python sets LC_CTYPE=C.UTF-8 before it
    starts (PEP 538), but the terminal still sends GBK.
    """
    environment = dict(os.environ)
    if environment.get("LC_CTYPE") in _COERCED:
        with contextlib.suppress(OSError):
            entries = os.fsdecode(Path("/proc/self/environ").read_bytes()).split("\0")
            values = [entry.partition("=")[2] for entry in entries if entry.startswith("LC_CTYPE=")]
            environment["LC_CTYPE"] = values[0] if values else ""
    return environment


def _text_stream(stream: TextIO | None, encoding: str) -> TextIO:
    """A standard stream in this encoding; for a closed stream, one to /dev/null."""
    if stream is None:
        # It stays open until the process ends, as the standard streams do.
        return open(os.devnull, "w", encoding="utf-8")
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(encoding=encoding, errors="backslashreplace")
    return stream


def _input_fd() -> int:
    """The descriptor of standard input; for a closed input, one of /dev/null."""
    return os.open(os.devnull, os.O_RDONLY) if sys.stdin is None else sys.stdin.fileno()


def _discard_unwritten(out: TextIO) -> None:
    """Discard unwritten output. At exit the interpreter would flush it into the closed pipe."""
    devnull = os.open(os.devnull, os.O_WRONLY)
    os.dup2(devnull, out.fileno())
    os.close(devnull)


def _terminate(signum: int, frame: object) -> NoReturn:
    raise SystemExit(_EXIT_SIGNAL + signum)


if __name__ == "__main__":
    sys.exit(main())
