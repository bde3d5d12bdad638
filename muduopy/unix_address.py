"""UnixAddress: the address of a Unix-domain socket, as an immutable value."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class UnixAddress:
    """A path in the file system, or on Linux a name in the abstract namespace.

    Abstract names begin with NUL and vanish with their socket. A client that did not bind has the
    empty path. A server makes its file when it binds, and removes it when it stops. It replaces
    the file of a killed server. Raises ValueError for a path that is too long or has a NUL in the
    middle, TypeError if it is not a ``str``. Immutable; any thread.
    """

    path: str

    def __post_init__(self) -> None:
        if not isinstance(self.path, str):
            raise TypeError(f"a Unix socket's path is a str, not {self.path!r}")
        if not self.abstract and "\0" in self.path:  # the kernel would cut the path there
            raise ValueError(f"a Unix socket's path has no NUL in it: {self.path!r}")
        limit = MAX_PATH + self.abstract
        if len(os.fsencode(self.path)) > limit:
            raise ValueError(f"a Unix socket's path has at most {limit} bytes: {self.path!r}")

    @classmethod
    def from_sockaddr(cls, sockaddr: str | bytes | None) -> UnixAddress:
        """The address for a result of ``accept``, ``getsockname`` or ``getpeername``."""
        address = object.__new__(cls)  # the kernel accepted the path, so no check is needed
        object.__setattr__(address, "path", os.fsdecode(sockaddr or b""))
        return address

    @property
    def abstract(self) -> bool:
        """Is it a name in the abstract namespace, which has no file?"""
        return self.path.startswith("\0")

    @property
    def host(self) -> str:
        """The path, under the name that all kinds of addresses share."""
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
"""Bytes, on Linux. ``sun_path`` has 108 with its final NUL, which abstract names do not need."""
