"""The database and the bus of a configuration, and the passwords, which are not shown."""

from __future__ import annotations

from pathlib import Path

import pytest

import chat.backends
from chat.backends import find_bus, mask, open_bus, open_database, schema_folder
from chat.bus import LocalBus
from chat.config import BusConfig, ConfigError, DatabaseConfig
from chat.storage import StorageError
from chat.storage.mysql.database import MysqlDatabase
from muduopy import EventLoop, ThreadPool
from tests.chat.loopkit import SCHEMA
from tests.chat.mariadbkit import PASSWORD, mariadb


def test_sqlite_urls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for url, place in (
        ("sqlite:///a.db", tmp_path / "a.db"),
        (f"sqlite:///{tmp_path}/b.db", tmp_path / "b.db"),
        ("sqlite:///sub/with%20space.db", tmp_path / "sub" / "with space.db"),
    ):
        open_database(DatabaseConfig(url)).close()
        assert place.exists()


@pytest.mark.parametrize(
    ("url", "remedy"),
    [
        ("sqlite:var/chat.db", "write sqlite:///var/chat.db, with three slashes"),
        ("sqlite:/var/chat.db", "write sqlite:////var/chat.db, with three slashes"),
        ("sqlite://var/chat.db", "write sqlite:///var/chat.db, with three slashes"),
        ("sqlite:", "write sqlite:///var/chat.db, with three slashes"),
        ("sqlite:///", "write sqlite:///var/chat.db, with three slashes"),
        ("sqlite:///:memory:", "name a file"),
        ("sqlite:////:memory:", "name a file"),
        ("sqlite:///file::memory:?cache=shared", "name a file"),
        ("sqlite:///a#b.db", "write %3F for ? and %23 for #"),
        ("sqlite:///a?b.db", "write %3F for ? and %23 for #"),
        ("sqlite:///a.db?mode=ro", "it has no options"),
        ("sqlite:///a%00b", "a path has no NUL"),
        ("sqlite:///.", "is a folder; write sqlite:///./chat.db"),
        ("sqlite:////", "write sqlite:///var/chat.db"),
    ],
)
def test_sqlite_urls_that_mean_something_else(
    url: str, remedy: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError) as caught:
        open_database(DatabaseConfig(url))
    assert str(caught.value).startswith(f"database.url: {url!r}: ")
    assert remedy in str(caught.value)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    "url",
    [
        *("", "chat.db", "sqlite:", "sqlite://", "sqlite:///", "sqlite://host/x"),
        *(
            "mysql:///x",
            "mysql://host/x",
            "mysql://me@host",
            "mysql://me@host/",
            "mysql://me@h:x/y",
        ),
        *("mysql://me@host/a/b", "mysql://me@host:99999/x", "postgres://me@host/x"),
    ],
)
def test_wrong_database_urls(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match=r"^database\.url: "):
        open_database(DatabaseConfig(url))
    assert not list(tmp_path.iterdir())


def test_mysql_passwords(tmp_path: Path) -> None:
    address = mariadb().address
    where = f"@{address.host}:{address.port}/{address.name}"
    file = tmp_path / "password"
    file.write_text(PASSWORD + "\n", encoding="utf-8")
    for config, environment in (
        (DatabaseConfig(f"mysql://{address.user}:{PASSWORD}{where}"), {}),
        (DatabaseConfig(f"mysql://{address.user}{where}", str(file)), {}),
        (DatabaseConfig(f"mysql://{address.user}{where}"), {"CHAT_DB_PASSWORD": PASSWORD}),
    ):
        database = open_database(config, environment)
        assert isinstance(database, MysqlDatabase)
        database.close()
    with pytest.raises(ConfigError, match="password_file"):
        open_database(DatabaseConfig(f"mysql://me{where}", str(tmp_path / "none")), {})


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (("chat:", "unknown:"), "wrong user or password"),
        ((PASSWORD, "wrong"), "wrong user or password"),
        (("/chat", "/other"), "has no rights on this database|no such database"),
    ],
)
def test_mysql_reports_a_problem_in_one_line(change: tuple[str, str], problem: str) -> None:
    address = mariadb().address
    url = f"mysql://chat:{PASSWORD}@{address.host}:{address.port}/chat"
    head, sep, tail = url.rpartition(change[0]) if "/" in change[0] else url.partition(change[0])
    assert sep
    with pytest.raises(StorageError, match=problem) as caught:
        open_database(DatabaseConfig(head + change[1] + tail), {})
    assert "\n" not in str(caught.value)
    assert PASSWORD not in str(caught.value)


def test_no_server_answers() -> None:
    with pytest.raises(StorageError, match="no server answers"):
        open_database(DatabaseConfig("mysql://chat@127.0.0.1:1/chat"), {})


def test_the_schema_is_found() -> None:
    assert schema_folder() == SCHEMA.parent
    assert (schema_folder() / "schema.sql").exists()


def test_the_schema_of_an_installed_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = tmp_path / "chat" / "db" / "schema.sqlite.sql"
    installed.parent.mkdir(parents=True)
    installed.touch()
    monkeypatch.setattr(chat.backends, "__file__", str(tmp_path / "chat" / "backends.py"))
    assert schema_folder() == installed.parent


def test_no_bus_is_the_local_one(loop: EventLoop, workers: ThreadPool) -> None:
    address = find_bus(BusConfig())
    assert isinstance(open_bus(address, "node-1", loop, workers), LocalBus)


@pytest.mark.parametrize(
    "url",
    [
        "redis",
        "redis://",
        "http://host/",
        "redis://me:secret@host:x/0",
        "redis://a,b",
        "rediss://host?ca=/no/such/file",
    ],
)
def test_wrong_bus_urls(url: str) -> None:
    with pytest.raises(ConfigError, match=r"^bus\.url: ") as wrong:
        find_bus(BusConfig(url))
    assert "secret" not in str(wrong.value)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("mysql://me:secret@host/x", "mysql://me:***@host/x"),
        ("redis://:secret@host:1/0", "redis://:***@host:1/0"),
        ("mysql://me@host/x", "mysql://me@host/x"),
        ("sqlite:///x", "sqlite:///x"),
        ("mysql://me:secret@[::1/x", "[::1/x"),
    ],
)
def test_passwords_are_not_shown(url: str, shown: str) -> None:
    assert mask(url) == shown
