"""bin/chatctl on real servers: the tables, the exit statuses, and the accounts that may use it."""

from __future__ import annotations

import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from chat.exit_status import DRAINED
from tests.e2e.chatkit import PASSWORD, WAIT, ServerProcess, Wire

CHATCTL = [sys.executable, "-m", "chat.chatctl.main"]
OTHER_UID = 65_534


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a short path: that of a socket has at most 107 bytes."""
    with tempfile.TemporaryDirectory(prefix="ctl") as name:
        yield Path(name)


@pytest.fixture
def server(folder: Path) -> Iterator[ServerProcess]:
    server = ServerProcess(folder).start()
    yield server
    server.stop()


def socket_of(server: ServerProcess) -> Path:
    return server.folder / f"chatserver-{server.port}.sock"


def run(server: ServerProcess, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [*CHATCTL, "--socket", str(socket_of(server)), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=WAIT, check=False)


def shown(server: ServerProcess, *arguments: str) -> str:
    done = run(server, *arguments)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout


def asked(server: ServerProcess, *arguments: str) -> Any:
    return json.loads(shown(server, "--json", *arguments))


def test_a_day_of_an_operator(server: ServerProcess) -> None:
    assert stat.S_IMODE(socket_of(server).stat().st_mode) == 0o600
    server.wait_for_log(f"admin socket at {socket_of(server)}")
    with Wire(server.port) as ann, Wire(server.port) as again:
        user_id = ann.register("小安")
        ann.login(user_id)
        assert f" {user_id}  小安  online  active" in shown(server, "user", "list")
        assert asked(server, "user", "list", "--online")["users"][0]["name"] == "小安"
        assert "logged in at" in shown(server, "user", "sessions", "小安")
        password = shown(server, "user", "reset-password", "小安").splitlines()[1]
        ann.expect(32, reason="ended", reconnect=False)
        ann.expect_end()
        again.send(msgid=1, v=2, id=user_id, password=PASSWORD)
        again.expect(2, errno=1)
        again.login(user_id, password=password)
        shown(server, "user", "disable", str(user_id))
        again.expect(32, reason="disabled", reconnect=False)
    assert "serving" in shown(server, "node", "list")
    audit = shown(server, "audit")
    actions = [entry["action"] for entry in asked(server, "audit")["entries"]]
    assert actions == ["user reset-password", "user disable"]
    assert "user disable" in audit
    assert password not in audit
    assert password not in "".join(server.log)
    refused = run(server, "user", "enable", "no such user")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.startswith("chatctl: no user 'no such user'")


def test_drain_ends_the_server(folder: Path) -> None:
    server = ServerProcess(folder).start()
    with Wire(server.port) as ann:
        ann.login(ann.register("ann"))
        assert "drains now" in shown(server, "node", "drain", f"node-{server.port}")
        ann.expect(32, reason="draining", reconnect=True)
    assert server.wait() == DRAINED
    assert not socket_of(server).exists()
    assert run(server, "node", "list").returncode == 3


def test_the_socket_of_a_killed_server_is_replaced(folder: Path) -> None:
    server = ServerProcess(folder).start()
    server.kill()
    assert socket_of(server).exists()
    assert run(server, "node", "list").returncode == 3
    server.start()
    assert run(server, "node", "list").returncode == 0
    server.stop()


def test_in_the_folder_of_the_server_it_needs_no_flags(folder: Path) -> None:
    (folder / "var").mkdir()
    server = ServerProcess(folder)
    server.database = folder / "var" / "chat.db"
    server.start()
    done = subprocess.run(
        [*CHATCTL, "user", "list"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.getcwd()},
        capture_output=True,
        text=True,
        timeout=WAIT,
        check=False,
    )
    server.stop()
    assert (done.returncode, done.stdout) == (0, "id  name  state  status  node\n")


def test_without_an_admin_socket(folder: Path) -> None:
    server = ServerProcess(folder, '[server]\nadmin_socket = ""\n').start()
    assert not socket_of(server).exists()
    server.stop()


def test_a_socket_at_a_place_of_the_operator_s_choice(folder: Path) -> None:
    place = folder / "admin" / "s"
    server = ServerProcess(folder, f'[server]\nadmin_socket = "{place}"\n').start()
    command = [*CHATCTL, "--socket", str(place), "node", "list"]
    assert subprocess.run(command, stdout=subprocess.DEVNULL, timeout=WAIT).returncode == 0
    server.stop()
    assert not place.exists()


def test_another_account_of_the_machine(server: ServerProcess) -> None:
    """Also when the file lets it in. Only root can try; test_server.py needs no other account."""
    program = shutil.which("setpriv")
    if os.geteuid() != 0 or program is None:
        return
    server.folder.chmod(0o755)
    socket_of(server).chmod(0o666)
    request = (
        "import socket, sys; s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]);"
        r"s.sendall(b'{\"command\": \"user list\"}\n'); print(s.makefile().read())"
    )
    ids = [f"--reuid={OTHER_UID}", f"--regid={OTHER_UID}", "--clear-groups"]
    done = subprocess.run(
        [program, *ids, "/usr/bin/env", "python3", "-c", request, str(socket_of(server))],
        capture_output=True,
        text=True,
        timeout=WAIT,
        check=False,
    )
    assert "your account may not operate this server" in done.stdout, done
    server.wait_for_log(f"uid {OTHER_UID} was refused")
