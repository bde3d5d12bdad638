"""The command line of chatserver: turns flags and a file into a Config."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from chat import __version__
from chat.config import Config, ConfigError, check, parse_config
from chat.listeners import Listener, parse_listener, resolve
from chat.process.data_files import shipped
from muduopy import InetAddress


@dataclass(frozen=True, slots=True)
class Arguments:
    """The parsed command line.

    Attributes:
        address: the first address to listen on.
        config: all settings, checked.
        also: further addresses to listen on.
        new_epoch: begin a new epoch of the database, and run no server.
    """

    address: InetAddress
    config: Config
    also: tuple[Listener, ...] = ()
    new_epoch: bool = False


def parse_arguments(argv: Sequence[str] | None) -> Arguments:
    """Parse flags and the file of settings. Flags override the file, the file the defaults.

    After a mistake it prints one line and exits with status 2.
    """
    parser = _parser()
    given = parser.parse_args(argv)
    try:
        return _arguments(given)
    except ConfigError as exc:
        parser.error(str(exc))


def read_again(argv: Sequence[str] | None) -> Config:
    """The settings for the same command line, from a file that may have changed.

    Raises ConfigError.
    """
    return _arguments(_parser().parse_args(argv)).config


def _arguments(given: argparse.Namespace) -> Arguments:
    """Raises ConfigError."""
    config = _read(given.config) if given.config else Config()
    config = _override(config, "server", given, "threads", "workers", "log_level")
    config = _override(config, "chat", given, "delivery")
    config = _override(config, "database", given, "url")
    if given.redis is not None:
        config = dataclasses.replace(config, bus=dataclasses.replace(config.bus, url=given.redis))
    if given.listen is not None:
        config = dataclasses.replace(
            config, server=dataclasses.replace(config.server, listen=tuple(given.listen))
        )
    also = tuple(parse_listener(text) for text in config.server.listen)
    return Arguments(resolve(given.host, given.port), check(config), also, given.new_epoch)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="chatserver", description="A chat server for teams.")
    parser.add_argument("host", metavar="HOST", help="address to listen on, such as 127.0.0.1")
    parser.add_argument("port", metavar="PORT", help="port to listen on, such as 6000")
    parser.add_argument(
        "--listen",
        metavar="HOST:PORT[=DIALECT]",
        action="append",
        help="a further address, such as 127.0.0.1:6001=reg3; may be repeated",
    )
    parser.add_argument("--config", metavar="FILE", type=Path, help="settings (TOML)")
    parser.add_argument(
        "--db", metavar="URL", dest="url", help="the database (default: sqlite:///var/chat.db)"
    )
    parser.add_argument("--redis", metavar="URL", help="the bus between servers (default: none)")
    parser.add_argument(
        "--threads", metavar="N", type=int, help="sub-loops (default: 0, the main loop only)"
    )
    parser.add_argument(
        "--workers", metavar="N", type=int, help="threads for requests that use the database"
    )
    parser.add_argument("--delivery", metavar="MODE", help="stored (default) or direct")
    parser.add_argument("--log-level", metavar="L", help="debug, info (default), warning, error")
    parser.add_argument(
        "--new-epoch", action="store_true", help="after a restore of the database; then exit"
    )
    parser.add_argument(
        "--print-config", action=_PrintConfig, help="print all settings with their defaults"
    )
    parser.add_argument("--version", action="version", version=f"chatserver {__version__}")
    return parser


class _PrintConfig(argparse.Action):
    """Prints conf/chatserver.toml and exits. Needs no HOST and PORT, as --version does."""

    def __init__(self, option_strings: Sequence[str], dest: str, help: str) -> None:
        super().__init__(option_strings, dest, nargs=0, help=help)

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        print(shipped("chatserver.toml").read_text(encoding="utf-8"), end="")  # noqa: T201
        parser.exit()


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> None:  # type: ignore[override]
        """Exit with one line. argparse would print the usage before it."""
        self.exit(2, f"{self.prog}: {message} (try --help)\n")


def _read(path: Path) -> Config:
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as exc:
        raise ConfigError(f"{path}: {exc.strerror}") from exc
    except UnicodeDecodeError as exc:
        raise ConfigError(f"{path}: not UTF-8") from exc
    try:
        return parse_config(text)
    except ConfigError as exc:
        raise ConfigError(f"{path}: {exc}") from exc


def _override(config: Config, section: str, given: argparse.Namespace, *keys: str) -> Config:
    flags = {key: getattr(given, key) for key in keys if getattr(given, key) is not None}
    values = dataclasses.replace(getattr(config, section), **flags)
    return dataclasses.replace(config, **{section: values})
