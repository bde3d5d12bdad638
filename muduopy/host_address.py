"""HostAddress: a host name with a port, as an immutable value."""

from __future__ import annotations

from dataclasses import dataclass

from muduopy.inet_address import InetAddress, check_port


@dataclass(frozen=True, slots=True)
class HostAddress:
    """The name and port of a server. A TcpClient resolves the name before each attempt.

    Servers bind to an ``InetAddress``. Raises TypeError unless it gets (str, int), ValueError for
    an impossible port. Immutable; any thread.
    """

    host: str
    port: int

    def __post_init__(self) -> None:
        if not isinstance(self.host, str):
            raise TypeError(f"a host name is a str, not {self.host!r}")
        check_port(self.port)

    def resolve(self) -> list[InetAddress]:
        """All addresses of the name, the preferred one first. Blocks: not for a loop thread.

        Raises OSError.
        """
        return InetAddress.resolve_all(self.host, self.port)

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"
