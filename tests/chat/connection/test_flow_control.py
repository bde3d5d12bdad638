"""FlowControl: the frames of a connection wait for commits, readers and rates. Real connections."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from chat.connection.connection import HIGH_WATER, LOW_WATER, AnyConnection
from chat.connection.flow_control import MAX_IN_FLIGHT, REFUSALS_PER_SECOND
from chat.connection.token_bucket import GUEST_READ
from chat.protocol import ErrNo, Limits, MsgType
from chat.service.answers import MAX_STRIKES
from chat.storage import Transaction
from chat.storage.tables import NORMAL, GroupModel
from tests.chat.loopkit import writer_held
from tests.chat.nodekit import Client, Node

BIG = "x" * 16_000
PING = b'{"msgid":26}\n'


def fill(node: Node, client: Client, sender: Client) -> None:
    """Let mail come until the client's connection has too much output waiting."""
    for _ in range(1000):
        if client.connection.flow.output_full:
            return
        sender.send_all(*({"msgid": 6, "toid": client.user_id, "msg": BIG} for _ in range(20)))
        for _ in range(20):
            sender.expect(MsgType.CHAT_ACK)
        if client.connection.v2:
            client.login.pump.acknowledge(list(client.login.pump._unacked))
        node.passes.settle()
    pytest.fail("the output did not fill up")


def add_member(group_id: int, user_id: int, tx: Transaction) -> None:
    GroupModel(tx).add_member(group_id, user_id, NORMAL)


@pytest.fixture
def slow(node: Node) -> Client:
    """A client with a small receive buffer."""
    client = node.connect(receive_buffer=8192)
    client.log_in(node.user("slow"))
    return client


# ---------------------------------------------------------------------- messages in flight


def test_messages_in_flight_count_their_receivers(node: Node) -> None:
    ann = node.online("ann")
    group = ann.make_group("large")
    others = [node.user(f"user {number}") for number in range(MAX_IN_FLIGHT)]
    for user in others:
        node.database.write(partial(add_member, group, user))
    ann.tell(group, "so that its size is known")
    ann.expect(MsgType.CHAT_ACK)
    with writer_held(node.database):
        for _ in range(3):
            ann.tell(group)
        node.until(lambda: ann.connection.flow.pending)
        node.passes.settle()
        assert ann.connection.flow.in_flight == 1
        assert ann.connection.flow.rows_in_flight == MAX_IN_FLIGHT + 1
    assert [ann.expect(MsgType.CHAT_ACK)["errno"] for _ in range(3)] == [0] * 3
    assert (ann.connection.flow.in_flight, ann.connection.flow.rows_in_flight) == (0, 0)
    assert len(node.owed(others[-1])) == 4


def test_what_was_spent_at_once_counts_until_the_next_pass(node: Node) -> None:
    ann, bob = node.online("ann"), node.online("bob")
    ann.connection.flow.occupy(MAX_IN_FLIGHT)
    assert ann.connection.flow.blocked
    ann.say(bob)
    ann.expect(MsgType.CHAT_ACK)
    assert not ann.connection.flow.blocked
    assert (ann.connection.flow.in_flight, ann.connection.flow.rows_in_flight) == (0, 0)


def test_so_many_messages_may_be_in_flight(node: Node) -> None:
    ann, bob = node.online("ann"), node.user("bob")
    extra = 40
    with writer_held(node.database):
        ann.send_all(
            *({"msgid": 6, "toid": bob, "msg": str(n)} for n in range(MAX_IN_FLIGHT + extra))
        )
        node.until(
            lambda: ann.connection.flow.in_flight == MAX_IN_FLIGHT and ann.connection.flow.pending
        )
        node.passes.settle()
        assert ann.connection.flow.in_flight == MAX_IN_FLIGHT
        assert ann.connection.flow.blocked
        assert not ann.connection.tcp.is_reading, "the rest waits with the peer"
        before = ann.connection.framer.held, len(ann.connection.flow.ready)
        ann.say(bob, "more")
        node.passes.settle()
        assert (ann.connection.framer.held, len(ann.connection.flow.ready)) == before
    acks = [ann.expect(MsgType.CHAT_ACK) for _ in range(MAX_IN_FLIGHT + extra + 1)]
    assert {ack["errno"] for ack in acks} == {0}
    assert ann.connection.tcp.is_reading
    assert ann.connection.flow.in_flight == 0
    assert len(node.owed(bob)) == MAX_IN_FLIGHT + extra + 1


# ---------------------------------------------------------------------- slow readers


def test_a_peer_that_does_not_read_is_not_served(node: Node, slow: Client) -> None:
    ann = node.online("ann")
    fill(node, slow, ann)
    connection = slow.connection
    assert connection.tcp.output_bytes >= HIGH_WATER // 2
    assert connection.flow.blocked
    assert not connection.tcp.is_reading
    waiting = connection.tcp.output_bytes
    slow.send(MsgType.PING_MSG, rid="late")
    ann.deliver(slow, "late mail")
    node.passes.settle()
    assert connection.tcp.output_bytes == waiting, "neither requests nor mail add to it"


def test_a_peer_that_reads_again_is_served_again(node: Node, slow: Client) -> None:
    ann = node.online("ann")
    fill(node, slow, ann)
    slow.send(MsgType.PING_MSG, rid="late")
    ann.deliver(slow, "late mail")

    def read() -> bool:
        slow.poll()
        return any(message.get("rid") == "late" for message in slow.inbox)

    node.until(read, "the pong")
    slow.until(lambda: any(message.get("msg") == "late mail" for message in slow.inbox))
    assert not slow.connection.flow.output_full
    assert slow.connection.tcp.output_bytes <= LOW_WATER
    assert slow.connection.tcp.is_reading


def test_answers_alone_can_fill_it_too(node: Node) -> None:
    """Without any mail: the client sends requests and never reads."""
    client = node.connect(receive_buffer=8192)
    client.log_in(node.user("ann"))
    rid = "r" * 60
    ping = (f'{{"msgid":26,"rid":"{rid}"}}\n' * 200).encode()
    client.sock.setblocking(False)

    def flood() -> bool:
        try:
            client.sock.send(ping)
        except BlockingIOError:
            pass
        return client.connection.flow.output_full

    node.until(flood, "the output to fill up")
    client.sock.settimeout(10)
    node.passes.settle()
    assert client.connection.tcp.output_bytes < HIGH_WATER + 64 * 1024
    assert not client.connection.tcp.is_reading


# ---------------------------------------------------------------------- limits of the input


def guest_limits(**changes: Any) -> Limits:
    return dataclasses.replace(Limits(), **changes)


@pytest.mark.parametrize("junk", [PING, b"\n", b"x\n", b"\0", b'{"msgid":26,"x":"' + b"y" * 4000])
@pytest.mark.parametrize("apart", [True, False])
def test_a_guest_that_floods_is_closed(
    make_node: Callable[..., Node], monkeypatch: pytest.MonkeyPatch, junk: bytes, apart: bool
) -> None:
    """It gets no notice, after some pauses. A pause without end would keep its place taken."""
    monkeypatch.setattr("chat.connection.flow_control.SHORTAGES", 0)
    monkeypatch.setattr("chat.service.answers.MAX_STRIKES", 10**9)
    node = make_node(limits=guest_limits(guest_rate=10, guest_frame=65536))
    client = node.connect()
    client.sock.setblocking(False)
    piece = junk if apart else junk * 100

    def flood() -> bool:
        try:
            client.sock.send(piece)
        except OSError:
            pass
        return client.connection.closed

    node.until(flood, "the end")
    node.until(lambda: not node.logins.owned() and not client.connection.tcp.connected)
    assert client.connection.framer.held == 0


def test_a_guest_above_its_rate_waits_first(make_node: Callable[..., Node]) -> None:
    node = make_node(limits=guest_limits(guest_rate=50))
    client = node.connect()
    client.write(PING * 7)
    node.until(lambda: client.connection.flow.paused)
    assert not client.connection.tcp.is_reading
    assert not client.connection.closed
    assert len([client.next() for _ in range(7)]) == 7
    node.until(lambda: client.connection.tcp.is_reading)


@pytest.mark.parametrize("frame", [b"x\n", PING, b'{"msgid":6,"id":1,"toid":1,"msg":""}\n'])
def test_requests_of_a_guest_cost_more_tokens(node: Node, frame: bytes) -> None:
    """A dozen requests are served at once; the next ones wait."""
    client = node.connect()
    client.write(frame * MAX_STRIKES)
    node.until(lambda: client.connection.flow.paused)
    client.poll()
    assert 0 < len(client.inbox) < MAX_STRIKES // 2
    assert not client.connection.closed


def test_a_user_above_the_rate_only_waits(
    make_node: Callable[..., Node], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chat.connection.flow_control.SHORTAGES", 0)
    node = make_node(limits=guest_limits(user_rate=20))
    ann = node.online("ann")
    ann.write(PING * 80)
    node.until(lambda: ann.connection.flow.paused)
    assert len([ann.next() for _ in range(80)]) == 80


REFUSED = [
    {"msgid": MsgType.ONE_CHAT_MSG, "toid": 99, "msg": "to no user"},
    {"msgid": MsgType.GROUP_CHAT_MSG, "groupid": 99, "msg": "to no group"},
    {"msgid": MsgType.MEMBERS_MSG, "groupid": 99},
    {"msgid": MsgType.BANS_MSG, "groupid": 99},
]


@pytest.mark.parametrize("request_", REFUSED)
def test_a_refused_request_costs_more_tokens(
    make_node: Callable[..., Node], request_: dict[str, Any]
) -> None:
    node = make_node(limits=guest_limits(user_rate=10 * REFUSALS_PER_SECOND))
    ann = node.online("ann")
    bucket = ann.connection.flow.bucket
    before = bucket.used
    ann.send_all(request_, request_, request_)
    assert all(answer["errno"] for answer in ann.take(3))
    assert bucket.used - before == 3 * (1 + 10)


@pytest.mark.parametrize("request_", REFUSED)
def test_a_fault_of_the_server_costs_nothing(
    make_node: Callable[..., Node], request_: dict[str, Any]
) -> None:
    node = make_node(limits=guest_limits(user_rate=10 * REFUSALS_PER_SECOND))
    ann = node.online("ann")
    bucket = ann.connection.flow.bucket
    before = bucket.used
    node.database.broken = True
    ann.send_all(request_, request_, request_)
    assert [answer["errno"] for answer in ann.take(3)] == [ErrNo.UNAVAILABLE] * 3
    node.database.broken = False
    assert bucket.used - before == 3


@pytest.mark.parametrize("request_", REFUSED)
def test_a_user_with_many_refusals_only_waits(
    make_node: Callable[..., Node], request_: dict[str, Any]
) -> None:
    node = make_node(limits=guest_limits(user_rate=20))
    ann = node.online("ann")
    ann.send_all(*[request_] * 40)
    node.until(lambda: ann.connection.flow.paused)
    assert len(ann.take(40)) == 40
    ann.send(MsgType.PING_MSG)
    assert ann.next()["msgid"] == MsgType.PONG_MSG


def test_a_login_changes_what_may_be_sent_and_a_logout_back(node: Node) -> None:
    ann = node.online("ann")
    text = "x" * 12_000  # more than a guest's frame
    ann.say(ann, text)
    assert {ann.next()["msgid"] for _ in range(2)} == {6, 20}
    ann.ask(MsgType.LOGINOUT_MSG)
    ann.write(b"x" * 12_000 + b"\n")
    assert ann.ended() == [
        {"msgid": 31, "errno": 7, "errmsg": "frame too large"},
    ]


def test_what_a_guest_may_leave_in_memory(node: Node) -> None:
    """A request that a worker serves, and behind it the bytes of one frame at most."""
    client = node.connect()
    client.connection.flow.busy = True
    client.write(b"11\n" * 20_000)
    node.until(lambda: client.connection.flow.pending)
    node.passes.settle()
    limits = node.context.limits
    assert 0 < client.connection.framer.held < limits.guest_frame + GUEST_READ
    assert not client.connection.flow.ready
    assert not client.connection.tcp.is_reading
    client.connection.flow.busy = False


# ---------------------------------------------------------------------- turns


def test_a_turn_is_for_frames_that_wait(node: Node) -> None:
    ann = node.online("ann")
    resumed: list[AnyConnection] = []
    ann.connection.flow._resume = resumed.append
    ann.connection.flow.unblock()
    assert resumed == []
    ann.connection.flow.arrived(b"{}\n")
    assert resumed == [ann.connection]
    ann.connection.flow.unblock()
    assert resumed == [ann.connection] * 2
    ann.connection.flow.drop_frames()
    ann.connection.flow.unblock()
    assert resumed == [ann.connection] * 2
