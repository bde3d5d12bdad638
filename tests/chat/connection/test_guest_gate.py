"""GuestGate: the bounds on the input of guests, behind a balancer and without one."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from chat.config import ServerConfig
from chat.connection.guest_input import GuestInput
from chat.protocol import Limits, MsgType
from tests.chat.nodekit import PASSWORD, Client, Node

MakeNode = Callable[..., Node]
PEER = "192.0.2.7"
PROXY = ServerConfig(proxy_protocol=True)


def limits(**changes: Any) -> Limits:
    return dataclasses.replace(Limits(), **changes)


def announced(node: Node, host: str = PEER, *, v2: bool = True) -> Client:
    client = node.connect(v2=v2)
    client.write(f"PROXY TCP4 {host} 127.0.0.1 1 2\r\n".encode())
    return client


# ---------------------------------------------------------------------- time


@pytest.mark.parametrize(
    ("pieces", "slow"),
    [
        ([b"x"], True),
        ([b"x"] * 40, True),
        ([b'{"msgid":26}\n', b"x"], False),
        ([b'{"msgid":26}\n'], False),
        ([b"x", b"x\n", b"x\n"], False),
    ],
)
def test_a_frame_must_not_take_long(node: Node, pieces: list[bytes], slow: bool) -> None:
    """One byte every second; the last pieces are just sent."""
    client = node.connect()
    for piece in pieces:
        client.write(piece)
        node.passes.settle()
        guest = client.connection.guest
        if guest.begun_at is not None:
            guest.begun_at -= 29.0 if piece is pieces[0] else 1.0
    node.sweep(1.5)
    assert client.connection.closed == slow


def test_a_later_frame_must_not_take_long_either(node: Node) -> None:
    client = node.connect()
    client.nothing_more()
    client.write(b'{"msgid"')
    node.until(lambda: client.connection.framer.held)
    node.sweep(29.0)
    assert not client.connection.closed
    node.sweep(31.0)
    assert client.ended() == []


def test_a_user_may_take_its_time(node: Node) -> None:
    ann = node.online("ann")
    ann.write(b'{"msgid":26,')
    node.passes.settle()
    node.sweep(60.0)
    ann.write(b'"rid":"slow"}\n')
    assert ann.next()["rid"] == "slow"


def test_a_line_of_the_balancer_must_not_take_long(make_node: MakeNode) -> None:
    node = make_node(config=PROXY)
    client = node.connect()
    client.write(b"PROXY TCP4 192")
    node.until(lambda: client.connection.guest.announced)
    node.sweep(29.0)
    assert not client.connection.closed
    node.sweep(31.0)
    assert client.ended() == []


def test_a_silent_guest_has_more_time(node: Node) -> None:
    """A client of the original connects before it shows its menu."""
    client = node.connect(v2=False)
    node.sweep(599.0)
    client.connection.guest.since = node.passes.loop.poll_return_time
    assert client.log_in(node.user("ann"))["errno"] == 0


# ---------------------------------------------------------------------- bytes


def test_a_guest_may_not_send_much(make_node: MakeNode) -> None:
    node = make_node(limits=limits(guest_bytes=2000, guest_rate=10**6))
    client = node.connect()
    for _ in range(20):
        client.write(b"{" + b" " * 150 + b'"msgid":26}\n')
        node.passes.settle()
    client.until(lambda: client.at_end)
    error = client.inbox[-1]
    assert (error["msgid"], error["errno"]) == (31, 6)
    assert error["retry_after"] > 0


def test_each_registration_gives_new_bytes(make_node: MakeNode) -> None:
    node = make_node(limits=limits(guest_bytes=1500))
    client = node.connect()
    names = [f"user-{number}" for number in range(60)]
    client.send_all(
        *({"msgid": MsgType.REG_MSG, "v": 2, "name": name, "password": PASSWORD} for name in names)
    )
    assert [client.next()["errno"] for _ in names] == [0] * 60


def test_a_frame_of_the_largest_size_is_a_login(make_node: MakeNode) -> None:
    node = make_node()
    client, ann = node.connect(), node.user("ann")
    login = b'{"msgid":1,"v":2,"id":%d,"password":"%b"' % (ann, PASSWORD.encode())
    client.write(login + b" " * (4096 - len(login) - 1) + b"}\n")
    assert client.next()["errno"] == 0


def test_note_knows_where_a_frame_begins() -> None:
    guest = GuestInput(0.0)
    guest.note(b"{", 1, 5.0)
    guest.note(b"}", 2, 9.0)
    assert guest.begun_at == 5.0
    guest.note(b"\n{", 1, 11.0)
    assert guest.begun_at == 11.0
    guest.note(b"}\n", 0, 12.0)
    assert guest.begun_at is None


# ---------------------------------------------------------------------- by address


def test_an_announced_address_has_its_limit(make_node: MakeNode) -> None:
    node = make_node(config=PROXY, limits=limits(guests_per_address=2))
    for _ in range(2):
        announced(node).nothing_more()
    (error,) = announced(node).ended()
    assert (error["msgid"], error["errno"], error["errnum"]) == (31, 6, 6)
    assert error["retry_after"] > 0
    announced(node, "192.0.2.8").nothing_more()


def test_loopback_is_not_exempt_behind_a_balancer(make_node: MakeNode) -> None:
    node = make_node(config=PROXY, limits=limits(guests_per_address=1))
    announced(node, "127.0.0.1").nothing_more()
    assert announced(node, "127.0.0.1").ended()[0]["errno"] == 6


def test_an_exempt_network_has_no_limit(make_node: MakeNode) -> None:
    node = make_node(config=PROXY, limits=limits(guests_per_address=1, exempt=("192.0.2.0/24",)))
    for _ in range(5):
        announced(node).nothing_more()


def test_a_login_above_the_limit_of_its_address(make_node: MakeNode) -> None:
    node = make_node(config=PROXY, limits=limits(users_per_address=1))
    ann, bob = announced(node), announced(node)
    assert ann.log_in(node.user("ann"))["errno"] == 0
    bob_id = node.user("bob")
    answer = bob.log_in(bob_id)
    assert answer["errno"] == 6
    assert answer["retry_after"] > 0
    ann.leave()
    assert bob.log_in(bob_id)["errno"] == 0


def test_addresses_that_connect_too_often(make_node: MakeNode) -> None:
    node = make_node(config=PROXY, limits=limits(connect_rate=1, connect_burst=3))
    for _ in range(3):
        announced(node).leave()
    (error,) = announced(node).ended()
    assert "too many new connections" in error["errmsg"]
    announced(node, "192.0.2.8").nothing_more()


def test_limits_can_change_while_the_server_runs(make_node: MakeNode) -> None:
    node = make_node(config=PROXY, limits=limits(guests_per_address=1))
    announced(node).nothing_more()
    assert announced(node).ended()[0]["errno"] == 6
    node.server.change_limits(limits(guests_per_address=2, guest_bytes=1024, guest_frame=2048))
    client = announced(node)
    client.write(b" " * 3000)
    assert client.ended()[0]["errno"] == 7
