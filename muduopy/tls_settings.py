"""TlsSettings: the TLS configuration for the connections of a TcpServer or TcpClient."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import ssl


@dataclass(frozen=True, slots=True)
class TlsSettings:
    """The arguments of each TLS handshake. Immutable; any thread.

    The constructor raises TypeError or ValueError for arguments with which every handshake would
    fail. The first connection would be too late: a server would only log it.

    Attributes:
        context: certificates, versions and ciphers.
        server_side: whether this end is the server.
        server_hostname: the name that the server's certificate must have; for a client.
        handshake_seconds: a handshake that takes longer fails.
    """

    context: ssl.SSLContext
    server_side: bool
    server_hostname: str | None
    handshake_seconds: float

    def __post_init__(self) -> None:
        import ssl  # costs 10 ms, and plain TCP does not need it

        context, name = self.context, self.server_hostname
        if not isinstance(context, ssl.SSLContext):
            raise TypeError(f"tls takes an ssl.SSLContext, not {type(context).__name__}")
        if name is not None and not isinstance(name, str):
            raise TypeError(f"server_hostname is a str, not {type(name).__name__}")
        # wrap_socket() refuses this, but wrap_bio() takes it and then checks no name at all.
        if context.check_hostname and name is None and not self.server_side:
            raise ValueError(
                "the TLS context checks the name in the certificate: say server_hostname=NAME, or "
                "connect to a HostAddress"
            )
        try:
            context.wrap_bio(
                ssl.MemoryBIO(),
                ssl.MemoryBIO(),
                server_side=self.server_side,
                server_hostname=name,
            )
        except ssl.SSLError as exc:
            purpose = "CLIENT_AUTH" if self.server_side else "SERVER_AUTH"
            raise ValueError(
                f"{exc.reason or exc}: use ssl.create_default_context(ssl.Purpose.{purpose})"
            ) from exc
        except ValueError as exc:
            raise ValueError(f"server_hostname={name!r}: {exc}") from exc
