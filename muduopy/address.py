"""Address: whichever kind of address a socket has."""

from __future__ import annotations

from typing import Any, TypeAlias

from muduopy.inet_address import InetAddress
from muduopy.unix_address import UnixAddress

Address: TypeAlias = InetAddress | UnixAddress


def address_of(sockaddr: Any) -> Address:
    """From what ``accept``, ``getsockname`` and ``getpeername`` return."""
    if isinstance(sockaddr, tuple):
        return InetAddress.from_sockaddr(sockaddr)
    return UnixAddress.from_sockaddr(sockaddr)
