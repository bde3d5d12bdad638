"""Restoring a SQLite backup as docs/deploy.md says."""

from __future__ import annotations

import re
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.e2e.chatkit import PROJECT, ServerProcess, Wire


def page_says() -> tuple[str, str]:
    """The commands for the files, and the SQL."""
    page = (PROJECT / "docs" / "deploy.md").read_text(encoding="utf-8")
    lines = r"```sh\n(rm -f var/chat\.db.*?)sqlite3 var/chat\.db <<'SQL'\n(.*?)SQL\n"
    found = re.search(lines, page, re.S)
    assert found
    return found[1], found[2]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    (tmp_path / "var").mkdir()
    server = ServerProcess(tmp_path)
    server.database = tmp_path / "var" / "chat.db"
    server.start()
    yield server
    server.stop()


def test_restoring_a_backup(server: ServerProcess, tmp_path: Path) -> None:
    with Wire(server.port) as ann:
        user = ann.register("ann")
        ann.login(user)
        ann.chat(user, "before", mid="1")
        assert ann.find(20, mid="1")["seq"] == 1
        backup = tmp_path / "chat-backup.db"
        with (
            closing(sqlite3.connect(server.database)) as live,
            closing(sqlite3.connect(backup)) as copy,
        ):
            live.backup(copy)
        ann.chat(user, "after", mid="2")
        assert ann.find(20, mid="2")["seq"] == 2
    server.kill()  # leaves the -wal file
    assert server.database.with_name("chat.db-wal").exists()

    files, sql = page_says()
    subprocess.run(["sh", "-euc", files], cwd=tmp_path, check=True)
    with closing(sqlite3.connect(server.database)) as restored, restored:
        restored.executescript(sql)

    server.start()
    with Wire(server.port) as ann:
        mail = ann.login(user)["offlinemsg"]
        assert [(m["msg"], m["seq"]) for m in mail] == [("before", 1)]
        ann.chat(user, "anew", mid="3")
        assert ann.find(20, mid="3")["seq"] > 4_000_000_000


def test_a_backup_without_messages() -> None:
    """SQLite counts from 1 there, in a row that is not there yet."""
    _, sql = page_says()
    with closing(sqlite3.connect(":memory:")) as restored:
        restored.executescript((PROJECT / "db" / "schema.sqlite.sql").read_text(encoding="utf-8"))
        restored.executescript(sql)
        restored.execute(
            "INSERT INTO message (sender, mid, kind, target, text, time) "
            "VALUES (1, 'anew', 6, 2, '', '')"
        )
        assert restored.execute("SELECT seq FROM message").fetchone() == (4_000_000_001,)
