"""Logging in: who is let in, and what the answer holds."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest

from chat.config import HashCost
from chat.login.passwords import Passwords
from chat.protocol import MsgType, decode
from chat.service.answers import MAX_FAILED_LOGINS
from chat.storage import Transaction
from chat.storage.tables import ONLINE
from tests.chat.nodekit import PASSWORD, TOKEN_SECONDS, Node

INVALID = "id or password is invalid!"


def test_the_answer(node: Node) -> None:
    ann = node.user("ann")
    client = node.connect()
    answer = client.log_in(ann, device="laptop", rid="r")
    token = answer.pop("token")
    assert len(token) == 43
    assert answer == {
        "msgid": 2,
        "errno": 0,
        "id": ann,
        "name": "ann",
        "rid": "r",
        "friends": [],
        "groups": [],
        "offlinemsg": [],
        "v": 2,
        "heartbeat": 30,
        "node": "node-1",
    }
    row = node.row(ann)
    assert (row.state, row.node, row.device) == (ONLINE, "node-1", "laptop")
    login = client.login
    assert (login.user_id, login.name, login.generation) == (ann, "ann", row.generation)
    assert node.logins.find(ann) is login


def test_the_answer_in_classic(node: Node) -> None:
    ann = node.user("ann")
    answer = node.connect(v2=False).log_in(ann)
    assert answer == {
        "msgid": 2,
        "errno": 0,
        "error": 0,
        "errnum": 0,
        "id": ann,
        "name": "ann",
    }


def test_friends_and_groups_are_shown(node: Node) -> None:
    ann, bob = node.online("ann"), node.online("bob")
    ann.ask(MsgType.ADD_FRIEND_MSG, friendid=bob.user_id)
    group = ann.make_group("tea", bob)
    ann.leave()
    bob.leave()
    node.until(lambda: node.row(bob.user_id).state == "offline")
    answer = node.connect().log_in(ann.user_id)
    assert answer["friends"] == [{"id": bob.user_id, "name": "bob", "state": "offline"}]
    assert answer["groups"] == [
        {
            "id": group,
            "groupname": "tea",
            "groupdesc": "",
            "users": [
                {"id": ann.user_id, "name": "ann", "state": "online", "role": "creator"},
                {"id": bob.user_id, "name": "bob", "state": "offline", "role": "normal"},
            ],
            "members": 2,
            "more": False,
        }
    ]


def test_friends_and_groups_are_strings_in_classic(node: Node) -> None:
    ann, bob = node.online("ann"), node.online("bob")
    bob.ask(MsgType.ADD_FRIEND_MSG, friendid=ann.user_id)
    bob.make_group("tea", ann)
    bob.leave()
    answer = node.connect(v2=False).log_in(bob.user_id)
    (friend,), (group,) = answer["friends"], answer["groups"]
    assert decode(friend.encode())["name"] == "ann"
    users = decode(group.encode())["users"]
    assert [decode(user.encode())["role"] for user in users] == ["normal", "creator"]


# ---------------------------------------------------------------------- who is not let in


@pytest.mark.parametrize("v2", [True, False])
def test_wrong_password(node: Node, v2: bool) -> None:
    ann = node.user("ann")
    client = node.connect(v2=v2)
    answer = client.log_in(ann, password="secret-2")
    assert (answer["msgid"], answer["errno"], answer["errmsg"]) == (2, 1, INVALID)
    assert client.log_in(ann)["errno"] == 0


def test_an_unknown_id_is_answered_as_a_wrong_password(node: Node) -> None:
    node.user("ann")
    client = node.connect()
    answer = client.log_in(99)
    assert answer == {"msgid": 2, "errno": 1, "errmsg": INVALID}


def test_neither_password_nor_token(node: Node) -> None:
    client = node.connect()
    answer = client.ask(MsgType.LOGIN_MSG, v=2, id=node.user("ann"))
    assert (answer["errno"], answer["errmsg"]) == (4, "password: is missing")


def test_logged_in_already(node: Node) -> None:
    ann, bob = node.online("ann"), node.user("bob")
    for user in (ann.user_id, bob):
        answer = ann.ask(MsgType.LOGIN_MSG, v=2, id=user, password=PASSWORD)
        assert (answer["errno"], answer["errmsg"]) == (4, "logged in already")
    assert ann.login.user_id == ann.user_id


def test_too_many_failures(make_node: Callable[..., Node]) -> None:
    node = make_node(failures=3)
    ann, bob = node.user("ann"), node.user("bob")
    client = node.connect()
    for _ in range(3):
        assert client.log_in(ann, password="wrong")["errno"] == 1
    answer = client.log_in(ann)
    assert answer["errno"] == 6
    assert 0 < answer["retry_after"] <= 61
    assert client.log_in(bob)["errno"] == 0, "another account"
    node.clock.now += answer["retry_after"]
    assert node.connect().log_in(ann)["errno"] == 0


def test_a_good_password_forgives(make_node: Callable[..., Node]) -> None:
    node = make_node(failures=3)
    ann = node.user("ann")
    for _ in range(4):
        client = node.connect()
        assert client.log_in(ann, password="wrong")["errno"] == 1
        assert client.log_in(ann)["errno"] == 0
        client.leave()


def test_a_token_is_not_slowed(make_node: Callable[..., Node]) -> None:
    """Who floods an account with wrong passwords does not lock its clients out."""
    node = make_node(failures=2)
    ann = node.user("ann")
    first = node.connect()
    token = first.log_in(ann)["token"]
    first.leave()
    client = node.connect()
    for _ in range(3):
        client.log_in(ann, password="wrong")
    assert client.log_in(ann)["errno"] == 6
    assert client.log_in(ann, token=token)["errno"] == 0


def test_guessing_on_one_connection_ends_it(make_node: Callable[..., Node]) -> None:
    node = make_node(failures=1000)
    users = [node.user(f"user {number}") for number in range(MAX_FAILED_LOGINS)]
    client = node.connect()
    for user in users:
        assert client.log_in(user, password="wrong")["errno"] == 1
    assert client.ended() == [{"msgid": 32, "reason": "abuse", "reconnect": False}]


# ---------------------------------------------------------------------- tokens


def test_a_token_lets_in_again_and_again(node: Node) -> None:
    ann = node.user("ann")
    client = node.connect()
    token = client.log_in(ann)["token"]
    for _ in range(3):
        client.leave()
        client = node.connect()
        answer = client.log_in(ann, token=token)
        assert (answer["errno"], answer["token"]) == (0, token)


def test_wrong_tokens(node: Node) -> None:
    ann, bob = node.online("ann"), node.user("bob")
    token = ann.login.token
    client = node.connect()
    for user, wrong in ((bob, token), (ann.user_id, "x"), (ann.user_id, ""), (99, token)):
        answer = client.log_in(user, token=wrong)
        assert (answer["errno"], answer["errmsg"]) == (1, INVALID)


def test_a_token_expires(node: Node) -> None:
    ann = node.online("ann")
    token = ann.login.token
    ann.leave()
    node.clock.date += TOKEN_SECONDS
    client = node.connect()
    assert client.log_in(ann.user_id, token=token)["errno"] == 1
    assert client.log_in(ann.user_id)["errno"] == 0


def test_classic_clients_have_no_token(node: Node) -> None:
    ann = node.online("ann")
    token = ann.login.token
    ann.leave()
    classic = node.connect(v2=False)
    answer = classic.ask(MsgType.LOGIN_MSG, id=ann.user_id, token=token)
    assert (answer["errno"], answer["errmsg"]) == (4, "password: is missing")


# ---------------------------------------------------------------------- passwords that age


def test_a_hash_that_has_aged_is_renewed(node: Node) -> None:
    ann = node.user("ann")
    old = Passwords(HashCost(time_cost=2, memory_kib=16, parallelism=1)).hash(PASSWORD)
    node.database.write(lambda tx: tx.execute("UPDATE user SET password = ?", (old,)))
    node.connect().log_in(ann)
    renewed = node.row(ann).password
    assert renewed != old
    assert not node.context.passwords.needs_rehash(renewed)
    assert node.context.passwords.verify(renewed, PASSWORD)


def test_a_fresh_hash_stays(node: Node) -> None:
    ann = node.user("ann")
    before = node.row(ann).password
    node.connect().log_in(ann)
    assert node.row(ann).password == before


def test_a_plain_password_of_the_original_is_hashed_at_the_first_login(node: Node) -> None:
    """A table of the original system's, taken over as it was."""
    ann = node.user("ann")
    node.database.write(lambda tx: tx.execute("UPDATE user SET password = '123456'"))
    assert node.connect().log_in(ann, password="123457")["errno"] == 1
    client = node.connect()
    assert client.log_in(ann, password="123456")["errno"] == 0
    ((stored,),) = node.database.read(lambda tx: tx.query("SELECT password FROM user"))
    assert stored.startswith("$argon2id$")
    client.send(MsgType.LOGINOUT_MSG, id=ann)
    assert client.expect(MsgType.LOGINOUT_ACK)["errno"] == 0
    assert node.connect().log_in(ann, password="123456")["errno"] == 0


def set_hashes(stored: str, tx: Transaction) -> None:
    tx.execute("UPDATE user SET password = ?", (stored,))


def test_an_invalid_stored_hash_lets_no_user_in(node: Node) -> None:
    ann = node.user("ann")
    for stored in ("", "$scrypt$", "$scrypt$a$b", "$argon2id$"):
        node.database.write(partial(set_hashes, stored))
        for password in (PASSWORD, stored):
            answer = node.connect().log_in(ann, password=password)
            assert (answer["errno"], answer["errmsg"]) == (1, INVALID)
