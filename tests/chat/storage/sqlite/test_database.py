"""SQLite's own: the file, its lock, its schema and its durability."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from chat.login.device_rows import NamedDevice, open_named
from chat.storage import StorageError, Transaction
from chat.storage.schema import SCHEMA_VERSION
from chat.storage.sqlite.database import SqliteDatabase
from chat.storage.tables import (
    OfflineMessageModel,
    SettingModel,
    UserModel,
    group_conversation,
    user_conversation,
)
from chat.storage.writer import MAX_GROUP
from tests.chat.loopkit import PROJECT, SCHEMA, Outcomes, writer_held

PUT = "INSERT INTO setting (name, value) VALUES (?, ?)"


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "chat.db"


def refused(path: Path, schema: Path = SCHEMA) -> str:
    with pytest.raises(StorageError) as caught:
        SqliteDatabase.open(path, schema)
    message = str(caught.value)
    assert str(path) in message
    assert "\n" not in message
    return message


def on_file(path: Path, run: Callable[[sqlite3.Connection], Any]) -> Any:
    """Use the file directly, as another program would."""
    connection = sqlite3.connect(path)
    try:
        with connection:
            return run(connection)
    finally:
        connection.close()


def rows(path: Path, query: str) -> list[Any]:
    """The result of a query, through a connection of its own."""
    found: list[Any] = on_file(path, lambda connection: connection.execute(query).fetchall())
    return found


def use(path: Path, run: Callable[[SqliteDatabase], Any] = lambda database: None) -> Any:
    """Open, use and close a chat database."""
    database = SqliteDatabase.open(path, SCHEMA)
    try:
        return run(database)
    finally:
        database.close()


def test_it_is_for_its_user_alone(path: Path) -> None:
    """The file has messages and hashes, and so have the files beside it."""

    def look(database: SqliteDatabase) -> dict[str, int]:
        database.write(lambda tx: SettingModel(tx).set("a", "b"))
        return {file.name: file.stat().st_mode & 0o777 for file in path.parent.glob("chat.db*")}

    modes = use(path, look)
    assert len(modes) == 4
    assert set(modes.values()) == {0o600}, modes


def test_it_is_exclusive(path: Path) -> None:
    assert use(path, lambda database: database.exclusive)


def test_a_new_file_gets_its_tables_and_its_folder(tmp_path: Path) -> None:
    path = tmp_path / "some" / "new" / "folder" / "chat.db"
    use(path)
    found = dict(rows(path, "SELECT name, value FROM setting"))
    assert found == {"devices": "0", "schema_version": str(SCHEMA_VERSION)}


def test_it_is_found_again_as_it_was_left(path: Path) -> None:
    use(path, lambda database: database.write(lambda tx: tx.execute(PUT, ("a", "1"))))
    found = use(path, lambda d: d.read(lambda tx: tx.query("SELECT * FROM setting ORDER BY 1")))
    assert found == [("a", "1"), ("devices", "0"), ("schema_version", str(SCHEMA_VERSION))]


def test_an_empty_file_counts_as_new(path: Path) -> None:
    path.touch()
    use(path)


def test_every_connection_is_durable(path: Path) -> None:
    pragmas = "journal_mode", "synchronous", "wal_autocheckpoint"

    def ask(tx: Any) -> list[Any]:
        return [tx.query(f"PRAGMA {pragma}")[0][0] for pragma in pragmas]

    def run(database: SqliteDatabase) -> None:
        # 2 is FULL: a flush at every commit. NORMAL would be 1, OFF 0.
        assert database.read(ask) == ["wal", 2, 4000]
        outcomes = Outcomes()
        database.submit(ask, outcomes)
        assert outcomes.next() == (["wal", 2, 4000], None)

    use(path, run)


def test_a_commit_is_in_the_file_when_it_is_reported(path: Path) -> None:
    def run(database: SqliteDatabase) -> list[Any]:
        database.write(lambda tx: tx.execute(PUT, ("a", "1")))
        return rows(path, "SELECT value FROM setting")

    assert ("1",) in use(path, run)


def test_groups_share_commits(path: Path) -> None:
    """Waiting jobs are committed together, MAX_GROUP at a time."""

    def run(database: SqliteDatabase) -> None:
        changes: list[int] = []
        outcomes = Outcomes()

        def note(tx: Any) -> None:
            tx.execute(PUT, (f"name {len(changes)}", "x"))
            # The number of committed rows, which another connection sees.
            count = on_file(path, lambda c: c.execute("SELECT COUNT(*) FROM setting").fetchone())
            changes.append(count[0] - 2)  # the rows of the schema

        with writer_held(database):
            for _ in range(2 * MAX_GROUP):
                database.submit(note, outcomes)
        outcomes.take(2 * MAX_GROUP)
        assert set(changes) == {0, MAX_GROUP}

    use(path, run)


# ---------------------------------------------------------------------- a second server


def test_a_second_server_is_refused_and_does_no_harm(path: Path) -> None:
    def run(database: SqliteDatabase) -> None:
        assert refused(path) == (
            f"{path}: another server is using this database; stop that one, "
            "or give this one a file of its own (--db)"
        )
        database.write(lambda tx: tx.execute(PUT, ("a", "1")))
        assert "another server" in refused(path)

    use(path, run)
    use(path)


def test_another_process_is_refused(path: Path) -> None:
    code = (
        "import sys; from pathlib import Path\n"
        "from chat.storage.sqlite.database import SqliteDatabase\n"
        "SqliteDatabase.open(Path(sys.argv[1]), Path(sys.argv[2]))"
    )
    command = [sys.executable, "-c", code, str(path), str(SCHEMA)]

    def run(database: SqliteDatabase) -> str:
        ended = subprocess.run(
            command, capture_output=True, text=True, timeout=60, cwd=PROJECT, check=False
        )
        assert ended.returncode == 1
        return ended.stderr

    assert "another server is using this database" in use(path, run)


def test_the_lock_is_not_inherited(path: Path) -> None:
    """A child process that outlives the server must not keep the database locked."""
    lock_file = path.with_name("chat.db.lock")

    def run(database: SqliteDatabase) -> list[bool]:
        fds = Path("/proc/self/fd")
        ours = [int(fd.name) for fd in fds.iterdir() if points_at(fd, lock_file)]
        return [os.get_inheritable(fd) for fd in ours]

    assert use(path, run) == [False]


def points_at(fd: Path, target: Path) -> bool:
    try:
        return fd.readlink() == target
    except OSError:
        return False


def test_a_stale_lock_file_does_not_matter(path: Path) -> None:
    path.with_name("chat.db.lock").touch()
    use(path)


def test_a_failed_opening_releases_the_lock(path: Path) -> None:
    path.write_bytes(b"not a database at all, but a text of some length" * 50)
    refused(path)
    path.unlink()
    use(path)


# ---------------------------------------------------------------------- other files


def test_a_file_that_is_no_database(path: Path) -> None:
    path.write_bytes(b"not a database at all, but a text of some length" * 50)
    assert "file is not a database" in refused(path)
    assert path.read_bytes().startswith(b"not a database"), "it was not touched"


def test_a_database_of_another_program(path: Path) -> None:
    on_file(path, lambda c: c.execute("CREATE TABLE cats (name TEXT)"))
    assert "not a chat server's database" in refused(path)
    tables = rows(path, "SELECT name FROM sqlite_master")
    assert tables == [("cats",)], "nothing was added to it"


@pytest.mark.parametrize("version", ["0", "999", "", "1 ", "\u00b2"])
def test_another_schema_version(path: Path, version: str) -> None:
    use(path)
    on_file(path, lambda c: c.execute("UPDATE setting SET value = ?", (version,)))
    shown = version if version in ("0", "999") else "0"
    assert f"its schema is version {shown}, this program's {SCHEMA_VERSION}" in refused(path)


def test_no_schema_version(path: Path) -> None:
    use(path)
    on_file(path, lambda c: c.execute("DELETE FROM setting"))
    assert "its schema is version 0" in refused(path)


@pytest.mark.parametrize("value", ["NULL", "99", "1.5", "x'99'"])
def test_a_setting_table_of_another_program(path: Path, value: str) -> None:
    """Its columns have no types."""
    on_file(path, lambda c: c.execute("CREATE TABLE setting (name, value)"))
    on_file(path, lambda c: c.execute(f"INSERT INTO setting VALUES ('schema_version', {value})"))
    assert "its schema is version" in refused(path)


VERSION_1 = (Path(__file__).parent / "sqlite-1.sql").read_text(encoding="utf-8")


def structure(path: Path) -> list[tuple[object, ...]]:
    """Tables with their columns, and indexes."""
    tables = rows(path, "SELECT name FROM sqlite_master WHERE type = 'table'")
    found: list[tuple[object, ...]] = []
    for (table,) in sorted(tables):
        for pragma in ("table_xinfo", "index_list"):
            described = rows(path, f"PRAGMA {pragma}({table})")
            found += [(table, pragma, *row[1:]) for row in sorted(described, key=str)]
    return found


def version_2() -> str:
    """A file of version 2."""
    (upgrade,) = (SCHEMA.parent / "upgrade" / "sqlite").glob("0002-*.sql")
    return VERSION_1 + upgrade.read_text(encoding="utf-8")


def test_a_file_of_version_2_is_upgraded(path: Path, tmp_path: Path) -> None:
    """Waiting mail stays; members are numbered in the order of joining; no name has hashes yet."""
    on_file(path, lambda c: c.executescript(version_2()))
    on_file(
        path,
        lambda c: c.executescript(
            "INSERT INTO user (id, name, password) VALUES (3, 'ann', 'h'), (7, 'Ann', 'h');"
            "INSERT INTO allgroup VALUES (1, 'tea', ''), (2, 'milk', '');"
            "INSERT INTO groupuser VALUES (1, 3, 'normal', 5), (1, 7, 'creator', 4),"
            " (1, 9, 'normal', 5), (2, 3, 'creator', 0);"
            "INSERT INTO message (sender, mid, kind, target, text, time)"
            " VALUES (7, 'a', 6, 3, 'hi', '');"
            "INSERT INTO offlinemessage (userid, seq) VALUES (3, 1);"
            "INSERT INTO offlinemessage VALUES (3, 2, '{\"msgid\":6}');"
        ),
    )
    use(path)
    fresh = tmp_path / "fresh.db"
    use(fresh)
    assert structure(path) == structure(fresh)
    mail = use(path, lambda db: db.read(lambda tx: OfflineMessageModel(tx).messages(3, (1, 2))))
    assert [(row.seq, row.text, row.whole) for row in mail] == [
        (1, "hi", None),
        (2, None, '{"msgid":6}'),
    ]
    query = "SELECT groupid, userid, grouprole, since, joinorder FROM groupuser"
    assert rows(path, query) == [
        (1, 3, "normal", 5, 2),
        (1, 7, "creator", 4, 1),
        (1, 9, "normal", 5, 3),
        (2, 3, "creator", 0, 1),
    ]
    query = "SELECT id, name, folded, skeleton, dialect FROM user"
    assert rows(path, query) == [
        (3, "ann", None, None, None),
        (7, "Ann", None, None, None),
    ]


@pytest.mark.parametrize("complete", [True, False])
def test_a_file_of_version_1_is_upgraded(path: Path, tmp_path: Path, complete: bool) -> None:
    """All rows stay. Not complete: an early version 1, without some tables."""
    text = VERSION_1
    if not complete:
        text = text.replace("CREATE INDEX friend_friendid ON friend (friendid);", "")
        begin = text.index("CREATE TABLE node")
        text = text[:begin] + text[text.index(";", begin) + 1 :]
    on_file(path, lambda c: c.executescript(text))
    on_file(
        path,
        lambda c: c.executemany(
            "INSERT INTO message (sender, mid, kind, target, text, time) "
            "VALUES (?, ?, ?, ?, ?, '')",
            [
                (7, "a", 6, 3, "hi"),
                (3, "a", 6, 7, "hello"),
                (7, "b", 10, 3, "all"),
                (9, "a", 6, 3, "x"),
            ],
        ),
    )
    on_file(path, lambda c: c.execute("INSERT INTO groupuser VALUES (3, 7, 'creator')"))
    on_file(path, lambda c: c.execute("INSERT INTO offlinemessage (userid, seq) VALUES (3, 1)"))
    use(path)
    use(path)
    fresh = tmp_path / "fresh.db"
    use(fresh)
    assert structure(path) == structure(fresh)
    between = user_conversation(3, 7)
    assert rows(path, "SELECT text, conversation FROM message ORDER BY seq") == [
        ("hi", between),
        ("hello", between),
        ("all", group_conversation(3)),
        ("x", user_conversation(9, 3)),
    ]
    assert rows(path, "SELECT * FROM groupuser") == [(3, 7, "creator", 0, 1)]
    mail = use(path, lambda db: db.read(lambda tx: OfflineMessageModel(tx).messages(3, (1,))))
    assert [row.text for row in mail] == ["hi"]


def test_an_upgrade_that_fails_changes_nothing(path: Path, tmp_path: Path) -> None:
    on_file(path, lambda c: c.executescript(VERSION_1))
    before = structure(path)
    folder = tmp_path / "db"
    (folder / "upgrade" / "sqlite").mkdir(parents=True)
    (folder / "schema.sqlite.sql").write_text(SCHEMA.read_text())
    (folder / "upgrade" / "sqlite" / "0002-broken.sql").write_text(
        "ALTER TABLE groupuser ADD COLUMN since INTEGER; ALTER TABEL x;"
    )
    refused(path, folder / "schema.sqlite.sql")
    assert structure(path) == before
    use(path)


def test_a_directory_in_its_place(path: Path) -> None:
    path.mkdir()
    refused(path)


def test_a_file_in_the_place_of_its_directory(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    refused(tmp_path / "file" / "chat.db")


def test_a_missing_schema_leaves_nothing_behind(path: Path) -> None:
    refused(path, path.with_name("missing.sql"))
    use(path)


def test_a_broken_schema_leaves_nothing_behind(path: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.sql"
    broken.write_text("CREATE TABLE one (a TEXT); CREATE TABEL two (a TEXT);")
    refused(path, broken)
    use(path)  # it still counts as new: the tables come all or not at all


def test_the_writer_is_one_thread_and_ends(path: Path) -> None:
    before = set(threading.enumerate())

    def run(database: SqliteDatabase) -> list[str]:
        database.read(lambda tx: tx.query("SELECT 1"))
        return [thread.name for thread in threading.enumerate() if thread not in before]

    assert use(path, run) == ["sqlite-writer"]
    assert not [t for t in threading.enumerate() if t not in before]


@pytest.mark.parametrize("version", [1, 2, 3, 4])
def test_the_first_named_device_gets_mail_from_before_an_upgrade(path: Path, version: int) -> None:
    script = VERSION_1
    for step in range(2, version + 1):
        (upgrade,) = (SCHEMA.parent / "upgrade" / "sqlite").glob(f"{step:04d}-*.sql")
        script += upgrade.read_text(encoding="utf-8")
    on_file(path, lambda c: c.executescript(script))
    on_file(
        path,
        lambda c: c.executescript(
            "INSERT INTO user (id, name, password) VALUES (3, 'ann', 'h');"
            "INSERT INTO offlinemessage VALUES (3, 2, '{\"msgid\":6}');"
        ),
    )

    def take(tx: Transaction) -> tuple[int, int]:
        user = UserModel(tx).find(3, lock=True)
        assert user is not None
        opened = open_named(tx, user, NamedDevice("phone"), 8, 1_800_000_000)
        counts = OfflineMessageModel(tx).counts([3, opened.mailbox])
        return counts.get(3, 0), counts[opened.mailbox]

    assert use(path, lambda database: database.write(take)) == (0, 1)
