"""Keys of limits by address, and the list of networks without limits. Pure.

A host with IPv6 usually has a whole /64, 2^64 addresses, so one address is no useful key there.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Iterable
from functools import lru_cache

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
IPNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network

LOOPBACK = "127."

CACHED = 4096
"""Hosts whose keys are remembered: parsing an address takes 2 to 5 µs."""


def is_ipv4(host: str) -> bool:
    """Whether this is an IPv4 address, in its only notation. Takes 0.4 µs."""
    try:
        socket.inet_pton(socket.AF_INET, host)
    except (OSError, ValueError):
        return False
    return True


def canonical(host: str) -> str:
    """The usual notation of an address. Raises ValueError for another text."""
    return host if is_ipv4(host) else str(ipaddress.ip_address(host))


def parse_address(host: str) -> IPAddress | None:
    """The address, without a scope; None if the host has none, such as the path of a Unix socket.

    An IPv4-mapped IPv6 address is the IPv4 address: ``::ffff:192.0.2.1`` is ``192.0.2.1``.
    """
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped
    return address


@lru_cache(CACHED)
def address_key(host: str) -> str:
    """One key for each address, however it is written. Any thread."""
    if is_ipv4(host):
        return host
    address = parse_address(host)
    return host if address is None else str(address)


@lru_cache(CACHED)
def network_key(host: str) -> str:
    """The IPv4 address, or the /64 of an IPv6 address: ``2001:db8:0:1::/64``. Any thread."""
    if is_ipv4(host):
        return host
    address = parse_address(host)
    if address is None:
        return host
    if isinstance(address, ipaddress.IPv4Address):
        return str(address)
    return str(ipaddress.IPv6Network((int(address) >> 64 << 64, 64)))


def parse_networks(texts: Iterable[str]) -> tuple[IPNetwork, ...]:
    """Networks such as ``192.0.2.0/24`` and addresses. Raises ValueError, which names the text."""
    found = []
    for text in texts:
        try:
            found.append(ipaddress.ip_network(text))
        except ValueError as exc:
            raise ValueError(f"{text!r} is no network, such as 192.0.2.0/24: {exc}") from exc
    return tuple(found)


class Networks:
    """A list of networks, which is asked about each new connection. Immutable; any thread."""

    def __init__(self, texts: Iterable[str]) -> None:
        """Raises ValueError for a text that is no network."""
        self._networks = parse_networks(texts)
        self._covers = lru_cache(CACHED)(self._search)

    def covers(self, host: str) -> bool:
        """Is this host in one of the networks? A host without an address is in none."""
        return self._covers(host)

    def _search(self, host: str) -> bool:
        address = parse_address(host)
        return address is not None and any(address in network for network in self._networks)


class Exempt:
    """The hosts that have no limits by address. Any thread.

    Loopback is exempt, because local programs and balancers connect from there. With the PROXY
    protocol, a balancer announces an address for each connection, and loopback is not exempt.
    """

    def __init__(self, networks: Iterable[str] = (), *, loopback: bool = True) -> None:
        """Raises ValueError for a text that is no network."""
        self._loopback = loopback
        self.replace(networks)

    def replace(self, networks: Iterable[str]) -> None:
        """Use another list from now on. Raises ValueError, and keeps the former list."""
        parsed = parse_networks(networks)
        # A new cache with each list: a thread that still uses the former one is not disturbed.
        self._covers = lru_cache(CACHED)(lambda host: self._search(host, parsed))

    def covers(self, host: str) -> bool:
        """Is this host exempt? A host without an address, such as a Unix socket's, is."""
        return self._covers(host)

    def _search(self, host: str, networks: tuple[IPNetwork, ...]) -> bool:
        if not networks and is_ipv4(host):
            return self._loopback and host.startswith(LOOPBACK)
        address = parse_address(host)
        if address is None or (address.is_loopback and self._loopback):
            return True
        return any(address in network for network in networks)
