"""The list of friends, through a whole server."""

from __future__ import annotations

from collections.abc import Callable

from chat.protocol import Limits, MsgType
from tests.chat.nodekit import Node


def test_add_a_friend(node: Node) -> None:
    ann, bob = node.online("ann"), node.user("bob")
    friend = {"id": bob, "name": "bob", "state": "offline"}
    answer = ann.ask(MsgType.ADD_FRIEND_MSG, friendid=bob, rid="r")
    assert answer == {"msgid": 22, "errno": 0, "friend": friend, "rid": "r"}
    again = ann.ask(MsgType.ADD_FRIEND_MSG, friendid=bob)
    assert again == {"msgid": 22, "errno": 10, "errmsg": "is a friend already", "friend": friend}


def test_friends_that_cannot_be(node: Node) -> None:
    ann = node.online("ann")
    answer = ann.ask(MsgType.ADD_FRIEND_MSG, friendid=99)
    assert answer == {"msgid": 22, "errno": 5, "errmsg": "no such user"}
    answer = ann.ask(MsgType.ADD_FRIEND_MSG, friendid=ann.user_id)
    assert answer == {"msgid": 22, "errno": 4, "errmsg": "friendid: is your own"}


def test_a_friend_is_not_told(node: Node) -> None:
    ann, bob = node.online("ann"), node.online("bob")
    answer = ann.ask(MsgType.ADD_FRIEND_MSG, friendid=bob.user_id)
    assert answer["friend"]["state"] == "online"
    bob.nothing_more()
    bob.leave()
    assert node.connect().log_in(bob.user_id)["friends"] == []


def test_in_classic_only_failures_are_told(node: Node) -> None:
    ann, bob = node.online("ann", v2=False), node.user("bob")
    ann.send(MsgType.ADD_FRIEND_MSG, friendid=bob)
    ann.nothing_more()
    ann.send(MsgType.ADD_FRIEND_MSG, friendid=bob)
    answer = ann.next()
    assert (answer["msgid"], answer["errno"], answer["error"]) == (31, 10, 10)


def test_remove_a_friend(node: Node) -> None:
    ann, bob = node.online("ann"), node.user("bob")
    ann.ask(MsgType.ADD_FRIEND_MSG, friendid=bob)
    answer = ann.ask(MsgType.REMOVE_FRIEND_MSG, friendid=bob, rid="r")
    assert answer == {"msgid": 41, "errno": 0, "friendid": bob, "rid": "r"}
    answer = ann.ask(MsgType.REMOVE_FRIEND_MSG, friendid=bob)
    assert answer == {"msgid": 41, "errno": 5, "errmsg": "is not in your list"}
    assert ann.ask(MsgType.ADD_FRIEND_MSG, friendid=bob)["errno"] == 0


def test_when_it_cannot_be_stored(node: Node) -> None:
    ann, bob = node.online("ann"), node.user("bob")
    for msgid in (MsgType.ADD_FRIEND_MSG, MsgType.REMOVE_FRIEND_MSG):
        node.database.lose_commits = True
        answer = ann.ask(msgid, friendid=bob)
        assert (answer["errno"], answer["retry_after"]) == (8, 1)
        node.database.lose_commits = False
        assert ann.ask(msgid, friendid=bob)["errno"] == 0


def test_a_full_list(make_node: Callable[..., Node]) -> None:
    node = make_node(limits=Limits(friends=1))
    ann, bob, eve = node.online("ann"), node.user("bob"), node.user("eve")
    assert ann.ask(MsgType.ADD_FRIEND_MSG, friendid=bob)["errno"] == 0
    answer = ann.ask(MsgType.ADD_FRIEND_MSG, friendid=eve)
    assert answer == {
        "msgid": 22,
        "errno": 1,
        "errmsg": "your list is full, with 1 users: remove one first",
    }
    assert ann.ask(MsgType.ADD_FRIEND_MSG, friendid=bob)["errno"] == 10
    assert ann.ask(MsgType.REMOVE_FRIEND_MSG, friendid=bob)["errno"] == 0
    assert ann.ask(MsgType.ADD_FRIEND_MSG, friendid=eve)["errno"] == 0
