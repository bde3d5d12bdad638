"""The keys of addresses, and the networks without limits."""

from __future__ import annotations

import pytest

from chat.limits.networks import Exempt, address_key, canonical, network_key, parse_networks


@pytest.mark.parametrize(
    ("host", "address", "network"),
    [
        ("192.0.2.1", "192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1", "192.0.2.1"),
        ("2001:db8:0:1:2:3:4:5", "2001:db8:0:1:2:3:4:5", "2001:db8:0:1::/64"),
        ("2001:0DB8::0001", "2001:db8::1", "2001:db8::/64"),
        ("fe80::1%eth0", "fe80::1", "fe80::/64"),
        ("/run/chat.sock", "/run/chat.sock", "/run/chat.sock"),
        ("", "", ""),
    ],
)
def test_the_keys_of_a_host(host: str, address: str, network: str) -> None:
    assert address_key(host) == address
    assert network_key(host) == network


def test_one_notation_of_an_address() -> None:
    assert canonical("192.0.2.1") == "192.0.2.1"
    assert canonical("2001:0DB8::0001") == "2001:db8::1"
    for text in ("", "1.2.3", "01.2.3.4", "1.2.3.4\0", "\udc80", "host"):
        with pytest.raises(ValueError):
            canonical(text)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.8.7", "::1", "::ffff:127.0.0.1"])
def test_loopback_is_exempt_unless_it_is_not(host: str) -> None:
    assert Exempt().covers(host)
    assert not Exempt(loopback=False).covers(host)
    assert Exempt(["127.0.0.0/8", "::1"], loopback=False).covers(host)


@pytest.mark.parametrize(
    ("host", "covered"),
    [
        ("192.0.2.200", True),
        ("192.0.3.1", False),
        ("::ffff:192.0.2.7", True),
        ("2001:db8::5", True),
        ("2001:db9::5", False),
        ("10.1.2.3", True),
        ("10.1.2.4", False),
        ("/run/chat.sock", True),
    ],
)
def test_networks_are_exempt(host: str, covered: bool) -> None:
    assert Exempt(["192.0.2.0/24", "2001:db8::/32", "10.1.2.3"]).covers(host) is covered


def test_the_list_can_be_replaced() -> None:
    exempt = Exempt(["192.0.2.0/24"])
    assert exempt.covers("192.0.2.1")
    exempt.replace(["198.51.100.0/24"])
    assert not exempt.covers("192.0.2.1")
    assert exempt.covers("198.51.100.1")


@pytest.mark.parametrize("text", ["", "office", "192.0.2.1/24", "192.0.2.0/33", "1.2.3"])
def test_a_wrong_network_is_refused_by_name(text: str) -> None:
    exempt = Exempt(["192.0.2.0/24"])
    with pytest.raises(ValueError, match="is no network, such as"):
        exempt.replace([text])
    assert exempt.covers("192.0.2.1")
    with pytest.raises(ValueError, match=repr(text)):
        parse_networks([text])
