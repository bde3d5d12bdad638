"""FolderLock: lets one program at a time use a folder."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from client.errors import InUseError, StoreError

FILE = "lock"


class FolderLock:
    """A lock on a file in a folder. The kernel releases it when the program ends."""

    def __init__(self) -> None:
        self._fd = -1

    @property
    def is_held(self) -> bool:
        """Whether this object has the lock."""
        return self._fd >= 0

    def acquire(self, folder: Path) -> None:
        """Take the lock. Raises InUseError if another program has it, or StoreError.

        A program that leaves an empty folder removes the file. Example: A has the lock; B opens
        the file; A removes it and ends; now B has the lock of a file that C would not find. So B
        compares the file with the one in the folder, and tries again.
        """
        path = folder / FILE
        while True:
            try:
                fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            except OSError as exc:
                raise StoreError(path, exc.strerror or str(exc)) from exc
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if _is_at(fd, path):
                    break
            except OSError as exc:
                os.close(fd)
                raise InUseError(folder) from exc
            os.close(fd)
        self._fd = fd

    def release(self) -> None:
        """Give the lock up. Idempotent."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)


def is_free(folder: Path) -> bool:
    """Whether no program has the lock of a folder now. Makes no file."""
    try:
        fd = os.open(folder / FILE, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(fd)
    return True


def _is_at(fd: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(fd), os.stat(path))
    except FileNotFoundError:
        return False
