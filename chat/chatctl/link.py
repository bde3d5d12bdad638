"""The connection of chatctl to a server: finds the socket, sends one request, reads its answer."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from chat.admin.socket_file import DEFAULT_FOLDER, SERVICE_FOLDER, found_in, name_of
from chat.chatctl.errors import CtlError, NoServerError, RefusedError, UsageError

CONNECT_SECONDS = 5.0
ANSWER_SECONDS = 60.0
"""A command waits for the database, which the server gives up after a while."""

FOLDERS = (DEFAULT_FOLDER, DEFAULT_FOLDER / "cluster", SERVICE_FOLDER)


def connect(path: Path | None, port: int | None, folders: Sequence[Path] = FOLDERS) -> Link:
    """Connect to the server with this socket or this port, or to the only one. Raises CtlError.

    The first of ``folders`` with a living server counts.
    """
    if path is not None:
        try:
            return Link(path)
        except OSError as exc:
            raise _cannot_connect(path, exc) from exc
    denied: list[tuple[Path, OSError]] = []
    for folder in folders:
        links = _living(folder, None if port is None else name_of(port), denied)
        if len(links) == 1:
            return links[0]
        if links:
            paths = [str(link.path) for link in links]
            for link in links:
                link.close()
            raise UsageError(
                f"several servers run: {', '.join(paths)}; choose one with --port or --socket"
            )
    if denied:
        raise _cannot_connect(*denied[0])
    places = ", ".join(map(str, folders))
    raise NoServerError(
        f"no server runs here (no live {name_of(port) if port else 'socket'} in {places}); "
        "name its socket with --socket PATH: the server logs the path at its start"
    )


def _living(folder: Path, name: str | None, denied: list[tuple[Path, OSError]]) -> list[Link]:
    links = []
    for path in found_in(folder):
        if name is not None and path.name != name:
            continue
        try:
            links.append(Link(path))
        except PermissionError as exc:
            denied.append((path, exc))
        except OSError:
            continue  # of a dead server
    return links


def _cannot_connect(path: Path, exc: OSError) -> CtlError:
    if isinstance(exc, PermissionError):
        return NoServerError(
            f"{path}: permission denied; run chatctl as the account of the server, for example: "
            f"sudo -u {_owner(path)} chatctl …"
        )
    if isinstance(exc, FileNotFoundError):
        return NoServerError(f"{path}: no such socket; is the server running?")
    if isinstance(exc, ConnectionRefusedError):
        return NoServerError(f"{path}: its server has ended; start it again")
    return NoServerError(f"{path}: {exc.strerror or exc}")


def _owner(path: Path) -> str:
    try:
        return path.owner()
    except (OSError, KeyError):
        return "ACCOUNT"


class Link:
    """One connection to a server. Raises OSError if there is none at ``path``."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._socket = socket.socket(socket.AF_UNIX)
        try:
            self._socket.settimeout(CONNECT_SECONDS)
            self._socket.connect(str(path))
            self._socket.settimeout(ANSWER_SECONDS)
        except BaseException:
            self._socket.close()
            raise

    def __enter__(self) -> Link:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Idempotent."""
        self._socket.close()

    def ask(self, command: str, arguments: Mapping[str, Any]) -> Any:
        """Send a request and return its result. Raises CtlError."""
        request = {"command": command, "arguments": arguments}
        try:
            self._socket.sendall(json.dumps(request).encode() + b"\n")
            with self._socket.makefile("rb") as lines:
                line = lines.readline()
        except TimeoutError as exc:
            text = f"no answer for {ANSWER_SECONDS:.0f} s; see the log of the server"
            raise NoServerError(text) from exc
        except OSError as exc:
            raise NoServerError(f"the connection broke: {exc.strerror}") from exc
        return _result(line)


def _result(line: bytes) -> Any:
    if not line.endswith(b"\n"):
        raise NoServerError("the server ended before it answered; see its log")
    try:
        answer = json.loads(line)
        if answer["ok"]:
            return answer["result"]
        error = str(answer["error"])
    except (ValueError, TypeError, KeyError) as exc:
        raise NoServerError("the answer is not of a chat server") from exc
    raise RefusedError(error)
