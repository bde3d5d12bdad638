"""Delivery, direct: to original clients, whose messages wait for a gap."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from chat.bus import Received
from chat.config import ClassicConfig, ServerConfig
from chat.connection import classic_writer
from chat.delivery.codec import LiveMessage
from chat.delivery.delivery import DIRECT
from chat.message import ChatMessage
from chat.protocol import ONE_CHAT, MsgType
from tests.chat.nodekit import Client, Node

LONG_GAP = ClassicConfig(gap=0.3)
"""The first message goes out at once; the others are still waiting when a test acts."""


def original(node: Node, name: str) -> Client:
    client = node.connect(v2=False)
    client.end = b"\0"
    assert client.log_in(node.user(name))["errno"] == 0
    return client


@pytest.fixture(params=[0, 2])
def node(request: pytest.FixtureRequest, make_node: Callable[..., Node]) -> Node:
    """One loop, and two beside the main one: the two users are in different ones."""
    config = ServerConfig(threads=request.param)
    return make_node(mode=DIRECT, classic=LONG_GAP, config=config)


def mail_of(node: Node, user_id: int) -> list[str]:
    return [mail["msg"] for mail in node.connect().log_in(user_id)["offlinemsg"]]


def test_each_is_acknowledged_when_it_is_out(node: Node) -> None:
    ann, bob = node.online("ann"), original(node, "bob")
    for number in range(3):
        ann.say(bob, str(number))
    for number in range(3):
        assert "seq" not in ann.expect(MsgType.CHAT_ACK)
        assert bob.next()["msg"] == str(number)
    assert node.log_rows() == 0


def test_what_waits_when_the_receiver_goes_is_stored(node: Node) -> None:
    ann, bob = node.online("ann"), original(node, "bob")
    for number in range(5):
        ann.say(bob, str(number))
    assert bob.next()["msg"] == "0"
    bob.close()
    acks = [ann.expect(MsgType.CHAT_ACK) for _ in range(5)]
    assert {ack["errno"] for ack in acks} == {0}
    live = ["seq" in ack for ack in acks].index(True)
    assert live <= 3
    assert all("seq" in ack for ack in acks[live:]), "in the order of sending"
    node.until(lambda: node.logins.find(bob.user_id) is None)
    assert mail_of(node, bob.user_id) == [str(number) for number in range(live, 5)]


def test_what_waits_when_the_receiver_logs_out_is_stored(node: Node) -> None:
    ann, bob = node.online("ann"), original(node, "bob")
    for number in range(5):
        ann.say(bob, str(number))
    assert bob.next()["msg"] == "0"
    bob.send(MsgType.LOGINOUT_MSG)
    stored = sum("seq" in ann.expect(MsgType.CHAT_ACK) for _ in range(5))
    assert stored >= 2
    assert mail_of(node, bob.user_id) == [str(number) for number in range(5 - stored, 5)]


def test_a_group_where_some_wait(node: Node) -> None:
    ann, eve, bob = node.online("ann"), node.online("eve"), original(node, "bob")
    group = ann.make_group("tea", eve)
    bob.send(MsgType.ADD_GROUP_MSG, groupid=group)
    bob.send(0)
    bob.next()
    ann.tell(group, "stored: the members are not known yet")
    stored = ann.expect(MsgType.CHAT_ACK)["seq"]
    eve.expect(MsgType.GROUP_CHAT_MSG)
    eve.got(stored)
    bob.expect(MsgType.GROUP_CHAT_MSG)
    node.until(lambda: not node.owed(eve.user_id) and not node.owed(bob.user_id))
    node.until(lambda: eve.login.pump.empty and bob.login.pump.empty)
    for number in range(3):
        ann.tell(group, str(number))
    assert bob.next()["msg"] == "0"
    bob.close()
    acks = [ann.expect(MsgType.CHAT_ACK) for _ in range(3)]
    live = sum("seq" not in ack for ack in acks)
    assert 1 <= live <= 2
    got = [eve.expect(MsgType.GROUP_CHAT_MSG) for _ in range(3)]
    assert [message["msg"] for message in got] == ["0", "1", "2"]
    assert not any("seq" in message for message in got), "she has had them live, once"
    node.until(lambda: node.logins.find(bob.user_id) is None)
    assert mail_of(node, bob.user_id) == [str(number) for number in range(live, 3)]


def test_senders_do_not_wait_for_a_client_that_does_not_read(
    make_node: Callable[..., Node], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(classic_writer, "LIVE_PATIENCE", 0.02)
    node = make_node(mode=DIRECT, classic=ClassicConfig(gap=0.005))
    ann, bob = node.online("ann"), original(node, "bob")
    bob.connection.tcp.send(b" " * (16 << 20) + b"\0")
    for number in range(3):
        ann.say(bob, str(number))
    assert all(ann.expect(MsgType.CHAT_ACK)["seq"] for _ in range(3))
    assert ann.ask(MsgType.MEMBERS_MSG, groupid=1)["errno"] == 5, "other requests are served"


def test_from_another_server(make_node: Callable[..., Node]) -> None:
    """That server has answered its sender, so an unwritten message is stored here."""
    node = make_node(mode=DIRECT, classic=ClassicConfig(gap=1.0))
    ann, bob = node.user("ann"), original(node, "bob")
    generation = node.row(ann).generation
    lives: list[Received[LiveMessage]] = []
    for number in range(4):
        message = ChatMessage(0, ONE_CHAT, ann, "ann", bob.user_id, str(number), "now")
        live = LiveMessage("there", 0, generation, f"m{number}", message)
        lives.append(Received(live, False, True))
    node.delivery._receiver.take(lives)
    assert bob.next()["msg"] == "0"
    bob.close()
    node.until_owed(bob.user_id, 3)
    assert mail_of(node, bob.user_id) == ["1", "2", "3"]
