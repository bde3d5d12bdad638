"""Opens the database and the bus that the settings name by URLs.

A back end's module, and with it the driver, is imported when a URL needs it.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from chat.bus import LocalBus
from chat.config import BusConfig, ConfigError, DatabaseConfig
from chat.delivery.codec import MessageBus, PayloadCodec
from chat.storage import Database
from chat.storage.sqlite.database import SqliteDatabase
from muduopy import EventLoop, ThreadPool

if TYPE_CHECKING:
    from chat.bus.redis.url import RedisAddress

BusAddress: TypeAlias = "RedisAddress | None"
MYSQL_PORT = 3306
DATABASE_PASSWORD = "CHAT_DB_PASSWORD"
BUS_PASSWORD = "CHAT_REDIS_PASSWORD"
"""Environment variables. All users of a machine can read a command line, but not these."""


def open_database(
    config: DatabaseConfig, environment: Mapping[str, str] = os.environ, *, threads: int = 1
) -> Database:
    """Open the database of the URL, with its tables. Raises ConfigError, StorageError.

    ``threads``: the number of threads that will use it; as many connections are opened now.
    """
    parts = _split("database.url", config.url)
    if parts.scheme == "sqlite":
        return SqliteDatabase.open(
            sqlite_path(config.url), schema_folder() / "schema.sqlite.sql", threads
        )
    if parts.scheme == "mysql":
        return _open_mysql(config, parts, environment, threads)
    raise ConfigError(
        f"database.url: {mask(config.url)!r} is neither sqlite:///PATH "
        "nor mysql://USER@HOST:PORT/NAME"
    )


def sqlite_path(url: str) -> Path:
    """The file of an sqlite URL. Raises ConfigError with the correction."""
    parts = _split("database.url", url)
    rest = url.partition(":")[2]
    name = rest.removeprefix("///")
    if name == rest or not name.strip("/"):
        guess = rest.lstrip("/") or "var/chat.db"
        root = "/" if rest.startswith("/") and not rest.startswith("//") else ""
        raise _wrong_sqlite(
            url, f"write sqlite:///{root}{guess}, with three slashes before the path"
        )
    if ":memory:" in name:
        raise _wrong_sqlite(url, "a database in memory is not possible; name a file")
    if parts.query or parts.fragment:
        raise _wrong_sqlite(url, "it has no options; in a path write %3F for ? and %23 for #")
    path = Path(unquote(parts.path[1:]))
    if "\0" in str(path):
        raise _wrong_sqlite(url, "a path has no NUL")
    if path.is_dir():
        raise _wrong_sqlite(url, f"is a folder; write sqlite:///{path}/chat.db")
    return path  # three slashes: relative to the current directory; four: absolute


def sqlite_file(url: str) -> Path | None:
    """The file of an sqlite URL; None for another database. Raises ConfigError."""
    return sqlite_path(url) if _split("database.url", url).scheme == "sqlite" else None


def _wrong_sqlite(url: str, problem: str) -> ConfigError:
    return ConfigError(f"database.url: {url!r}: {problem}")


def find_bus(config: BusConfig, environment: Mapping[str, str] = os.environ) -> BusAddress:
    """The address of the bus; None for the bus inside this process.

    It finds mistakes that would last. A bus that does not answer is no error, because the bus
    connects again and again. Raises ConfigError, BusRefusedError.
    """
    if not config.url:
        return None
    try:
        from chat.bus.redis.url import check_redis, parse_redis_url
    except ImportError as exc:
        raise ConfigError("bus.url: redis:// needs redis; try: pip install redis") from exc
    password = _password("", config.password_file, environment.get(BUS_PASSWORD))
    try:
        address = parse_redis_url(config.url, password)
        address.tls_context()  # checks the certificate file before any connection
        check_redis(address)
    except ValueError as exc:
        raise ConfigError(f"bus.url: {mask(config.url)!r}: {exc}") from exc
    except OSError as exc:
        raise ConfigError(f"bus.url: {mask(config.url)!r}: {exc.strerror}") from exc
    return address


def open_bus(address: BusAddress, node: str, loop: EventLoop, workers: ThreadPool) -> MessageBus:
    """The bus. It connects after its start."""
    if address is None:
        return LocalBus()
    from chat.bus.redis.redis_bus import RedisBus

    return RedisBus(loop, workers, address, node, PayloadCodec())


def schema_folder() -> Path:
    """The folder of the table definitions: installed, or in the source tree."""
    package = Path(__file__).parent
    installed = package / "db" / "schema.sqlite.sql"
    return installed.parent if installed.exists() else package.parent / "db"


def mask(url: str) -> str:
    """A URL with asterisks for its password, for messages."""
    try:
        parts = urlsplit(url)
        password = parts.password
    except ValueError:
        return url.partition("@")[2] or "it"
    return url.replace(f":{password}@", ":***@") if password else url


def _open_mysql(
    config: DatabaseConfig, parts: SplitResult, environment: Mapping[str, str], threads: int
) -> Database:
    name = unquote(parts.path.removeprefix("/"))
    if not (parts.hostname and parts.username and name and "/" not in name):
        raise ConfigError(
            f"database.url: {mask(config.url)!r} is not of the form mysql://USER@HOST:PORT/NAME"
        )
    try:
        from chat.storage.mysql.connection import TLS_MODES, MysqlAddress
        from chat.storage.mysql.database import MysqlDatabase
        from chat.storage.mysql.schema import prepare_schema
    except ImportError as exc:
        raise ConfigError(
            "database.url: mysql:// needs mysql-connector-python; "
            "try: pip install 'mysql-connector-python<=9.7.0'"
        ) from exc
    tls, ca = _tls_options(config.url, parts.query, TLS_MODES)
    address = MysqlAddress(
        parts.hostname,
        parts.port or MYSQL_PORT,
        unquote(parts.username),
        _password(parts.password or "", config.password_file, environment.get(DATABASE_PASSWORD)),
        name,
        tls,
        ca,
    )
    folder = schema_folder()
    prepare_schema(address, folder / "schema.sql", folder / "upgrade" / "mysql")
    return MysqlDatabase.open(address, config.pool, threads)


def _tls_options(url: str, query: str, modes: Sequence[str]) -> tuple[str, str]:
    """``tls=MODE`` and ``ca=FILE`` of a mysql:// URL. Raises ConfigError."""
    options = dict(parse_qsl(query, keep_blank_values=True))
    ca = options.pop("ca", "")
    tls = options.pop("tls", "required" if ca else "preferred")
    where = f"database.url: {mask(url)!r}"
    if options:
        raise ConfigError(f"{where}: unknown option {next(iter(options))!r}; there are ca and tls")
    if tls not in modes or (ca and tls != "required"):
        raise ConfigError(f"{where}: tls must be {', '.join(modes)}, and required with ca")
    if ca:
        try:
            ssl.create_default_context(cafile=ca)
        except OSError as exc:  # an SSLError is one, too
            raise ConfigError(f"{where}: ca: {ca}: {exc.strerror or exc}") from exc
    return tls, ca


def _split(key: str, url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port  # raises ValueError if it is no number
    except ValueError as exc:
        # Without the text of exc, which may contain a part of the password.
        raise ConfigError(
            f"{key}: {mask(url)!r} is no URL: the port must be a number from 1 to 65535; "
            "in a password write %2F for /, %3A for : and %40 for @"
        ) from exc
    return parts


def _password(in_url: str, file: str, variable: str | None) -> str:
    """The password from the URL, the file or the environment, in this order; "" without one."""
    if in_url:
        return unquote(in_url)
    if file:
        try:
            return Path(file).read_text(encoding="utf-8").rstrip("\n")
        except (OSError, UnicodeDecodeError) as exc:
            raise ConfigError(f"password_file: {file}: {exc}") from exc
    return variable or ""
