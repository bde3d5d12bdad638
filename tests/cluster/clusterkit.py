"""A cluster of real processes, used by its own executable."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from chat.backends import open_database
from chat.config import DatabaseConfig
from chat.storage import Database
from tests.e2e.chatkit import PROJECT, WAIT, Message, Wire, free_port


def chatcluster(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command to its end."""
    return subprocess.run(
        [sys.executable, "-m", "chat.chatcluster.main", *arguments, "--dir", str(folder)],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def free_ports() -> tuple[int, int]:
    """One for nginx, and the first of three for servers, two apart."""
    while True:
        first = free_port()
        if first < 31990 and all(_is_free(first + 2 * number) for number in range(4)):
            return free_port(), first


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


class ClusterKit:
    """One cluster, from ``up`` to ``down``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.listen, self.first = free_ports()

    def up(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        ports = ("--listen", str(self.listen), "--server-port", str(self.first))
        return chatcluster(self.folder, "up", *ports, *arguments)

    def do(self, *arguments: str) -> str:
        """Run a command that must succeed; returns its output."""
        done = chatcluster(self.folder, *arguments)
        assert (done.returncode, done.stderr) == (0, ""), done
        return done.stdout

    def fails(self, status: int, *arguments: str) -> str:
        """Run a command that must fail; returns the one line of its error."""
        done = chatcluster(self.folder, *arguments)
        assert (done.returncode, done.stdout) == (status, ""), done
        assert done.stderr.count("\n") == 1
        assert "Traceback" not in done.stderr
        return done.stderr

    # ------------------------------------------------------------------ inspection

    @property
    def state(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / "cluster.json").read_text())
        return found

    def pid(self, name: str) -> int:
        pid: int = self.state["processes"][name]["pid"]
        return pid

    def port(self, number: int) -> int:
        return self.first + 2 * number

    def name(self, number: int) -> str:
        return f"node-{self.port(number)}"

    def log(self, number: int) -> str:
        return (self.folder / f"{self.name(number)}.log").read_text()

    def freeze(self, name: str) -> None:
        os.kill(self.pid(name), signal.SIGSTOP)

    def thaw(self, name: str) -> None:
        os.kill(self.pid(name), signal.SIGCONT)

    @contextlib.contextmanager
    def database(self) -> Iterator[Database]:
        """The servers' database, without the servers."""
        state = self.state
        url = f"mysql://chat@127.0.0.1:{state['mariadb_port']}/chat"
        secret = {"CHAT_DB_PASSWORD": state["secret"]}
        with contextlib.closing(open_database(DatabaseConfig(url, pool=1), secret)) as database:
            yield database

    def administer(self, statement: str) -> None:
        """Run SQL as the database's administrator."""
        path = self.folder / "mariadb" / "data" / "mysqld.sock"
        command = ["mariadb", "--no-defaults", f"--socket={path}", "-e", statement]
        subprocess.run(command, check=True, timeout=WAIT)

    # ------------------------------------------------------------------ clients

    def connect(self, number: int | None = None) -> Wire:
        """To one of the servers, or through nginx."""
        return Wire(self.listen if number is None else self.port(number))


@contextlib.contextmanager
def running_cluster(folder: Path, settings: str = "") -> Iterator[ClusterKit]:
    """Two servers, MariaDB, Redis and nginx. ``settings``: of the servers, in TOML.

    At the end it checks that the servers have logged no exception.
    """
    kit = ClusterKit(folder)
    if settings:
        done = kit.up("--servers", "1")  # makes the folder of a cluster
        assert done.returncode == 0, done
        kit.do("down")
        (folder / "chatserver.toml").write_text(settings)
    done = kit.up()
    assert (done.returncode, done.stderr) == (0, ""), done
    until(lambda: kit.do("status").count("bus healthy") == 2, "two healthy nodes")
    yield kit
    logs = "".join(kit.log(number) for number in range(2))
    kit.do("down")
    assert "Traceback" not in logs, logs


def until(condition: Callable[[], object], what: str, seconds: float = WAIT) -> float:
    """Poll until a condition holds; returns the seconds that it took."""
    begun = time.monotonic()
    pause = threading.Event()
    while not condition():
        assert time.monotonic() - begun < seconds, f"waited {seconds} s in vain for {what}"
        pause.wait(0.02)
    return time.monotonic() - begun


def alive(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except FileNotFoundError:
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


def try_login(wire: Wire, user_id: int, **fields: Any) -> Message:
    """Log in; returns the answer, which may be a refusal."""
    if "token" not in fields:
        fields.setdefault("password", "secret-1")
    wire.send(msgid=1, id=user_id, v=2, **fields)
    answer = wire.find(2)
    if answer["errno"] == 0:
        wire.id = user_id
    return answer
