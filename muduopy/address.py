"""Address: whichever kind of address a socket has."""

from __future__ import annotations

from typing import Any, TypeAlias

from muduopy.inet_address import InetAddress
from muduopy.unix_address import UnixAddress

Address: TypeAlias = InetAddress | UnixAddress


def check_address(address: Any) -> None:
    """Raise TypeError for what is no address. Any thread."""
    if not isinstance(address, Address):
        raise TypeError(
            f"an address is an InetAddress or a UnixAddress, not {type(address).__name__}: "
            "use InetAddress(ip, port); for a name HostAddress(host, port) in a client, or "
            "InetAddress.resolve(host, port)"
        )


def address_of(sockaddr: Any) -> Address:
    """From what ``accept``, ``getsockname`` and ``getpeername`` return."""
    if isinstance(sockaddr, tuple):
        return InetAddress.from_sockaddr(sockaddr)
    return UnixAddress.from_sockaddr(sockaddr)
