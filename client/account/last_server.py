"""Last server: the address at which an account of this machine has logged in last."""

from __future__ import annotations

import json
import logging
from dataclasses import asdict, dataclass
from pathlib import Path

from client.account.journal import read_private, write_private
from client.errors import StoreError

log = logging.getLogger(__name__)

FILE = "last-server.json"
_MAX_PORT = 65535


@dataclass(frozen=True, slots=True)
class LastServer:
    """A server.

    Attributes:
        tls: the connection is encrypted.
        ca: the file with the trusted certificates; empty: those of the system.
    """

    host: str
    port: int
    tls: bool = False
    ca: str = ""


def remember_server(folder: Path, server: LastServer) -> None:
    """Keep the server. Any thread. A failure is logged."""
    try:
        write_private(folder / FILE, json.dumps(asdict(server)).encode("ascii"))
    except StoreError as exc:
        log.warning("the server is not kept: %s", exc)


def last_server(folder: Path) -> LastServer | None:
    """The kept server; None if there is none, or the file is damaged. Any thread."""
    try:
        found = json.loads(read_private(folder / FILE) or b"{}")
        server = LastServer(**found)
    except (StoreError, ValueError, TypeError, RecursionError):
        return None
    good = isinstance(server.host, str) and type(server.port) is int and isinstance(server.ca, str)
    return server if good and server.host and 0 < server.port <= _MAX_PORT else None
