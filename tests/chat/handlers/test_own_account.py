"""A user changes the password or the name, or deletes the account; through a whole server."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from chat.delivery.delivery import DIRECT
from chat.protocol import Message, MsgType
from chat.storage.tables import DELETED, OFFLINE, OfflineMessageModel
from tests.chat.nodekit import PASSWORD, Client, Node
from tests.chat.sessionkit import go_online

NEW = "another-1"
WRONG = "id or password is invalid!"


def change(client: Client, old: str = PASSWORD, new: str = NEW) -> Message:
    return client.ask(MsgType.CHANGE_PASSWORD_MSG, old=old, new=new)


def delete(client: Client, password: str = PASSWORD) -> Message:
    return client.ask(MsgType.DELETE_ACCOUNT_MSG, password=password)


# ---------------------------------------------------------------------- the password


def test_change_the_password(node: Node) -> None:
    ann = node.online("ann")
    answer = ann.ask(MsgType.CHANGE_PASSWORD_MSG, old=PASSWORD, new=NEW, rid="r")
    assert answer == {"msgid": 51, "errno": 0, "rid": "r"}
    assert ann.deliver(node.user("bob"))["errno"] == 0
    ann.leave()
    assert node.connect().log_in(ann.user_id)["errmsg"] == WRONG
    assert node.connect().log_in(ann.user_id, password=NEW)["errno"] == 0


def test_the_other_tokens_end(node: Node) -> None:
    ann = node.online("ann")
    stolen = ann.login.token
    ann.leave()
    ann = node.online(ann.user_id)
    own = ann.login.token
    change(ann)
    ann.leave()
    assert node.connect().log_in(ann.user_id, token=stolen)["errmsg"] == WRONG
    assert node.connect().log_in(ann.user_id, token=own)["errno"] == 0


def test_the_old_password_is_needed(make_node: Callable[..., Node]) -> None:
    """It cannot be guessed through an open connection: a wrong one counts as a failed login."""
    node = make_node(failures=3)
    ann = node.online("ann")
    for _ in range(3):
        answer = change(ann, old="wrong")
        assert (answer["errno"], answer["errmsg"]) == (1, "the password is wrong")
    assert change(ann)["errno"] == 6
    assert delete(ann)["errno"] == 6
    assert node.connect().log_in(ann.user_id)["errno"] == 6


def test_an_attacker_behind_the_same_nat_does_not_prevent_a_change(
    make_node: Callable[..., Node],
) -> None:
    node = make_node(failures=3)
    ann = node.online("ann", device="laptop")
    for _ in range(3):
        assert node.connect().log_in(ann.user_id, password="wrong")["errno"] == 1
    assert node.connect().log_in(ann.user_id, password="wrong")["errno"] == 6
    assert change(ann)["errno"] == 0


def test_a_stolen_token_makes_no_device_known(make_node: Callable[..., Node]) -> None:
    """Guesses with a known device have a limit of their own."""
    node = make_node(failures=3)
    ann = node.online("ann", device="laptop")
    token = ann.login.token
    ann.leave()
    thief = node.connect()
    assert thief.log_in(ann.user_id, token=token, device="thief")["errno"] == 0
    assert [change(thief, old="wrong")["errno"] for _ in range(4)] == [1, 1, 1, 6]
    thief.leave()
    assert node.connect().log_in(ann.user_id, device="thief")["errno"] == 6
    assert node.connect().log_in(ann.user_id, device="laptop")["errno"] == 0


@pytest.mark.parametrize("new", ["short", "123456", "ann", "x" * 129])
def test_the_new_password_follows_the_rules(node: Node, new: str) -> None:
    ann = node.online("ann")
    assert change(ann, new=new)["errno"] == 4
    ann.leave()
    assert node.connect().log_in(ann.user_id)["errno"] == 0


# ---------------------------------------------------------------------- the name


def test_a_new_name_is_on_the_next_message(node: Node) -> None:
    ann, bob = node.online("ann"), node.online("bob")
    assert ann.ask(MsgType.RENAME_MSG, name="Anna") == {"msgid": 53, "errno": 0, "name": "Anna"}
    ann.deliver(bob)
    assert bob.expect(MsgType.ONE_CHAT_MSG)["name"] == "Anna"
    page = bob.ask(MsgType.HISTORY_MSG, **{"with": ann.user_id})
    assert [message["name"] for message in page["messages"]] == ["Anna"]
    ann.leave()
    assert node.connect().log_in(ann.user_id)["name"] == "Anna"
    assert bob.ask(MsgType.RENAME_MSG, name="ann")["errno"] == 0, "the old name is free"


def test_names_that_a_user_cannot_take(node: Node) -> None:
    ann = node.online("ann")
    node.connect().ask(MsgType.REG_MSG, v=2, name="Ivan", password=PASSWORD)
    for name, errno in (("Ivan", 1), ("lvan", 1), ("a  b", 4), ("x" * 51, 4)):
        assert ann.ask(MsgType.RENAME_MSG, name=name)["errno"] == errno
    assert node.row(ann.user_id).name == "ann"


def test_another_case_of_the_own_name(node: Node) -> None:
    ann = node.online("ann")
    assert ann.ask(MsgType.RENAME_MSG, name="Ann")["errno"] == 0


# ---------------------------------------------------------------------- the end of an account


def test_a_deleted_account(node: Node) -> None:
    ann, bob = node.online("ann"), node.online("bob")
    token = ann.login.token
    ann.deliver(bob, "stays")
    bob.next()
    bob.ask(MsgType.ADD_FRIEND_MSG, friendid=ann.user_id)
    answer = delete(ann)
    assert answer == {"msgid": 55, "errno": 0}
    assert ann.ended() == [{"msgid": 32, "reason": "deleted", "reconnect": False}]
    row = node.row(ann.user_id)
    assert (row.status, row.state, row.password) == (DELETED, OFFLINE, "")
    for fields in ({}, {"password": ""}, {"token": token}):
        assert node.connect().log_in(ann.user_id, **fields)["errmsg"] == WRONG
    page = bob.ask(MsgType.HISTORY_MSG, **{"with": ann.user_id})
    (message,) = page["messages"]
    assert (message["msg"], message["name"]) == ("stays", f"deleted  {ann.user_id}")
    bob.leave()
    assert node.connect().log_in(bob.user_id)["friends"] == []


def test_it_is_like_an_unknown_user(node: Node) -> None:
    """Also for a server that has sent to it before."""
    ann, bob = node.online("ann"), node.online("bob")
    assert bob.deliver(ann)["errno"] == 0
    ann.next()
    delete(ann)
    for number, user_id in enumerate((ann.user_id, 99)):
        ack = bob.deliver(user_id, mid=f"m{number}")
        assert (ack["errno"], ack["errmsg"]) == (5, "no such user")
        answer = bob.ask(MsgType.ADD_FRIEND_MSG, friendid=user_id)
        assert answer == {"msgid": 22, "errno": 5, "errmsg": "no such user"}
    eve = node.online("eve")
    answers = [eve.ask(MsgType.HISTORY_MSG, **{"with": id_}) for id_ in (ann.user_id, 99)]
    assert answers[0] == answers[1]


def test_nothing_waits_for_it(node: Node) -> None:
    ann, bob = node.online("ann"), node.online("bob")
    bob.deliver(ann)
    ann.next()  # and no DELIVERED_MSG
    delete(ann)
    assert not node.owed(ann.user_id)
    rows = node.database.read(lambda tx: OfflineMessageModel(tx).count())
    assert rows == 0


def test_its_groups(node: Node) -> None:
    ann, bob = node.online("ann"), node.online("bob")
    shared, alone = ann.make_group("shared", bob), ann.make_group("alone")
    delete(ann)
    users = bob.ask(MsgType.MEMBERS_MSG, groupid=shared)["users"]
    assert [(user["id"], user["role"]) for user in users] == [(bob.user_id, "creator")]
    assert bob.ask(MsgType.ADD_GROUP_MSG, groupid=alone)["errno"] == 5


def test_its_name_cannot_be_taken(node: Node) -> None:
    ann = node.online("ann")
    delete(ann)
    name = node.row(ann.user_id).name
    answer = node.connect().ask(MsgType.REG_MSG, v=2, name=name, password=PASSWORD)
    assert answer["errno"] == 4
    assert node.connect().ask(MsgType.REG_MSG, v=2, name="ann", password=PASSWORD)["errno"] == 0


def test_a_wrong_password_deletes_nothing(node: Node) -> None:
    ann = node.online("ann")
    answer = delete(ann, "wrong")
    assert (answer["errno"], answer["errmsg"]) == (1, "the password is wrong")
    ann.nothing_more()
    assert node.row(ann.user_id).name == "ann"


def test_direct(make_node: Callable[..., Node]) -> None:
    node = make_node(mode=DIRECT)
    ann, bob = node.online("ann"), node.online("bob")
    bob.deliver(ann)
    ann.next()
    delete(ann)
    ann.ended()
    assert bob.deliver(ann.user_id)["errno"] == 5


# ---------------------------------------------------------------------- what is not the user's


REQUESTS = {
    MsgType.CHANGE_PASSWORD_MSG: {"old": PASSWORD, "new": NEW},
    MsgType.RENAME_MSG: {"name": "another"},
    MsgType.DELETE_ACCOUNT_MSG: {"password": PASSWORD},
}


@pytest.mark.parametrize("msgid", REQUESTS)
def test_another_users_account(node: Node, msgid: MsgType) -> None:
    ann, bob = node.online("ann"), node.user("bob")
    refused = [ann.ask(msgid, **REQUESTS[msgid], id=user_id) for user_id in (bob, 99)]
    assert refused[0] == refused[1]
    assert refused[0]["errno"] == 3
    guest = node.connect()
    guest.send(MsgType.PING_MSG)
    guest.next()
    guest.send(msgid, id=bob, **REQUESTS[msgid])
    assert guest.next()["errno"] == 3
    assert node.row(bob).name == "bob"


@pytest.mark.parametrize("msgid", REQUESTS)
def test_a_login_that_is_over_changes_nothing(node: Node, msgid: MsgType) -> None:
    """It was replaced at another node, and the notice is late."""
    ann = node.online("ann")
    user = node.row(ann.user_id)
    go_online(node.database, user, "node-2")
    assert ann.ask(msgid, **REQUESTS[msgid])["errno"] == 3
    row = node.row(ann.user_id)
    assert (row.name, row.password, row.status) == (user.name, user.password, "active")


@pytest.mark.parametrize("msgid", REQUESTS)
def test_when_it_cannot_be_stored(node: Node, msgid: MsgType) -> None:
    ann = node.online("ann")
    node.database.lose_commits = True
    assert ann.ask(msgid, **REQUESTS[msgid])["errno"] == 8
    node.database.lose_commits = False
    assert ann.ask(msgid, **REQUESTS[msgid])["errno"] == 0
