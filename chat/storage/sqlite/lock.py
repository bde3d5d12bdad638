"""SqliteLock: keeps a second server from a SQLite database, by whatever name it opens it.

There are two things that two servers must not share, and each has a lock (``flock``):

* the file. It may have several names: a symbolic link, a hard link, a new name that it was given
  while a server runs. So the lock is on the opened file, which all of them lead to. SQLite's own
  locks are of another kind (``fcntl``) and do not meet it.
* the name. SQLite puts ``-wal`` and ``-shm`` beside the file. A moves ``chat.db`` away while its
  server runs, and B starts one on a new ``chat.db``: B's server would take the ``-wal`` of A's for
  its own. So ``chat.db.lock`` is locked, too. Servers of earlier versions look at this lock only.

An ``fcntl`` lock ends when its process closes *any* descriptor of the file. So this one is closed
after SQLite has closed its own.
"""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from chat.storage.base import StorageError


class SqliteLock:
    """Holds a database's file and name for this process until ``close``.

    Attributes:
        path: the file's real name, without symbolic links. It exists.
    """

    def __init__(self, path: Path) -> None:
        """Makes the file if it does not exist. Raises StorageError."""
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
        # Made for this user alone: it holds all messages, and the hashes. One that exists is as
        # its owner wants it. What SQLite puts beside it gets its mode.
        fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        self._fds.append(fd)
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def check(self) -> None:
        """Is it still this file that ``path`` leads to? Raises StorageError. Any thread.

        Example: we open and lock ``chat.db``; a script moves another file there; SQLite opens that
        one.
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
        """After the database's connections. Idempotent."""
        while self._fds:
            os.close(self._fds.pop())
