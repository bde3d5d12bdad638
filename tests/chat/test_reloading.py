"""Reloading: what changes, what needs a restart, and a file with a mistake."""

from __future__ import annotations

import dataclasses
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from chat.config import ChatConfig, Config, ConfigError, ServerConfig
from chat.protocol import Limits
from chat.reloading import LIVE, Reloaded, Reloading
from muduopy import EventLoopThread

PEM = Path(__file__).parents[1] / "muduopy" / "certs" / "localhost.pem"


class Settings:
    """A file that a test changes, and the settings that were applied, each in the loop."""

    def __init__(self, config: Config) -> None:
        self.file: Config | ConfigError = config
        self.applied: list[tuple[Config, ssl.SSLContext | None]] = []
        self.thread = EventLoopThread("reload-test")
        self.loop = self.thread.start_loop()
        self.reloading = Reloading(self.loop, config, self._read, self._apply)

    def _read(self) -> Config:
        if isinstance(self.file, ConfigError):
            raise self.file
        return self.file

    def _apply(self, config: Config, tls: ssl.SSLContext | None) -> None:
        assert threading.current_thread().name == "reload-test"
        self.applied.append((config, tls))


@pytest.fixture
def settings_of() -> Iterator[Callable[[Config], Settings]]:
    made: list[Settings] = []

    def make(config: Config) -> Settings:
        made.append(Settings(config))
        return made[-1]

    yield make
    for settings in made:
        settings.thread.stop()


Make = Callable[[Config], Settings]


def test_limits_change(settings_of: Make) -> None:
    settings = settings_of(Config())
    settings.file = Config(limits=Limits(history=7), server=ServerConfig(log_level="debug"))
    changed = ("limits.history", "server.log_level")
    assert settings.reloading.reload() == Reloaded(changed, (), False)
    assert settings.applied == [(settings.file, None)]
    assert settings.reloading.reload() == Reloaded((), (), False)


def test_other_settings_need_a_restart(settings_of: Make) -> None:
    """They keep their values, and each reload names them again."""
    settings = settings_of(Config())
    settings.file = Config(
        limits=Limits(history=7), server=ServerConfig(workers=9), chat=ChatConfig("direct")
    )
    restart = ("chat.delivery", "server.workers")
    assert settings.reloading.reload() == Reloaded(("limits.history",), restart, False)
    assert settings.applied[0][0] == Config(limits=Limits(history=7))
    assert settings.reloading.reload() == Reloaded((), restart, False)


def test_devices(settings_of: Make) -> None:
    """From or to 1 the logins change: they have named devices, or none."""
    settings = settings_of(Config())
    settings.file = Config(chat=ChatConfig(devices=3, device_days=9))
    changed = ("chat.device_days", "chat.devices")
    assert settings.reloading.reload() == Reloaded(changed, (), False)
    settings.file = Config(chat=ChatConfig(devices=1, device_days=9))
    assert settings.reloading.reload() == Reloaded((), ("chat.devices",), False)
    assert settings.applied[-1][0].chat.devices == 3


def test_devices_from_one(settings_of: Make) -> None:
    settings = settings_of(Config(chat=ChatConfig(devices=1)))
    settings.file = Config()
    assert settings.reloading.reload() == Reloaded((), ("chat.devices",), False)


def test_a_file_with_a_mistake_changes_nothing(settings_of: Make) -> None:
    settings = settings_of(Config())
    settings.file = ConfigError("limits.history: must be at least 1")
    with pytest.raises(ConfigError, match=r"limits\.history"):
        settings.reloading.reload()
    assert settings.applied == []


def test_a_certificate_is_read_again(settings_of: Make, tmp_path: Path) -> None:
    server = ServerConfig(tls_certificate=str(PEM))
    settings = settings_of(Config(server=server))
    assert settings.reloading.reload() == Reloaded((), (), True)
    assert isinstance(settings.applied[0][1], ssl.SSLContext)
    copy = tmp_path / "copy.pem"
    copy.write_bytes(PEM.read_bytes())
    settings.file = Config(server=dataclasses.replace(server, tls_certificate=str(copy)))
    assert settings.reloading.reload() == Reloaded(("server.tls_certificate",), (), True)
    copy.write_text("broken")
    with pytest.raises(ConfigError, match=r"server\.tls_certificate"):
        settings.reloading.reload()
    assert len(settings.applied) == 2


@pytest.mark.parametrize("certificates", [(str(PEM), ""), ("", str(PEM))])
def test_tls_is_not_turned_on_or_off(settings_of: Make, certificates: tuple[str, str]) -> None:
    before, after = (Config(server=ServerConfig(tls_certificate=name)) for name in certificates)
    settings = settings_of(before)
    settings.file = after
    done = settings.reloading.reload()
    assert done.changed == ()
    assert done.restart == ("server.tls_certificate",)
    assert settings.applied[0][0] == before


def test_each_limit_changes_live_or_is_named() -> None:
    every = {f"limits.{item.name}" for item in dataclasses.fields(Limits)}
    assert every - LIVE == {"limits.tls_handshakes"}


def test_the_words() -> None:
    words = str(Reloaded(("limits.history",), ("server.workers",), True))
    assert words == (
        "changed: limits.history; the certificate was read again; "
        "these need a restart: server.workers"
    )
    assert str(Reloaded((), (), False)) == "changed: nothing"
