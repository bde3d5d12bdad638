"""Address: the address of a socket, Internet or Unix."""

from __future__ import annotations

from typing import Any, TypeAlias

from muduopy.inet_address import InetAddress
from muduopy.unix_address import UnixAddress

Address: TypeAlias = InetAddress | UnixAddress


def check_address(address: Any) -> None:
    """Raise TypeError unless it is an address. Any thread."""
    if not isinstance(address, Address):
        raise TypeError(
            f"an address is an InetAddress or a UnixAddress, not {type(address).__name__}: "
            "use InetAddress(ip, port); for a name HostAddress(host, port) in a client, or "
            "InetAddress.resolve(host, port)"
        )


def address_of(sockaddr: Any) -> Address:
    """The Address for a result of ``accept``, ``getsockname`` or ``getpeername``."""
    if isinstance(sockaddr, tuple):
        return InetAddress.from_sockaddr(sockaddr)
    return UnixAddress.from_sockaddr(sockaddr)
