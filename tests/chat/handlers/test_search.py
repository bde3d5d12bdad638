"""SEARCH_MSG: with the rules of the history."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from chat.protocol import ErrNo, Limits, MsgType
from tests.chat.nodekit import PASSWORD, Client, Node
from tests.chat.search.searchkit import index_all


def ask(client: Client, query: str, **fields: Any) -> list[str]:
    """The texts of the only page."""
    answer = client.ask(MsgType.SEARCH_MSG, query=query, **fields)
    assert answer["errno"] == 0, answer
    assert answer["more"] is False
    assert "before" not in answer
    return [message["msg"] for message in answer["messages"]]


def refused(client: Client, query: str, **fields: Any) -> tuple[int, str]:
    answer = client.ask(MsgType.SEARCH_MSG, query=query, **fields)
    assert "messages" not in answer
    return answer["errno"], answer["errmsg"]


def befriended(first: Client, second: Client) -> None:
    assert first.ask(MsgType.ADD_FRIEND_MSG, friendid=second.user_id)["errno"] == 0


def test_a_hit_is_a_message_with_marks(node: Node) -> None:
    ann, bob = node.online("ann"), node.online("bob")
    seq = ann.deliver(bob, "我在北京 Working")["seq"]
    answer = ann.ask(MsgType.SEARCH_MSG, query="work 北京", **{"with": bob.user_id}, rid="r")
    (hit,) = answer["messages"]
    assert hit.pop("time")
    assert hit == {
        "msgid": 6,
        "id": ann.user_id,
        "name": "ann",
        "toid": bob.user_id,
        "msg": "我在北京 Working",
        "seq": seq,
        "marks": [[2, 4], [5, 9]],
    }
    assert (answer["more"], answer["rid"]) == (False, "r")


@pytest.mark.parametrize("indexed", [False, True])
def test_in_one_conversation_and_in_all(node: Node, indexed: bool) -> None:
    ann, bob, eve = (node.online(name) for name in ("ann", "bob", "eve"))
    befriended(ann, bob)  # and eve is a stranger to ann
    group = ann.make_group("tea", eve)
    for sender, other, text in ((ann, bob, "tea 1"), (bob, ann, "tea 2"), (eve, ann, "tea 3")):
        sender.deliver(other, text)
        other.expect(MsgType.ONE_CHAT_MSG)
    ann.tell(group, "tea 4")
    ann.expect(MsgType.CHAT_ACK)
    eve.expect(MsgType.GROUP_CHAT_MSG)
    ann.deliver(bob, "coffee")
    bob.expect(MsgType.ONE_CHAT_MSG)
    if indexed:
        index_all(node.database)
    assert ask(ann, "tea") == ["tea 4", "tea 3", "tea 2", "tea 1"]
    assert ask(bob, "tea") == ["tea 2", "tea 1"]
    assert ask(eve, "tea") == ["tea 4", "tea 3"]
    assert ask(ann, "tea", **{"with": bob.user_id}) == ["tea 2", "tea 1"]
    assert ask(eve, "tea", groupid=group) == ["tea 4"]
    assert ask(eve, "tea", **{"with": bob.user_id}) == [], "not what others said"


def test_pages(node: Node) -> None:
    ann, bob = node.online("ann"), node.online("bob")
    for number in range(5):
        ann.deliver(bob, f"tea {number}")
    found: list[str] = []
    before: dict[str, int] = {}
    for _ in range(3):
        answer = ann.ask(
            MsgType.SEARCH_MSG, query="tea", limit=2, **{"with": bob.user_id}, **before
        )
        found += [message["msg"] for message in answer["messages"]]
        before = {"before": answer["before"]} if answer["more"] else {}
    assert found == ["tea 4", "tea 3", "tea 2", "tea 1", "tea 0"]
    assert before == {}


def test_a_page_has_a_bounded_text(node: Node) -> None:
    ann, bob = node.online("ann"), node.online("bob")
    for _ in range(10):
        ann.deliver(bob, "tea " + "x" * 16_000)
    answer = ann.ask(MsgType.SEARCH_MSG, query="tea", **{"with": bob.user_id})
    assert (len(answer["messages"]), answer["more"]) == (8, True)
    assert len(ask(ann, "tea", **{"with": bob.user_id, "before": answer["before"]})) == 2


def test_a_member_finds_messages_since_it_joined(node: Node) -> None:
    ann, bob = node.online("ann"), node.online("bob")
    group = ann.make_group("tea")
    for _ in range(70):
        ann.tell(group, "old tea")
        ann.expect(MsgType.CHAT_ACK)
    assert bob.ask(MsgType.ADD_GROUP_MSG, groupid=group)["errno"] == 0
    ann.tell(group, "new tea")
    bob.expect(MsgType.GROUP_CHAT_MSG)
    index_all(node.database)
    for fields in ({}, {"groupid": group}):
        assert ask(bob, "tea", **fields) == ["new tea"]


@pytest.mark.parametrize("indexed", [False, True])
def test_a_removed_member_finds_nothing(node: Node, indexed: bool) -> None:
    ann, bob = node.online("ann"), node.online("bob")
    group = ann.make_group("tea", bob)
    ann.tell(group, "secret tea")
    ann.expect(MsgType.CHAT_ACK)
    bob.expect(MsgType.GROUP_CHAT_MSG)
    if indexed:
        index_all(node.database)
    assert ask(bob, "tea") == ["secret tea"]
    for change in (MsgType.REMOVE_MEMBER_MSG, MsgType.BAN_MEMBER_MSG):
        ann.ask(change, groupid=group, userid=bob.user_id)
        assert ask(bob, "tea") == []
        assert refused(bob, "tea", groupid=group) == (9, "not a member of that group")


def test_outsiders_learn_nothing_of_groups(node: Node) -> None:
    ann, eve = node.online("ann"), node.online("eve")
    is_open = ann.make_group("open")
    closed = ann.make_group("closed")
    ann.ask(MsgType.CHANGE_GROUP_MSG, groupid=closed, join="invite")
    for group in (is_open, closed):
        ann.tell(group, "tea")
        ann.expect(MsgType.CHAT_ACK)
    assert refused(eve, "tea", groupid=is_open)[0] == ErrNo.NOT_A_MEMBER
    assert refused(eve, "tea", groupid=closed) == refused(eve, "tea", groupid=9999)
    assert refused(eve, "tea", groupid=9999) == (5, "no such group")
    assert ask(eve, "tea") == []


def test_users(node: Node) -> None:
    ann, bob = node.online("ann"), node.online("bob")
    ann.deliver(bob, "tea")
    bob.expect(MsgType.ONE_CHAT_MSG)
    assert refused(ann, "tea", **{"with": 9999}) == (5, "no such user")
    assert ask(ann, "tea", **{"with": ann.user_id}) == []
    assert bob.ask(MsgType.BLOCK_MSG, userid=ann.user_id)["errno"] == 0
    for client, other in ((ann, bob), (bob, ann)):
        assert ask(client, "tea", **{"with": other.user_id}) == ["tea"], "as in the history"
    assert bob.ask(MsgType.DELETE_ACCOUNT_MSG, password=PASSWORD)["errno"] == 0
    assert ask(ann, "tea", **{"with": bob.user_id}) == ["tea"], "as in the history"


@pytest.mark.parametrize(
    ("fields", "errmsg"),
    [
        ({"query": " "}, "query: must hold a word"),
        ({"query": "\u200b"}, "query: must hold a word"),
        ({"query": ""}, "query: must be a string of 1 to 100 characters"),
        ({"query": "x" * 10_000}, "query: must be a string of 1 to 100 characters"),
        ({}, "query: is missing"),
        ({"query": 7}, "query: must be a string of 1 to 100 characters"),
        ({"query": "x", "with": 1, "groupid": 1}, "with or groupid: only one of them is possible"),
        ({"query": "x", "before": 0}, f"before: must be an integer from 1 to {2**53 - 1}"),
        ({"query": "x", "limit": 101}, "limit: must be an integer from 1 to 100"),
    ],
)
def test_bad_requests(node: Node, fields: dict[str, Any], errmsg: str) -> None:
    answer = node.online("ann").ask(MsgType.SEARCH_MSG, **fields)
    assert (answer["errno"], answer["errmsg"]) == (4, errmsg)


def test_searches_have_a_number_in_an_hour(make_node: Any) -> None:
    node: Node = make_node(limits=Limits(searches=2))
    ann = node.online("ann")
    for _ in range(2):
        assert ask(ann, "tea") == []
    answer = ann.ask(MsgType.SEARCH_MSG, query="tea")
    assert answer["errno"] == ErrNo.TOO_MANY
    assert answer["retry_after"] > 60


def test_search_may_be_switched_off(node: Node) -> None:
    ann = node.online("ann")
    node.service._context = replace(node.context, search=False)
    assert refused(ann, "tea") == (1, "search is switched off on this server")


def test_a_guest_may_not_search(node: Node) -> None:
    guest = node.connect()
    guest.send(MsgType.SEARCH_MSG, id=1, query="tea")
    assert guest.next()["errno"] == ErrNo.NOT_YOU
