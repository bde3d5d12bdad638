"""Bans: addresses of both versions, and lists that are replaced."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chat.limits.bans import Bans


def test_addresses_and_networks() -> None:
    bans = Bans(["203.0.113.7", "198.51.100.0/24", "2001:db8::/32", "2001:db9::1"])
    for host in ("203.0.113.7", "198.51.100.200", "2001:db8:1::5", "2001:db9::1"):
        assert bans.banned(host)
    for host in ("203.0.113.8", "198.51.101.1", "2001:db9::2", "unix:/x", "", "127.0.0.1"):
        assert not bans.banned(host)


def test_other_notations_of_an_address() -> None:
    bans = Bans(["203.0.113.7", "fe80::/64"])
    assert bans.banned("::ffff:203.0.113.7")
    assert bans.banned("fe80::1%eth0")


def test_a_list_is_replaced() -> None:
    bans = Bans()
    assert not bans.banned("203.0.113.7")
    assert bans.replace(["203.0.113.7"])
    assert not bans.replace(["203.0.113.7"]), "nothing new"
    assert bans.banned("203.0.113.7")
    with pytest.raises(ValueError, match="no network"):
        bans.replace(["nonsense"])
    assert bans.banned("203.0.113.7"), "the former list holds"
    assert bans.replace([])
    assert not bans.banned("203.0.113.7")


@given(st.lists(st.ip_addresses(), max_size=5), st.integers(0, 32), st.ip_addresses())
def test_it_agrees_with_the_standard_library(
    addresses: list[ipaddress.IPv4Address | ipaddress.IPv6Address],
    cut: int,
    host: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> None:
    networks = [
        ipaddress.ip_network((address, address.max_prefixlen - cut), strict=False)
        for address in addresses
    ]
    mapped = getattr(host, "ipv4_mapped", None) or host
    expected = any(mapped in network for network in networks)
    assert Bans(map(str, networks)).banned(str(host)) == expected
