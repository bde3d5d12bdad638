"""The servers of a chaos run: MariaDB, Redis, nginx and chat servers, on loopback.

Their files are in a temporary folder. Each process is ended by its id.
"""

from __future__ import annotations

import shutil
import signal
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

from chat.chatcluster import services
from chat.chatcluster.errors import ClusterError
from chat.chatcluster.processes import Process
from tests.chaos.database_proxy import DatabaseProxy
from tests.chat.databasekit import start_database

PROJECT = Path(__file__).resolve().parents[2]
PASSWORD = "for-the-servers"
CONFIG = """\
[password]
time_cost = 1
memory_kib = 64
[server]
"""
"""Cheap hashing."""

HEARTBEAT = 2
"""Seconds: short, so that silent clients are closed soon."""

FEW_DEVICES = 6
"""Of each user, so that users have too many at times."""

STARTS = 5

WITHOUT_BUG = ("-m", "chat.app")


class Servers:
    """MariaDB, Redis, nginx and chat servers. Blocking: call it from a thread.

    Attributes:
        names: of the chat servers.
        proxies: one for each chat server, between it and the database.
    """

    def __init__(
        self,
        count: int = 2,
        bug: str | None = None,
        mailbox_rows: int | None = None,
        devices: int | None = FEW_DEVICES,
        heartbeat: int = HEARTBEAT,
    ) -> None:
        """``count``: of chat servers. ``bug``: the name of a deliberate bug in buggy_server.py.
        ``mailbox_rows``: the limit of a mailbox; ``devices``: of a user; None: the default. Servers
        of version 4 of the tables refuse the setting ``devices``. ``heartbeat``: seconds."""
        self.folder = Path(tempfile.mkdtemp(prefix="chat-chaos-"))
        self.names = [f"node-{number}" for number in range(count)]
        self.listen = services.free_port()
        self.proxies: dict[str, DatabaseProxy] = {}
        program: tuple[str, ...] = WITHOUT_BUG
        if bug is not None:
            program = (str(Path(__file__).with_name("buggy_server.py")), bug)
        self._programs = dict.fromkeys(self.names, program)
        self._heartbeat = heartbeat
        self._limits = f"[limits]\nmailbox_rows = {mailbox_rows}\n" if mailbox_rows else ""
        self._limits += f"[chat]\ndevices = {devices}\n" if devices else ""
        self._ports = {name: services.free_port() for name in self.names}
        self._mariadb_port = services.free_port()
        self._redis_port = services.free_port()
        self._processes: dict[str, Process] = {}
        self._starters: dict[str, Callable[[], Process]] = {
            "mariadb": self._start_mariadb,
            "redis": self._start_redis,
            "nginx": self._start_nginx,
        }
        for name in self.names:
            self._starters[name] = partial(self._start_node, name)

    def install(self, name: str, program: tuple[str, ...] = WITHOUT_BUG) -> None:
        """Let the next start of a chat server run ``program``: arguments of Python."""
        self._programs[name] = program

    def port(self, name: str) -> int:
        """The port of a chat server itself; ``listen`` is that of nginx."""
        return self._ports[name]

    def up(self) -> None:
        """Start everything."""
        for name in ("mariadb", "redis"):
            self.start(name)
        for name in self.names:
            self.proxies[name] = DatabaseProxy(self._mariadb_port)
            self._write_config(name)
            self.start(name)
        self.start("nginx")

    def down(self) -> None:
        """End everything and delete the folder."""
        for name in ("nginx", *self.names, "redis", "mariadb"):
            process = self._processes.pop(name, None)
            if process is not None:
                process.send_signal(signal.SIGCONT)
                process.stop(20.0)
        for proxy in self.proxies.values():
            proxy.close()
        shutil.rmtree(self.folder)

    # ------------------------------------------------------------------ faults

    def start(self, name: str, starts: int = STARTS) -> None:
        """Start it; again, as systemd would, if its database fails meanwhile.

        Raises ClusterError when all ``starts`` have failed.
        """
        for left in reversed(range(starts)):
            try:
                self._processes[name] = self._starters[name]()
                return
            except ClusterError:
                if not left:
                    raise

    def kill(self, name: str) -> None:
        self._processes[name].kill()

    def stop(self, name: str) -> None:
        """With SIGTERM, as an administrator does."""
        self._processes[name].stop(30.0)

    def wait(self, name: str) -> bool:
        """Wait until it ends by itself. Returns False if it runs on."""
        return self._processes[name].wait(30.0)

    def freeze(self, name: str) -> None:
        self._processes[name].send_signal(signal.SIGSTOP)

    def thaw(self, name: str) -> None:
        self._processes[name].send_signal(signal.SIGCONT)

    def reload_nginx(self) -> None:
        self._processes["nginx"].send_signal(signal.SIGHUP)

    def redis(self, *command: str) -> None:
        """A command to Redis."""
        import redis

        client = redis.Redis(port=self._redis_port, password=PASSWORD)
        client.execute_command(*command)
        client.close()

    def heal(self) -> None:
        """Start and thaw every process, and disarm the proxies."""
        for proxy in self.proxies.values():
            proxy.heal()
        for name, process in list(self._processes.items()):
            process.send_signal(signal.SIGCONT)
            if not process.alive:
                self.start(name)

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text(encoding="utf-8")

    # ------------------------------------------------------------------ starting

    def _start_mariadb(self) -> Process:
        return start_database(self.folder / "mariadb", self._mariadb_port, PASSWORD)

    def _start_redis(self) -> Process:
        return services.start_redis(self.folder / "redis", self._redis_port, PASSWORD)

    def _start_nginx(self) -> Process:
        lines = [
            f"server {services.HOST}:{port} max_fails=2 fail_timeout=1s;"
            for port in self._ports.values()
        ]
        conf = PROJECT / "conf" / "nginx.conf"
        return services.start_nginx(self.folder / "nginx", conf, self.listen, lines)

    def _write_config(self, name: str) -> None:
        text = f'{CONFIG}heartbeat = {self._heartbeat}\nnode = "{name}"\n{self._limits}'
        (self.folder / f"{name}.toml").write_text(text, encoding="utf-8")

    def _start_node(self, name: str) -> Process:
        database = f"mysql://{services.USER}@{services.HOST}:{self.proxies[name].port}/chat?tls=off"
        return services.start_chatserver(
            self.folder / f"{name}.log",
            self._ports[name],
            self.folder / f"{name}.toml",
            database,
            f"redis://{services.HOST}:{self._redis_port}/0",
            PASSWORD,
            program=(sys.executable, *self._programs[name]),
        )
