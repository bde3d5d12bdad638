"""InetAddress: text forms, socket forms, and what is refused."""

from __future__ import annotations

import dataclasses
import ipaddress
import socket

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from muduopy import InetAddress


def test_text_forms() -> None:
    assert str(InetAddress("1.2.3.4", 80)) == "1.2.3.4:80"
    assert str(InetAddress("::1", 80)) == "[::1]:80"
    assert str(InetAddress("fe80::1%lo", 80)) == "[fe80::1%lo]:80"


def test_any_and_loopback() -> None:
    assert InetAddress.any(1) == InetAddress("0.0.0.0", 1)
    assert InetAddress.any(1, ipv6=True) == InetAddress("::", 1)
    assert InetAddress.loopback(2) == InetAddress("127.0.0.1", 2)
    assert InetAddress.loopback(2, ipv6=True) == InetAddress("::1", 2)


@pytest.mark.parametrize(
    "ip",
    ["", "localhost", "1.2.3", "256.1.1.1", "1.2.3.4.5", "::g", "[::1]", "1.2.3.4:5", "1.2.3.4%lo"],
)
def test_what_is_no_literal_address_is_refused(ip: str) -> None:
    with pytest.raises(ValueError, match="does not appear to be"):
        InetAddress(ip, 80)


@pytest.mark.parametrize("port", [-1, 65536])
def test_what_is_no_port_is_refused(port: int) -> None:
    with pytest.raises(ValueError, match="port"):
        InetAddress("127.0.0.1", port)


@given(ip=st.ip_addresses(), port=st.integers(0, 65535))
@settings(deadline=None, database=None)
def test_the_form_for_sockets_and_back(
    ip: ipaddress.IPv4Address | ipaddress.IPv6Address, port: int
) -> None:
    address = InetAddress(str(ip), port)
    assert address.family == (socket.AF_INET if ip.version == 4 else socket.AF_INET6)
    assert ipaddress.ip_address(address.sockaddr[0]) == ip
    assert address.sockaddr[1] == port
    host, _, text = str(address).rpartition(":")
    assert (ipaddress.ip_address(host.strip("[]")), int(text)) == (ip, port)


def test_a_scope_becomes_a_number() -> None:
    loopback = socket.if_nametoindex("lo")
    assert InetAddress("fe80::1%lo", 80).sockaddr == ("fe80::1", 80, 0, loopback)


def test_from_a_bound_socket() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = InetAddress.from_sockaddr(listener.getsockname())
        assert address == InetAddress("127.0.0.1", listener.getsockname()[1])
        with socket.create_connection(address.sockaddr, 10):
            pass


def test_resolve() -> None:
    assert InetAddress.resolve("127.0.0.1", 80) == InetAddress("127.0.0.1", 80)
    assert InetAddress.resolve("::1", 80) == InetAddress("::1", 80)
    assert ipaddress.ip_address(InetAddress.resolve("localhost", 80).ip).is_loopback
    with pytest.raises(OSError):
        InetAddress.resolve("name.invalid", 80)


def test_is_a_value() -> None:
    address = InetAddress("127.0.0.1", 80)
    assert len({address, InetAddress("127.0.0.1", 80), InetAddress("127.0.0.1", 81)}) == 2
    with pytest.raises(dataclasses.FrozenInstanceError):
        address.port = 81  # type: ignore[misc]
