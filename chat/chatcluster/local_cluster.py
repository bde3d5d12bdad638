"""LocalCluster: the commands of bin/chatcluster, for the cluster in one folder of this machine.

One command runs at a time, because it holds a lock on the folder. Each command keeps the list of
running programs in the folder's state file. So the next command can go on from there, even after a
crash.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from chat.backends import DATABASE_PASSWORD, open_database
from chat.chatcluster import services
from chat.chatcluster.errors import ClusterError, UsageError
from chat.chatcluster.folder_lock import locked_folder
from chat.chatcluster.launcher import STOP_SECONDS, Launcher
from chat.chatcluster.processes import Process
from chat.chatcluster.state import ClusterState, node_name
from chat.config import DatabaseConfig
from chat.storage import Database

MAX_NODES = 32

SERVICES = ("nginx", "redis", "mariadb")
"""The programs besides the chat servers, by the names that commands take."""


@dataclass(frozen=True, slots=True)
class Ports:
    """The ports of a new cluster that users choose; the other ports are any free ones."""

    listen: int = 8000
    first_server: int = 6000


class LocalCluster:
    """The cluster in one folder. Its methods are the commands; they raise ClusterError."""

    def __init__(self, folder: Path, conf: Path) -> None:
        """``conf``: the folder with nginx.conf."""
        self.folder = folder.absolute()
        self._conf = conf

    # ------------------------------------------------------------------ commands

    def up(self, servers: int, ports: Ports) -> ClusterState:
        """Start all programs; returns when clients can connect."""
        _check_count(servers)
        missing = services.missing_packages()
        if missing:
            raise ClusterError(f"missing Debian packages: apt install {' '.join(missing)}")
        self._make_folder()
        with locked_folder(self.folder):
            state = self._state_for_up(servers, ports)
            launcher = self._launcher(state)
            try:
                launcher.start_all()
            except BaseException:
                launcher.stop_all()
                raise
            return state

    def down(self) -> int:
        """Stop all programs; returns their number. The data stays."""
        with self._locked() as state:
            return self._launcher(state).stop_all()

    def kill(self, name: str) -> None:
        """End a program with kill -9."""
        with self._locked() as state:
            self._process(state, name).kill()

    def restart(self, name: str) -> None:
        """Drain a chat server and start it again; its clients move to other servers meanwhile.

        Or stop and start MariaDB, Redis or nginx.
        """
        with self._locked() as state:
            _require_running(state)
            launcher = self._launcher(state)
            if name in SERVICES:
                process = state.processes.get(name)
                if process is not None:
                    process.stop(STOP_SECONDS)
                launcher.start_service(name)
                return
            port = self._port(state, name)
            launcher.stop_node(port)
            launcher.start_node(port)
            launcher.balance()

    def scale(self, servers: int) -> None:
        """Start further chat servers, or drain and stop the last ones."""
        _check_count(servers)
        with self._locked() as state:
            _require_running(state)
            launcher = self._launcher(state)
            surplus = state.ports()[servers:]
            state.nodes = servers
            for port in reversed(surplus):
                launcher.stop_node(port)
            for port in state.ports():
                if not state.is_running(node_name(port)):
                    launcher.start_node(port)
            state.save(self.folder)
            launcher.balance()

    def state(self) -> ClusterState:
        """The saved state. Takes no lock, and changes nothing."""
        return self._existing()

    def log(self, name: str) -> Path:
        """The log file of a program."""
        state = self._existing()
        if name in SERVICES:
            return self.folder / name / ("error.log" if name == "nginx" else f"{name}.log")
        self._port(state, name)
        return self.folder / f"{name}.log"

    def open_database(self, state: ClusterState) -> Database:
        """The servers' database, for reading. Raises StorageError."""
        environment = {DATABASE_PASSWORD: state.secret}
        return open_database(DatabaseConfig(state.database_url(), pool=1), environment)

    # ------------------------------------------------------------------ the folder

    def _make_folder(self) -> None:
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as exc:
            raise ClusterError(f"{self.folder}: {exc.strerror}") from exc

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

    @contextlib.contextmanager
    def _locked(self) -> Iterator[ClusterState]:
        """Hold the folder's lock, and yield the state. Raises ClusterError without a cluster."""
        self._existing()  # first, because the lock would make a file in a folder of another kind
        with locked_folder(self.folder):
            yield self._existing()

    def _launcher(self, state: ClusterState) -> Launcher:
        return Launcher(self.folder, state, self._conf / "nginx.conf")

    # ------------------------------------------------------------------ lookups

    def _existing(self) -> ClusterState:
        state = ClusterState.load(self.folder)
        if state is None:
            raise ClusterError(f"there is no cluster in {self.folder}; begin with: chatcluster up")
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


def _require_running(state: ClusterState) -> None:
    if not any(process.alive for process in state.processes.values()):
        raise ClusterError("the cluster is not up; begin with: chatcluster up")


def _check_count(servers: int) -> None:
    if not 1 <= servers <= MAX_NODES:
        raise UsageError(f"{servers} servers: from 1 to {MAX_NODES} are possible")


def _unknown(state: ClusterState, name: str) -> str:
    known = ", ".join(node_name(port) for port in state.ports())
    return f"unknown node {name!r}; there are: {known}, {', '.join(SERVICES)}"
