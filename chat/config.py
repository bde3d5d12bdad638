"""Settings: reads TOML into frozen dataclasses, and checks each key. Pure: no file is opened.

conf/chatserver.toml describes each key.
"""

from __future__ import annotations

import dataclasses
import re
import tomllib
from dataclasses import dataclass, field
from typing import Any, TypeVar, get_type_hints

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
    tls_certificate: str = ""
    tls_key: str = ""
    listen: tuple[str, ...] = ()
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


_CHOICES = {
    "chat.delivery": ("stored", "direct"),
    "chat.on_duplicate_login": ("refuse", "replace"),
    "chat.friend_requests": ("open", "approve"),
    "chat.presence": ("all", "friends", "none"),
    "chat.registration": ("open", "closed", "invitation"),
    "chat.group_join": ("open", "invite"),
    "server.log_level": ("debug", "info", "warning", "error"),
    "server.log_format": ("text", "json"),
}

_DAY = 86_400
_MAXIMUM: dict[str, float] = {
    # The widths of the columns.
    "limits.name": 50,
    "limits.group_name": 50,
    "limits.group_desc": 200,
    "limits.ban_reason": 200,
    "limits.opaque": 64,
    "limits.classic_time": 40,
    "limits.text_bytes": 1024 * 1024,
    "limits.history": 1000,
    "limits.group_members": 100_000,
    "limits.groups": 10_000,
    "limits.friends": 100_000,
    "limits.blocked": 100_000,
    "limits.members": 1000,
    "limits.query": 1000,
    "limits.joins": 1_000_000,
    "limits.new_groups": 1_000_000,
    "limits.new_friends": 1_000_000,
    "limits.invitations": 1_000_000,
    "limits.renames": 1_000_000,
    "limits.password_changes": 1_000_000,
    "limits.group_changes": 1_000_000,
    "limits.moderations": 1_000_000,
    "limits.reads": 1_000_000,
    "limits.conversation_lists": 1_000_000,
    "limits.other_changes": 1_000_000,
    "limits.lookups": 1_000_000,
    "limits.searches": 1_000_000,
    "limits.answer_kib": 1024 * 1024,
    "limits.failures_of_network": 1_000_000,
    "limits.failures_of_account": 1_000_000,
    "limits.registrations_of_network": 1_000_000,
    "limits.mailbox_rows": 100_000_000,
    "limits.mailbox_bytes": 2**40,
    # The threads and the memory of a machine. A larger number is a typing mistake.
    "server.threads": 64,
    "server.workers": 64,
    "server.hash_threads": 64,
    "server.max_connections": 1_000_000,
    "server.max_frame": 16 * 1024 * 1024,  # our own client takes no longer frames
    "limits.guests_per_address": 1_000_000,
    "limits.users_per_address": 1_000_000,
    "limits.connect_rate": 1_000_000,
    "limits.connect_burst": 1_000_000,
    "limits.tls_handshakes": 1_000_000,
    "limits.guest_frame": 1024 * 1024,
    "limits.guest_bytes": 1024 * 1024,
    "limits.guest_rate": 1_000_000,
    "limits.user_rate": 10_000_000,
    "limits.seqs": 100_000,
    "limits.invitations_sent": 100_000,
    "limits.invitations_received": 100_000,
    "limits.group_bans": 1_000_000,
    "limits.password_max": 4096,
    "limits.password_min": 4096,
    "classic.password_min": 4096,
    "classic.frame": 16 * 1024 * 1024,
    "database.pool": 1000,
    "password.time_cost": 100,
    "password.memory_kib": 1024 * 1024,
    "password.parallelism": 64,
    # Times. A larger number is a mistake in the unit.
    "server.heartbeat": _DAY,
    "server.login_seconds": 30 * _DAY,
    "limits.frame_seconds": _DAY,
    "server.stall_seconds": _DAY,
    "server.drain_seconds": 3600,
    "chat.devices": 100,
    "chat.device_days": 36_500,
    "chat.token_days": 36_500,
    "chat.retention_days": 36_500,
    "server.audit_days": 36_500,
    "chat.login_failures": 1_000_000,
    "chat.login_failure_window": 30 * _DAY,
    "classic.gap": 1,
}
"""The largest value of each number."""

_node_name = re.compile(r"[A-Za-z0-9._:-]{0,64}").fullmatch
"""Redis allows no blanks in a client's name, and the column ``node`` has 64 characters."""

_MINIMUM = {
    "chat.retention_days": 0,
    "server.audit_days": 0,
    "server.threads": 0,
    "server.hash_threads": 0,
    "server.drain_seconds": 0,
    "limits.password_min": 0,
    "classic.gap": 0,
    "classic.frame": 0,
    "server.max_frame": 1024,  # a login with all its fields
    "limits.guest_frame": 1024,
    "limits.guest_bytes": 1024,
    "limits.opaque": 43,  # our own tokens
}
"""The smallest value, where it is not 1 (or 0 for a fraction)."""

MIN_CLASSIC_FRAME = 800
"""Bytes that hold all fields of a message except its text, each of the greatest length."""


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
            _check_value(f"{section.name}.{item.name}", getattr(values, item.name))
    for key, networks in (
        ("limits.exempt", config.limits.exempt),
        ("server.proxy_from", config.server.proxy_from),
    ):
        try:
            parse_networks(networks)
        except ValueError as exc:
            raise ConfigError(f"{key}: {exc}") from exc
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


def _check_value(key: str, value: object) -> None:
    if isinstance(value, str | tuple) and any("\0" in text for text in value):
        raise ConfigError(f"{key}: must not contain NUL")
    if key in _CHOICES and value not in _CHOICES[key]:
        raise ConfigError(f"{key}: must be one of {', '.join(_CHOICES[key])}")
    if key == "server.node" and not _node_name(str(value)):
        raise ConfigError(f"{key}: must be up to 64 letters, digits and . _ : -")
    if key in _MAXIMUM and isinstance(value, int | float) and not value <= _MAXIMUM[key]:
        raise ConfigError(f"{key}: must be at most {_MAXIMUM[key]}")
    if isinstance(value, int | float) and not isinstance(value, bool):
        minimum = _MINIMUM.get(key, 1 if isinstance(value, int) else 0)
        if not value >= minimum:
            raise ConfigError(f"{key}: must be at least {minimum}")
    if key == "classic.frame" and value and value < MIN_CLASSIC_FRAME:  # type: ignore[operator]
        raise ConfigError(f"{key}: must be at least {MIN_CLASSIC_FRAME}, or 0 for no limit")


_TYPE_NAMES: dict[type, str] = {
    int: "an integer",
    float: "a number",
    str: "a string",
    bool: "true or false",
    list: "an array",
    dict: "a table",
}
