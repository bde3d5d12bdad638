"""App: put together, and taken apart again; tests/e2e/ runs it as a process."""

from __future__ import annotations

import dataclasses
import queue
import socket
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from chat.app import App
from chat.config import ChatConfig, Config, ConfigError, DatabaseConfig, HashCost, ServerConfig
from chat.storage import StorageError
from chat.storage.sqlite.database import SqliteDatabase
from chat.storage.tables import OFFLINE, SettingModel, TokenModel, UserModel
from muduopy import InetAddress
from tests.chat.loopkit import PROJECT, SCHEMA, WAIT, ErrorLog
from tests.chat.nodekit import CHEAP
from tests.chat.sessionkit import go_online

ANYWHERE = InetAddress.loopback(0)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "chat.db"


def config(path: Path, delivery: str = "stored", cost: HashCost = CHEAP) -> Config:
    url = f"sqlite:///{path}"
    return Config(chat=ChatConfig(delivery), database=DatabaseConfig(url), password=cost)


def started(settings: Config) -> App:
    """An app that has done everything before ``run``."""
    app = App(ANYWHERE, settings)
    app.start()
    return app


def run_and_stop(app: App) -> None:
    """What App.run does, but for the signals."""
    app._server.start()
    app._base.loop.queue_in_loop(app._stop)
    app._base.loop.loop()
    app._close()


def test_it_starts_and_stops(path: Path) -> None:
    for _ in range(2):
        run_and_stop(started(config(path)))


def test_at_its_start_it_tidies_up(path: Path) -> None:
    database = SqliteDatabase.open(path, SCHEMA)
    ann = database.write(lambda tx: UserModel(tx).insert("ann", "h"))
    user = database.read(lambda tx: UserModel(tx).find(ann))
    assert user is not None
    go_online(database, user, "another node")  # and a crash
    database.write(lambda tx: TokenModel(tx).insert("old", ann, 1_000_000))
    database.close()
    app = started(config(path, "direct"))
    read = app._base.database.read
    found = read(lambda tx: UserModel(tx).find(ann))
    assert found is not None
    assert (found.state, found.generation) == (OFFLINE, 2)
    assert read(lambda tx: tx.query("SELECT * FROM token")) == []
    assert read(lambda tx: SettingModel(tx).get("delivery")) == "direct"
    run_and_stop(app)


def test_at_its_end_it_releases_its_users(path: Path) -> None:
    app = started(config(path))
    ann = app._base.database.write(lambda tx: UserModel(tx).insert("ann", "h"))
    user = app._base.database.read(lambda tx: UserModel(tx).find(ann))
    assert user is not None
    node = app._logins.presence.node
    go_online(app._base.database, user, node)
    run_and_stop(app)
    database = SqliteDatabase.open(path, SCHEMA)
    found = database.read(lambda tx: UserModel(tx).find(ann))
    database.close()
    assert found is not None
    assert found.state == OFFLINE


def test_the_end_does_not_wait_for_the_bus(path: Path) -> None:
    """Logins that do would each wait in vain: the loop that hears of it has ended."""
    app = started(config(path))
    told, waiting, waited = threading.Event(), threading.Event(), []

    def subscribe() -> None:
        waiting.set()
        waited.append(told.wait(WAIT))

    app._base.bus.stop_waiting = told.set  # type: ignore[method-assign]
    assert app._base.workers.try_run(subscribe)
    assert waiting.wait(WAIT)
    run_and_stop(app)
    assert waited == [True]


def test_a_database_that_does_not_answer_at_the_end(
    path: Path, monkeypatch: pytest.MonkeyPatch, errors: ErrorLog
) -> None:
    """The process does not wait for it for ever."""
    exits: queue.SimpleQueue[int] = queue.SimpleQueue()
    monkeypatch.setattr("chat.app.app.END_SECONDS", 0.0)
    monkeypatch.setattr("os._exit", exits.put)
    app = started(config(path))
    statuses = []
    app._logins.presence.release_all = lambda: statuses.append(  # type: ignore[method-assign]
        exits.get(timeout=WAIT)
    )
    settings = app._settings
    server = ServerConfig(drain_seconds=0.0)
    settings.config = dataclasses.replace(settings.config, server=server)
    run_and_stop(app)
    assert statuses == [1]
    assert errors.messages == [
        "could not end in time: the database does not answer; ending at once"
    ]


def test_a_port_in_use_leaves_nothing_behind(path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(OSError, match="in use"):
        App(InetAddress.from_sockaddr(taken.getsockname()), config(path))
    run_and_stop(started(config(path)))


def test_a_database_in_use_leaves_nothing_behind(path: Path) -> None:
    database = SqliteDatabase.open(path, SCHEMA)
    with pytest.raises(StorageError, match="another server is using this database"):
        App(ANYWHERE, config(path))
    database.close()
    run_and_stop(started(config(path)))


def test_a_wrong_url(path: Path) -> None:
    wrong = Config(database=DatabaseConfig("postgres://x"))
    with pytest.raises(ConfigError, match=r"database\.url"):
        App(ANYWHERE, wrong)


@pytest.mark.parametrize("cost", [HashCost(2, 1, 1), HashCost(2, 8, 4), HashCost(2**40, 8, 1)])
def test_an_impossible_hash_cost(path: Path, cost: HashCost) -> None:
    with pytest.raises(ConfigError, match="password"):
        App(ANYWHERE, config(path, cost=cost))


# ---------------------------------------------------------------------- the executable


def complaint(*argv: str) -> tuple[int, str]:
    """Its exit status and its error when it cannot run."""
    command = [sys.executable, "-m", "chat.app", *argv]
    ended = subprocess.run(
        command, capture_output=True, text=True, timeout=60, cwd=PROJECT, check=False
    )
    assert ended.stdout == ""
    assert ended.stderr.count("\n") == 1
    return ended.returncode, ended.stderr.rstrip()


def test_what_it_says_when_it_cannot_run(path: Path) -> None:
    here = ("127.0.0.1", "1")
    status, said = complaint(*here, "--db", "cats")
    assert (status, said.startswith("chatserver: database.url: 'cats'")) == (2, True)
    path.write_text("not a database" * 100)
    status, said = complaint(*here, "--db", f"sqlite:///{path}")
    assert (status, said) == (1, f"chatserver: database: {path}: file is not a database")
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        url = f"sqlite:///{path}2"
        status, said = complaint("127.0.0.1", port, "--db", url)
    assert (status, said) == (1, f"chatserver: 127.0.0.1:{port}: Address already in use")
