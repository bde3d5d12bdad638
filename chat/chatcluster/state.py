"""ClusterState: the list of a cluster's programs and ports, saved in a file of its folder."""

from __future__ import annotations

import dataclasses
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chat.chatcluster import services
from chat.chatcluster.errors import ClusterError
from chat.chatcluster.processes import Process

FILE = "cluster.json"
VERSION = 1


@dataclass(slots=True)
class ClusterState:
    """Ports, secret and processes. Saved after every change: a command that is killed leaves no
    program running that is not written down.

    Attributes:
        listen: the port of nginx.
        first_port: the port of the first chat server; the others follow in steps of 2.
        nodes: the wanted number of chat servers.
        mariadb_port, redis_port: of the two services.
        secret: the password of MariaDB and Redis.
        processes: the started programs, by name: "mariadb", "redis", "nginx", "node-6000", …
    """

    listen: int
    first_port: int
    nodes: int
    mariadb_port: int
    redis_port: int
    secret: str
    processes: dict[str, Process] = field(default_factory=dict)

    def save(self, folder: Path) -> None:
        """Replace the file; a reader sees the old state or the new one."""
        data = {"version": VERSION, **dataclasses.asdict(self)}
        new = folder / f"{FILE}.new"
        handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with open(handle, "w", encoding="utf-8") as file:
            json.dump(data, file, indent=1)
        new.rename(folder / FILE)

    @classmethod
    def load(cls, folder: Path) -> ClusterState | None:
        """None if the folder has no such file. Raises ClusterError if it is another program's."""
        try:
            text = (folder / FILE).read_text(encoding="utf-8")
        except (FileNotFoundError, NotADirectoryError):
            return None
        try:
            data: dict[str, Any] = json.loads(text)
            if data.pop("version") != VERSION:
                raise ValueError("another version")
            found = {name: Process(**values) for name, values in data.pop("processes").items()}
            return cls(**data, processes=found)
        except (ValueError, TypeError, KeyError, AttributeError) as exc:
            raise ClusterError(f"{folder / FILE} was not written by this program") from exc

    def ports(self) -> list[int]:
        """The ports of the chat servers."""
        return [self.first_port + 2 * number for number in range(self.nodes)]

    def is_running(self, name: str) -> bool:
        """True if the program with this name was started and lives."""
        process = self.processes.get(name)
        return process is not None and process.alive

    def database_url(self) -> str:
        """Without the password."""
        address = f"{services.HOST}:{self.mariadb_port}"
        return f"mysql://{services.USER}@{address}/{services.DATABASE}"

    def bus_url(self) -> str:
        """Without the password."""
        return f"redis://{services.HOST}:{self.redis_port}/0"


def node_name(port: int) -> str:
    """A chat server's name, which is the ``node`` of LOGIN_MSG_ACK."""
    return f"node-{port}"
