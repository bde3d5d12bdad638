"""Groups, through a whole server."""

from __future__ import annotations

from collections.abc import Callable

from chat.handlers.group_members import join_group
from chat.handlers.groups import create_group
from chat.protocol import Limits, MsgType
from chat.storage.tables import NORMAL, GroupModel
from tests.chat.handlers.gate import Gate
from tests.chat.nodekit import Node, replace_route


def test_create_a_group(node: Node) -> None:
    ann = node.online("ann")
    answer = ann.ask(MsgType.CREATE_GROUP_MSG, groupname="tea", groupdesc="at four", rid="r")
    group = answer["groupid"]
    assert answer == {"msgid": 23, "errno": 0, "groupid": group, "rid": "r"}
    assert ann.login.groups == {group}
    found = node.database.read(lambda tx: GroupModel(tx).find(group, 200))
    assert found is not None
    assert (found.name, found.desc) == ("tea", "at four")
    assert [(user.name, user.role) for user in found.users] == [("ann", "creator")]


def test_a_name_that_is_taken(node: Node) -> None:
    ann, bob = node.online("ann"), node.online("bob")
    ann.make_group("tea")
    answer = bob.ask(MsgType.CREATE_GROUP_MSG, groupname="tea", groupdesc="")
    assert answer == {"msgid": 23, "errno": 10, "errmsg": "a group of this name exists"}
    assert bob.login.groups == frozenset()


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
        "members": 2,
        "more": False,
    }
    assert answer == {"msgid": 24, "errno": 0, "group": shown, "rid": "r"}
    again = bob.ask(MsgType.ADD_GROUP_MSG, groupid=group)
    assert again == {"msgid": 24, "errno": 10, "errmsg": "is a member already", "group": shown}
    assert bob.login.groups == {group}


def test_a_group_that_is_not_there(node: Node) -> None:
    answer = node.online("ann").ask(MsgType.ADD_GROUP_MSG, groupid=99)
    problem = "no such group, or it needs an invitation or a password"
    assert answer == {"msgid": 24, "errno": 5, "errmsg": problem}


def test_a_new_member_can_write_and_is_written_to(node: Node) -> None:
    ann, bob = node.online("ann"), node.online("bob")
    group = ann.make_group("tea", bob)
    ann.tell(group, "welcome")
    assert bob.expect(MsgType.GROUP_CHAT_MSG)["msg"] == "welcome"
    bob.tell(group, "thanks")
    assert bob.expect(MsgType.CHAT_ACK)["errno"] == 0
    assert [m["msgid"] for m in ann.take(2)] == [20, 10]


def test_a_message_sent_during_a_join_is_not_missed(make_node: Callable[..., Node]) -> None:
    """Between the commit that makes a member and the moment when wakes find the login."""
    gate = Gate(join_group)
    node = make_node(routes=replace_route(MsgType.ADD_GROUP_MSG, run=gate))
    ann, bob = node.online("ann"), node.online("bob")
    group = ann.make_group("tea")
    bob.send(MsgType.ADD_GROUP_MSG, groupid=group)
    node.until(lambda: bob.connection.flow.busy)
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
    node.until(lambda: ann.connection.flow.busy)
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
        (MsgType.CREATE_GROUP_MSG, {"groupname": "tea", "groupdesc": ""}),
        (MsgType.ADD_GROUP_MSG, {"groupid": group}),
    )
    node.database.lose_commits = True
    for msgid, fields in requests:
        answer = ann.ask(msgid, **fields)
        assert (answer["errno"], answer["retry_after"]) == (8, 1)
    assert ann.login.groups == frozenset()
    node.database.lose_commits = False
    for msgid, fields in requests:
        assert ann.ask(msgid, **fields)["errno"] == 0


# ---------------------------------------------------------------------- who is in it


def test_the_members(node: Node) -> None:
    ann, bob, eve = (node.online(name) for name in ("ann", "bob", "eve"))
    group = ann.make_group("tea", bob)
    answer = bob.ask(MsgType.MEMBERS_MSG, groupid=group, rid="r")
    assert answer == {
        "msgid": 49,
        "errno": 0,
        "groupid": group,
        "users": [
            {"id": ann.user_id, "name": "ann", "state": "online", "role": "creator"},
            {"id": bob.user_id, "name": "bob", "state": "online", "role": "normal"},
        ],
        "more": False,
        "rid": "r",
    }
    assert eve.ask(MsgType.MEMBERS_MSG, groupid=group)["errno"] == 9
    outsider = eve.ask(MsgType.MEMBERS_MSG, groupid=group, after=1, limit=1)
    assert outsider == {"msgid": 49, "errno": 9, "errmsg": "not a member of that group"}
    assert ann.ask(MsgType.MEMBERS_MSG, groupid=99)["errno"] == 5


def test_who_leaves_is_neither_heard_nor_told(node: Node) -> None:
    ann, bob = node.online("ann"), node.online("bob")
    group = ann.make_group("tea", bob)
    answer = bob.ask(MsgType.LEAVE_GROUP_MSG, groupid=group)
    assert answer == {"msgid": 43, "errno": 0, "groupid": group}
    assert bob.login.groups == frozenset()
    ann.tell(group, "without bob")
    assert ann.expect(MsgType.CHAT_ACK)["errno"] == 0
    bob.nothing_more()
    bob.tell(group, "too late")
    assert bob.expect(MsgType.CHAT_ACK)["errno"] == 9
    assert bob.ask(MsgType.LEAVE_GROUP_MSG, groupid=group)["errno"] == 9
    assert bob.ask(MsgType.ADD_GROUP_MSG, groupid=group)["errno"] == 0, "and comes back"


def test_what_was_owed_before_still_comes(node: Node) -> None:
    ann, bob = node.online("ann"), node.online("bob")
    group = ann.make_group("tea", bob)
    ann.tell(group, "before")
    ann.expect(MsgType.CHAT_ACK)
    bob.expect(MsgType.GROUP_CHAT_MSG)
    assert bob.ask(MsgType.LEAVE_GROUP_MSG, groupid=group)["errno"] == 0
    bob.leave()
    (mail,) = node.connect().log_in(bob.user_id)["offlinemsg"]
    assert mail["msg"] == "before"


def test_a_creator_s_place_goes_to_the_oldest_member(node: Node) -> None:
    ann, bob, eve = (node.online(name) for name in ("ann", "bob", "eve"))
    group = ann.make_group("tea", eve)
    ann.tell(group, "something is said in between")
    ann.expect(MsgType.CHAT_ACK)
    eve.expect(MsgType.GROUP_CHAT_MSG)
    bob.ask(MsgType.ADD_GROUP_MSG, groupid=group)
    assert ann.ask(MsgType.LEAVE_GROUP_MSG, groupid=group)["errno"] == 0
    users = bob.ask(MsgType.MEMBERS_MSG, groupid=group)["users"]
    assert {user["name"]: user["role"] for user in users} == {"bob": "normal", "eve": "creator"}
    for member in (eve, bob):
        assert member.ask(MsgType.LEAVE_GROUP_MSG, groupid=group)["errno"] == 0
    assert bob.ask(MsgType.ADD_GROUP_MSG, groupid=group)["errno"] == 5, "the last one left"
    assert bob.make_group("tea") > group, "the name is free, the number is not"


def test_nothing_was_said_between_two_joins(node: Node) -> None:
    """The one that joined first succeeds, though the other has the lower number."""
    ann, bob, eve = (node.online(name) for name in ("ann", "bob", "eve"))
    group = eve.make_group("tea", bob, ann)
    assert eve.ask(MsgType.LEAVE_GROUP_MSG, groupid=group)["errno"] == 0
    users = bob.ask(MsgType.MEMBERS_MSG, groupid=group)["users"]
    assert {user["name"]: user["role"] for user in users} == {"ann": "normal", "bob": "creator"}


def test_the_creator_removes_a_member(node: Node) -> None:
    ann, bob, eve = (node.online(name) for name in ("ann", "bob", "eve"))
    group = ann.make_group("tea", bob)
    assert bob.ask(MsgType.REMOVE_MEMBER_MSG, groupid=group, userid=ann.user_id) == {
        "msgid": 45,
        "errno": 1,
        "errmsg": "only the group's creator and administrators may do that",
    }
    answer = ann.ask(MsgType.REMOVE_MEMBER_MSG, groupid=group, userid=bob.user_id)
    assert answer == {"msgid": 45, "errno": 0, "groupid": group, "userid": bob.user_id}
    ann.tell(group, "without bob")
    ann.expect(MsgType.CHAT_ACK)
    bob.nothing_more()
    bob.tell(group, "too late")
    assert bob.expect(MsgType.CHAT_ACK)["errno"] == 9
    for user_id, errno in ((bob.user_id, 5), (99, 5), (ann.user_id, 4)):
        answer = ann.ask(MsgType.REMOVE_MEMBER_MSG, groupid=group, userid=user_id)
        assert answer["errno"] == errno
    assert eve.ask(MsgType.REMOVE_MEMBER_MSG, groupid=group, userid=ann.user_id)["errno"] == 9


def test_the_creator_dissolves_it(node: Node) -> None:
    ann, bob = node.online("ann"), node.online("bob")
    group = ann.make_group("tea", bob)
    assert bob.ask(MsgType.DISSOLVE_GROUP_MSG, groupid=group)["errno"] == 1
    answer = ann.ask(MsgType.DISSOLVE_GROUP_MSG, groupid=group, rid="r")
    assert answer == {"msgid": 47, "errno": 0, "groupid": group, "rid": "r"}
    for member in (ann, bob):
        member.tell(group, "to an empty group")
        assert member.expect(MsgType.CHAT_ACK)["errno"] == 5
        assert member.ask(MsgType.MEMBERS_MSG, groupid=group)["errno"] == 5
    assert ann.login.groups == frozenset()
    bob.leave()
    assert node.connect().log_in(bob.user_id)["groups"] == []


def test_two_leave_at_once(make_node: Callable[..., Node]) -> None:
    """Whatever comes first, a group with members has one creator."""
    node = make_node(workers=4)
    ann, bob, eve = (node.online(name) for name in ("ann", "bob", "eve"))
    for number in range(10):
        group = ann.make_group(f"tea {number}", bob, eve)
        for member in (ann, bob):
            member.send(MsgType.LEAVE_GROUP_MSG, groupid=group)
        for member in (ann, bob):
            assert member.expect(MsgType.LEAVE_GROUP_ACK)["errno"] in (0, 8)
        users = eve.ask(MsgType.MEMBERS_MSG, groupid=group)["users"]
        assert [user["role"] for user in users].count("creator") == 1


def test_classic_requests_get_no_answer(node: Node) -> None:
    ann, bob = node.online("ann", v2=False), node.online("bob")
    group = bob.make_group("tea")
    ann.send(MsgType.ADD_GROUP_MSG, groupid=group)
    ann.send(MsgType.LEAVE_GROUP_MSG, groupid=group)
    ann.nothing_more()
    ann.send(MsgType.LEAVE_GROUP_MSG, groupid=group)
    assert ann.next()["error"] == 9


def test_a_full_group(make_node: Callable[..., Node]) -> None:
    node = make_node(limits=Limits(group_members=2))
    ann, bob, eve = node.online("ann"), node.online("bob"), node.online("eve")
    group = ann.make_group("tea", bob)
    answer = eve.ask(MsgType.ADD_GROUP_MSG, groupid=group)
    assert answer == {"msgid": 24, "errno": 1, "errmsg": "the group is full: 2 members"}
    assert eve.login.groups == frozenset()
    assert bob.ask(MsgType.ADD_GROUP_MSG, groupid=group)["errno"] == 10  # a member already
    assert bob.ask(MsgType.LEAVE_GROUP_MSG, groupid=group)["errno"] == 0
    assert eve.ask(MsgType.ADD_GROUP_MSG, groupid=group)["errno"] == 0


def test_a_group_that_was_larger_before_the_limit_keeps_its_members(
    make_node: Callable[..., Node],
) -> None:
    node = make_node(limits=Limits(group_members=1))
    ann, bob, eve = node.online("ann"), node.online("bob"), node.online("eve")
    group = ann.make_group("tea")
    node.database.write(lambda tx: GroupModel(tx).add_member(group, bob.user_id, NORMAL))
    assert eve.ask(MsgType.ADD_GROUP_MSG, groupid=group)["errno"] == 1
    ann.tell(group, "still here")
    assert ann.expect(MsgType.CHAT_ACK)["errno"] == 0
    node.until_owed(bob.user_id, 1)


def test_a_user_in_too_many_groups(make_node: Callable[..., Node]) -> None:
    node = make_node(limits=Limits(groups=2))
    ann, bob = node.online("ann"), node.online("bob")
    first, second = ann.make_group("tea"), bob.make_group("coffee", ann)
    third = bob.make_group("milk")
    refusal = {"errno": 1, "errmsg": "you are in 2 groups: leave one first"}
    assert ann.ask(MsgType.ADD_GROUP_MSG, groupid=third) == {"msgid": 24, **refusal}
    answer = ann.ask(MsgType.CREATE_GROUP_MSG, groupname="water", groupdesc="")
    assert answer == {"msgid": 23, **refusal}
    assert ann.ask(MsgType.ADD_GROUP_MSG, groupid=second)["errno"] == 10
    assert ann.ask(MsgType.LEAVE_GROUP_MSG, groupid=first)["errno"] == 0
    assert ann.ask(MsgType.ADD_GROUP_MSG, groupid=third)["errno"] == 0
