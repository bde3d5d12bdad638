"""SqliteLock: one server for a database, whatever name it is opened by.

The second server is another process, as it is in life: a process that closes a file loses all
of its own ``fcntl`` locks on it, and so would disturb the first one.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from chat.storage import StorageError
from chat.storage.sqlite.database import SqliteDatabase
from chat.storage.sqlite.lock import SqliteLock
from tests.chat.loopkit import PROJECT, SCHEMA, WAIT

OPEN = """
import sys
from pathlib import Path
from chat.storage import StorageError
from chat.storage.sqlite.database import SqliteDatabase
print("ready", flush=True)
sys.stdin.readline()
try:
    database = SqliteDatabase.open(Path(sys.argv[1]), Path(sys.argv[2]))
except StorageError as exc:
    print(exc, flush=True)
else:
    print("opened", flush=True)
    sys.stdin.readline()
    database.close()
"""


class Second:
    """Another process, which opens a database on request."""

    def __init__(self, path: Path) -> None:
        command = [sys.executable, "-c", OPEN, str(path), str(SCHEMA)]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=PROJECT
        )
        assert self.line() == "ready"

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().rstrip("\n")

    def go_on(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def end(self) -> None:
        if self.process.poll() is None:
            self.process.communicate("\n", WAIT)
        for pipe in (self.process.stdin, self.process.stdout):
            assert pipe is not None
            pipe.close()


def outcome(path: Path) -> str:
    """The output of another process that opens this file."""
    second = Second(path)
    second.go_on()
    said = second.line()
    second.end()
    return said


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "chat.db"


@pytest.fixture
def database(path: Path) -> Iterator[SqliteDatabase]:
    """The rows that the first server sees."""
    database = SqliteDatabase.open(path, SCHEMA)
    yield database
    database.write(lambda tx: tx.execute("INSERT INTO setting VALUES ('a', 'b')"))
    database.close()


def test_by_its_own_name(database: SqliteDatabase, path: Path) -> None:
    assert outcome(path) == (
        f"{path}: another server is using this database; stop that one, "
        "or give this one a file of its own (--db)"
    )


def test_through_a_symbolic_link(database: SqliteDatabase, path: Path, tmp_path: Path) -> None:
    link = tmp_path / "elsewhere" / "link.db"
    link.parent.mkdir()
    link.symlink_to(path)
    assert "another server" in outcome(link)


def test_through_a_linked_folder(database: SqliteDatabase, path: Path, tmp_path: Path) -> None:
    (tmp_path / "folder").symlink_to(tmp_path)
    assert "another server" in outcome(tmp_path / "folder" / "chat.db")


def test_through_a_hard_link(database: SqliteDatabase, path: Path, tmp_path: Path) -> None:
    (tmp_path / "hard.db").hardlink_to(path)
    assert "another server" in outcome(tmp_path / "hard.db")


def test_without_the_lock_file(database: SqliteDatabase, path: Path) -> None:
    path.with_name("chat.db.lock").unlink()
    assert "another server" in outcome(path)


def test_under_a_new_name(database: SqliteDatabase, path: Path, tmp_path: Path) -> None:
    path.rename(tmp_path / "moved.db")
    assert "another server" in outcome(tmp_path / "moved.db")
    assert database.read(lambda tx: tx.query("SELECT COUNT(*) FROM user")) == [(0,)]


def test_another_file_under_its_name(database: SqliteDatabase, path: Path, tmp_path: Path) -> None:
    """Its server would find the -wal file of the first server, and use it."""
    path.rename(tmp_path / "moved.db")
    assert "another server" in outcome(path)


def test_one_of_those_that_start_in_the_same_moment(path: Path) -> None:
    servers = [Second(path) for _ in range(6)]
    for server in servers:
        server.go_on()
    said = [server.line() for server in servers]
    for server in servers:
        server.end()
    assert sum(line == "opened" for line in said) == 1
    assert sum("another server" in line for line in said) == 5


def test_after_a_server_has_ended(path: Path, tmp_path: Path) -> None:
    (tmp_path / "link.db").symlink_to(path)
    assert [outcome(tmp_path / "link.db"), outcome(path)] == ["opened", "opened"]
    assert path.exists()


def test_after_a_server_was_killed(path: Path) -> None:
    second = Second(path)
    second.go_on()
    assert second.line() == "opened"
    second.process.kill()
    second.process.wait(WAIT)
    second.end()
    assert outcome(path) == "opened"


def test_a_file_that_was_replaced_between_two_openings(path: Path) -> None:
    lock = SqliteLock(path)
    try:
        lock.check()
        path.rename(path.with_name("old.db"))
        with pytest.raises(StorageError, match="moved or replaced"):
            lock.check()
        path.touch()
        with pytest.raises(StorageError, match="start the server again"):
            lock.check()
    finally:
        lock.close()
        lock.close()


def test_its_files_are_for_this_user_alone(path: Path) -> None:
    SqliteDatabase.open(path, SCHEMA).close()
    for name in ("chat.db", "chat.db.lock"):
        assert os.stat(path.with_name(name)).st_mode & 0o777 == 0o600


def test_a_file_that_is_removed_under_a_running_server(tmp_path: Path) -> None:
    """SQLite goes on writing to the removed file without an error."""
    path = tmp_path / "chat.db"
    with contextlib.closing(SqliteDatabase.open(path, SCHEMA)) as database:
        database.check()
        for file in tmp_path.iterdir():
            file.unlink()
        with pytest.raises(StorageError, match=r"was removed.*restore a backup"):
            database.check()
