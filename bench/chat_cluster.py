"""ChatCluster: chat servers with MariaDB, Redis and nginx, for the benchmarks.

All of them are private to one run, and listen on loopback addresses only.
"""

import contextlib
import json
import os
import socket
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from bench import common
from chat.chatcluster import services
from chat.chatcluster.errors import ClusterError
from chat.chatcluster.processes import Process
from chat.storage import Database
from chat.storage.mysql.connection import MysqlAddress
from chat.storage.mysql.database import MysqlDatabase

PASSWORD = "bench"
BENCH_PASSWORD = "secret-1"  # the password of the load generator's users


@dataclass
class ChatCluster(AbstractContextManager["ChatCluster"]):
    """One chat server on MariaDB, or two with Redis between them; with nginx in front if wanted.

    The load generator uses it as one server with a ``port``. Two servers without nginx also have a
    ``second_port``.
    """

    name: str
    folder: Path
    python: str
    flags: Sequence[str]
    servers: int = 1
    nginx: bool = False

    def __enter__(self) -> Self:
        self._processes: dict[str, Process] = {}
        self.folder.mkdir()
        try:
            self._start()
        except ClusterError as exc:
            self.stop()
            raise common.BenchError(str(exc)) from exc
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def _start(self) -> None:
        os.environ["PYTHONPATH"] = str(common.ROOT)
        mariadb, redis = services.free_port(), services.free_port()
        self._mariadb_port = mariadb
        self._processes["mariadb"] = services.start_mariadb(
            self.folder / "mariadb", mariadb, PASSWORD
        )
        self._processes["redis"] = services.start_redis(self.folder / "redis", redis, PASSWORD)
        config = self.folder / "chatserver.toml"
        config.write_text("")
        self.ports = [services.free_port() for _ in range(self.servers)]
        for port in self.ports:
            self._processes[f"server {port}"] = services.start_chatserver(
                self._log(port),
                port,
                config,
                f"mysql://{services.USER}@{common.HOST}:{mariadb}/{services.DATABASE}",
                f"redis://{common.HOST}:{redis}/0" if self.servers > 1 else "",
                PASSWORD,
                program=(self.python, "-m", "chat.app", *self.flags),
            )
        self.port = self.ports[0]
        self.second_port = None if self.nginx else (*self.ports, None)[1]
        if self.nginx:
            self.port = services.free_port()
            lines = [f"server {common.HOST}:{port};" for port in self.ports]
            conf = common.ROOT / "conf" / "nginx.conf"
            self._processes["nginx"] = services.start_nginx(
                self.folder / "nginx", conf, self.port, lines
            )

    def database(self, pool: int = 2) -> AbstractContextManager[Database]:
        """Open the servers' database, to fill it or to read it without them."""
        address = MysqlAddress(
            common.HOST, self._mariadb_port, services.USER, PASSWORD, services.DATABASE
        )
        return contextlib.closing(MysqlDatabase.open(address, pool))

    def kill(self, number: int) -> None:
        """End a server by SIGKILL."""
        self._processes.pop(f"server {self.ports[number]}").kill()

    def stop(self) -> None:
        """End all processes. Idempotent."""
        for name in reversed(list(self._processes)):
            self._processes.pop(name).stop(common.STOP_SECONDS)

    def cpu_seconds(self) -> float:
        """The CPU time that the chat servers have used."""
        return self._cpu(servers=True)

    def services_cpu_seconds(self) -> float:
        """The CPU time that MariaDB, Redis and nginx have used."""
        return self._cpu(servers=False)

    def _cpu(self, servers: bool) -> float:
        return sum(
            common.cpu_seconds(pid)
            for name, process in self._processes.items()
            if name.startswith("server") == servers
            for pid in (process.pid, *_children(process.pid))
        )

    def last_words(self) -> str:
        return "\n".join(self._log(port).read_text(errors="replace")[-700:] for port in self.ports)

    def _log(self, port: int) -> Path:
        return self.folder / f"server-{port}.log"


def _children(pid: int) -> list[int]:
    """The child processes; the worker of nginx is one."""
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(child) for child in text.split()]


def make_group(port: int, accounts: Path, members: int) -> int:
    """Make a group of the first ``members`` accounts in the file; returns its id."""
    ids = [int(line.split()[0]) for line in accounts.read_text().splitlines()[:members]]
    group = 0
    for user_id in ids:
        with socket.create_connection((common.HOST, port), 10) as sock:
            file = sock.makefile("rw", encoding="utf-8", newline="\n")
            _ask(file, msgid=1, id=user_id, password=BENCH_PASSWORD, v=2)
            if not group:
                name = f"group of {members}"
                answer = _ask(file, msgid=8, id=user_id, groupname=name, groupdesc="")
                group = answer["groupid"]
            else:
                _ask(file, msgid=9, id=user_id, groupid=group)
            _ask(file, msgid=3, id=user_id)
    return group


def _ask(file: Any, **request: Any) -> dict[str, Any]:
    json.dump(request, file)
    file.write("\n")
    file.flush()
    while True:
        answer: dict[str, Any] = json.loads(file.readline())
        if answer["msgid"] != 28:  # a PRESENCE_MSG may come first
            break
    if answer["errno"]:
        raise common.BenchError(f"{request} was refused: {answer}")
    return answer
