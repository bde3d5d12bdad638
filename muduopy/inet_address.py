"""InetAddress: an IPv4 or IPv6 address with a port, as an immutable value."""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class InetAddress:
    """Where a socket is or shall be bound, or whom it talks to.

    ``ip`` is a literal address, never a host name; ``resolve`` turns names into addresses.
    Port 0 lets the kernel choose when binding. Raises ValueError for anything else. Immutable; any
    thread.
    """

    ip: str
    port: int

    def __post_init__(self) -> None:
        ipaddress.ip_address(self.ip)  # takes a scope ("%eth0") behind IPv6 only
        if not 0 <= self.port <= 65535:
            raise ValueError(f"port {self.port} is not in 0..65535")

    @classmethod
    def any(cls, port: int, *, ipv6: bool = False) -> InetAddress:
        """All interfaces of this machine."""
        return cls("::" if ipv6 else "0.0.0.0", port)

    @classmethod
    def loopback(cls, port: int, *, ipv6: bool = False) -> InetAddress:
        """This machine only."""
        return cls("::1" if ipv6 else "127.0.0.1", port)

    @classmethod
    def from_sockaddr(cls, sockaddr: Any) -> InetAddress:
        """From what ``accept``, ``getsockname`` and ``getpeername`` return."""
        return cls(sockaddr[0], sockaddr[1])

    @classmethod
    def resolve(cls, host: str, port: int) -> InetAddress:
        """The first address of a host name. Blocks: not for a loop thread. Raises OSError."""
        infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        return cls.from_sockaddr(infos[0][4])

    @property
    def host(self) -> str:
        """The IP address, under the name that all kinds of addresses have."""
        return self.ip

    @property
    def family(self) -> socket.AddressFamily:
        """``socket.AF_INET``, ``AF_INET6`` or ``AF_UNIX``."""
        return socket.AF_INET6 if ":" in self.ip else socket.AF_INET

    @property
    def sockaddr(self) -> Any:
        """The form that ``bind`` and ``connect`` take."""
        if self.family == socket.AF_INET:
            return (self.ip, self.port)
        # getaddrinfo on a literal asks no server; it turns a scope ("%eth0") into its number.
        flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
        return socket.getaddrinfo(self.ip, self.port, type=socket.SOCK_STREAM, flags=flags)[0][4]

    def __str__(self) -> str:
        return f"[{self.ip}]:{self.port}" if ":" in self.ip else f"{self.ip}:{self.port}"
