"""Bans: the networks whose connections are refused. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from chat.limits.networks import IPNetwork, parse_address, parse_networks

Masks = tuple[tuple[int, int, frozenset[int]], ...]
"""For each version and length of a prefix: the version, the bits after the prefix, the prefixes."""


class Bans:
    """Answers for each new connection. Any thread.

    Without bans an answer is one comparison. Otherwise it is the parsing of the address and one
    look-up for each length of prefix. The number of bans does not matter.
    """

    def __init__(self, networks: Iterable[str] = ()) -> None:
        """Raises ValueError for a text that is no network."""
        self._masks: Masks = ()
        self.replace(networks)

    def replace(self, networks: Iterable[str]) -> bool:
        """Use another list from now on; False if it is the former one. Raises ValueError."""
        masks = _masks(parse_networks(networks))
        changed = masks != self._masks
        self._masks = masks  # one assignment: readers need no lock
        return changed

    def banned(self, host: str) -> bool:
        """Is this host in one of the networks?"""
        masks = self._masks
        if not masks:
            return False
        address = parse_address(host)
        if address is None:
            return False
        version, number = address.version, int(address)
        return any(
            of_version == version and number >> shift in prefixes
            for of_version, shift, prefixes in masks
        )


def _masks(networks: Iterable[IPNetwork]) -> Masks:
    found: dict[tuple[int, int], set[int]] = {}
    for network in networks:
        shift = network.max_prefixlen - network.prefixlen
        prefixes = found.setdefault((network.version, shift), set())
        prefixes.add(int(network.network_address) >> shift)
    return tuple(
        (version, shift, frozenset(prefixes))
        for (version, shift), prefixes in sorted(found.items())
    )
