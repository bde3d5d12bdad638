"""LoopCounters: requests, refusals, deliveries and connections of a real server."""

from __future__ import annotations

from collections.abc import Callable

from chat.config import ServerConfig
from chat.connection.loop_counters import Census, LoopCounters
from chat.delivery.delivery import DIRECT
from chat.protocol import ErrNo, MsgType
from tests.chat.nodekit import Node


def counters(node: Node) -> LoopCounters:
    (found,) = node.server.counters.values()
    return found


def test_requests_and_refusals_by_message(make_node: Callable[..., Node]) -> None:
    node = make_node()
    ann, bob = node.online("ann"), node.online("bob")
    ann.deliver(bob)
    seq = bob.expect(MsgType.ONE_CHAT_MSG)["seq"]
    bob.got(seq)
    node.until_owed(bob.user_id, 0)
    ann.deliver(12345)
    ann.write(b"junk\n")
    ann.expect(MsgType.ERROR_MSG)
    assert ann.ask(MsgType.REMOVE_FRIEND_MSG, friendid=12345)["errno"] == ErrNo.NOT_FOUND
    found = counters(node)
    assert found.accepted == 2
    assert found.logins == 2
    assert found.requests[MsgType.ONE_CHAT_MSG] == 2
    assert found.requests[MsgType.DELIVERED_MSG] == 1
    assert found.refusals[0][ErrNo.BAD_REQUEST] == 1
    assert found.refusals[MsgType.REMOVE_FRIEND_MSG][ErrNo.NOT_FOUND] == 1
    assert found.woken == 1
    commits = node.delivery.commits
    assert (commits.stored, commits.rows, commits.refused[ErrNo.NOT_FOUND]) == (1, 1, 1)
    assert commits.sizes.count == 2
    assert node.mailbox.deleted == 1
    assert commits.lengths == (0, 0, 0)


def test_a_request_that_waits_is_counted_once(make_node: Callable[..., Node]) -> None:
    node = make_node()
    ann, bob = node.online("ann"), node.online("bob")
    message = {"msgid": 6, "toid": bob.user_id, "msg": "hi"}
    ann.send_all(message, {"msgid": 29, "with": bob.user_id}, {"msgid": 26})
    ann.take(3)
    assert counters(node).requests[MsgType.HISTORY_MSG] == 1


def test_a_repeated_message(make_node: Callable[..., Node]) -> None:
    node = make_node()
    ann, bob = node.online("ann"), node.user("bob")
    for _ in range(3):
        ann.deliver(bob, mid="the same")
    commits = node.delivery.commits
    assert (commits.stored, commits.repeated, commits.rows) == (1, 2, 1)


def test_deliveries_out_of_the_mailbox_and_live(make_node: Callable[..., Node]) -> None:
    node = make_node(mode=DIRECT)
    ann, bob = node.online("ann"), node.online("bob")
    ann.deliver(bob)
    bob.expect(MsgType.ONE_CHAT_MSG)
    assert counters(node).live == 1
    group = ann.make_group("all", bob)
    ann.tell(group)
    ann.tell(group)
    bob.take(2)
    found = counters(node)
    assert found.live + found.woken + found.read == 3


def test_a_census_counts_users_and_bytes(make_node: Callable[..., Node]) -> None:
    node = make_node()
    ann, guest = node.online("ann"), node.connect()
    old = node.online("old", v2=False)
    (loop,) = node.server.counters
    node.server._sweep(loop, node.server._by_loop[loop])
    census = counters(node).census
    assert census[:3] == (1, 1, 1)
    assert census.received == sum(c.connection.tcp.bytes_received for c in (ann, guest, old))
    assert census.sent == sum(c.connection.tcp.bytes_sent for c in (ann, guest, old))
    for client in (ann, guest, old):
        client.close()
    node.until(lambda: node.server.open == 0)
    node.server._sweep(loop, node.server._by_loop[loop])
    assert counters(node).census == Census(0, 0, 0, census.received, census.sent)


def test_connections_that_the_server_has_ended(make_node: Callable[..., Node]) -> None:
    node = make_node(config=ServerConfig(max_connections=1, stall_seconds=10**6))
    ann = node.online("ann")
    node.socket().ended()
    ann.ask(MsgType.LOGINOUT_MSG)
    node.sweep(601)
    ann.ended()
    found = counters(node)
    assert found.accepted == 1
    assert node.server.admission.refused.counts["full"] == 1
    assert found.closed.counts["idle"] == 1


def test_a_number_of_no_message_counts_as_none() -> None:
    found = LoopCounters("main")
    numbers: list[object] = [None, "6", [], -1, 128, 10**9]
    for number in numbers:
        found.refuse(number, ErrNo.BAD_REQUEST)
    assert found.refusals[0][ErrNo.BAD_REQUEST] == 6
