"""Wakeup: a descriptor that another thread can make readable."""

from __future__ import annotations

import os
import socket
import sys


class Wakeup:
    """eventfd on Linux, a socket pair elsewhere. ``wake``: any thread. The rest: loop thread."""

    def __init__(self) -> None:
        self._pair: tuple[socket.socket, socket.socket] | None = None
        if sys.platform == "linux":
            self.fd = self._write_fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        else:
            self._pair = socket.socketpair()
            for end in self._pair:
                end.setblocking(False)
            self.fd, self._write_fd = (end.fileno() for end in self._pair)

    def wake(self) -> None:
        """Make ``fd`` readable. Idempotent until ``drain``."""
        try:
            os.write(self._write_fd, (1).to_bytes(8, sys.byteorder))
        except BlockingIOError:
            pass  # full, so it is readable already

    def drain(self) -> None:
        """Make ``fd`` unreadable again."""
        try:
            os.read(self.fd, 4096)
        except BlockingIOError:
            pass

    def close(self) -> None:
        if self._pair is None:
            os.close(self.fd)
        else:
            for end in self._pair:
                end.close()
