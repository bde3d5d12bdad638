"""Listener: a further address of the server, and the dialect of its clients."""

from __future__ import annotations

from dataclasses import dataclass

from chat.config import ConfigError
from muduopy import InetAddress


@dataclass(frozen=True, slots=True)
class Listener:
    """An address to listen on.

    Attributes:
        address: host and port.
        dialect: the name of the table for all its clients; "": the server guesses it.
    """

    address: InetAddress
    dialect: str = ""


def parse_listener(text: str) -> Listener:
    """Parse ``HOST:PORT`` or ``HOST:PORT=DIALECT``. An IPv6 address is in brackets.

    Raises ConfigError.
    """
    place, equals, dialect = text.partition("=")
    host, colon, port = place.rpartition(":")
    if not colon or not host or (equals and not dialect):
        raise ConfigError(
            f"listen: {text!r} is not HOST:PORT or HOST:PORT=DIALECT, such as 127.0.0.1:6001=reg3"
        )
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    return Listener(resolve(host, port), dialect)


def parse_status_address(text: str) -> InetAddress:
    """Parse ``HOST:PORT``, or ``PORT`` for a port of 127.0.0.1. Raises ConfigError."""
    host, colon, port = text.rpartition(":")
    if colon and not host:
        raise ConfigError(f"server.status: {text!r} is not HOST:PORT or PORT, such as 9600")
    if host.startswith("[") and host.endswith("]"):
        host = host[1:-1]
    try:
        return resolve(host or "127.0.0.1", port)
    except ConfigError as exc:
        raise ConfigError(f"server.status: {exc}") from exc


def resolve(host: str, port: str) -> InetAddress:
    """Look an address up. Raises ConfigError if the server cannot listen there."""
    digits = port.isascii() and port.isdigit() and len(port) <= 5
    if not (digits and 0 < int(port) <= 65535):
        raise ConfigError(f"PORT: {port!r} is not a number from 1 to 65535")
    try:
        return InetAddress.resolve(host, int(port))
    except (OSError, UnicodeError) as exc:
        raise ConfigError(f"HOST: {host!r} is not an address of this machine") from exc
