"""InetAddress: text forms, socket forms, and wrong arguments."""

from __future__ import annotations

import dataclasses
import ipaddress
import socket

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from muduopy import HostAddress, InetAddress


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
def test_names_are_refused_as_literal_addresses(ip: str) -> None:
    with pytest.raises(ValueError, match=r"not an IPv4 or IPv6 address.*InetAddress.resolve"):
        InetAddress(ip, 80)


@pytest.mark.parametrize("scope", ["a\0b", "a b\n", "\u00fc", "\ud800", ""])
def test_an_unknown_scope_is_refused(scope: str) -> None:
    with pytest.raises(ValueError, match="fe80::1%"):
        InetAddress(f"fe80::1%{scope}", 80)


def test_a_scope_without_interface_is_an_os_error() -> None:
    with pytest.raises(OSError):
        InetAddress("fe80::1%x..y", 80).sockaddr  # noqa: B018 - the property raises


def test_the_port_alone_as_in_muduo() -> None:
    assert InetAddress(2007) == InetAddress("0.0.0.0", 2007)
    assert InetAddress(2007, ipv6=True) == InetAddress("::", 2007)
    assert InetAddress(2007, loopback_only=True) == InetAddress("127.0.0.1", 2007)
    assert InetAddress(2007, loopback_only=True, ipv6=True) == InetAddress("::1", 2007)


@pytest.mark.parametrize(
    "arguments",
    [
        ("127.0.0.1",),
        ("127.0.0.1", "80"),
        (5, 80),
        (b"\1\2\3\4", 80),
        (None,),
        (True,),
        ("127.0.0.1", 80.0),
        (2007, True),
    ],
)
def test_wrong_types_are_refused(arguments: tuple[object, ...]) -> None:
    with pytest.raises(TypeError):
        InetAddress(*arguments)  # type: ignore[call-overload]


@pytest.mark.parametrize("port", [-1, 65536])
def test_impossible_ports_are_refused(port: int) -> None:
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


def test_a_scope_comes_back() -> None:
    loopback = socket.if_nametoindex("lo")
    address = InetAddress.from_sockaddr(("fe80::1", 5, 0, loopback))
    assert address == InetAddress("fe80::1%lo", 5)
    assert address.sockaddr == ("fe80::1", 5, 0, loopback)
    nowhere = InetAddress.from_sockaddr(("fe80::1", 5, 0, 99999))
    assert str(nowhere) == "[fe80::1%99999]:5"
    assert InetAddress.from_sockaddr(("::1", 5, 0, 0)) == InetAddress("::1", 5)


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
    assert InetAddress("127.0.0.1", 80) in InetAddress.resolve_all("localhost", 80)


@pytest.mark.parametrize(
    "host", ["name.invalid", "x..y", "a\0b", "a" * 70 + ".de", "\ud800", "", "x" * 100_000]
)
def test_a_name_that_cannot_be_resolved_is_an_os_error(host: str) -> None:
    with pytest.raises(OSError):
        InetAddress.resolve(host, 80)


@pytest.mark.parametrize("port", [-1, 65536, 70000, 2**70])
def test_resolving_takes_no_impossible_port(port: int) -> None:
    with pytest.raises(OSError, match=r"not in 0\.\.65535"):
        InetAddress.resolve("127.0.0.1", port)
    with pytest.raises(ValueError, match="port"):
        HostAddress("127.0.0.1", port)


def test_is_a_value() -> None:
    address = InetAddress("127.0.0.1", 80)
    assert len({address, InetAddress("127.0.0.1", 80), InetAddress("127.0.0.1", 81)}) == 2
    with pytest.raises(dataclasses.FrozenInstanceError):
        address.port = 81  # type: ignore[misc]


@pytest.mark.parametrize("arguments", [(b"localhost", 80), (None, 80), ("localhost", "80")])
def test_host_addresses_of_wrong_types(arguments: tuple[object, object]) -> None:
    with pytest.raises(TypeError):
        HostAddress(*arguments)  # type: ignore[arg-type]
