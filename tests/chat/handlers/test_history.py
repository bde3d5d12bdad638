"""HISTORY_MSG: earlier messages, for the members of their time."""

from __future__ import annotations

from typing import Any

import pytest

from chat.protocol import MsgType
from tests.chat.nodekit import Client, Node

History = tuple[list[str], bool]


def ask(client: Client, **fields: Any) -> History:
    answer = client.ask(MsgType.HISTORY_MSG, **fields)
    assert answer["errno"] == 0, answer
    return [message["msg"] for message in answer["messages"]], answer["more"]


def talk(first: Client, second: Client, count: int) -> None:
    """They take turns, and acknowledge."""
    for number in range(count):
        speaker, listener = (first, second) if number % 2 == 0 else (second, first)
        speaker.deliver(listener, str(number))
        listener.got(listener.expect(MsgType.ONE_CHAT_MSG)["seq"])


def test_what_two_said_to_each_other(node: Node) -> None:
    ann, bob, eve = (node.online(name) for name in ("ann", "bob", "eve"))
    talk(ann, bob, 5)
    talk(ann, eve, 1)
    ann.say(ann, "to myself")
    assert {message["msgid"] for message in ann.take(2)} == {20, 6}
    said = ([str(number) for number in range(5)], False)
    assert ask(ann, **{"with": bob.user_id}) == said == ask(bob, **{"with": ann.user_id})
    assert ask(eve, **{"with": bob.user_id}) == ([], False), "not what others said"
    assert ask(ann, **{"with": ann.user_id}) == (["to myself"], False)


def test_its_form(node: Node) -> None:
    ann, bob = node.online("ann"), node.online("bob", v2=False)
    bob.say(ann, "hi", mood="good")
    mail = ann.expect(MsgType.ONE_CHAT_MSG)
    answer = ann.ask(MsgType.HISTORY_MSG, **{"with": bob.user_id}, rid="r")
    assert answer == {"msgid": 30, "errno": 0, "messages": [mail], "more": False, "rid": "r"}
    assert "mood" not in mail


def test_back_page_by_page(node: Node) -> None:
    ann, bob = node.online("ann"), node.online("bob")
    talk(ann, bob, 25)
    found: list[str] = []
    before, pages = None, 0
    while True:
        answer = ann.ask(MsgType.HISTORY_MSG, **{"with": bob.user_id}, limit=10, before=before)
        messages = answer["messages"]
        assert [m["seq"] for m in messages] == sorted(m["seq"] for m in messages)
        found[:0] = [message["msg"] for message in messages]
        before, pages = messages[0]["seq"], pages + 1
        if not answer["more"]:
            break
    assert (found, pages) == ([str(number) for number in range(25)], 3)
    assert ask(ann, **{"with": bob.user_id}, before=1) == ([], False)


def test_the_last_page_may_be_full(node: Node) -> None:
    ann, bob = node.online("ann"), node.online("bob")
    talk(ann, bob, 4)
    assert ask(ann, **{"with": bob.user_id}, limit=4) == (["0", "1", "2", "3"], False)
    assert ask(ann, **{"with": bob.user_id}, limit=3) == (["1", "2", "3"], True)


def test_a_group_s_since_one_is_in_it(node: Node) -> None:
    ann, bob, eve = (node.online(name) for name in ("ann", "bob", "eve"))
    group = ann.make_group("tea", bob)
    for client, other in ((ann, bob), (bob, ann)):
        client.tell(group, f"{client.login.name} says")
        client.expect(MsgType.CHAT_ACK)
        other.expect(MsgType.GROUP_CHAT_MSG)
    assert ask(ann, groupid=group) == (["ann says", "bob says"], False)
    assert eve.ask(MsgType.HISTORY_MSG, groupid=group)["errno"] == 9
    eve.ask(MsgType.ADD_GROUP_MSG, groupid=group)
    assert ask(eve, groupid=group) == ([], False)
    eve.tell(group, "hello")
    eve.expect(MsgType.CHAT_ACK)
    assert ask(eve, groupid=group) == (["hello"], False)
    ann.expect(MsgType.GROUP_CHAT_MSG)
    assert ask(ann, groupid=group) == (["ann says", "bob says", "hello"], False)
    eve.ask(MsgType.LEAVE_GROUP_MSG, groupid=group)
    assert eve.ask(MsgType.HISTORY_MSG, groupid=group)["errno"] == 9


def test_a_group_and_a_user_of_the_same_number(node: Node) -> None:
    ann, bob = node.online("ann"), node.online("bob")
    group = ann.make_group("tea", bob)
    assert group in (ann.user_id, bob.user_id)
    other = ann if group == bob.user_id else bob
    ann.tell(group, "to the group")
    ann.expect(MsgType.CHAT_ACK)
    bob.expect(MsgType.GROUP_CHAT_MSG)
    assert ask(other, **{"with": group}) == ([], False)
    assert ask(other, groupid=group) == (["to the group"], False)


@pytest.mark.parametrize(
    ("fields", "errno"),
    [
        ({}, 4),
        ({"with": 1, "groupid": 1}, 4),
        ({"with": 0}, 4),
        ({"with": "1"}, 4),
        ({"with": 99}, 5),
        ({"groupid": 99}, 5),
        ({"with": 1, "limit": 0}, 4),
        ({"with": 1, "limit": 101}, 4),
        ({"with": 1, "before": 0}, 4),
        ({"with": 1, "before": 1.5}, 4),
    ],
)
def test_bad_requests(node: Node, fields: dict[str, Any], errno: int) -> None:
    answer = node.online("ann").ask(MsgType.HISTORY_MSG, **fields)
    assert (answer["msgid"], answer["errno"]) == (30, errno)


def test_when_the_database_is_away(node: Node) -> None:
    ann = node.online("ann")
    node.database.broken_reads = True
    answer = ann.ask(MsgType.HISTORY_MSG, **{"with": ann.user_id})
    assert (answer["errno"], answer["retry_after"]) == (8, 1)
