"""The lock of a cluster's folder: one chatcluster command at a time."""

from __future__ import annotations

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from chat.chatcluster.errors import ClusterError


@contextlib.contextmanager
def locked_folder(folder: Path) -> Iterator[None]:
    """Hold the lock of an existing folder. Raises ClusterError if another command holds it.

    Example: ``chatcluster up`` is still starting servers in one terminal; ``chatcluster down`` in
    another one is refused, and cannot miss a server that is written down a moment later.
    """
    try:
        handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as exc:
        raise ClusterError(f"{folder}: {exc.strerror}") from exc
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as exc:
            raise ClusterError("another chatcluster command is at work there") from exc
        yield
    finally:
        os.close(handle)
