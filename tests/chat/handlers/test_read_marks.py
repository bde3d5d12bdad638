"""READ_MSG, MUTE_MSG, SETTINGS_MSG and TYPING_MSG, and the notices that they cause."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from chat.login.visibility import Visibility
from chat.protocol import Limits, Message, MsgType
from tests.chat.nodekit import Client, Node

READ, MUTE, TYPING = MsgType.READ_MSG, MsgType.MUTE_MSG, MsgType.TYPING_MSG


@pytest.fixture
def pair(node: Node) -> tuple[Client, Client, int]:
    """Two users that know devices, and the number of a message from the first to the second."""
    ann, bob = node.online("ann", devices=True), node.online("bob", devices=True)
    seq = ann.deliver(bob)["seq"]
    bob.expect(MsgType.ONE_CHAT_MSG)
    return ann, bob, seq


def with_user(other: Client | int, **fields: Any) -> Message:
    return {"with": other.user_id if isinstance(other, Client) else other, **fields}


def entry_of(client: Client) -> Message:
    (entry,) = client.ask(MsgType.CONVERSATIONS_MSG)["conversations"]
    found: Message = entry
    return found


# ---------------------------------------------------------------------- marks


def test_a_mark_is_told_to_the_other_user(pair: tuple[Client, Client, int]) -> None:
    ann, bob, seq = pair
    assert entry_of(bob)["unread"] == 1
    answer = bob.ask(READ, **with_user(ann, seq=seq))
    assert answer == {"msgid": 103, "errno": 0, "with": ann.user_id, "seq": seq}
    notice = ann.expect(MsgType.READ_NOTICE_MSG)
    assert notice == {"msgid": 105, "id": bob.user_id, "with": bob.user_id, "seq": seq}
    assert (entry_of(bob)["read"], entry_of(bob)["unread"]) == (seq, 0)
    assert entry_of(ann)["other_read"] == seq


def test_a_mark_never_goes_back(pair: tuple[Client, Client, int]) -> None:
    ann, bob, seq = pair
    second = ann.deliver(bob)["seq"]
    bob.expect(MsgType.ONE_CHAT_MSG)
    for wish in (second, seq, second):
        assert bob.ask(READ, **with_user(ann, seq=wish))["seq"] == second
    ann.expect(MsgType.READ_NOTICE_MSG)
    ann.nothing_more()


def test_a_mark_between_two_messages_counts(pair: tuple[Client, Client, int]) -> None:
    ann, bob, seq = pair
    eve = bob.node.online("eve")
    bob.deliver(eve)
    third = ann.deliver(bob)["seq"]
    bob.expect(MsgType.ONE_CHAT_MSG)
    assert bob.ask(READ, **with_user(ann, seq=third - 1))["errno"] == 0
    entries = bob.ask(MsgType.CONVERSATIONS_MSG)["conversations"]
    assert [entry["unread"] for entry in entries] == [1, 0]
    assert seq < third


def test_beyond_the_newest_message_is_refused(pair: tuple[Client, Client, int]) -> None:
    ann, bob, seq = pair
    eve = bob.node.online("eve")
    beyond = bob.deliver(eve)["seq"]
    answer = bob.ask(READ, **with_user(ann, seq=beyond))
    assert (answer["errno"], answer["errmsg"].split(":")[0]) == (4, "seq")
    assert entry_of(ann).get("other_read") == 0
    ann.nothing_more()
    assert seq < beyond


def test_an_outsider_learns_nothing(pair: tuple[Client, Client, int]) -> None:
    ann, bob, seq = pair
    eve = bob.node.online("eve", devices=True)
    answers = [eve.ask(READ, **with_user(other, seq=seq)) for other in (ann, bob, 99)]
    assert {answer["errno"] for answer in answers} == {5}
    assert len({answer["errmsg"] for answer in answers}) == 1
    answers = [eve.ask(MUTE, **with_user(other, muted=True)) for other in (ann, 99)]
    assert [answer["errno"] for answer in answers] == [5, 5]
    for other in (ann, 99):
        eve.send(TYPING, **with_user(other))
        error = eve.expect(MsgType.ERROR_MSG)
        assert (error["errno"], error["errmsg"]) == (5, "no conversation with this user")
    ann.nothing_more()


def test_only_members_mark_a_group(node: Node) -> None:
    ann, bob = node.online("ann", devices=True), node.online("bob", devices=True)
    eve = node.online("eve")
    tea = ann.make_group("tea", bob)
    ann.tell(tea)
    seq = ann.expect(MsgType.CHAT_ACK)["seq"]
    bob.expect(MsgType.GROUP_CHAT_MSG)
    assert bob.ask(READ, groupid=tea, seq=seq)["seq"] == seq
    assert bob.ask(READ, groupid=tea, seq=seq + 1)["errno"] == 4
    ann.nothing_more()  # no receipts in groups
    requests = [(READ, {"seq": seq}), (MUTE, {"muted": True})]
    for msgid, fields in requests:
        assert eve.ask(msgid, groupid=tea, **fields)["errno"] == 9
        assert eve.ask(msgid, groupid=99, **fields)["errno"] == 5
    ann.ask(MsgType.REMOVE_MEMBER_MSG, groupid=tea, userid=bob.user_id)
    for msgid, fields in requests:
        assert bob.ask(msgid, groupid=tea, **fields)["errno"] == 9, "removed"
    ann.ask(MsgType.CHANGE_GROUP_MSG, groupid=tea, join="invite")
    for msgid, fields in requests:
        assert bob.ask(msgid, groupid=tea, **fields)["errno"] == 5, "closed"


def test_a_new_member_cannot_mark_what_it_may_not_read(node: Node) -> None:
    ann, bob = node.online("ann"), node.online("bob")
    tea = ann.make_group("tea")
    ann.tell(tea)
    seq = ann.expect(MsgType.CHAT_ACK)["seq"]
    assert bob.ask(MsgType.ADD_GROUP_MSG, groupid=tea)["errno"] == 0
    assert bob.ask(READ, groupid=tea, seq=seq)["errno"] == 0, "read as far as it may"
    assert bob.ask(READ, groupid=tea, seq=seq + 1)["errno"] == 4


def test_one_conversation_must_be_named(pair: tuple[Client, Client, int]) -> None:
    ann, bob, seq = pair
    for place in ({}, {"with": ann.user_id, "groupid": 1}):
        assert bob.ask(READ, **place, seq=seq)["errno"] == 4
        assert bob.ask(MUTE, **place, muted=True)["errno"] == 4
        bob.send(TYPING, **place)
        assert bob.expect(MsgType.ERROR_MSG)["errno"] == 4


# ---------------------------------------------------------------------- receipts


@pytest.mark.parametrize("which", [0, 1])
def test_either_user_can_switch_receipts_off(pair: tuple[Client, Client, int], which: int) -> None:
    ann, bob, seq = pair
    switching = (ann, bob)[which]
    assert switching.ask(MsgType.SETTINGS_MSG)["receipts"] is True
    assert switching.ask(MsgType.SETTINGS_MSG, receipts=False)["receipts"] is False
    assert switching.ask(MsgType.SETTINGS_MSG)["receipts"] is False
    assert bob.ask(READ, **with_user(ann, seq=seq))["errno"] == 0
    ann.nothing_more()
    for client in (ann, bob):
        assert "other_read" not in entry_of(client)
    assert entry_of(bob)["read"] == seq
    switching.ask(MsgType.SETTINGS_MSG, receipts=True)
    assert entry_of(ann)["other_read"] == seq


def test_a_block_ends_receipts_and_typing(pair: tuple[Client, Client, int]) -> None:
    ann, bob, seq = pair
    assert ann.ask(MsgType.BLOCK_MSG, userid=bob.user_id)["errno"] == 0
    assert bob.ask(READ, **with_user(ann, seq=seq))["errno"] == 0
    for client in (ann, bob):
        assert "other_read" not in entry_of(client)
    bob.send(TYPING, **with_user(ann))
    assert bob.expect(MsgType.ERROR_MSG)["errno"] == 11
    ann.send(TYPING, **with_user(bob))
    ann.nothing_more()
    bob.nothing_more()


def test_a_client_that_does_not_know_devices_is_told_nothing(node: Node) -> None:
    ann, bob = node.online("ann"), node.online("bob", devices=True)
    seq = ann.deliver(bob)["seq"]
    bob.expect(MsgType.ONE_CHAT_MSG)
    assert bob.ask(READ, **with_user(ann, seq=seq))["errno"] == 0
    bob.send(TYPING, **with_user(ann))
    bob.nothing_more()
    ann.nothing_more()


# ---------------------------------------------------------------------- muting


def test_muting(pair: tuple[Client, Client, int]) -> None:
    ann, bob, _ = pair
    for _ in range(2):
        answer = bob.ask(MUTE, **with_user(ann, muted=True))
        assert answer == {"msgid": 109, "errno": 0, "with": ann.user_id, "muted": True}
    assert entry_of(bob)["muted"] is True
    assert "muted" not in entry_of(ann)
    bob_id = bob.user_id
    bob.leave()
    bob = bob.node.connect()
    answer = bob.log_in(bob_id, devices=True)
    assert answer["muted"] == [{"with": ann.user_id}]
    assert bob.ask(MUTE, **with_user(ann, muted=False))["muted"] is False
    assert "muted" not in entry_of(bob)
    ann.nothing_more()


def test_a_silent_group_can_be_muted(node: Node) -> None:
    ann = node.online("ann", devices=True)
    tea = ann.make_group("tea")
    assert ann.ask(MUTE, groupid=tea, muted=True)["errno"] == 0
    ann_id = ann.user_id
    ann.leave()
    assert node.connect().log_in(ann_id, devices=True)["muted"] == [{"groupid": tea}]


def test_the_number_of_muted_conversations_is_bounded(
    pair: tuple[Client, Client, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    ann, bob, _ = pair
    monkeypatch.setattr("chat.handlers.conversations.LISTED_MUTED", 1)
    tea = bob.make_group("tea")
    assert bob.ask(MUTE, groupid=tea, muted=True)["errno"] == 0
    assert bob.ask(MUTE, **with_user(ann, muted=True))["errno"] == 1
    assert bob.ask(MUTE, groupid=tea, muted=True)["errno"] == 0, "it is muted already"
    assert bob.ask(MUTE, groupid=tea, muted=False)["errno"] == 0
    assert bob.ask(MUTE, **with_user(ann, muted=True))["errno"] == 0


def test_a_user_that_has_left_a_muted_group(node: Node) -> None:
    """It may end the muting, which counts for the bound. It learns nothing, and mutes nothing."""
    ann, bob = node.online("ann", devices=True), node.online("bob", devices=True)
    tea = ann.make_group("tea", bob)
    bob.take(len(bob.inbox))
    assert bob.ask(MUTE, groupid=tea, muted=True)["errno"] == 0
    assert bob.ask(MsgType.LEAVE_GROUP_MSG, groupid=tea)["errno"] == 0
    outside = bob.ask(MUTE, groupid=99, muted=False)["errno"]
    assert bob.ask(MUTE, groupid=tea, muted=True)["errno"] == 9
    assert bob.ask(MUTE, groupid=tea, muted=False)["errno"] == 0
    assert (outside, bob.ask(MUTE, groupid=tea, muted=False)["errno"]) == (5, 9)


# ---------------------------------------------------------------------- typing


def test_typing_is_told_to_the_other_user(pair: tuple[Client, Client, int]) -> None:
    ann, bob, _ = pair
    ann.send(TYPING, **with_user(bob), rid="t")
    notice = bob.expect(MsgType.TYPING_NOTICE_MSG)
    assert notice == {"msgid": 107, "id": ann.user_id, "with": ann.user_id}
    ann.nothing_more()


def test_typing_to_a_friend_without_a_conversation(node: Node) -> None:
    ann, bob = node.online("ann", devices=True), node.online("bob", devices=True)
    ann.ask(MsgType.ADD_FRIEND_MSG, friendid=bob.user_id)
    ann.send(TYPING, **with_user(bob))
    assert ann.expect(MsgType.ERROR_MSG)["errno"] == 5, "only the receiver's list counts"
    bob.ask(MsgType.ADD_FRIEND_MSG, friendid=ann.user_id)
    ann.send(TYPING, **with_user(bob))
    bob.expect(MsgType.TYPING_NOTICE_MSG)


def test_typing_in_a_group(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    ann, bob, eve = (node.online(name, devices=True) for name in ("ann", "bob", "eve"))
    tea = ann.make_group("tea", bob)
    ann.send(TYPING, groupid=tea)
    notice = bob.expect(MsgType.TYPING_NOTICE_MSG)
    assert notice == {"msgid": 107, "id": ann.user_id, "groupid": tea}
    ann.nothing_more()
    eve.send(TYPING, groupid=tea)
    assert eve.expect(MsgType.ERROR_MSG)["errno"] == 9
    eve.send(TYPING, groupid=99)
    assert eve.expect(MsgType.ERROR_MSG)["errno"] == 5
    monkeypatch.setattr("chat.handlers.conversations.TYPING_MEMBERS", 1)
    ann.send(TYPING, groupid=tea)
    ann.nothing_more()
    bob.nothing_more()


@pytest.mark.parametrize("rule", ["friends", "none"])
def test_typing_follows_the_rule_of_presence(make_node: Callable[..., Node], rule: str) -> None:
    node = make_node(visibility=Visibility(rule))
    ann, bob = node.online("ann", devices=True), node.online("bob", devices=True)
    ann.deliver(bob)
    bob.expect(MsgType.ONE_CHAT_MSG)
    tea = ann.make_group("tea", bob)
    ann.send(TYPING, **with_user(bob))
    ann.send(TYPING, groupid=tea)
    ann.nothing_more()
    bob.nothing_more()
    ann.ask(MsgType.ADD_FRIEND_MSG, friendid=bob.user_id)
    ann.send(TYPING, **with_user(bob))
    ann.nothing_more()
    if rule == "friends":
        bob.expect(MsgType.TYPING_NOTICE_MSG)
    bob.nothing_more()


def test_typing_is_limited(pair: tuple[Client, Client, int]) -> None:
    ann, bob, _ = pair
    for _ in range(10):
        ann.send(TYPING, **with_user(bob))
        bob.expect(MsgType.TYPING_NOTICE_MSG)
    ann.send(TYPING, **with_user(bob))
    error = ann.expect(MsgType.ERROR_MSG)
    assert (error["errno"], error["retry_after"]) == (6, 2)
    ann.node.clock.now += 1
    ann.send(TYPING, **with_user(bob))
    bob.expect(MsgType.TYPING_NOTICE_MSG)


# ---------------------------------------------------------------------- limits


def test_the_requests_have_a_number_in_an_hour(make_node: Callable[..., Node]) -> None:
    node = make_node(limits=Limits(reads=2, conversation_lists=2, other_changes=2))
    ann, bob = node.online("ann"), node.user("bob")
    seq = ann.deliver(bob)["seq"]
    requests: list[tuple[MsgType, Message]] = [
        (READ, {"with": bob, "seq": seq}),
        (MsgType.CONVERSATIONS_MSG, {}),
        (MUTE, {"with": bob, "muted": True}),
    ]
    for msgid, fields in requests:
        errnos = [ann.ask(msgid, **fields)["errno"] for _ in range(3)]
        assert errnos == [0, 0, 6]
    assert ann.ask(MsgType.SETTINGS_MSG)["errno"] == 6, "counted with MUTE_MSG"


def test_a_replaced_login_changes_nothing(node: Node) -> None:
    ann, bob = node.online("ann"), node.user("bob")
    seq = ann.deliver(bob)["seq"]
    sql = "UPDATE user SET generation = generation + 1 WHERE id = ?"
    node.database.write(lambda tx: tx.execute(sql, (ann.user_id,)))
    for msgid, fields in ((READ, {"seq": seq}), (MUTE, {"muted": True})):
        assert ann.ask(msgid, **with_user(bob, **fields))["errno"] == 3
    assert ann.ask(MsgType.SETTINGS_MSG, receipts=False)["errno"] == 3
