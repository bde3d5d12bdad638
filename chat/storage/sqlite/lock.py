"""SqliteLock: lets only one server use a SQLite database, under all names of the file.

It holds two locks (``flock``):

* On the opened file. The file may have several names: a symbolic link, a hard link, a new name
  after a move. All lead to the same file, so to the same lock. SQLite's own locks are of another
  kind (``fcntl``) and do not interfere.
* On ``chat.db.lock``, for the name, because SQLite puts ``-wal`` and ``-shm`` beside the file.
  Example: server A runs on ``chat.db``; a script moves the file away; server B starts on a new
  ``chat.db``. Without this lock B would use A's ``-wal`` file. Servers of earlier versions have
  only this lock.

A process loses its ``fcntl`` locks on a file when it closes *any* descriptor of that file. So this
one is closed after SQLite has closed its own.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from chat.storage.base import StorageError


class SqliteLock:
    """Locks a database's file and name for this process until ``close``.

    Attributes:
        path: the file's real name, without symbolic links. It exists.
    """

    def __init__(self, path: Path) -> None:
        """Takes both locks; creates a missing file. Raises StorageError."""
        self.path = Path(os.path.realpath(path))
        self._fds: list[int] = []
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._take(Path(f"{self.path}.lock"))
            self._take(self.path)
            self.check()
        except BlockingIOError as exc:
            self.close()
            raise StorageError(
                "another server is using this database; stop that one, "
                "or give this one a file of its own (--db)"
            ) from exc
        except OSError as exc:
            self.close()
            raise StorageError(exc.strerror or str(exc)) from exc
        except StorageError:
            self.close()
            raise

    def _take(self, path: Path) -> None:
        # A new file is readable by its owner only: it has all messages and password hashes. The
        # mode of an existing file stays. SQLite gives the files beside it the same mode.
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._fds.append(fd)
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def check(self) -> None:
        """Raise StorageError if ``path`` leads to another file than the locked one. Any thread.

        Example: we open and lock ``chat.db``; a script moves another file to that name; SQLite
        opens the other file, which is not locked.
        """
        ours = os.fstat(self._fds[-1])
        if not ours.st_nlink:
            raise StorageError(
                f"{self.path} was removed: new messages are lost when the server stops; "
                "stop it, and restore a backup"
            )
        try:
            there = os.stat(self.path)
        except OSError:
            there = None
        if there is None or (there.st_dev, there.st_ino) != (ours.st_dev, ours.st_ino):
            raise StorageError("the file was moved or replaced meanwhile; start the server again")

    def close(self) -> None:
        """Release both locks, after all connections are closed. Idempotent."""
        while self._fds:
            os.close(self._fds.pop())
