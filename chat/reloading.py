"""Reloading: reads the settings again while the server runs, and applies those that may change.

A broken file changes nothing. Each part of the server holds its settings in one immutable object,
and gets a new one by one assignment: no lock is taken for a message, and no message sees one half
of the former settings and one half of the new ones.
"""

from __future__ import annotations

import dataclasses
import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chat.config import Config, ConfigError
from chat.protocol import Limits
from chat.tls import tls_context
from muduopy import EventLoop

if TYPE_CHECKING:
    import ssl

log = logging.getLogger(__name__)

APPLY_SECONDS = 10.0
"""How long the main loop may take to begin with new settings."""

CERTIFICATE = frozenset({"server.tls_certificate", "server.tls_key"})

NEED_A_RESTART = frozenset({"limits.tls_handshakes"})
"""Limits that the listening sockets were made with."""

LIVE = (
    frozenset(f"limits.{item.name}" for item in dataclasses.fields(Limits)) - NEED_A_RESTART
) | {
    "server.log_level",
    "chat.registration",
    "chat.devices",
    "chat.device_days",
    *CERTIFICATE,
}
"""The settings that change while the server runs."""


@dataclass(frozen=True, slots=True)
class Reloaded:
    """What a reload has done.

    Attributes:
        changed: the settings that have new values now.
        restart: settings that have changed in the file, and need a restart.
        certificate: the certificate was read again, for new connections.
    """

    changed: tuple[str, ...]
    restart: tuple[str, ...]
    certificate: bool

    def __str__(self) -> str:
        parts = [f"changed: {', '.join(self.changed) or 'nothing'}"]
        if self.certificate:
            parts.append("the certificate was read again")
        if self.restart:
            parts.append(f"these need a restart: {', '.join(self.restart)}")
        return "; ".join(parts)


Apply = Callable[[Config, "ssl.SSLContext | None"], object]
"""Uses new settings; the TLS context is None if the server has no TLS. Main loop; raises nothing
for checked settings."""


class Reloading:
    """The present settings, and their replacement. Any thread but the main loop's: it blocks."""

    def __init__(
        self, loop: EventLoop, config: Config, read: Callable[[], Config], apply: Apply
    ) -> None:
        """``config``: the present settings. ``read`` returns new ones, or raises ConfigError."""
        self._loop = loop
        self._config = config
        self._read = read
        self._apply = apply
        self._lock = threading.Lock()  # guards _config: one reload at a time

    @property
    def config(self) -> Config:
        """The present settings."""
        with self._lock:
            return self._config

    def reload(self) -> Reloaded:
        """Read the settings and apply them. Raises ConfigError; then nothing has changed."""
        with self._lock:
            return self._reload()

    def _reload(self) -> Reloaded:
        new = self._read()
        different = _different(self._config, new)
        uses_tls = bool(self._config.server.tls_certificate)
        restart = different - LIVE
        if uses_tls != bool(new.server.tls_certificate):  # listeners have TLS for ever, or never
            restart |= different & CERTIFICATE
        if 1 in (self._config.chat.devices, new.chat.devices):  # logins with named devices, or none
            restart |= different & {"chat.devices"}
        changed = different - restart
        live = _with(self._config, new, changed)
        context = tls_context(live.server) if uses_tls else None
        self._loop.submit(lambda: self._apply(live, context)).result(APPLY_SECONDS)
        self._config = live
        return Reloaded(tuple(sorted(changed)), tuple(sorted(restart)), context is not None)


def _different(old: Config, new: Config) -> set[str]:
    """The names of the settings with different values."""
    return {
        f"{section.name}.{item.name}"
        for section in dataclasses.fields(Config)
        for item in dataclasses.fields(getattr(old, section.name))
        if getattr(getattr(old, section.name), item.name)
        != getattr(getattr(new, section.name), item.name)
    }


def _with(config: Config, new: Config, names: set[str]) -> Config:
    """``config`` with the values of ``new`` for these names."""
    for name in names:
        section, _, key = name.partition(".")
        value = getattr(getattr(new, section), key)
        values = dataclasses.replace(getattr(config, section), **{key: value})
        config = dataclasses.replace(config, **{section: values})
    return config


def no_settings() -> Config:
    """For a server that was not started from a command line. Raises ConfigError."""
    raise ConfigError("this server has no settings to read again")
