"""Settings: reads TOML into frozen dataclasses, and checks each key. Pure: no file is opened.

conf/chatserver.toml describes each key. config_values.py has the values that are possible.
"""

from __future__ import annotations

import dataclasses
import tomllib
from dataclasses import dataclass, field
from typing import Any, TypeVar, get_type_hints

from chat.config_values import problem_of
from chat.limits.networks import parse_networks
from chat.protocol import MAX_FRAME, Limits

T = TypeVar("T")

BYTE_ORDER_MARK = "\ufeff"
"""Some editors on Windows write it at the start of a file in UTF-8."""


class ConfigError(Exception):
    """A setting is unknown or wrong; the message names it."""


@dataclass(frozen=True, slots=True)
class ServerConfig:
    """Section ``[server]``. Times in seconds."""

    threads: int = 0
    workers: int = 4
    hash_threads: int = 0
    max_connections: int = 10_000
    max_frame: int = MAX_FRAME
    heartbeat: int = 30
    login_seconds: int = 600
    stall_seconds: int = 60
    drain_seconds: float = 20.0
    log_level: str = "info"
    log_format: str = "text"
    node: str = ""
    proxy_protocol: bool = False
    proxy_from: tuple[str, ...] = (
        "127.0.0.0/8",
        "::1",
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "100.64.0.0/10",
        "fc00::/7",
        "fe80::/10",
    )
    proxy_http_from: tuple[str, ...] = ()
    tls_certificate: str = ""
    tls_key: str = ""
    listen: tuple[str, ...] = ()
    web: bool = True
    origins: tuple[str, ...] = ()
    status: str = ""
    status_names: tuple[str, ...] = ()
    admin_socket: str = "auto"
    admin_users: tuple[str, ...] = ()
    audit_days: int = 365


@dataclass(frozen=True, slots=True)
class ChatConfig:
    """Section ``[chat]``."""

    delivery: str = "stored"
    on_duplicate_login: str = "refuse"
    registration: str = "open"
    presence: str = "all"
    friend_requests: str = "open"
    group_join: str = "open"
    directory: bool = False
    devices: int = 8
    device_days: int = 60
    token_days: int = 30
    retention_days: int = 0
    search: bool = True
    login_failures: int = 10
    login_failure_window: int = 60


@dataclass(frozen=True, slots=True)
class ClassicConfig:
    """Section ``[classic]``: for clients of the original project.

    Attributes:
        gap: seconds between two frames; 0: none.
        frame: bytes of the longest frame to such a client; 0: no limit.
        common_passwords: such a client may register with a password that is easy to guess.
    """

    gap: float = 0.01
    frame: int = 1023
    password_min: int = 3
    common_passwords: bool = True
    dialects: tuple[str, ...] = (
        "tutorial",
        "reg3",
        "thousand",
        "ack5",
        "logout11",
        "to",
        "errnum",
        "passwd",
        "unterminated",
    )


@dataclass(frozen=True, slots=True)
class DatabaseConfig:
    """Section ``[database]``."""

    url: str = "sqlite:///var/chat.db"
    password_file: str = ""
    pool: int = 8


@dataclass(frozen=True, slots=True)
class BusConfig:
    """Section ``[bus]``."""

    url: str = ""
    password_file: str = ""


@dataclass(frozen=True, slots=True)
class HashCost:
    """Section ``[password]``: parameters of argon2id. The defaults are the second choice of
    OWASP's recommendations, and take about 20 ms."""

    time_cost: int = 2
    memory_kib: int = 19 * 1024
    parallelism: int = 1


@dataclass(frozen=True, slots=True)
class Config:
    """All settings, one section for each attribute."""

    server: ServerConfig = field(default_factory=ServerConfig)
    chat: ChatConfig = field(default_factory=ChatConfig)
    classic: ClassicConfig = field(default_factory=ClassicConfig)
    database: DatabaseConfig = field(default_factory=DatabaseConfig)
    bus: BusConfig = field(default_factory=BusConfig)
    password: HashCost = field(default_factory=HashCost)
    limits: Limits = field(default_factory=Limits)


def parse_config(text: str) -> Config:
    """Settings from TOML. An absent key keeps its default. Raises ConfigError."""
    try:
        data = tomllib.loads(text.removeprefix(BYTE_ORDER_MARK))
    except tomllib.TOMLDecodeError as exc:
        raise ConfigError(str(exc)) from exc
    sections: dict[str, Any] = {}
    known = {section.name: section for section in dataclasses.fields(Config)}
    for name, values in data.items():
        if name not in known:
            raise ConfigError(f"unknown section [{name}]")
        if not isinstance(values, dict):
            raise ConfigError(f"{name}: is a section, not a value")
        default = known[name].default_factory
        assert callable(default)
        sections[name] = _section(name, default(), values)
    return check(Config(**sections))


def check(config: Config) -> Config:
    """Returns the settings. Raises ConfigError for a value out of range."""
    for section in dataclasses.fields(config):
        values = getattr(config, section.name)
        for item in dataclasses.fields(values):
            key = f"{section.name}.{item.name}"
            if problem := problem_of(key, getattr(values, item.name)):
                raise ConfigError(f"{key}: {problem}")
    for key, networks in (
        ("limits.exempt", config.limits.exempt),
        ("server.proxy_from", config.server.proxy_from),
        ("server.proxy_http_from", config.server.proxy_http_from),
    ):
        try:
            parse_networks(networks)
        except ValueError as exc:
            raise ConfigError(f"{key}: {exc}") from exc
    if config.server.proxy_protocol and config.server.proxy_http_from:
        raise ConfigError(
            "server.proxy_http_from: set it only without server.proxy_protocol, which names the "
            "client already"
        )
    longest = config.limits.password_max
    for key, shortest in (
        ("limits.password_min", config.limits.password_min),
        ("classic.password_min", config.classic.password_min),
    ):
        if shortest > longest:
            raise ConfigError(f"{key}: must be at most limits.password_max, which is {longest}")
    return config


def _section(name: str, default: T, values: dict[str, Any]) -> T:
    types = get_type_hints(type(default))
    for key, value in values.items():
        if key not in types:
            raise ConfigError(f"unknown key {name}.{key}")
        if (name, key) == ("chat", "registration") and type(value) is bool:
            # Version 0.2.0 had true and false here.
            values = {**values, key: "open" if value else "closed"}
            continue
        wanted = types[key]
        if wanted == tuple[str, ...]:
            values = {**values, key: _strings(f"{name}.{key}", value)}
            continue
        if wanted is float and type(value) is int:
            continue
        if type(value) is not wanted:
            raise ConfigError(
                f"{name}.{key}: must be {_TYPE_NAMES[wanted]}, "
                f"not {_TYPE_NAMES.get(type(value), 'a date or time')}"
            )
    return dataclasses.replace(default, **values)  # type: ignore[type-var]


def _strings(key: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise ConfigError(f"{key}: must be an array of strings")
    return tuple(value)


_TYPE_NAMES: dict[type, str] = {
    int: "an integer",
    float: "a number",
    str: "a string",
    bool: "true or false",
    list: "an array",
    dict: "a table",
}
