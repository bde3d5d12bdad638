"""Delivery, direct: live to receivers that can take it, stored for the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import pytest

from chat.delivery.delivery import DIRECT
from chat.protocol import MsgType
from tests.chat.loopkit import writer_held
from tests.chat.nodekit import Client, Node, member_lists


@pytest.fixture
def node(make_node: Callable[..., Node]) -> Node:
    return make_node(mode=DIRECT)


def test_to_an_online_user(node: Node) -> None:
    ann, bob = node.online("ann"), node.online("bob")
    ack = ann.deliver(bob, "live", mid="m", rid="r")
    assert ack == {"msgid": 20, "errno": 0, "mid": "m", "rid": "r", "time": ack["time"]}
    mail = bob.expect(MsgType.ONE_CHAT_MSG)
    assert mail["msg"] == "live"
    assert "seq" not in mail
    assert node.log_rows() == 0
    bob.nothing_more()


def test_without_a_mid_the_ack_has_none(node: Node) -> None:
    ann, bob = node.online("ann"), node.online("bob")
    assert "mid" not in ann.deliver(bob)


def test_classic_to_classic(node: Node) -> None:
    ann, bob = node.online("ann", v2=False), node.online("bob", v2=False)
    ann.say(bob, "live")
    assert bob.next()["msg"] == "live"
    ann.nothing_more()
    assert node.log_rows() == 0


def test_to_oneself(node: Node) -> None:
    ann = node.online("ann")
    ann.say(ann, "note")
    assert [message["msgid"] for message in ann.take(2)] == [6, 20]


def test_to_an_offline_user(node: Node) -> None:
    ann, bob = node.online("ann"), node.user("bob")
    ack = ann.deliver(bob, "later")
    assert ack["seq"]
    answer = node.connect().log_in(bob)
    assert [mail["msg"] for mail in answer["offlinemsg"]] == ["later"]


def test_to_an_unknown_user(node: Node) -> None:
    assert node.online("ann").deliver(99)["errno"] == 5


def test_who_is_owed_something_gets_it_in_order(node: Node) -> None:
    ann, bob = node.online("ann"), node.user("bob")
    ann.deliver(bob, "first")
    client = node.connect()
    answer = client.log_in(bob)
    (mail,) = answer["offlinemsg"]
    assert ann.deliver(bob, "second")["seq"], "stored, behind the first"
    second = client.expect(MsgType.ONE_CHAT_MSG)
    assert (second["msg"], second["seq"] > mail["seq"]) == ("second", True)
    client.got(mail["seq"], second["seq"])
    node.until(lambda: client.login.pump.empty)
    assert "seq" not in ann.deliver(bob, "third")
    assert client.next()["msg"] == "third"


def test_a_message_does_not_overtake_the_senders_earlier_one(node: Node) -> None:
    ann, bob, eve = node.online("ann"), node.online("bob"), node.user("eve")
    with writer_held(node.database):
        ann.say(eve, "stored")
        ann.say(bob, "behind it")
        node.until(lambda: ann.connection.flow.in_flight == 2)
    assert all("seq" in ack for ack in ann.take(2))
    assert "seq" in bob.next()


def test_who_does_not_read_gets_it_stored(node: Node) -> None:
    ann, bob = node.online("ann"), node.online("bob")
    bob.connection.flow.output_full = True
    ack = ann.deliver(bob, "kept")
    assert ack["seq"]
    assert len(node.owed(bob.user_id)) == 1
    bob.connection.flow.output_full = False
    bob.login.pump.kick()
    assert bob.next()["msg"] == "kept"


@pytest.mark.parametrize("how", ["idle", "draining"])
def test_a_connection_that_the_server_is_ending(node: Node, how: str) -> None:
    """Its connection takes nothing more, so messages wait for the next login."""
    ann, bob = node.online("ann"), node.online("bob")
    if how == "idle":
        bob.connection.close("idle", reconnect=True)
    else:
        bob.connection.drain()
    assert ann.deliver(bob, "kept")["seq"]
    assert [message["msgid"] for message in bob.ended()] == [MsgType.BYE_MSG]
    assert len(node.owed(bob.user_id)) == 1


# ---------------------------------------------------------------------- groups


@pytest.fixture
def members(node: Node) -> Iterator[tuple[Client, Client, Client, int]]:
    """Three members of a group, and the group; its list of members is known."""
    ann, bob, eve = node.online("ann"), node.online("bob"), node.online("eve")
    group = ann.make_group("tea", bob, eve)
    ann.tell(group, "the first is stored")
    assert ann.expect(MsgType.CHAT_ACK)["seq"]
    for member in (bob, eve):
        mail = member.expect(MsgType.GROUP_CHAT_MSG)
        member.got(mail["seq"])
        node.until(partial(getattr, member.login.pump, "empty"))
    yield ann, bob, eve, group


Members = tuple[Client, Client, Client, int]


def test_to_a_group_that_is_all_there(node: Node, members: Members) -> None:
    ann, bob, eve, group = members
    ann.tell(group, "live")
    assert "seq" not in ann.expect(MsgType.CHAT_ACK)
    for member in (bob, eve):
        mail = member.expect(MsgType.GROUP_CHAT_MSG)
        assert (mail["msg"], "seq" in mail) == ("live", False)
    ann.nothing_more()
    assert node.log_rows() == 1


def test_to_a_large_group_one_message_in_each_pass(
    node: Node, members: Members, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A user that sends 30 messages at once to thousands does not keep the loop busy alone."""
    monkeypatch.setattr("chat.delivery.direct.LARGE_GROUP", 1)
    monkeypatch.setattr("chat.connection.flow_control.MAX_IN_FLIGHT", 2)
    ann, bob, eve, group = members
    ann.send_all(*({"msgid": 10, "groupid": group, "msg": str(n)} for n in range(30)))
    eve.say(bob, "meanwhile")
    said = [message["msg"] for message in bob.take(31)]
    assert said.index("meanwhile") < 29
    said.remove("meanwhile")
    assert said == [str(n) for n in range(30)]
    assert len(ann.take(30)) == 30
    node.until(lambda: not ann.connection.flow.rows_in_flight)


def test_to_a_group_with_an_offline_member(node: Node, members: Members) -> None:
    ann, bob, eve, group = members
    eve.leave()
    ann.tell(group, "live and stored")
    assert ann.expect(MsgType.CHAT_ACK)["seq"]
    assert "seq" not in bob.expect(MsgType.GROUP_CHAT_MSG)
    bob.nothing_more()
    assert node.owed(bob.user_id) == []
    answer = node.connect().log_in(eve.user_id)
    assert [mail["msg"] for mail in answer["offlinemsg"]] == ["live and stored"]


def test_who_has_just_joined_is_not_missed(node: Node, members: Members) -> None:
    ann, _, _, group = members
    dan = node.online("dan")
    dan.ask(MsgType.ADD_GROUP_MSG, groupid=group)
    ann.tell(group, "welcome")
    assert dan.expect(MsgType.GROUP_CHAT_MSG)["msg"] == "welcome"


def test_the_list_of_members_is_not_believed_for_ever(
    node: Node, members: Members, monkeypatch: pytest.MonkeyPatch
) -> None:
    ann, _, _, group = members
    lists = member_lists(node)
    assert lists.of(group) == frozenset({1, 2, 3})
    monkeypatch.setattr("chat.delivery.members.MEMBERS_SECONDS", 0.0)
    assert lists.of(group) is None
    ann.tell(group, "stored again")
    assert ann.expect(MsgType.CHAT_ACK)["seq"]


def test_to_a_group_with_a_connection_that_is_ending(node: Node, members: Members) -> None:
    ann, bob, _, group = members
    bob.connection.close("idle", reconnect=True)
    ann.tell(group, "kept")
    assert ann.expect(MsgType.CHAT_ACK)["seq"]
    assert [message["msgid"] for message in bob.ended()] == [MsgType.BYE_MSG]
    assert len(node.owed(bob.user_id)) == 1


def test_who_is_not_a_member(node: Node, members: Members) -> None:
    _, bob, _, group = members
    dan = node.online("dan")
    dan.tell(group)
    assert dan.expect(MsgType.CHAT_ACK)["errno"] == 9
    bob.nothing_more()


def test_when_too_many_wait_none_hangs(
    node: Node, members: Members, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is refused before the next one is served; the refusals are not nested calls."""
    ann, _, eve, group = members
    eve.leave()
    monkeypatch.setattr("chat.delivery.commit_queue.MAX_WAITING", 0)
    texts = [{"msgid": 10, "groupid": group, "msg": "x", "mid": f"m{n}"} for n in range(600)]
    ann.send_all(*texts)
    acks = ann.take(600)
    assert [ack["mid"] for ack in acks] == [text["mid"] for text in texts]
    assert {ack["errno"] for ack in acks} == {6}
    assert (ann.connection.flow.in_flight, ann.login.live_sends) == (0, [])
