"""Cluster: MariaDB, Redis, nginx and chat servers on one machine, below one folder.

Commands exclude each other by a lock on the folder. Each leaves the folder's state file telling
what runs, so the next command, or the next one after a crash, can go on from there.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import secrets
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from chat.backends import DATABASE_PASSWORD, open_database
from chat.chatcluster import services
from chat.chatcluster.errors import ClusterError, UsageError
from chat.chatcluster.processes import Process
from chat.chatcluster.state import ClusterState, node_name
from chat.config import DatabaseConfig
from chat.storage import Database

STOP_SECONDS = 20.0
"""What a program gets to end by itself."""

RELOAD_SECONDS = 10.0
MAX_NODES = 32

UP_LINE = "server {host}:{port} max_fails=2 fail_timeout=5s;"
DOWN_LINE = "server {host}:{port} down;"

SERVICES = ("nginx", "redis", "mariadb")
ORDER = ("nginx", "node", "redis", "mariadb")
"""Who is stopped first: whoever needs the others."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Where a new cluster listens; the rest of the ports is found by itself."""

    listen: int = 8000
    first_server: int = 6000


class Cluster:
    """One folder's cluster. Methods are the commands; they raise ClusterError."""

    def __init__(self, folder: Path, conf: Path) -> None:
        """``conf``: where nginx.conf is."""
        self.folder = folder.absolute()
        self._conf = conf

    # ------------------------------------------------------------------ commands

    def up(self, servers: int, ports: Ports) -> ClusterState:
        """Start everything; when it returns, clients can connect."""
        _check_count(servers)
        missing = services.missing_packages()
        if missing:
            raise ClusterError(f"missing Debian packages: apt install {' '.join(missing)}")
        with self._locked(create=True):
            state = self._state_for_up(servers, ports)
            try:
                self._start_all(state)
            except BaseException:
                self._stop_all(state)
                raise
            return state

    def down(self) -> int:
        """Stop everything; returns how many processes ran. The data stays."""
        with self._locked():
            state = self._existing()
            return self._stop_all(state)

    def kill(self, name: str) -> None:
        """kill -9 a process."""
        with self._locked():
            self._process(self._existing(), name).kill()

    def restart(self, name: str) -> None:
        """Drain a server and start it again; its clients move to others meanwhile.

        Or end and start MariaDB, Redis or nginx.
        """
        with self._locked():
            state = self._running()
            if name in SERVICES:
                process = state.processes.get(name)
                if process is not None:
                    process.stop(STOP_SECONDS)
                self._start_service(state, name)
                return
            port = self._port(state, name)
            self._stop_node(state, port)
            self._start_node(state, port)
            self._balance(state)

    def scale(self, servers: int) -> None:
        """Start further servers, or drain and stop the last ones."""
        _check_count(servers)
        with self._locked():
            state = self._running()
            surplus = state.ports()[servers:]
            state.nodes = servers
            for port in reversed(surplus):
                self._stop_node(state, port)
            for port in state.ports():
                if not self._lives(state, node_name(port)):
                    self._start_node(state, port)
            state.save(self.folder)
            self._balance(state)

    def state(self) -> ClusterState:
        """What there is. Without the lock: to look at."""
        return self._existing()

    def log(self, name: str) -> Path:
        """The log of a server or service."""
        state = self._existing()
        if name in SERVICES:
            return self.folder / name / ("error.log" if name == "nginx" else f"{name}.log")
        self._port(state, name)
        return self.folder / f"{name}.log"

    def open_database(self, state: ClusterState) -> Database:
        """To look at what the servers have written. Raises StorageError."""
        environment = {DATABASE_PASSWORD: state.secret}
        return open_database(DatabaseConfig(self._urls(state)[0], pool=1), environment)

    # ------------------------------------------------------------------ going up

    def _state_for_up(self, servers: int, ports: Ports) -> ClusterState:
        state = ClusterState.load(self.folder)
        if state is None:
            foreign = [entry.name for entry in self.folder.iterdir() if entry.name != "lock"]
            if foreign:
                raise ClusterError(
                    f"{self.folder} is no cluster's folder: it holds {sorted(foreign)[0]}"
                )
            state = ClusterState(
                ports.listen, ports.first_server, servers, 0, 0, secrets.token_urlsafe(24)
            )
        elif any(process.alive for process in state.processes.values()):
            raise ClusterError(
                "the cluster is up already; start one that was killed with: "
                "chatcluster restart NODE; stop it with: chatcluster down"
            )
        state.listen, state.first_port, state.nodes = ports.listen, ports.first_server, servers
        state.processes.clear()
        for port in (state.listen, *state.ports()):
            services.require_free(port)
        state.mariadb_port = services.free_port()
        state.redis_port = services.free_port()
        state.save(self.folder)
        return state

    def _start_all(self, state: ClusterState) -> None:
        self._start_service(state, "mariadb")
        self._start_service(state, "redis")
        self._write_config()
        for port in state.ports():
            self._start_node(state, port)
        self._start_service(state, "nginx")

    def _start_service(self, state: ClusterState, name: str) -> None:
        folder, secret, born = self.folder / name, state.secret, self._keeper(state, name)
        if name == "mariadb":
            services.start_mariadb(folder, state.mariadb_port, secret, born)
        elif name == "redis":
            services.start_redis(folder, state.redis_port, secret, born)
        else:
            shipped = self._conf / "nginx.conf"
            services.start_nginx(folder, shipped, state.listen, self._upstream(state), born)

    def _start_node(self, state: ClusterState, port: int) -> None:
        name = node_name(port)
        services.require_free(port)
        database, redis = self._urls(state)
        config = self.folder / "chatserver.toml"
        services.start_chatserver(
            self.folder / f"{name}.log",
            port,
            config,
            database,
            redis,
            state.secret,
            self._keeper(state, name),
        )

    def _keeper(self, state: ClusterState, name: str) -> Callable[[Process], None]:
        """Writes a process down as soon as it exists."""

        def keep(process: Process) -> None:
            state.processes[name] = process
            state.save(self.folder)

        return keep

    def _write_config(self) -> None:
        """The servers' settings, made once: what an administrator writes there is kept."""
        config = self.folder / "chatserver.toml"
        if not config.exists():
            config.write_text(
                "# Read by this cluster's servers when they start; see conf/chatserver.toml.\n",
                encoding="utf-8",
            )

    # ------------------------------------------------------------------ going down

    def _stop_all(self, state: ClusterState) -> int:
        ended = 0
        for kind in ORDER:
            names = [name for name in state.processes if name.split("-")[0] == kind]
            running = [state.processes[name] for name in names if state.processes[name].alive]
            for process in running:  # all of a kind at once: they drain at the same time
                process.send(signal.SIGCONT)
                process.send(signal.SIGTERM)
            for process in running:
                process.wait(STOP_SECONDS)
                ended += 1
            for name in names:
                state.processes.pop(name).stop(1.0)  # with what it may have left behind
            state.save(self.folder)
        return ended

    def _stop_node(self, state: ClusterState, port: int) -> None:
        """Out of the balancer first, so that those who are sent away do not come back to it."""
        self._balance(state, without=port)
        process = state.processes.pop(node_name(port), None)
        if process is not None:
            process.stop(STOP_SECONDS)
        state.save(self.folder)

    # ------------------------------------------------------------------ the balancer

    def _balance(self, state: ClusterState, without: int | None = None) -> None:
        """Tell nginx which servers there are, and wait until it has heard it."""
        folder = self.folder / "nginx"
        services.write_upstream(folder, self._upstream(state, without))
        nginx = state.processes.get("nginx")
        if nginx is None or not nginx.alive:
            raise ClusterError("nginx is not running")
        before = _workers(nginx.pid)
        nginx.send(signal.SIGHUP)
        deadline = time.monotonic() + RELOAD_SECONDS
        while not _workers(nginx.pid) - before:
            if time.monotonic() > deadline:
                raise ClusterError(f"nginx did not reload: see {folder / 'error.log'}")
            time.sleep(0.02)

    def _upstream(self, state: ClusterState, without: int | None = None) -> list[str]:
        return [
            (DOWN_LINE if port == without else UP_LINE).format(host=services.HOST, port=port)
            for port in state.ports()
        ]

    # ------------------------------------------------------------------ looking things up

    @staticmethod
    def _urls(state: ClusterState) -> tuple[str, str]:
        """Of the database and the bus, without the passwords."""
        host = services.HOST
        return (
            f"mysql://{services.USER}@{host}:{state.mariadb_port}/{services.DATABASE}",
            f"redis://{host}:{state.redis_port}/0",
        )

    def _existing(self) -> ClusterState:
        state = ClusterState.load(self.folder)
        if state is None:
            raise ClusterError(f"there is no cluster in {self.folder}; begin with: chatcluster up")
        return state

    def _running(self) -> ClusterState:
        state = self._existing()
        if not any(process.alive for process in state.processes.values()):
            raise ClusterError("the cluster is not up; begin with: chatcluster up")
        return state

    def _process(self, state: ClusterState, name: str) -> Process:
        process = state.processes.get(name)
        if process is None or not process.alive:
            if name in [node_name(port) for port in state.ports()] or name in SERVICES:
                raise ClusterError(f"{name} is not running")
            raise UsageError(_unknown(state, name))
        return process

    def _port(self, state: ClusterState, name: str) -> int:
        for port in state.ports():
            if node_name(port) == name:
                return port
        raise UsageError(_unknown(state, name))

    def _lives(self, state: ClusterState, name: str) -> bool:
        process = state.processes.get(name)
        return process is not None and process.alive

    @contextlib.contextmanager
    def _locked(self, *, create: bool = False) -> Iterator[None]:
        """One command at a time."""
        try:
            if create:
                self.folder.mkdir(parents=True, exist_ok=True)
            elif not self.folder.is_dir():
                self._existing()  # says that there is none
            handle = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as exc:
            raise ClusterError(f"{self.folder}: {exc.strerror}") from exc
        try:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as exc:
                raise ClusterError("another chatcluster command is at work there") from exc
            yield
        finally:
            os.close(handle)


def _check_count(servers: int) -> None:
    if not 1 <= servers <= MAX_NODES:
        raise UsageError(f"{servers} servers: from 1 to {MAX_NODES} are possible")


def _unknown(state: ClusterState, name: str) -> str:
    known = ", ".join(node_name(port) for port in state.ports())
    return f"unknown node {name!r}; there are: {known}, {', '.join(SERVICES)}"


def _workers(master: int) -> set[int]:
    """The worker processes of nginx."""
    try:
        text = Path(f"/proc/{master}/task/{master}/children").read_text(encoding="ascii")
    except OSError:
        return set()
    return {int(pid) for pid in text.split()}
