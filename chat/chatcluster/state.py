"""ClusterState: what a cluster's folder remembers between commands."""

from __future__ import annotations

import dataclasses
import json
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chat.chatcluster.errors import ClusterError
from chat.chatcluster.processes import Process

FILE = "cluster.json"
VERSION = 1


@dataclass(slots=True)
class ClusterState:
    """Ports, secrets and processes. Saved after every change, so that a command that was cut
    short leaves nothing running that is not written down.

    Attributes:
        listen: nginx's port. first_port: the first server's; the others follow in steps of 2.
        nodes: how many servers there should be.
        processes: what was started, by name: "mariadb", "redis", "nginx", "node-6000", …
    """

    listen: int
    first_port: int
    nodes: int
    mariadb_port: int
    redis_port: int
    secret: str
    processes: dict[str, Process] = field(default_factory=dict)

    def save(self, folder: Path) -> None:
        data = {"version": VERSION, **dataclasses.asdict(self)}
        new = folder / f"{FILE}.new"
        handle = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with open(handle, "w", encoding="utf-8") as file:
            json.dump(data, file, indent=1)
        new.rename(folder / FILE)

    @classmethod
    def load(cls, folder: Path) -> ClusterState | None:
        """None if the folder holds no cluster. Raises ClusterError if it holds something else."""
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
        """The servers' ports."""
        return [self.first_port + 2 * number for number in range(self.nodes)]


def node_name(port: int) -> str:
    """A server's name, which is the ``node`` of LOGIN_MSG_ACK."""
    return f"node-{port}"
