"""Friends and groups, through a whole server."""

from __future__ import annotations

from collections.abc import Callable

from gate import Gate
from nodekit import Node, replace_route

from chat.handlers.contacts import create_group, join_group
from chat.model import NORMAL, GroupModel
from chat.protocol import MsgType

# ---------------------------------------------------------------------- friends


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


# ---------------------------------------------------------------------- groups


def test_create_a_group(node: Node) -> None:
    ann = node.online("ann")
    answer = ann.ask(MsgType.CREATE_GROUP_MSG, groupname="tea", groupdesc="at four", rid="r")
    group = answer["groupid"]
    assert answer == {"msgid": 23, "errno": 0, "groupid": group, "rid": "r"}
    assert ann.session.groups == {group}
    found = node.database.read(lambda tx: GroupModel(tx).find(group))
    assert found is not None
    assert (found.name, found.desc) == ("tea", "at four")
    assert [(user.name, user.role) for user in found.users] == [("ann", "creator")]


def test_a_name_that_is_taken(node: Node) -> None:
    ann, bob = node.online("ann"), node.online("bob")
    ann.make_group("tea")
    answer = bob.ask(MsgType.CREATE_GROUP_MSG, groupname="tea", groupdesc="")
    assert answer == {"msgid": 23, "errno": 10, "errmsg": "a group of this name exists"}
    assert bob.session.groups == frozenset()


def test_join_a_group(node: Node) -> None:
    ann, bob = node.online("ann"), node.online("bob")
    group = ann.make_group("tea")
    answer = bob.ask(MsgType.ADD_GROUP_MSG, groupid=group, rid="r")
    shown = {
        "id": group,
        "groupname": "tea",
        "groupdesc": "",
        "users": [
            {"id": ann.user_id, "name": "ann", "state": "online", "role": "creator"},
            {"id": bob.user_id, "name": "bob", "state": "online", "role": "normal"},
        ],
    }
    assert answer == {"msgid": 24, "errno": 0, "group": shown, "rid": "r"}
    again = bob.ask(MsgType.ADD_GROUP_MSG, groupid=group)
    assert again == {"msgid": 24, "errno": 10, "errmsg": "is a member already", "group": shown}
    assert bob.session.groups == {group}


def test_a_group_that_is_not_there(node: Node) -> None:
    answer = node.online("ann").ask(MsgType.ADD_GROUP_MSG, groupid=99)
    assert answer == {"msgid": 24, "errno": 5, "errmsg": "no such group"}


def test_a_new_member_can_write_and_is_written_to(node: Node) -> None:
    ann, bob = node.online("ann"), node.online("bob")
    group = ann.make_group("tea", bob)
    ann.tell(group, "welcome")
    assert bob.expect(MsgType.GROUP_CHAT_MSG)["msg"] == "welcome"
    bob.tell(group, "thanks")
    assert bob.expect(MsgType.CHAT_ACK)["errno"] == 0
    assert [m["msgid"] for m in ann.take(2)] == [20, 10]


def test_what_is_sent_while_somebody_joins_is_not_missed(make_node: Callable[..., Node]) -> None:
    """Between the commit that makes a member and the moment when wakes find the session."""
    gate = Gate(join_group)
    node = make_node(routes=replace_route(MsgType.ADD_GROUP_MSG, run=gate))
    ann, bob = node.online("ann"), node.online("bob")
    group = ann.make_group("tea")
    bob.send(MsgType.ADD_GROUP_MSG, groupid=group)
    node.until(lambda: bob.session.busy)
    gate.entered()
    ann.tell(group, "early")
    ann.expect(MsgType.CHAT_ACK)
    gate.open()
    assert {message["msgid"] for message in bob.take(2)} == {24, 10}


def test_a_member_added_by_another_way_is_not_missed(make_node: Callable[..., Node]) -> None:
    gate = Gate(create_group)
    node = make_node(routes=replace_route(MsgType.CREATE_GROUP_MSG, run=gate))
    ann, bob = node.online("ann"), node.online("bob")
    ann.send(MsgType.CREATE_GROUP_MSG, groupname="tea", groupdesc="")
    node.until(lambda: ann.session.busy)
    gate.entered()
    ((group,),) = node.database.read(lambda tx: tx.query("SELECT id FROM allgroup"))
    node.database.write(lambda tx: GroupModel(tx).add_member(group, bob.user_id, NORMAL))
    bob.tell(group, "early")
    bob.expect(MsgType.CHAT_ACK)
    gate.open()
    assert {message["msgid"] for message in ann.take(2)} == {23, 10}


def test_when_it_cannot_be_stored(node: Node) -> None:
    ann, bob = node.online("ann"), node.online("bob")
    group = bob.make_group("milk")
    requests = (
        (MsgType.ADD_FRIEND_MSG, {"friendid": bob.user_id}),
        (MsgType.CREATE_GROUP_MSG, {"groupname": "tea", "groupdesc": ""}),
        (MsgType.ADD_GROUP_MSG, {"groupid": group}),
    )
    node.database.lose_commits = True
    for msgid, fields in requests:
        answer = ann.ask(msgid, **fields)
        assert (answer["errno"], answer["retry_after"]) == (8, 1)
    assert ann.session.groups == frozenset()
    node.database.lose_commits = False
    for msgid, fields in requests:
        assert ann.ask(msgid, **fields)["errno"] == 0
