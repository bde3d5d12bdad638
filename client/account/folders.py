"""Folders: the directories of the accounts' files. Makes none."""

from __future__ import annotations

import os
import re
from pathlib import Path

from client.errors import StoreError


def default_folder() -> Path:
    """``$XDG_STATE_HOME/chatclient``, or ``~/.local/state/chatclient``. Any thread.

    Raises StoreError if there is no home directory.
    """
    state = os.environ.get("XDG_STATE_HOME", "")
    if os.path.isabs(state):  # the specification says to ignore others
        return Path(state) / "chatclient"
    try:
        return Path.home() / ".local" / "state" / "chatclient"
    except RuntimeError as exc:
        raise StoreError("~", "there is no home directory") from exc


SERVICES = "services"


def service_of(path: Path) -> str | None:
    """The name of the service to which the folder of an account is linked; None without a link.

    Any thread. See ``service_files``.
    """
    try:
        target = Path(os.readlink(path))
    except OSError:
        return None
    return target.name if target.parent.name == SERVICES else None


def server_folder(folder: Path, host: str, port: int) -> Path:
    """The folder of the accounts at one server. Any thread."""
    return folder / f"{re.sub(r'[^a-z0-9.-]', '_', host.lower())}_{port}"
