"""bin/chatclient in scripts: exit codes, the error stream, languages, and ``--send``."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from client import ChatClient
from tests.e2e.chatkit import PASSWORD, PROJECT, ServerProcess, Wire

Connect = Callable[..., Wire]


def run(server: ServerProcess, *arguments: str, text: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "client.main", "127.0.0.1", str(server.port), *arguments],
        cwd=PROJECT,
        input=text,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )


def lines(*words: str) -> str:
    return "".join(f"{word}\n" for word in words)


def test_a_wrong_password_ends_the_script(server: ServerProcess, connect: Connect) -> None:
    with connect(server) as ann:
        ann.register("ann")
    done = run(server, text=lines("1", "1", "wrong password", "chat:1:hello", "quit"))
    assert done.returncode == 1
    assert done.stderr == "id or password is invalid!\nthe rest of the input was not used\n"
    assert "invalid input" not in done.stdout  # the command was not fed to the menu


@pytest.mark.parametrize(
    ("command", "error"),
    [
        ("chat:99:hello", "message to 99 failed: no such user"),
        ("groupchat:99:hello", "message to group 99 failed: no such group"),
        ("addfriend:99", "add friend 99 failed: no such user"),
        (
            "addgroup:99",
            "join group 99 failed: no such group, or it needs an invitation or a password",
        ),
        ("nonsense", "invalid input command!"),
        ("groupchat:two:hello", "usage: groupchat:groupid:message (groupid is a number)"),
    ],
)
def test_failures_go_to_the_error_stream(
    server: ServerProcess, connect: Connect, command: str, error: str
) -> None:
    with connect(server) as ann:
        ann.register("ann")
    done = run(server, text=lines("1", "1", PASSWORD, command, "chat:1:still here", "quit"))
    assert (done.returncode, done.stderr) == (1, f"{error}\n")
    assert "said: still here" in done.stdout  # the other commands are carried out


def test_chinese_line_mode(server: ServerProcess, connect: Connect) -> None:
    with connect(server) as ann:
        ann.register("ann")
    words = ("1", "1", PASSWORD, "chat:1:你好", "chat:99:喂", "quit")
    done = run(server, "--plain", "--lang", "zh", text=lines(*words))
    assert "请选择：" in done.stdout
    assert "[1]ann 说：你好" in done.stdout
    assert (done.returncode, done.stderr) == (1, "发给 99 的消息失败：没有这个用户\n")


@pytest.fixture
def saved(server: ServerProcess, tmp_path: Path) -> Path:
    """A folder with the saved login of user 1."""
    folder = tmp_path / "state"
    with ChatClient("127.0.0.1", server.port, folder=folder) as client:
        client.login(client.register("ann", PASSWORD), PASSWORD)
    server.wait_until_offline(1)
    return folder


def test_sending_one_message(server: ServerProcess, connect: Connect, saved: Path) -> None:
    where = ("--folder", str(saved))
    with connect(server) as bob:
        bob.login(bob.register("bob"))
        done = run(server, *where, "--send", "2", "hello: 你好")
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        assert bob.find(6, id=1)["msg"] == "hello: 你好"
        done = run(server, *where, "--send", "2", "-", text="two\nlines\n")
        assert (done.returncode, done.stderr) == (0, "")
        assert bob.find(6, id=1)["msg"] == "two\nlines"
        bob.send(msgid=8, id=2, groupname="tea", groupdesc="")
        group = bob.find(23, errno=0)["groupid"]
        done = run(server, *where, "--send", f"group:{group}", "hello")
        assert (done.returncode, done.stderr) == (1, "chatclient: not a member of that group\n")


@pytest.mark.parametrize(
    ("who", "text", "status", "error"),
    [
        ("99", "hello", 1, "--send 99: no such user; check the name or number"),
        ("99", "x" * 20_000, 1, "too long (20000 bytes, at most 16384)"),
        ("zoe", "hello", 1, "--send zoe: no such user; check the name or number"),
        ("group:x", "hello", 2, "a user's name or number, or group:NUMBER, is needed"),
    ],
)
def test_messages_that_cannot_be_sent(
    server: ServerProcess, saved: Path, who: str, text: str, status: int, error: str
) -> None:
    done = run(server, "--folder", str(saved), "--send", who, text)
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (status, "", 1)
    assert error in done.stderr


def test_no_saved_login(server: ServerProcess, saved: Path, tmp_path: Path) -> None:
    empty = tmp_path / "empty"
    for arguments in (("--folder", str(empty)), ("--folder", str(saved), "--user", "5")):
        done = run(server, *arguments, "--send", "2", "hello")
        assert done.returncode == 1
        assert f"sign in once: bin/chatclient 127.0.0.1 {server.port}" in done.stderr


def test_mail_is_left_for_the_next_program(
    server: ServerProcess, connect: Connect, saved: Path
) -> None:
    with connect(server) as bob:
        bob.login(bob.register("bob"))
        bob.chat(1, "for ann", mid="m")
        bob.find(20, errno=0)
    assert run(server, "--folder", str(saved), "--send", "2", "hello").returncode == 0
    server.wait_until_offline(1)
    with ChatClient("127.0.0.1", server.port, folder=saved) as client:
        client.login(1)
        assert next(client.messages(10)).text == "for ann"


def test_an_account_that_is_open_elsewhere(server: ServerProcess, saved: Path) -> None:
    with ChatClient("127.0.0.1", server.port, folder=saved) as client:
        client.login(1)
        done = run(server, "--folder", str(saved), "--send", "1", "hello")
        assert done.returncode == 1
        assert "in use by another program" in done.stderr


def test_no_server(server: ServerProcess, saved: Path) -> None:
    server.stop()
    done = run(server, "--folder", str(saved), "--send", "1", "hello")
    assert done.returncode == 1
    assert "cannot connect" in done.stderr
    server.start()
    with ChatClient("127.0.0.1", server.port, folder=saved) as client:
        client.login(1)
        assert client.outbox == ()  # it is not sent later
