"""Folders: the directories of the accounts' files. Makes none."""

from __future__ import annotations

import contextlib
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


_slot = re.compile(r"device-([1-9][0-9]{0,2})").fullmatch


def slot_folder(base: Path, slot: int) -> Path:
    """The folder of a slot in the folder of an account. Any thread. See ``slots``."""
    return base if slot == 1 else base / f"device-{slot}"


def slots_in(base: Path) -> list[int]:
    """The numbers of the slots in the folder of an account; always the first one. Any thread."""
    found = {1}
    with contextlib.suppress(OSError):
        found |= {int(match[1]) for path in base.iterdir() if (match := _slot(path.name))}
    return sorted(found)
