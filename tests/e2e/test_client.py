"""bin/chatclient against a real server: through pipes, and in a terminal."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.chatkit import PASSWORD, PROJECT, ServerProcess, Wire
from tests.e2e.terminal import Terminal

Connect = Callable[..., Wire]
Open = Callable[[str], Terminal]


def script(server: ServerProcess, *lines: str, end: str = "\n") -> tuple[int, str, str]:
    """Feed lines to a client; its exit status, output and errors."""
    done = subprocess.run(
        [sys.executable, "-m", "client.main", "127.0.0.1", str(server.port)],
        cwd=PROJECT,
        input="\n".join(lines) + end,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


def in_order(text: str, *parts: str) -> None:
    """Assert that these parts are in the text, in this order."""
    start = 0
    for part in parts:
        found = text.find(part, start)
        assert found >= 0, f"{part!r} is missing after {text[:start][-200:]!r} in\n{text}"
        start = found + len(part)


def test_a_first_day(server: ServerProcess, connect: Connect) -> None:
    status, out, err = script(server, "2", "zhang san", PASSWORD, "2", "li si", PASSWORD, "3")
    assert (status, err) == (0, "")
    in_order(
        out,
        "1. login",
        "2. register",
        "3. quit",
        "choice:",
        "username:",
        "password:",
        "zhang san register success, userid is 1, do not forget it!",
        "li si register success, userid is 2, do not forget it!",
    )
    status, out, err = script(
        server,
        *("1", "1", PASSWORD),
        *("addfriend:2", "creategroup:tea:four o'clock", "chat:2:hello: how: are you? 你好"),
        *("groupchat:1:the group is empty", "help", "nonsense", "loginout"),
        *("1", "1", PASSWORD, "quit"),
    )
    assert (status, err) == (1, "invalid input command!\n")
    in_order(
        out,
        "login user => id:1 name:zhang san",
        "chat : ",
        "login user => id:1 name:zhang san",
        "2 li si offline",
        "1 tea four o'clock",
        "1 zhang san online creator",
    )
    status, out, err = script(server, "1", "2", PASSWORD, "addgroup:1", "chat:1:thanks", "quit")
    assert (status, err) == (0, "")
    in_order(out, "login user => id:2 name:li si", "[1]zhang san said: hello: how: are you? 你好")
    # It was acknowledged: it does not come again.
    assert "said" not in script(server, "1", "2", PASSWORD, "quit")[1]


def test_mistakes_get_one_line_each(server: ServerProcess) -> None:
    script(server, "2", "ann", PASSWORD, "3")
    status, _, err = script(server, "2", "ann", PASSWORD, "9", "x", "1", "7", PASSWORD, "3")
    assert status == 1
    assert err.splitlines() == [
        "ann is already exist, register error!",
        *["invalid input!"] * 2,
        "id or password is invalid!",
        "the rest of the input was not used",
    ]
    mistakes = ["chat", "chat:", "chat:x:y", "chat:2", "addfriend:", "groupchat:1", "addgroup:x"]
    status, _, err = script(server, "1", "1", PASSWORD, *mistakes, "chat:99:hi", "quit")
    assert status == 1
    assert len(err.splitlines()) == len(mistakes) + 1


def test_end_of_input_anywhere(server: ServerProcess) -> None:
    script(server, "2", "ann", PASSWORD, "3")
    for lines in ([], ["1"], ["1", "1"], ["2", "bob"], ["1", "1", PASSWORD]):
        status, _, err = script(server, *lines, end="\n" if lines else "")
        assert (status, err) == (0, "")


def test_no_server_listens(server: ServerProcess) -> None:
    port = server.port
    server.stop()
    done = subprocess.run(
        [sys.executable, "-m", "client.main", "127.0.0.1", str(port)],
        cwd=PROJECT,
        input="3\n",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "refused" in done.stderr


# ---------------------------------------------------------------------- in a terminal


@pytest.fixture
def open_client(server: ServerProcess, tmp_path: Path) -> Iterator[Open]:
    """Opens a client in a terminal of its own."""
    terminals: list[Terminal] = []

    def make(name: str) -> Terminal:
        command = f"PYTHONPATH={PROJECT} LANG=C.UTF-8 {sys.executable} -m client.main"
        line = f"{command} 127.0.0.1 {server.port} --plain; echo status $?; exec sleep 1000"
        terminals.append(Terminal(tmp_path, name, "sh", "-c", line))
        return terminals[-1]

    yield make
    for terminal in terminals:
        terminal.close()


def enter(terminal: Terminal, name: str, user_id: int) -> None:
    """Register and log in by hand."""
    terminal.wait_for("choice:")
    terminal.type("2")
    terminal.wait_for("username:")
    terminal.type(name)
    terminal.wait_for("password:")
    terminal.type(PASSWORD)
    terminal.wait_for(f"{name} register success, userid is {user_id}, do not forget it!")
    terminal.wait_for("choice:", times=2)
    terminal.type("1")
    terminal.wait_for("\nname or id:")
    terminal.type(str(user_id))
    # From the prompt on the echo is off. Characters typed before it are shown.
    terminal.wait_for("password:", times=2)
    terminal.type(PASSWORD)
    screen = terminal.wait_for(f"login user => id:{user_id} name:{name}")
    assert PASSWORD not in screen
    terminal.wait_for("loginout")


def test_two_people_chat(server: ServerProcess, open_client: Open) -> None:
    ann, bob = open_client("ann"), open_client("bob")
    enter(ann, "安妮", 1)
    enter(bob, "bob", 2)
    ann.type("chat:2:你好, bob: how are you?")
    bob.wait_for("[1]安妮 said: 你好, bob: how are you?")
    bob.type("chat:1:fine")
    ann.wait_for("[2]bob said: fine")
    ann.type("creategroup:tea:four o'clock")
    ann.wait_for("create group success, groupid is 1")
    bob.type("addgroup:1")
    bob.type("groupchat:1:is it ready?")
    ann.wait_for("群消息[1]:")
    ann.wait_for("[2]bob said: is it ready?")
    bob.type("loginout")
    bob.wait_for("choice:")
    ann.type("chat:2:while you were away")
    bob.type("1")
    bob.type("2")
    bob.wait_for("password:")
    bob.type(PASSWORD)
    bob.wait_for("[1]安妮 said: while you were away")
    bob.type("quit")
    bob.wait_for("status 0")


def test_messages_of_others_cannot_control_the_terminal(
    server: ServerProcess, open_client: Open, connect: Connect
) -> None:
    ann = open_client("ann")
    enter(ann, "ann", 1)
    mallory = connect(server)
    mallory.login(mallory.register("mallory"))
    mallory.chat(1, "\x1b[2J\x1b]0;owned\x07\r\b\nand \u202eevil\x9b31m", mid="m")
    mallory.expect(20, errno=0)
    screen = ann.wait_for("and \\u202eev")
    assert "login user => id:1" in screen  # not cleared
    assert "[2]mallory said: " in screen
    assert "\x1b" not in screen


def test_a_lost_server(server: ServerProcess, open_client: Open) -> None:
    ann = open_client("ann")
    enter(ann, "ann", 1)
    server.kill()
    ann.wait_for("connection to server lost")
    ann.wait_for("status 1")
    server.start()
