"""docs/quickstart.md: its scripts are run against a real server, and its commands exist."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from client import ChatClient
from client.ui.model.slash_commands import SLASH_COMMANDS
from tests.e2e.chatkit import PROJECT, WAIT, ServerProcess

PAGES = [PROJECT / "docs" / "quickstart.md", PROJECT / "docs" / "zh" / "quickstart.md"]
PASSWORD = "secret-1"
START = ["bin/chatserver 127.0.0.1 6000\n", "bin/chatclient 127.0.0.1 6000\n"]


def blocks(page: Path, language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", page.read_text(encoding="utf-8"), re.S | re.M)


def run(script: str, server: ServerProcess, folder: Path) -> str:
    """Run a block of the page at this server; returns its output."""
    python = shlex.quote(sys.executable)
    script = script.replace("127.0.0.1 6000", f"127.0.0.1 {server.port}")
    script = script.replace("bin/chatclient", f"{python} -m client.main")
    script = script.replace(".venv/bin/python hello.py", f"{python} {folder}/hello.py")
    done = subprocess.run(
        ["sh", "-ec", script],
        cwd=PROJECT,
        env={**os.environ, "XDG_STATE_HOME": str(folder)},
        capture_output=True,
        text=True,
        timeout=WAIT,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("page", PAGES, ids=["english", "chinese"])
def test_the_scripts(page: Path, server: ServerProcess, tmp_path: Path) -> None:
    *start, send, register, hello = blocks(page, "sh")
    assert start == START
    with ChatClient("127.0.0.1", server.port, folder=tmp_path / "chatclient") as first:
        first.login(first.register("zhang san", PASSWORD), PASSWORD)
    with ChatClient("127.0.0.1", server.port) as second:
        second.login(second.register("li si", PASSWORD), PASSWORD)
        run(send, server, tmp_path)
        assert "userid is 3" in run(register, server, tmp_path)
        (program,) = blocks(page, "python")
        (tmp_path / "hello.py").write_text(program.replace("6000", str(server.port)))
        run(hello, server, tmp_path)
        received = second.messages(timeout=WAIT)
        assert [next(received).sender_id for _ in range(2)] == [1, 3]


@pytest.mark.parametrize("page", PAGES, ids=["english", "chinese"])
def test_the_commands_exist(page: Path) -> None:
    typed = [line.split()[0] for block in blocks(page, "text") for line in block.splitlines()]
    assert typed == ["/add", "/chat", "/create", "/join"]
    known = {f"/{command.name}" for command in SLASH_COMMANDS}
    assert known.issuperset(typed)
