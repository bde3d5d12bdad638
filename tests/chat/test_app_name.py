"""App: a server's name, which no other server on the same database may have."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from chat.app import App
from chat.chatcluster.services import HOST, USER, free_port
from chat.config import Config, DatabaseConfig, ServerConfig
from chat.delivery.agreed_mode import OtherModeError
from chat.login.lease import NameTakenError
from chat.storage import Database
from chat.storage.tables import OFFLINE, ONLINE, NodeModel, SettingModel, UserModel
from chat.storage.tables.node import VOID_MILLISECONDS
from muduopy import InetAddress
from tests.chat.loopkit import PROJECT
from tests.chat.mariadbkit import PASSWORD, mariadb
from tests.chat.nodekit import CHEAP
from tests.chat.sessionkit import go_online

pytestmark = pytest.mark.parametrize("database", ["mysql"], indirect=True)

NAME = "berlin"


def url() -> str:
    return f"mysql://{USER}:{PASSWORD}@{HOST}:{mariadb().port}/chat"


class Other:
    """A server of that name, as the database knows it, with a user who is logged in there."""

    def __init__(self, database: Database, place: str) -> None:
        self._database = database
        claimed = database.write(
            lambda tx: NodeModel(tx).claim(NAME, "other", place, VOID_MILLISECONDS)
        )
        assert claimed is None
        self.ann = database.write(lambda tx: UserModel(tx).insert("ann", "h"))
        user = database.read(lambda tx: UserModel(tx).find(self.ann))
        assert user is not None
        go_online(database, user, NAME)

    @property
    def lives(self) -> bool:
        return self._database.write(lambda tx: NodeModel(tx).left(NAME, "other")) is not None

    @property
    def state(self) -> str:
        """The user's."""
        user = self._database.read(lambda tx: UserModel(tx).find(self.ann))
        assert user is not None
        return user.state


def start(port: int) -> App:
    """One that is put together, and does not run."""
    server = ServerConfig(node=NAME)
    config = Config(server=server, database=DatabaseConfig(url()), password=CHEAP)
    app = App(InetAddress.loopback(port), config)
    app.start()
    return app


def end(app: App) -> None:
    """As App.run ends."""
    app._server.close()
    app._close()


def test_at_another_place_it_is_refused(database: Database, tmp_path: Path) -> None:
    """In one line, and nothing happens to the one that is there."""
    other = Other(database, "there:6000")
    settings = tmp_path / "chat.toml"
    settings.write_text(f'[server]\nnode = "{NAME}"\nlog_level = "error"\n')
    command = [sys.executable, "-m", "chat.app", HOST, str(free_port())]
    command += ["--db", url(), "--config", str(settings)]
    ended = subprocess.run(
        command, capture_output=True, text=True, timeout=60, cwd=PROJECT, check=False
    )
    said = "server.node: berlin is running at there:6000; give this one another name"
    assert (ended.returncode, ended.stderr) == (2, f"chatserver: {said}\n")
    assert (other.lives, other.state) == (True, ONLINE)


def test_a_refused_one_gives_its_port_back(database: Database) -> None:
    Other(database, "there:6000")
    port = free_port()
    with pytest.raises(NameTakenError):
        start(port)
    socket.create_server((HOST, port)).close()


def place(port: int) -> str:
    return f"{HOST}:{port} on {socket.gethostname()}"


def test_at_the_same_place_it_starts_at_once(database: Database) -> None:
    """After a crash: its lease still runs, and its users are its own."""
    port = free_port()
    other = Other(database, place(port))
    app = start(port)
    assert (other.lives, other.state) == (False, OFFLINE)
    end(app)


def test_a_port_in_use_evicts_no_user(database: Database) -> None:
    """Who has the port may be the server of this name and place."""
    with socket.create_server((HOST, 0)) as taken:
        port = taken.getsockname()[1]
        other = Other(database, place(port))
        with pytest.raises(OSError, match="in use"):
            start(port)
    assert (other.lives, other.state) == (True, ONLINE)


def test_who_has_lost_its_name_leaves_the_users_alone(database: Database) -> None:
    port = free_port()
    app = start(port)
    other = Other(database, place(port))  # in its place, as after a freeze
    end(app)
    assert (other.lives, other.state) == (True, ONLINE)


@pytest.mark.parametrize("before", [None, "stored"])
def test_on_a_delivery_that_all_can_agree(database: Database, before: str | None) -> None:
    """None: the other one is older than the setting."""
    if before is not None:
        database.write(lambda tx: SettingModel(tx).set("delivery", before))
    database.write(lambda tx: NodeModel(tx).claim("other", "x", "there:6000", 10_000))
    end(start(free_port()))
    assert database.read(lambda tx: SettingModel(tx).get("delivery")) == "stored"


def test_who_would_deliver_otherwise_has_not_begun(database: Database) -> None:
    database.write(lambda tx: SettingModel(tx).set("delivery", "direct"))
    database.write(lambda tx: NodeModel(tx).claim("other", "x", "there:6000", 10_000))
    with pytest.raises(OtherModeError, match="other on this database use 'direct', not 'stored'"):
        start(free_port())
    names = [row.name for row in database.read(lambda tx: NodeModel(tx).all())]
    assert names == ["other"]
