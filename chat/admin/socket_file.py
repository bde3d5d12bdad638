"""The place of the admin socket: one rule for the server that makes it and for chatctl.

Unless ``server.admin_socket`` names a path, it is ``chatserver-PORT.sock`` in the first of these:

    $RUNTIME_DIRECTORY      set by systemd, see conf/chatserver@.service
    the folder of SQLite    beside the database
    var/                    in the current directory
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

FOLDER_VARIABLE = "RUNTIME_DIRECTORY"
"""Of the environment."""

DEFAULT_FOLDER = Path("var")
SERVICE_FOLDER = Path("/run/chat")
"""RuntimeDirectory of conf/chatserver@.service."""

PATTERN = "chatserver-*.sock"


def name_of(port: int) -> str:
    """The name of the file for a server at this port."""
    return PATTERN.replace("*", str(port))


def folder_of_server(database_file: Path | None, environment: Mapping[str, str]) -> Path:
    """The folder for the socket. ``database_file``: of SQLite; None for another database."""
    # Units with several such folders get them with colons between.
    given = environment.get(FOLDER_VARIABLE, "").partition(":")[0]
    if given:
        return Path(given)
    return DEFAULT_FOLDER if database_file is None else database_file.parent


def check_folder(folder: Path) -> None:
    """Make the folder if it does not exist. Raises OSError if other users could replace files.

    Members of its group may write: systems that give each user a group make such folders.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    mode = folder.stat().st_mode
    if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
        text = "every user may write there; try: chmod o-w"
        raise PermissionError(1, text, str(folder))


def found_in(folder: Path) -> Iterator[Path]:
    """The admin sockets in a folder, of living and of dead servers, by name."""
    try:
        found = sorted(folder.glob(PATTERN))
    except OSError:
        return
    for path in found:
        try:
            if stat.S_ISSOCK(os.stat(path).st_mode):
                yield path
        except OSError:
            continue
