"""docs/operations.md: its alerts and commands exist, and its backups can be restored."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from chat.chatctl.commands import COMMANDS, find
from tests.chat.mariadbkit import PASSWORD, Mariadb
from tests.e2e.chatkit import PROJECT, ServerProcess, Wire

PAGE = (PROJECT / "docs" / "operations.md").read_text(encoding="utf-8")
DEPLOY = (PROJECT / "docs" / "deploy.md").read_text(encoding="utf-8")
MARIADB_CNF = """\
[client]
host = 127.0.0.1
port = {port}
user = chat
password = {password}
"""


def test_each_alert_is_on_the_page() -> None:
    rules = (PROJECT / "conf" / "prometheus" / "alerts.yml").read_text(encoding="utf-8")
    alerts = re.findall(r"- alert: (\w+)", rules)
    assert alerts
    described = re.findall(r"`(Chat[A-Z]\w+)`", PAGE)
    assert sorted(set(described)) == sorted(alerts)


def test_the_part_of_an_alert_is_its_severity() -> None:
    rules = (PROJECT / "conf" / "prometheus" / "alerts.yml").read_text(encoding="utf-8")
    found = re.findall(r"- alert: (\w+)(?:(?!- alert).)*?severity: (\w+)", rules, re.S)
    parts = {
        alert: "page" if heading.startswith("Page") else "ticket"
        for heading, text in re.findall(
            r"^### (Page[^\n]*|Tickets)\n(.*?)(?=^##)", PAGE, re.M | re.S
        )
        for alert in re.findall(r"`(Chat[A-Z]\w+)`", text)
    }
    assert parts == dict(found)


def test_each_command_of_chatctl_exists() -> None:
    used = re.findall(r"chatctl ([a-z][^`\n]*)", PAGE)
    assert used
    for line in used:
        words = line.split()
        command = find(words)
        assert command is not None, f"chatctl {line}; there are {[c.words for c in COMMANDS]}"
        options = {name for names, _ in command[0].options for name in names}
        for word in command[1]:
            assert not word.startswith("--") or word in options, line


def test_each_setting_exists() -> None:
    sample = (PROJECT / "conf" / "chatserver.toml").read_text(encoding="utf-8")
    for section, key in re.findall(r"`(server|chat|limits|database|bus)\.([a-z_]+)`", PAGE):
        part = re.search(rf"^\[{section}\]\n(.*?)(?=^\[|\Z)", sample, re.M | re.S)
        assert part is not None
        assert re.search(rf"^{key} = ", part[1], re.M), f"{section}.{key}"


def backup_command(page: str, program: str) -> str:
    found = re.search(rf"^(\(umask 077; {program}.*\))$", page, re.M)
    assert found
    return found[1]


def test_the_backup_of_a_running_server_is_whole(tmp_path: Path) -> None:
    (tmp_path / "var").mkdir()
    server = ServerProcess(tmp_path)
    server.database = tmp_path / "var" / "chat.db"
    server.start()
    try:
        with Wire(server.port) as ann:
            ann.register("ann")
            # sqlite3's shell is not installed everywhere; its command is Connection.backup.
            script = (
                "import sqlite3, sys; from contextlib import closing\n"
                "with closing(sqlite3.connect(sys.argv[1])) as a, "
                "closing(sqlite3.connect(sys.argv[2].split()[1])) as b: a.backup(b)"
            )
            command = backup_command(PAGE, "sqlite3").replace("sqlite3 ", 'python3 -c "$SCRIPT" ')
            environment = {"SCRIPT": script, "PATH": "/usr/local/bin:/usr/bin:/bin"}
            subprocess.run(["sh", "-euc", command], cwd=tmp_path, env=environment, check=True)
    finally:
        server.stop()
    backup = tmp_path / "chat-backup.db"
    assert backup.stat().st_mode & 0o077 == 0
    server.database = backup
    assert server.query("SELECT name FROM user") == [("ann",)]
    assert server.query("PRAGMA integrity_check") == [("ok",)]


@pytest.fixture
def mariadb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Mariadb:
    server = Mariadb()
    (tmp_path / ".my.cnf").write_text(MARIADB_CNF.format(port=server.port, password=PASSWORD))
    monkeypatch.setenv("HOME", str(tmp_path))
    return server


def run(script: str, folder: Path) -> str:
    done = subprocess.run(
        ["sh", "-euc", script], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_restoring_a_backup_of_mariadb(mariadb: Mariadb, tmp_path: Path) -> None:
    """The commands of both pages, one after the other."""
    try:
        with_message = (
            "INSERT INTO user (id, name, password, state) VALUES (7, 'ann', '', 'online'); "
            "INSERT INTO message (sender, mid, kind, target, text, time) "
            "VALUES (7, 'm', 6, 7, 'before', '2026-01-01 00:00:00')"
        )
        run(f'mariadb chat -e "{with_message}"', tmp_path)
        run(backup_command(PAGE, "mariadb-dump"), tmp_path)
        run('mariadb chat -e "DELETE FROM message; DELETE FROM user"', tmp_path)
        block = re.search(r"^(gunzip -c \S+ \| mariadb chat\n.*?)```", DEPLOY, re.M | re.S)
        assert block
        settings = tmp_path / "chatserver.toml"
        url = f"mysql://chat:{PASSWORD}@127.0.0.1:{mariadb.port}/chat"
        settings.write_text(f'[database]\nurl = "{url}"\n', encoding="utf-8")
        script = re.sub(r"chat-[\d-]+\.sql\.gz", "chat-backup.sql.gz", block[1])
        script = script.replace("/etc/chat/chatserver.toml", str(settings))
        told = run(script.replace("bin/chatserver", str(PROJECT / "bin/chatserver")), tmp_path)
        epoch = told.rpartition("new epoch: ")[2].strip()
        anew = (
            "INSERT INTO message (sender, mid, kind, target, text, time) "
            "VALUES (7, 'n', 6, 7, 'after', '2026-01-02 00:00:00'); "
            "SELECT state FROM user; SELECT COUNT(*) FROM message; "
            "SELECT value FROM setting WHERE name = 'epoch'"
        )
        assert run(f'mariadb -N chat -e "{anew}"', tmp_path).split() == ["offline", "2", epoch]
    finally:
        mariadb.stop()
