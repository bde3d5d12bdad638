"""Sending, acknowledging and pinging, through a whole server."""

from __future__ import annotations

from typing import Any

import pytest

from chat.protocol import MsgType
from tests.chat.loopkit import writer_held
from tests.chat.nodekit import Node


def test_from_one_to_another(node: Node) -> None:
    ann, bob = node.online("ann"), node.online("bob")
    ann.say(bob, "hello: 你好", mid="m-1", rid="r")
    ack = ann.expect(MsgType.CHAT_ACK)
    seq, time = ack["seq"], ack["time"]
    assert ack == {
        "msgid": 20,
        "errno": 0,
        "mid": "m-1",
        "seq": seq,
        "rid": "r",
        "time": time,
    }
    mail = bob.expect(MsgType.ONE_CHAT_MSG)
    assert mail == {
        "msgid": 6,
        "id": ann.user_id,
        "name": "ann",
        "toid": bob.user_id,
        "msg": "hello: 你好",
        "time": time,
        "seq": seq,
    }
    assert node.owed(bob.user_id) == [seq]
    bob.got(seq)
    node.until_owed(bob.user_id, 0)


def test_to_a_group(node: Node) -> None:
    ann, bob, eve = node.online("ann"), node.online("bob"), node.online("eve")
    dan = node.user("dan")
    group = ann.make_group("tea", bob, eve)
    bob.tell(group, "ready")
    seq = bob.expect(MsgType.CHAT_ACK)["seq"]
    for member in (ann, eve):
        mail = member.expect(MsgType.GROUP_CHAT_MSG)
        assert (mail["groupid"], mail["id"], mail["name"]) == (group, bob.user_id, "bob")
        assert (mail["msg"], mail["seq"]) == ("ready", seq)
        assert "toid" not in mail
    bob.nothing_more()
    assert [node.owed(user) for user in (bob.user_id, dan)] == [[], []]


def test_to_oneself(node: Node) -> None:
    ann = node.online("ann")
    ann.say(ann, "note", mid="m")
    messages = ann.take(2)
    assert {message["msgid"] for message in messages} == {6, 20}


def test_to_an_offline_user(node: Node) -> None:
    ann, bob = node.online("ann"), node.user("bob")
    seq = ann.deliver(bob, "later")["seq"]
    answer = node.connect().log_in(bob)
    assert [(mail["msg"], mail["seq"]) for mail in answer["offlinemsg"]] == [("later", seq)]


@pytest.mark.parametrize(
    "text", ["", " ", "\0", "\n", 'quote " and \\ slash', "😀" * 4000, "x" * 16384, "</script>"]
)
def test_any_text(node: Node, text: str) -> None:
    ann, bob = node.online("ann"), node.online("bob")
    ann.deliver(bob, text)
    assert bob.expect(MsgType.ONE_CHAT_MSG)["msg"] == text


def test_many_arrive_in_order(node: Node) -> None:
    ann, bob = node.online("ann"), node.online("bob")
    texts = [f"text {number}" for number in range(150)]
    ann.send_all(*({"msgid": 6, "toid": bob.user_id, "msg": text} for text in texts))
    acks = [ann.expect(MsgType.CHAT_ACK) for _ in texts]
    assert [ack["errno"] for ack in acks] == [0] * 150
    mail = bob.take(150)
    assert [item["msg"] for item in mail] == texts
    assert [item["seq"] for item in mail] == [ack["seq"] for ack in acks]


# ---------------------------------------------------------------------- failures


@pytest.mark.parametrize(
    ("fields", "errno", "errmsg"),
    [
        ({"toid": 99, "msg": "x"}, 5, "no such user"),
        ({"toid": 1, "msg": "x", "id": 99}, 3, "id: is not this session's"),
        ({"toid": 1}, 4, "msg: is missing"),
        ({"toid": "1", "msg": "x"}, 4, "toid: must be an integer from 1 to 2147483647"),
        ({"toid": 1, "msg": "é" * 8193}, 4, "msg: must be at most 16384 bytes in UTF-8"),
    ],
)
def test_refusals(node: Node, fields: dict[str, Any], errno: int, errmsg: str) -> None:
    ann = node.online("ann")
    ann.send(MsgType.ONE_CHAT_MSG, mid="m", rid="r", **fields)
    expected = {"msgid": 20, "errno": errno, "errmsg": errmsg, "mid": "m", "rid": "r"}
    assert ann.next() == expected


def test_group_refusals(node: Node) -> None:
    ann, bob = node.online("ann"), node.online("bob")
    group = ann.make_group("tea")
    for number, errno in ((group, 9), (99, 5)):
        bob.tell(number, mid="m")
        assert bob.expect(MsgType.CHAT_ACK)["errno"] == errno


def test_the_same_mid_again(node: Node) -> None:
    ann, bob = node.online("ann"), node.online("bob")
    first = ann.deliver(bob, "once", mid="m")
    again = ann.deliver(bob, "once", mid="m")
    assert again == first
    assert ann.deliver(bob, "other", mid="m")["errno"] == 4
    bob.expect(MsgType.ONE_CHAT_MSG)
    bob.nothing_more()


def test_when_it_cannot_be_stored(node: Node) -> None:
    ann, bob = node.online("ann"), node.online("bob")
    node.database.lose_commits = True
    ack = ann.deliver(bob, "hi", mid="m")
    assert (ack["errno"], ack["retry_after"], ack["mid"]) == (8, 1, "m")
    node.database.lose_commits = False
    assert ann.deliver(bob, "hi", mid="m")["errno"] == 0
    bob.expect(MsgType.ONE_CHAT_MSG)
    bob.nothing_more()


def test_more_receivers_than_are_remembered(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """When the memory is emptied, no receiver of the batch may count as unknown."""
    ann, bob, eve = node.online("ann"), node.user("bob"), node.user("eve")
    ann.deliver(bob)
    monkeypatch.setattr("chat.delivery.owed.MAX_KNOWN", 0)
    with writer_held(node.database):
        ann.say(bob)
        ann.say(eve)
        node.until(lambda: ann.connection.flow.in_flight == 2)
    assert [ack["errno"] for ack in ann.take(2)] == [0, 0]
    assert ann.deliver(99)["errno"] == 5


# ---------------------------------------------------------------------- acknowledging


def test_acknowledging_what_is_not_outstanding(node: Node) -> None:
    ann, bob = node.online("ann"), node.online("bob")
    seq = ann.deliver(bob)["seq"]
    ann.got(seq)  # not ann's
    bob.got(seq + 1, seq + 2)
    ann.nothing_more()
    bob.expect(MsgType.ONE_CHAT_MSG)
    bob.nothing_more()
    node.database.write(lambda tx: None)
    assert node.owed(bob.user_id) == [seq]


def test_a_bad_acknowledgement(node: Node) -> None:
    ann = node.online("ann")
    ann.send(MsgType.DELIVERED_MSG, seqs=[1, True], rid="r")
    answer = ann.next()
    assert (answer["msgid"], answer["errno"], answer["rid"]) == (31, 4, "r")


# ---------------------------------------------------------------------- pinging


@pytest.mark.parametrize("fields", [{}, {"rid": "p"}, {"rid": ""}, {"rid": None}])
def test_ping(node: Node, fields: dict[str, Any]) -> None:
    client = node.connect()
    client.send(MsgType.PING_MSG, **fields)
    rid = {key: value for key, value in fields.items() if value is not None}
    assert client.next() == {"msgid": 27, **rid}
