"""chatctl: its help, its errors, and how it finds a server."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import socket
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chat.admin.commands import COMMANDS as SERVED
from chat.chatctl.commands import COMMANDS, seconds
from chat.chatctl.main import main
from tests.chat.loopkit import WAIT


class FakeServer:
    """Answers each request with the same line, and keeps the requests."""

    def __init__(self, path: Path, answer: bytes) -> None:
        self.requests: list[Any] = []
        self._answer = answer
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                sock, _ = self._listener.accept()
                with sock, sock.makefile("rb") as lines:
                    line = lines.readline()
                    if line:
                        self.requests.append(json.loads(line))
                        sock.sendall(self._answer)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join(WAIT)
        self._listener.close()


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The current directory, with a short path."""
    with tempfile.TemporaryDirectory(prefix="ctl") as name:
        monkeypatch.chdir(name)
        (Path(name) / "var").mkdir()
        yield Path(name)


@contextlib.contextmanager
def serving(path: str, result: Any = None, answer: bytes = b"") -> Iterator[FakeServer]:
    line = answer or json.dumps({"ok": True, "result": result}).encode() + b"\n"
    server = FakeServer(Path(path), line)
    try:
        yield server
    finally:
        server.close()


USERS = {
    "users": [{"id": 1, "name": "聊", "state": "online", "status": "active", "node": "n"}],
    "more": None,
}


def test_each_command_is_served_and_each_served_one_has_words() -> None:
    assert {command.words for command in COMMANDS} == set(SERVED)


def test_help_names_each_command(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    for command in COMMANDS:
        assert f"  {command.words} " in shown
        assert command.help in shown
    assert max(map(len, shown.splitlines())) <= 100
    assert main(["user", "--help"]) == 0
    assert "group" not in capsys.readouterr().out


@pytest.mark.parametrize("words", [command.words for command in COMMANDS])
def test_help_of_each_command(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([*words.split(), "--help"])
    assert ended.value.code == 0
    assert f"usage: chatctl {words}" in capsys.readouterr().out


def test_a_command_finds_the_only_server(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with serving("var/chatserver-6000.sock", USERS) as server:
        assert main(["user", "list", "--online", "--limit", "5"]) == 0
        assert server.requests == [
            {"command": "user list", "arguments": {"online": True, "limit": 5}}
        ]
        assert capsys.readouterr().out == (
            "id  name  state   status  node\n 1  聊    online  active  n\n"
        )


def test_json(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with serving("var/chatserver-6000.sock", USERS):
        for arguments in (["--json", "user", "list"], ["user", "list", "--json"]):
            assert main(arguments) == 0
            assert json.loads(capsys.readouterr().out) == USERS


def test_dead_servers_are_passed_over(here: Path) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind("var/chatserver-5000.sock")
    with serving("var/chatserver-6000.sock", USERS):
        assert main(["user", "list"]) == 0


def test_one_of_several_servers(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with (
        serving("var/chatserver-1.sock", USERS) as first,
        serving("var/chatserver-2.sock", USERS) as second,
    ):
        assert main(["user", "list"]) == 2
        shown = capsys.readouterr().err
        assert "several servers run: var/chatserver-1.sock, var/chatserver-2.sock" in shown
        assert main(["user", "list", "--port", "2"]) == 0
        assert main(["--socket", "var/chatserver-1.sock", "user", "list"]) == 0
        assert (len(first.requests), len(second.requests)) == (1, 1)


def test_no_server(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["user", "list"]) == 3
    assert "no server runs here" in capsys.readouterr().err
    assert main(["user", "list", "--port", "6000"]) == 3
    assert "chatserver-6000.sock" in capsys.readouterr().err
    assert main(["user", "list", "--socket", "var/none.sock"]) == 3
    assert "no such socket" in capsys.readouterr().err


def test_a_refusal(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answer = b'{"ok": false, "error": "no user \'x\'"}\n'
    with serving("var/chatserver-6000.sock", answer=answer):
        assert main(["user", "show", "x"]) == 1
    assert capsys.readouterr().err == "chatctl: no user 'x'\n"


@pytest.mark.parametrize("answer", [b"HTTP/1.1 400 Bad Request\n", b"{}\n", b"[]\n", b'{"ok"'])
def test_another_kind_of_server(
    here: Path, answer: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving("var/chatserver-6000.sock", answer=answer):
        assert main(["user", "list"]) == 3
    assert capsys.readouterr().err.startswith("chatctl: the ")


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ([], "no command; try: chatctl --help"),
        (["foo"], "no command 'foo'; try: chatctl --help"),
        (["user"], "there are user list, user show"),
        (["user", "foo", "1"], "no command 'user foo'; there are user list"),
        (["nothing", "--help"], "no command 'nothing'"),
    ],
)
def test_wrong_words(
    arguments: list[str], problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments) == 2
    assert problem in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments", [["user", "show"], ["user", "list", "--limit", "x"], ["--port", "x", "audit"]]
)
def test_wrong_arguments(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    shown = capsys.readouterr().err
    assert shown.endswith("(try --help)\n")
    assert len(shown.splitlines()) == 1


@pytest.mark.parametrize(
    ("text", "wanted"), [("90s", 90), ("30m", 1800), ("2h", 7200), ("7d", 604_800)]
)
def test_times(text: str, wanted: int) -> None:
    assert seconds(text) == wanted


@pytest.mark.parametrize("text", ["", "5", "h", "-1h", "1.5h", "0s", "1y", "٣h"])
def test_no_time(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="90s, 30m, 2h or 7d"):
        seconds(text)


def test_permission_denied(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """For root no file is closed, so the kernel's answer is given by the test."""
    with serving("var/chatserver-6000.sock", USERS):

        def deny(self: socket.socket, address: str) -> None:
            raise PermissionError(13, os.strerror(13))

        monkeypatch.setattr(socket.socket, "connect", deny)
        assert main(["user", "list"]) == 3
    shown = capsys.readouterr().err
    assert "permission denied; run chatctl as the account of the server" in shown
