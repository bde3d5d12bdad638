"""Blocked users, through a whole server."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from chat.bus import Received
from chat.delivery.codec import LiveMessage
from chat.delivery.delivery import DIRECT, STORED
from chat.message import ChatMessage
from chat.protocol import ONE_CHAT, ErrNo, Limits, Message, MsgType
from chat.storage.tables import BlockedModel
from tests.chat.nodekit import PASSWORD, Client, Node

REFUSED = {"errno": 11, "errmsg": "does not take messages from you"}


@pytest.fixture(params=[STORED, DIRECT])
def node(request: pytest.FixtureRequest, make_node: Callable[..., Node]) -> Node:
    return make_node(mode=request.param, limits=Limits(blocked=3))


def block(client: Client, user_id: int) -> Message:
    return client.ask(MsgType.BLOCK_MSG, userid=user_id)


def refused(client: Client, user_id: int, **fields: str) -> bool:
    ack = client.deliver(user_id, **fields)
    return {key: ack.get(key) for key in REFUSED} == REFUSED


def test_a_blocked_user_cannot_send(node: Node) -> None:
    ann, bob = node.online("ann"), node.online("bob")
    answer = ann.ask(MsgType.BLOCK_MSG, userid=bob.user_id, rid="r")
    assert answer == {"msgid": 57, "errno": 0, "userid": bob.user_id, "rid": "r"}
    assert refused(bob, ann.user_id)
    assert not node.owed(ann.user_id)
    ann.nothing_more()
    assert ann.deliver(bob)["errno"] == 0, "the other direction is open"


def test_nor_while_the_receiver_is_offline(node: Node) -> None:
    ann, bob = node.online("ann"), node.online("bob")
    block(ann, bob.user_id)
    ann.leave()
    assert refused(bob, ann.user_id)
    assert not node.owed(ann.user_id)


def test_nor_after_logging_in_again(node: Node) -> None:
    ann, bob = node.online("ann"), node.online("bob")
    block(ann, bob.user_id)
    for client in (ann, bob):
        client.leave()
    ann, bob = node.online(ann.user_id), node.online(bob.user_id)
    assert refused(bob, ann.user_id)
    ann.nothing_more()


def test_others_can_send(node: Node) -> None:
    ann, bob, eve = node.online("ann"), node.online("bob"), node.online("eve")
    block(ann, bob.user_id)
    block(eve, bob.user_id)
    assert eve.deliver(ann)["errno"] == 0
    assert ann.next()["id"] == eve.user_id
    dan = node.user("dan")
    assert bob.deliver(dan)["errno"] == 0


def test_a_classic_sender_gets_an_error(node: Node) -> None:
    ann, bob = node.online("ann"), node.online("bob", v2=False)
    block(ann, bob.user_id)
    bob.say(ann)
    error = bob.next()
    assert (error["msgid"], error["errno"], error["error"]) == (31, 11, 11)


def test_messages_of_a_group_still_arrive(node: Node) -> None:
    ann, bob = node.online("ann"), node.online("bob")
    group = ann.make_group("tea", bob)
    ann.inbox.clear()
    block(ann, bob.user_id)
    bob.tell(group, "in the group")
    assert bob.expect(MsgType.CHAT_ACK)["errno"] == 0
    ann.until(lambda: any(m["msgid"] == MsgType.GROUP_CHAT_MSG for m in ann.inbox))


def test_unblock(node: Node) -> None:
    ann, bob = node.online("ann"), node.online("bob")
    block(ann, bob.user_id)
    assert refused(bob, ann.user_id)
    answer = ann.ask(MsgType.UNBLOCK_MSG, userid=bob.user_id)
    assert answer == {"msgid": 59, "errno": 0, "userid": bob.user_id}
    assert bob.deliver(ann)["errno"] == 0
    assert ann.expect(MsgType.ONE_CHAT_MSG)["id"] == bob.user_id
    answer = ann.ask(MsgType.UNBLOCK_MSG, userid=bob.user_id)
    assert answer == {"msgid": 59, "errno": 5, "errmsg": "is not blocked"}


def test_the_list(node: Node) -> None:
    ann, bob = node.online("ann"), node.user("bob")
    for user_id in (99, bob, 99):  # again, and an unknown one
        assert block(ann, user_id)["errno"] == 0
    assert ann.ask(MsgType.BLOCKS_MSG) == {"msgid": 61, "errno": 0, "userids": [bob, 99]}
    assert block(ann, ann.user_id)["errno"] == 4
    assert block(ann, 98)["errno"] == 0
    full = block(ann, 97)
    assert (full["errno"], "full" in full["errmsg"]) == (1, True)
    assert block(ann, 98)["errno"] == 0


def test_the_answers_show_no_accounts(node: Node) -> None:
    ann, bob = node.online("ann"), node.user("bob")
    answers = [block(ann, user_id) for user_id in (bob, 99)]
    assert {answer.pop("userid") for answer in answers} == {bob, 99}
    assert answers[0] == answers[1]


def test_a_new_account_is_not_blocked(node: Node) -> None:
    ann = node.online("ann")
    future = ann.user_id + 1
    block(ann, future)
    answer = node.connect().ask(MsgType.REG_MSG, v=2, name="bob", password=PASSWORD)
    assert answer["id"] == future
    assert node.online(future).deliver(ann)["errno"] == 0


def test_the_blocked_user_loses_the_contact(node: Node) -> None:
    ann, bob = node.online("ann"), node.online("bob")
    bob.ask(MsgType.ADD_FRIEND_MSG, friendid=ann.user_id)
    block(ann, bob.user_id)
    bob.leave()
    assert node.connect().log_in(bob.user_id)["friends"] == []


def test_a_user_that_many_have_blocked(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    """The list of them is bounded; then the transaction decides about each message."""
    monkeypatch.setattr("chat.login.registry.MAX_BLOCKERS", 1)
    ann, bob, eve, dan = (node.online(name) for name in ("ann", "bob", "eve", "dan"))
    for client in (ann, eve):
        block(client, bob.user_id)
    assert refused(bob, ann.user_id)
    assert refused(bob, eve.user_id)
    assert bob.deliver(dan)["errno"] == 0
    assert dan.next()["seq"], "stored, in both modes"


def test_a_live_message_from_another_node(make_node: Callable[..., Node]) -> None:
    """The notice about the block has not reached the sender's node yet."""
    node = make_node(mode=DIRECT)
    ann, bob = node.online("ann"), node.user("bob")
    block(ann, bob)
    message = ChatMessage(0, ONE_CHAT, bob, "bob", ann.user_id, "hi", "now")
    message.receivers = frozenset((ann.user_id,))
    live = LiveMessage("node-2", 0, 1, "mid", message)
    node.delivery._receiver.take([Received(live, True, True)])
    # The writer thread decides about it, not the loop that answers pings. Without this wait, it
    # could decide after ann has unblocked bob, and store the message.
    refused = node.delivery.commits.refused
    node.until(lambda: refused[ErrNo.BLOCKED], "the refusal")
    ann.nothing_more()
    assert node.log_rows() == 0


def test_a_block_while_the_other_logs_in(node: Node) -> None:
    ann, bob = node.online("ann"), node.user("bob")
    node.database.write(lambda tx: BlockedModel(tx).insert(ann.user_id, bob))
    client = node.online(bob)
    assert ann.user_id in client.login.blocked_by
    assert refused(client, ann.user_id)


@pytest.mark.parametrize("msgid", [MsgType.BLOCK_MSG, MsgType.UNBLOCK_MSG, MsgType.BLOCKS_MSG])
def test_another_users_list(node: Node, msgid: MsgType) -> None:
    ann, bob = node.online("ann"), node.user("bob")
    fields = {} if msgid is MsgType.BLOCKS_MSG else {"userid": bob}
    answers = [ann.ask(msgid, id=user_id, **fields) for user_id in (bob, 99)]
    assert answers[0] == answers[1]
    assert answers[0]["errno"] == 3
