"""Launcher: starts and stops the programs of a local cluster, and keeps nginx's list of servers.

It needs the folder's lock (``folder_lock.py``), which the command holds.
"""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from pathlib import Path

from chat.chatcluster import services
from chat.chatcluster.errors import ClusterError
from chat.chatcluster.processes import POLL_SECONDS, Process
from chat.chatcluster.state import ClusterState, node_name

STOP_SECONDS = 40.0
"""The time for a program to end after SIGTERM; then it gets SIGKILL."""

RELOAD_SECONDS = 10.0
"""The time for nginx to start workers with a new list."""

UP_LINE = "server {host}:{port} max_fails=2 fail_timeout=5s;"
DOWN_LINE = "server {host}:{port} down;"

STOP_ORDER = ("nginx", "node", "redis", "mariadb")
"""A program stops before the programs that it needs."""


class Launcher:
    """The programs of one cluster. Methods raise ClusterError."""

    def __init__(self, folder: Path, state: ClusterState, nginx_conf: Path) -> None:
        """``nginx_conf``: the shipped configuration, from which the cluster's is made."""
        self._folder = folder
        self._state = state
        self._nginx_conf = nginx_conf

    # ------------------------------------------------------------------ starting

    def start_all(self) -> None:
        """Start the services and the chat servers; nginx comes last, when they can be reached."""
        self.start_service("mariadb")
        self.start_service("redis")
        self._write_config()
        for port in self._state.ports():
            self.start_node(port)
        self.start_service("nginx")

    def start_service(self, name: str) -> None:
        """Start ``mariadb``, ``redis`` or ``nginx``."""
        state = self._state
        folder, secret, born = self._folder / name, state.secret, self._recorder(name)
        if name == "mariadb":
            services.start_mariadb(folder, state.mariadb_port, secret, born)
        elif name == "redis":
            services.start_redis(folder, state.redis_port, secret, born)
        else:
            servers = self._server_lines()
            services.start_nginx(folder, self._nginx_conf, state.listen, servers, born)

    def start_node(self, port: int) -> None:
        """Start the chat server of a port."""
        name = node_name(port)
        services.require_free(port)
        services.start_chatserver(
            self._folder / f"{name}.log",
            port,
            self._config,
            self._state.database_url(),
            self._state.bus_url(),
            self._state.secret,
            self._recorder(name),
        )

    def _recorder(self, name: str) -> Callable[[Process], None]:
        """A function that saves a new process in the state."""

        def record(process: Process) -> None:
            self._state.processes[name] = process
            self._state.save(self._folder)

        return record

    @property
    def _config(self) -> Path:
        return self._folder / "chatserver.toml"

    def _write_config(self) -> None:
        """Make the file of the servers' settings once; the user's changes stay."""
        if not self._config.exists():
            self._config.write_text(
                "# Read by this cluster's servers when they start; see conf/chatserver.toml.\n",
                encoding="utf-8",
            )

    # ------------------------------------------------------------------ stopping

    def stop_all(self) -> int:
        """Stop all programs; returns the number that ran."""
        processes = self._state.processes
        ended = 0
        for kind in STOP_ORDER:
            names = [name for name in processes if name.split("-")[0] == kind]
            running = [processes[name] for name in names if processes[name].alive]
            for process in running:  # all of a kind at once: they drain at the same time
                process.send_signal(signal.SIGCONT)
                process.send_signal(signal.SIGTERM)
            for process in running:
                process.wait(STOP_SECONDS)
                ended += 1
            for name in names:
                processes.pop(name).stop(1.0)  # with the children that it may have left behind
            self._state.save(self._folder)
        return ended

    def stop_node(self, port: int) -> None:
        """Take a chat server out of the balancer, then stop it.

        Example: in the other order nginx would hand the clients that the server sends away to the
        same server again.
        """
        self.balance(without=port)
        process = self._state.processes.pop(node_name(port), None)
        if process is not None:
            process.stop(STOP_SECONDS)
        self._state.save(self._folder)

    # ------------------------------------------------------------------ the balancer

    def balance(self, without: int | None = None) -> None:
        """Have nginx read the list of chat servers again; wait until it uses the new list.

        ``without``: the port of a server that gets no clients.
        """
        folder = self._folder / "nginx"
        services.write_upstream(folder, self._server_lines(without))
        nginx = self._state.processes.get("nginx")
        if nginx is None or not nginx.alive:
            raise ClusterError("nginx is not running")
        before = _workers(nginx.pid)
        nginx.send_signal(signal.SIGHUP)
        deadline = time.monotonic() + RELOAD_SECONDS
        while not _workers(nginx.pid) - before:
            if time.monotonic() > deadline:
                raise ClusterError(f"nginx did not reload: see {folder / 'error.log'}")
            time.sleep(POLL_SECONDS)

    def _server_lines(self, without: int | None = None) -> list[str]:
        return [
            (DOWN_LINE if port == without else UP_LINE).format(host=services.HOST, port=port)
            for port in self._state.ports()
        ]


def _workers(master: int) -> set[int]:
    """The worker processes of nginx. A reload starts new ones."""
    try:
        text = Path(f"/proc/{master}/task/{master}/children").read_text(encoding="ascii")
    except OSError:
        return set()
    return {int(pid) for pid in text.split()}
