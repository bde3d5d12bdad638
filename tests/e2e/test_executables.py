"""bin/chatserver and bin/chatclient as a user runs them; they build themselves if need be."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path

import pytest

from tests.e2e.chatkit import CHEAP, PASSWORD, PROJECT, free_port

BUILD_SECONDS = 300
"""The first run may have to install everything."""


@pytest.mark.timeout(BUILD_SECONDS + 60)
def test_register_and_log_in(tmp_path: Path) -> None:
    config = tmp_path / "cheap.toml"
    config.write_text(CHEAP, encoding="utf-8")
    port = str(free_port())
    subprocess.run([PROJECT / "bin" / "chatclient", "--help"], check=True, timeout=BUILD_SECONDS)
    command = [str(PROJECT / "bin" / "chatserver"), "127.0.0.1", port, "--config", str(config)]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr is not None
        while "listening on" not in server.stderr.readline():
            assert server.poll() is None
        done = subprocess.run(
            [PROJECT / "bin" / "chatclient", "127.0.0.1", port],
            cwd=tmp_path,
            input=f"2\nann\n{PASSWORD}\n1\n1\n{PASSWORD}\nquit\n",
            capture_output=True,
            encoding="utf-8",
            timeout=60,
            check=True,
        )
        assert "login user => id:1 name:ann" in done.stdout
        server.send_signal(signal.SIGTERM)  # the shell script has become the server
        server.stderr.read()
    assert server.returncode == 0
    assert (tmp_path / "var" / "chat.db").exists()


def test_exit_codes_are_the_programs_own(tmp_path: Path) -> None:
    for program in ("chatserver", "chatclient"):
        done = subprocess.run(
            [PROJECT / "bin" / program, "127.0.0.1", "x"],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
