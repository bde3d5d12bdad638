"""Users by their names, and the names of users, through a whole server."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from chat.handlers.users import MOST_FOUND
from chat.names.name_hash import name_hashes
from chat.protocol import Limits, Message, MsgType
from chat.storage.tables import UserModel
from tests.chat.nodekit import PASSWORD, Client, Node

Make = Callable[..., Node]

NO_SUCH_USER = {"msgid": 97, "errno": 5, "errmsg": "no such user"}


def user(node: Node, name: str) -> int:
    """A user whose name has its hashes, as after a registration."""
    return node.database.write(lambda tx: UserModel(tx).insert(name, "h", name_hashes(name)))


def find(client: Client, name: str, **fields: object) -> Message:
    return client.ask(MsgType.FIND_USER_MSG, name=name, **fields)


def names(client: Client, *ids: int) -> dict[int, str]:
    answer = client.ask(MsgType.USER_MSG, ids=list(ids))
    assert answer["errno"] == 0, answer
    return {item["id"]: item["name"] for item in answer["users"]}


def test_find_a_user(node: Node) -> None:
    ann, ivan = node.online("ann"), user(node, "Ivan")
    found = [{"id": ivan, "name": "Ivan"}]
    assert find(ann, "Ivan") == {"msgid": 97, "errno": 0, "users": found, "exact": True}
    for other in ("ivan", "IVAN", "ＩＶＡＮ"):
        assert find(ann, other) == {"msgid": 97, "errno": 0, "users": found, "exact": False}
    for lookalike in ("lvan", "Iva", "Ivan2", "Іvan"):
        assert find(ann, lookalike) == NO_SUCH_USER


@pytest.mark.parametrize("name", ["a\u200bnn", " ann", "a  b", "\u0301x", "a\u0007b", "ann\u3164"])
def test_invisible_names_have_one_answer(node: Node, name: str) -> None:
    ann = node.online("ann")
    guest = node.connect()
    answers = [
        find(ann, name),
        ann.ask(MsgType.ADD_FRIEND_MSG, friendname=name),
        ann.ask(MsgType.RENAME_MSG, name=name),
        guest.ask(MsgType.REG_MSG, v=2, name=name, password=PASSWORD),
        guest.ask(MsgType.LOGIN_MSG, v=2, name=name, password=PASSWORD),
    ]
    assert [answer["errno"] for answer in answers] == [4] * 5
    assert len({answer["errmsg"].partition(": ")[2] for answer in answers}) == 1


def test_a_deleted_user_is_not_found(node: Node) -> None:
    ann, bob = node.online("ann"), node.online("bob")
    assert bob.ask(MsgType.DELETE_ACCOUNT_MSG, password=PASSWORD)["errno"] == 0
    assert find(ann, "bob") == NO_SUCH_USER
    assert names(ann, bob.user_id) == {bob.user_id: f"deleted  {bob.user_id}"}


def test_a_server_without_a_directory(node: Node) -> None:
    answer = find(node.online("ann"), "a", prefix=True)
    assert answer["errno"] == 1
    assert "give the whole name" in answer["errmsg"]


def test_the_directory(make_node: Make) -> None:
    node = make_node(directory=True)
    ann, eve = node.online("ann"), node.online("delia")
    ids = {name: user(node, name) for name in ("Delta", "DEMETER", "Denis", "德华", "delphi")}
    gone = node.online("dell")
    assert gone.ask(MsgType.DELETE_ACCOUNT_MSG, password=PASSWORD)["errno"] == 0

    def found(prefix: str) -> list[str]:
        answer = find(ann, prefix, prefix=True)
        assert (answer["errno"], answer["more"]) == (0, False)
        return [item["name"] for item in answer["users"]]

    assert found("de") == ["delia", "delphi", "Delta", "DEMETER", "Denis"]
    assert found("del") == ["delia", "delphi", "Delta"]
    assert found("德") == ["德华"]
    assert found("deleted") == found("x") == found("%") == []
    assert eve.ask(MsgType.BLOCK_MSG, userid=ann.user_id)["errno"] == 0
    assert found("del") == ["delphi", "Delta"], "delia has blocked ann"
    assert find(ann, "delta")["users"] == [{"id": ids["Delta"], "name": "Delta"}]


def test_an_answer_of_the_directory_is_bounded(make_node: Make) -> None:
    node = make_node(directory=True)
    ann = node.online("ann")
    for number in range(MOST_FOUND + 5):
        user(node, f"bob {number:03}")
    answer = find(ann, "bob", prefix=True)
    assert [item["name"] for item in answer["users"]] == [f"bob {n:03}" for n in range(MOST_FOUND)]
    assert answer["more"] is True


def test_the_names_of_all_users(node: Node) -> None:
    ann, bob = node.online("ann"), node.user("bob")
    assert names(ann, bob, ann.user_id, 999, bob) == {ann.user_id: "ann", bob: "bob"}


def test_with_approval_only_the_names_of_acquaintances(make_node: Make) -> None:
    node = make_node(approve=True)
    ann = node.online("ann")
    friend, member, writer, stranger = (node.online(name) for name in ("fay", "may", "wyn", "sam"))
    ids = [ann.user_id, *(who.user_id for who in (friend, member, writer, stranger))]
    assert names(ann, *ids) == {ann.user_id: "ann"}
    friend.ask(MsgType.ADD_FRIEND_MSG, friendid=ann.user_id)
    ann.expect(MsgType.FRIEND_NOTICE_MSG)
    assert names(ann, friend.user_id) == {}, "the request names its sender, once it is accepted"
    ann.ask(MsgType.ANSWER_FRIEND_MSG, userid=friend.user_id, accept=True)
    ann.make_group("tea", member)
    writer.deliver(ann, "hello")
    ann.next()
    known = {friend.user_id: "fay", member.user_id: "may", writer.user_id: "wyn"}
    assert names(ann, *ids) == {ann.user_id: "ann", **known}
    assert names(stranger, *ids) == {stranger.user_id: "sam"}


def test_a_removed_member_is_a_stranger_again(make_node: Make) -> None:
    node = make_node(approve=True)
    ann, bob, eve = (node.online(name) for name in ("ann", "bob", "eve"))
    group = ann.make_group("tea", bob, eve)
    assert names(eve, bob.user_id) == {bob.user_id: "bob"}
    assert ann.ask(MsgType.REMOVE_MEMBER_MSG, groupid=group, userid=eve.user_id)["errno"] == 0
    assert names(eve, bob.user_id) == {}


def test_a_directory_names_all_users(make_node: Make) -> None:
    node = make_node(approve=True, directory=True)
    ann, bob = node.online("ann"), node.user("bob")
    assert names(ann, bob) == {bob: "bob"}


def test_a_guest_learns_nothing(node: Node) -> None:
    user(node, "bob")
    guest = node.connect()
    guest.send(MsgType.FIND_USER_MSG, id=1, name="bob")
    guest.send(MsgType.USER_MSG, id=1, ids=[1])
    assert [answer["errno"] for answer in guest.take(2)] == [3, 3]


def test_requests_for_names_are_counted(make_node: Make) -> None:
    node = make_node(limits=Limits(lookups=2))
    ann = node.online("ann")
    assert find(ann, "not yet") == NO_SUCH_USER
    assert names(ann, 99) == {}
    answer = find(ann, "not yet")
    assert (answer["errno"], answer["retry_after"]) == (6, 1801)


# ---------------------------------------------------------------------- friends by name


def test_add_a_friend_by_name(node: Node) -> None:
    ann, ivan = node.online("ann"), user(node, "Ivan")
    friend = {"id": ivan, "name": "Ivan", "state": "offline"}
    answer = ann.ask(MsgType.ADD_FRIEND_MSG, friendname="ivan", rid="r")
    assert answer == {"msgid": 22, "errno": 0, "friend": friend, "rid": "r"}
    for fields in ({"friendname": "lvan"}, {"friendname": "x"}):
        answer = ann.ask(MsgType.ADD_FRIEND_MSG, **fields)
        assert answer == {"msgid": 22, "errno": 5, "errmsg": "no such user"}
    own = ann.ask(MsgType.ADD_FRIEND_MSG, friendname="ann")
    assert own == {"msgid": 22, "errno": 4, "errmsg": "friendname: is your own"}
    neither = ann.ask(MsgType.ADD_FRIEND_MSG)
    assert neither == {"msgid": 22, "errno": 4, "errmsg": "friendid: is missing"}


def test_ask_a_friend_by_name(make_node: Make) -> None:
    node = make_node(approve=True)
    ann, bob = node.online("ann"), node.online("bob")
    answer = ann.ask(MsgType.ADD_FRIEND_MSG, friendname="bob")
    assert answer == {"msgid": 22, "errno": 0, "pending": True, "friendid": bob.user_id}
    assert bob.expect(MsgType.FRIEND_NOTICE_MSG)["name"] == "ann"
    answer = ann.ask(MsgType.ADD_FRIEND_MSG, friendname="bobby")
    assert answer == {"msgid": 22, "errno": 5, "errmsg": "no such user"}


def test_a_classic_client_has_numbers_only(node: Node) -> None:
    ann, _ = node.online("ann", v2=False), node.user("bob")
    ann.send(MsgType.ADD_FRIEND_MSG, friendname="bob")
    assert ann.next()["errmsg"] == "friendid: is missing"
