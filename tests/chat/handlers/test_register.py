from __future__ import annotations

from collections.abc import Callable

import pytest

from chat.config import ClassicConfig
from chat.protocol import Limits, MsgType
from tests.chat.nodekit import PASSWORD, Node


def register(
    node: Node, name: str, *, v2: bool = True, password: str = PASSWORD
) -> dict[str, object]:
    client = node.connect(v2=v2)
    version = {"v": 2} if v2 else {}
    return client.ask(MsgType.REG_MSG, name=name, password=password, rid="r", **version)


def test_a_new_user(node: Node) -> None:
    answer = register(node, "zhang san")
    assert answer == {"msgid": 5, "errno": 0, "id": answer["id"], "rid": "r"}
    user = node.row(int(str(answer["id"])))
    assert user.name == "zhang san"
    assert PASSWORD not in user.password
    client = node.connect()
    assert client.log_in(user.id)["errno"] == 0


def test_a_taken_name(node: Node) -> None:
    register(node, "ann")
    answer = register(node, "ann")
    assert answer == {"msgid": 5, "errno": 1, "errmsg": "this name is taken", "rid": "r"}


def test_in_classic(node: Node) -> None:
    answer = register(node, "ann", v2=False)
    assert (answer["msgid"], answer["errno"], answer["error"]) == (5, 0, 0)
    assert isinstance(answer["id"], int)
    again = register(node, "ann", v2=False)
    assert (again["msgid"], again["errno"], again["error"]) == (5, 1, 1)


def test_the_tutorials_password_in_classic(node: Node) -> None:
    """An original client would show the refusal as "name is already exist"."""
    assert register(node, "ann", v2=False, password="123")["errno"] == 0
    assert register(node, "bob", v2=False, password="12")["errno"] == 4


def test_short_passwords_in_v2(node: Node) -> None:
    answer = register(node, "ann", password="12345")
    wrong = "password: must be a string of 6 to 128 characters"
    assert (answer["errno"], answer["errmsg"]) == (4, wrong)


def test_the_shortest_passwords_are_settings(make_node: Callable[..., Node]) -> None:
    node = make_node(limits=Limits(password_min=3), classic=ClassicConfig(password_min=8))
    assert register(node, "ann", password="x7z")["errno"] == 0
    assert register(node, "bob", password="x7")["errno"] == 4
    assert register(node, "bob", v2=False, password="1234567")["errno"] == 4
    assert register(node, "bob", v2=False, password="12345678")["errno"] == 0


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"name": "ann", "password": "12"}, "password: must be a string of 3 to 128 characters"),
        ({"name": "taken", "password": "123"}, "this name is taken"),
        ({"name": "a\nb", "password": "123"}, "name: must not contain control"),
        ({"name": "x" * 3_000, "password": "123"}, "name: must be a string of 1 to 50"),
        ({"name": 5, "password": "123"}, "name: must be a string of 1 to 50"),
    ],
)
def test_the_log_says_why_one_was_refused(
    node: Node, caplog: pytest.LogCaptureFixture, fields: dict[str, object], why: str
) -> None:
    node.user("taken")
    caplog.set_level("INFO", "chat.service.answers")
    assert node.connect(v2=False).ask(MsgType.REG_MSG, **fields)["errno"] != 0
    (line,) = [line for line in caplog.messages if "registration" in line]
    shown = repr(str(fields["name"])[:60])
    assert line.startswith(f"127.0.0.1 #1: registration of {shown} refused: {why}")


def test_closed(make_node: Callable[..., Node]) -> None:
    node = make_node(registration="closed")
    answer = register(node, "ann")
    assert (answer["errno"], answer["errmsg"]) == (1, "registration is closed")


def test_while_logged_in(node: Node) -> None:
    ann = node.online("ann")
    answer = ann.ask(MsgType.REG_MSG, name="bob", password=PASSWORD)
    assert answer["errno"] == 0
    assert ann.login.user_id == ann.user_id


def test_when_it_cannot_be_stored(node: Node) -> None:
    node.database.broken = True
    answer = register(node, "ann")
    assert (answer["errno"], answer["retry_after"]) == (8, 1)
    node.database.broken = False
    assert register(node, "ann")["errno"] == 0


def test_many_at_once_get_the_name_once(node: Node) -> None:
    clients = [node.connect() for _ in range(4)]
    for client in clients:
        client.send(MsgType.REG_MSG, v=2, name="ann", password=PASSWORD)
    errnos = [client.expect(MsgType.REG_MSG_ACK)["errno"] for client in clients]
    assert sorted(errnos) == [0, 1, 1, 1]


@pytest.mark.parametrize("password", ["123456", "Password1", "zhang san"])
def test_a_password_that_is_easy_to_guess(node: Node, password: str) -> None:
    answer = register(node, "Zhang San", password=password)
    assert (answer["errno"], answer["errmsg"]) == (4, "password: is easy to guess; choose another")
    # An original client would show the refusal as "name is already exist".
    assert register(node, "Zhang San", v2=False, password=password)["errno"] == 0


def test_classic_clients_may_have_to_choose_another_one(make_node: Callable[..., Node]) -> None:
    node = make_node(classic=ClassicConfig(common_passwords=False))
    assert register(node, "ann", v2=False, password="123456")["errno"] == 4
