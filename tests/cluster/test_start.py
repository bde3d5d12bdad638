"""A server that cannot start reports it in one line, and leaves nothing running."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from chat.chatcluster import services
from chat.chatcluster.processes import Process
from tests.chat.databasekit import start_database
from tests.e2e.chatkit import PROJECT, free_port

PASSWORD = "for-the-start"


class Back:
    """MariaDB and Redis, and servers started on them."""

    def __init__(self, folder: Path) -> None:
        self.mariadb_port = services.free_port()
        self.redis_port = services.free_port()
        self.processes: list[Process] = [
            start_database(folder / "mariadb", self.mariadb_port, PASSWORD),
            services.start_redis(folder / "redis", self.redis_port, PASSWORD),
        ]
        self.socket = folder / "mariadb" / "data" / "mysqld.sock"
        self.database = f"mysql://chat:{PASSWORD}@127.0.0.1:{self.mariadb_port}/chat"
        self.redis = f"redis://:{PASSWORD}@127.0.0.1:{self.redis_port}"

    def named(self, name: str) -> str:
        """The URL of another database there."""
        return f"{self.database.rpartition('/')[0]}/{name}"

    def fails(self, *flags: str, **environment: str) -> tuple[int, str]:
        """Start a server that must fail; returns its status and the line of its error."""
        done = subprocess.run(
            [sys.executable, "-m", "chat.app", "127.0.0.1", str(free_port()), *flags],
            cwd=PROJECT,
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert done.stdout == ""
        assert "Traceback" not in done.stderr
        assert done.stderr.count("\n") == 1, done.stderr
        assert PASSWORD not in done.stderr
        return done.returncode, done.stderr.removeprefix("chatserver: ").rstrip("\n")

    def sql(self, statement: str) -> None:
        """Run SQL as the database's administrator."""
        subprocess.run(
            ["mariadb", "--no-defaults", f"--socket={self.socket}", "-e", statement],
            check=True,
            timeout=30,
        )


@pytest.fixture(scope="module")
def back(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Back]:
    back = Back(tmp_path_factory.mktemp("back"))
    yield back
    for process in back.processes:
        process.stop(20.0)


def test_a_wrong_database_password(back: Back) -> None:
    url = f"mysql://chat@127.0.0.1:{back.mariadb_port}/chat"
    shown = f"database: mysql://chat@127.0.0.1:{back.mariadb_port}/chat"
    assert back.fails("--db", url) == (1, f"{shown}: wrong user or password")
    assert back.fails("--db", url, CHAT_DB_PASSWORD="x") == (1, f"{shown}: wrong user or password")


def test_a_wrong_database_user(back: Back) -> None:
    url = f"mysql://eve:{PASSWORD}@127.0.0.1:{back.mariadb_port}/chat"
    status, line = back.fails("--db", url)
    assert (status, line.endswith("wrong user or password")) == (1, True)


def test_a_database_that_is_not_there(back: Back) -> None:
    status, line = back.fails("--db", back.named("news"))
    assert status == 1
    assert line.endswith(("docs/deploy.md has the GRANT statement", "there is no such database"))


def test_no_server_answers(back: Back) -> None:
    port = free_port()
    url = f"mysql://chat:{PASSWORD}@127.0.0.1:{port}/chat"
    shown = f"mysql://chat@127.0.0.1:{port}/chat"
    assert back.fails("--db", url) == (1, f"database: {shown}: no server answers there")


def test_a_host_that_does_not_exist(back: Back) -> None:
    status, line = back.fails("--db", f"mysql://chat:{PASSWORD}@no-such-host.invalid/chat")
    assert (status, line) == (
        1,
        "database: mysql://chat@no-such-host.invalid:3306/chat: there is no such host",
    )


@pytest.mark.parametrize(
    "url",
    ["mysql://127.0.0.1/chat", "mysql://chat@127.0.0.1", "mysql://chat@127.0.0.1:x/chat", "mongo:"],
)
def test_an_impossible_database_url(back: Back, url: str) -> None:
    status, line = back.fails("--db", url)
    assert (status, line.startswith("database.url: ")) == (2, True)


def test_a_database_that_is_read_only(back: Back) -> None:
    status, line = 0, ""
    back.sql("SET GLOBAL read_only = 1")
    try:
        status, line = back.fails("--db", back.database)
    finally:
        back.sql("SET GLOBAL read_only = 0")
    assert status == 1
    assert line.startswith("database: ")
    assert "read" in line and "only" in line


def test_something_else_than_a_database(back: Back) -> None:
    """Redis, for example."""
    url = back.database.replace(str(back.mariadb_port), str(back.redis_port))
    status, line = back.fails("--db", url)
    assert (status, line.startswith("database: ")) == (1, True)


def test_a_newer_schema(back: Back) -> None:
    back.sql("CREATE DATABASE newer; GRANT ALL ON newer.* TO chat@'127.0.0.1'")
    back.sql("CREATE TABLE newer.setting (name VARCHAR(64) PRIMARY KEY, value VARCHAR(255))")
    back.sql("INSERT INTO newer.setting VALUES ('schema_version', '999')")
    status, line = back.fails("--db", back.named("newer"))
    assert status == 1
    assert "its schema is version 999, newer than this program's" in line


def test_a_wrong_redis_password(back: Back) -> None:
    url = f"redis://127.0.0.1:{back.redis_port}"
    expected = (1, f"bus: 127.0.0.1:{back.redis_port}: wrong user or password")
    assert back.fails("--db", back.database, "--redis", url) == expected
    url = f"redis://eve:{PASSWORD}@127.0.0.1:{back.redis_port}"
    assert back.fails("--db", back.database, "--redis", url) == expected


def test_a_redis_host_that_does_not_exist(back: Back) -> None:
    status, line = back.fails("--db", back.database, "--redis", "redis://no-such-host.invalid")
    assert (status, line.startswith("bus: no-such-host.invalid:6379: ")) == (1, True)


@pytest.mark.parametrize("url", ["127.0.0.1:6379", "redis://", "redis://host:x", "http://host"])
def test_an_impossible_redis_url(back: Back, url: str) -> None:
    status, line = back.fails("--db", back.database, "--redis", url)
    assert (status, line.startswith("bus.url: ")) == (2, True)


def test_a_taken_port(back: Back) -> None:
    """The start fails before it could take the lease from the server that has this name."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = subprocess.run(
            [sys.executable, "-m", "chat.app", "127.0.0.1", str(port), "--db", back.database],
            cwd=PROJECT,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == f"chatserver: 127.0.0.1:{port}: Address already in use"
    assert "Traceback" not in done.stderr
