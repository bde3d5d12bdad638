"""UnixAddress: the address of a Unix-domain socket, as an immutable value."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class UnixAddress:
    """A path in the file system, or on Linux a name in the abstract namespace.

    Abstract names begin with NUL and vanish with their socket. The empty path is what a client
    that did not bind has. A server's file is made when it binds and removed when it stops; one
    that a killed server left behind is replaced. Raises ValueError for a path that is too
    long. Immutable; any thread.
    """

    path: str

    def __post_init__(self) -> None:
        if len(os.fsencode(self.path)) > MAX_PATH:
            raise ValueError(f"a Unix socket's path has at most {MAX_PATH} bytes: {self.path!r}")

    @classmethod
    def from_sockaddr(cls, sockaddr: str | bytes | None) -> UnixAddress:
        """From what ``accept``, ``getsockname`` and ``getpeername`` return."""
        return cls(os.fsdecode(sockaddr or b""))

    @property
    def host(self) -> str:
        """The path: what stands for the peer's machine where an ``InetAddress`` has one."""
        return self.path

    @property
    def family(self) -> socket.AddressFamily:
        """``socket.AF_INET``, ``AF_INET6`` or ``AF_UNIX``."""
        return socket.AF_UNIX

    @property
    def sockaddr(self) -> bytes:
        """The form that ``bind`` and ``connect`` take."""
        return os.fsencode(self.path)

    def __str__(self) -> str:
        return "unix:" + self.path.replace("\0", "@")


MAX_PATH = 107
"""Bytes, on Linux: ``sun_path`` has 108 with its closing NUL."""
