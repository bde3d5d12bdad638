"""InetAddress: an IPv4 or IPv6 address with a port, as an immutable value."""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import dataclass
from typing import Any, overload


@dataclass(frozen=True, slots=True, init=False)
class InetAddress:
    """The address of one end of a TCP connection, or of a listening socket.

        InetAddress("127.0.0.1", 2007)
        InetAddress(2007)                        all interfaces
        InetAddress(2007, loopback_only=True)    this machine only

    ``ip`` is a literal address, never a host name; ``resolve`` turns names into addresses. An
    IPv6 address may have a scope: ``fe80::1%eth0``. A server that binds to port 0 gets a free port
    from the kernel. Raises ValueError or TypeError for other arguments. Immutable; any thread.
    """

    ip: str
    port: int

    @overload
    def __init__(self, ip: str, port: int) -> None: ...

    @overload
    def __init__(self, ip: int, *, loopback_only: bool = False, ipv6: bool = False) -> None: ...

    def __init__(
        self,
        ip: str | int,
        port: int | None = None,
        *,
        loopback_only: bool = False,
        ipv6: bool = False,
    ) -> None:
        """``InetAddress(port)``, as in muduo: ``loopback_only`` and ``ipv6`` choose the IP."""
        if isinstance(ip, str):
            if port is None:
                raise TypeError(f"an address needs a port: InetAddress({ip!r}, 80)")
            if loopback_only or ipv6:
                raise TypeError("loopback_only and ipv6 go with a port alone: InetAddress(2007)")
            _check_ip(ip)
        elif port is None:
            port = ip
            ip = _wildcard(loopback_only, ipv6)
        else:
            raise TypeError(f'an IP address is a str such as "127.0.0.1", not {ip!r}')
        check_port(port)
        object.__setattr__(self, "ip", ip)  # frozen
        object.__setattr__(self, "port", port)

    @classmethod
    def any(cls, port: int, *, ipv6: bool = False) -> InetAddress:
        """All interfaces of this machine."""
        return cls(port, ipv6=ipv6)

    @classmethod
    def loopback(cls, port: int, *, ipv6: bool = False) -> InetAddress:
        """This machine only."""
        return cls(port, loopback_only=True, ipv6=ipv6)

    @classmethod
    def from_sockaddr(cls, sockaddr: Any) -> InetAddress:
        """The address for a result of ``accept``, ``getsockname`` or ``getpeername``.

        It comes from the kernel, so it is not checked. The check took a quarter of the time of an
        accept.
        """
        ip, port = sockaddr[:2]
        scope = sockaddr[3] if len(sockaddr) == 4 else 0
        if scope and "%" not in ip:
            ip = f"{ip}%{_interface(scope)}"
        self = cls.__new__(cls)
        object.__setattr__(self, "ip", ip)  # frozen
        object.__setattr__(self, "port", port)
        return self

    @classmethod
    def resolve(cls, host: str, port: int) -> InetAddress:
        """The first address of a host name. Blocks: not for a loop thread. Raises OSError."""
        return cls.resolve_all(host, port)[0]

    @classmethod
    def resolve_all(cls, host: str, port: int) -> list[InetAddress]:
        """All addresses of a host name, the preferred one first. Blocks: not for a loop thread.

        Raises OSError, also for a port that is not in 0..65535.
        """
        if not 0 <= port <= 65535:  # the C library reads 70000 as 4464
            raise socket.gaierror(socket.EAI_SERVICE, f"port {port} is not in 0..65535")
        try:
            infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except ValueError as exc:  # not a name: "x..y" has an empty part
            raise socket.gaierror(socket.EAI_NONAME, f"{host!r} is not a host name") from exc
        return [cls.from_sockaddr(info[4]) for info in infos]

    @property
    def host(self) -> str:
        """The IP address, under the name that all kinds of addresses share."""
        return self.ip

    @property
    def family(self) -> socket.AddressFamily:
        """``socket.AF_INET``, ``AF_INET6`` or ``AF_UNIX``."""
        return socket.AF_INET6 if ":" in self.ip else socket.AF_INET

    @property
    def sockaddr(self) -> Any:
        """The form that ``bind`` and ``connect`` take.

        Raises OSError for a scope that is not an interface of this machine.
        """
        if self.family == socket.AF_INET:
            return (self.ip, self.port)
        # getaddrinfo on a literal asks no name server. It turns a scope ("%eth0") into its number.
        # The literal is passed as bytes: a str would be encoded as a host name, and fail.
        flags = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV
        ip = self.ip.encode()
        return socket.getaddrinfo(ip, self.port, type=socket.SOCK_STREAM, flags=flags)[0][4]

    def __str__(self) -> str:
        return f"[{self.ip}]:{self.port}" if ":" in self.ip else f"{self.ip}:{self.port}"


def check_port(port: int) -> None:
    """Raise TypeError or ValueError unless it is a port number. Any thread."""
    if not isinstance(port, int) or isinstance(port, bool):
        raise TypeError(f"a port is an int, not {port!r}")
    if not 0 <= port <= 65535:
        raise ValueError(f"port {port} is not in 0..65535")


def _check_ip(ip: str) -> None:
    try:
        ipaddress.ip_address(ip)  # accepts a scope ("%eth0") after IPv6 only
    except ValueError:
        raise ValueError(
            f"{ip!r} is not an IPv4 or IPv6 address; "
            "InetAddress.resolve(host, port) looks host names up"
        ) from None
    if not (ip.isascii() and ip.isprintable()):  # in the scope
        raise ValueError(f"{ip!r} has a scope that is not the name of an interface")


def _wildcard(loopback_only: bool, ipv6: bool) -> str:
    if loopback_only:
        return "::1" if ipv6 else "127.0.0.1"
    return "::" if ipv6 else "0.0.0.0"


def _interface(scope: int) -> str:
    try:
        return socket.if_indextoname(scope)
    except OSError:  # the interface has gone; its number is an equivalent scope
        return str(scope)
