"""The examples of the chat client's library, with a real chat server."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

# The server's process is that of the end-to-end tests.
from tests.e2e.chatkit import PASSWORD, ServerProcess, Wire
from tests.examples.examplekit import ROOT, WAIT, Example


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ServerProcess]:
    server = ServerProcess(tmp_path).start()
    yield server
    server.stop()


class Bot:
    """The bot on a terminal, where it asks for the password."""

    def __init__(self, folder: Path, port: int, name: str) -> None:
        self._master, slave = pty.openpty()
        self._seen = b""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "examples.bot", "127.0.0.1", str(port), name],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
        )
        os.close(slave)

    def type(self, text: str) -> None:
        os.write(self._master, text.encode() + b"\n")

    def wait_for(self, text: str) -> None:
        while text.encode() not in self._seen:
            self._seen += os.read(self._master, 1000)

    def interrupt(self) -> int:
        self.process.send_signal(signal.SIGINT)
        status = self.process.wait(WAIT)
        os.close(self._master)
        return status


def test_bot(server: ServerProcess, tmp_path: Path) -> None:
    with Wire(server.port) as bob, Wire(server.port) as other:
        bob.login(bob.register("bob"))
        bot_id = other.register("bot")
        bot = Bot(tmp_path, server.port, "bot")
        bot.wait_for("password: ")
        bot.type(PASSWORD)
        bot.wait_for(f"answering as bot ({bot_id})")
        bob.chat(bot_id, "hello", mid="m1")
        assert bob.find(6)["msg"] == "you said: hello"
        assert bot.interrupt() == 0
        bob.chat(bot_id, "are you there?", mid="m2")
        server.wait_until_offline(bot_id)
        bot = Bot(tmp_path, server.port, "bot")  # without the password
        bot.wait_for(f"answering as bot ({bot_id})")
        assert bob.find(6, msg="you said: are you there?")
        assert bot.interrupt() == 0
    assert PASSWORD not in "".join(
        path.read_text("utf-8") for path in (tmp_path / "bot-state").rglob("*.json*")
    )


def test_bot_without_a_server(tmp_path: Path, server: ServerProcess) -> None:
    server.stop()
    bot = Bot(tmp_path, server.port, "bot")
    bot.wait_for("cannot connect to 127.0.0.1")
    assert bot.process.wait(WAIT) == 1
    server.start()


def test_bot_with_a_wrong_name(tmp_path: Path, server: ServerProcess) -> None:
    bot = Bot(tmp_path, server.port, "bot")
    bot.wait_for("password: ")
    bot.type("wrong")
    bot.wait_for("id or password is invalid!")
    assert bot.process.wait(WAIT) == 1


class Bridge:
    """A bridge, and its output."""

    def __init__(self, example: Example) -> None:
        self._example = example

    def do(self, **order: Any) -> None:
        self._example.write(json.dumps(order) + "\n")

    def find(self, **fields: Any) -> dict[str, Any]:
        """The next line that has these fields."""
        while True:
            line: dict[str, Any] = json.loads(self._example.line())
            if all(line.get(name) == value for name, value in fields.items()):
                return line


def test_bridge(server: ServerProcess, tmp_path: Path) -> None:
    with (
        Wire(server.port) as bob,
        Example("bridge", "127.0.0.1", server.port, tmp_path / "state", servers=0) as example,
    ):
        bob.login(bob.register("bob"))
        bridge = Bridge(example)
        bridge.do(ref=1, do="register", name="ann", password=PASSWORD)
        ann = bridge.find(ref=1)["ok"]
        bridge.do(ref=2, do="login", user_id=ann, password="wrong password")
        assert bridge.find(ref=2)["error"] == "id or password is invalid!"
        bridge.do(ref=3, do="login", user_id=ann, password=PASSWORD)
        assert bridge.find(ref=3)["ok"]["name"] == "ann"
        bridge.do(ref=4, do="add_friend", friend_id=bob.id)
        assert bridge.find(ref=4)["ok"] == {"id": bob.id, "name": "bob", "state": "online"}
        bridge.do(ref=5, do="send", to=bob.id, text="hello: 你好")
        assert bob.find(6)["msg"] == "hello: 你好"
        assert bridge.find(ref=5)["ok"]["seq"] == 1
        bridge.do(ref=6, do="send", to=999, text="hello")
        assert bridge.find(ref=6)["error"] == "no such user"
        bob.chat(ann, "hi", mid="m")
        assert bridge.find(event="message")["message"]["text"] == "hi"
        bob.close()
        gone = {"user_id": bob.id, "state": "offline"}  # his "online" may come before
        assert bridge.find(event="presence", presence=gone)
        orders = ('{"do": "close"}\n', '{"do": ["send"]}\n', '{"do": "send"}\n')
        for nonsense in ("nonsense\n", "5\n", *orders):
            example.write(nonsense)
            assert "error" in json.loads(example.line())
        example.end_input()
        assert example.process.wait(WAIT) == 0
