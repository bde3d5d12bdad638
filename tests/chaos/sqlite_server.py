"""The server of a chaos run with SQLite: one process, without a balancer, Redis and MariaDB."""

from __future__ import annotations

import sys

from chat.admin.socket_file import FOLDER_VARIABLE
from chat.chatcluster import services
from chat.chatcluster.processes import Process, start
from tests.chaos.servers import Servers


class SqliteServer(Servers):
    """As Servers."""

    def __init__(self, bug: str | None = None, mailbox_rows: int | None = None) -> None:
        super().__init__(1, bug, mailbox_rows)
        (name,) = self.names
        self.listen = self._ports[name]

    def up(self) -> None:
        (name,) = self.names
        self._write_config(name)
        self.start(name)

    def _start_node(self, name: str) -> Process:
        database = f"sqlite:///{self.folder / 'chat.db'}"
        command = [
            *(sys.executable, *self._programs[name], services.HOST, str(self.listen)),
            *("--config", str(self.folder / f"{name}.toml"), "--db", database),
        ]
        environment = {FOLDER_VARIABLE: str(self.folder)}
        log = self.folder / f"{name}.log"
        return start(
            command, log, lambda: services.accepts(self.listen), lambda process: None, environment
        )
