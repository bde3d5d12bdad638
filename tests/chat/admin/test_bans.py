"""Bans on a whole server: new connections, those that exist, and those behind a balancer."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from chat.admin.errors import AdminError
from chat.config import ServerConfig
from chat.storage.tables import AddressBanModel
from tests.chat.admin.conftest import Desk
from tests.chat.nodekit import Node

PROXY_LINE = b"PROXY TCP4 %s 192.0.2.1 40000 6000\r\n"


@pytest.fixture
def behind_balancer(make_node: Callable[..., Node]) -> Desk:
    return Desk(make_node(config=ServerConfig(proxy_protocol=True)))


def test_a_ban_and_its_end(desk: Desk) -> None:
    desk.node.clock.date = 1_000_000
    answer = desk.ask("ban address", network="203.0.113.0/24", seconds=60, reason="flood")
    assert answer == {"network": "203.0.113.0/24", "expires": 1_000_060}
    assert desk.node.server.bans.banned("203.0.113.9")
    assert desk.ask("bans")["bans"] == [{**answer, "reason": "flood"}]
    desk.node.clock.date += 60
    desk.context.ban_list.read()
    assert not desk.node.server.bans.banned("203.0.113.9")
    assert desk.ask("bans")["bans"] == []
    desk.ask("ban address", network="2001:db8::/64")
    assert desk.ask("bans")["bans"][0]["expires"] == 0
    desk.ask("unban", network="2001:db8::/64")
    assert not desk.node.server.bans.banned("2001:db8::1")
    with pytest.raises(AdminError, match="no ban of"):
        desk.ask("unban", network="2001:db8::/64")
    assert [(row.action, row.target, row.detail) for row in desk.audit()] == [
        ("ban address", "203.0.113.0/24", "for 60 s: flood"),
        ("ban address", "2001:db8::/64", "for ever"),
        ("unban", "2001:db8::/64", ""),
    ]


@pytest.mark.parametrize(
    ("network", "problem"),
    [
        ("0.0.0.0/0", "is too wide; ban a /8"),
        ("::/0", "is too wide; ban a /16"),
        ("127.0.0.1", "programs of this machine use it"),
        ("::1", "programs of this machine use it"),
        ("203.0.113.7/24", "has host bits set"),
        ("example.org", "write 203.0.113.7"),
        ("::ffff:127.0.0.1", "programs of this machine use it"),
    ],
)
def test_networks_that_are_refused(desk: Desk, network: str, problem: str) -> None:
    with pytest.raises(AdminError, match=problem):
        desk.ask("ban address", network=network)
    assert desk.audit() == []


def test_another_server_reads_the_table(desk: Desk) -> None:
    database = desk.node.database
    database.write(lambda tx: AddressBanModel(tx).set("203.0.113.7", 0, ""))
    assert not desk.node.server.bans.banned("203.0.113.7")
    desk.context.ban_list.read()
    assert desk.node.server.bans.banned("203.0.113.7")


def test_a_banned_address_is_refused_and_its_connections_are_closed(desk: Desk) -> None:
    """All of these connect from loopback, which the command would not ban."""
    ann = desk.node.online("ann")
    desk.node.database.write(lambda tx: AddressBanModel(tx).set("127.0.0.0/8", 0, ""))
    desk.context.ban_list.read()
    assert ann.ended() == []
    assert desk.node.socket().ended() == []
    assert desk.node.server.admission.refused.counts["banned"] == 1


def test_behind_a_balancer_the_announced_address_counts(behind_balancer: Desk) -> None:
    desk = behind_balancer
    bad, good = desk.node.socket(), desk.node.socket()
    bad.write(PROXY_LINE % b"203.0.113.7")
    good.write(PROXY_LINE % b"203.0.113.8")
    for client in (bad, good):
        client.nothing_more()
    desk.ask("ban address", network="203.0.113.7")
    assert bad.ended() == []
    again = desk.node.socket()
    again.write(PROXY_LINE % b"203.0.113.7")
    assert again.ended() == []
    good.nothing_more()
