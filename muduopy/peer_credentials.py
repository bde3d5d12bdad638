"""PeerCredentials: the process at the other end of a Unix socket."""

from __future__ import annotations

import errno
import socket
import struct
from dataclasses import dataclass

from muduopy.connect_attempt import os_error

_FORM = struct.Struct("=iII")
"""Linux' ``struct ucred``."""

_SO_PEERCRED = getattr(socket, "SO_PEERCRED", None)


@dataclass(frozen=True, slots=True)
class PeerCredentials:
    """The peer's process and user at the time of the connect. Linux only. Immutable; any thread.

    Attributes:
        pid: the process that connected. It may have ended, or passed the socket on.
        uid: its effective user at that time.
        gid: its effective group at that time.
    """

    pid: int
    uid: int
    gid: int

    @classmethod
    def of(cls, sock: socket.socket) -> PeerCredentials:
        """Ask the kernel. Raises OSError for another kind of socket or system."""
        if _SO_PEERCRED is None or sock.family != socket.AF_UNIX:
            raise os_error(errno.EOPNOTSUPP)  # for a TCP socket Linux would return -1
        return cls(*_FORM.unpack(sock.getsockopt(socket.SOL_SOCKET, _SO_PEERCRED, _FORM.size)))
