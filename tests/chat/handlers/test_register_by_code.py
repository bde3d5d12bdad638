"""Registration by invitation."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from chat.protocol import Message, MsgType
from chat.storage.tables import InvitationModel
from tests.chat.nodekit import PASSWORD, Node

CODE = "mq4vk-3fwzt-x8d2n-ab7cp"
INVALID = {
    "msgid": 5,
    "errno": 1,
    "errmsg": "this invitation code is not valid",
    "invitation": True,
}


@pytest.fixture
def node(make_node: Callable[..., Node]) -> Node:
    return make_node(registration="invitation")


def invite(node: Node, code: str = CODE, uses: int = 1, expires: int = 0) -> None:
    node.database.write(lambda tx: InvitationModel(tx).insert(code, uses, expires))


def uses_left(node: Node) -> int:
    (invitation,) = node.database.read(lambda tx: InvitationModel(tx).list())
    return invitation.uses


def register(node: Node, name: str, **fields: object) -> Message:
    return node.connect().ask(MsgType.REG_MSG, v=2, name=name, password=PASSWORD, **fields)


def test_a_code_admits_a_user(node: Node) -> None:
    invite(node)
    assert register(node, "ann", code="MQ4VK 3fwzt x8d2n ab7cp")["errno"] == 0
    assert register(node, "bob", code=CODE) == INVALID


def test_without_a_code(node: Node) -> None:
    for fields in ({}, {"code": ""}):
        answer = register(node, "ann", **fields)
        assert (answer["errno"], answer["invitation"]) == (1, True)
        assert "needs an invitation code" in answer["errmsg"]


def test_all_codes_that_do_not_work_get_the_same_answer(node: Node) -> None:
    invite(node, "used up", uses=0)
    invite(node, "expired", expires=node.clock.date)
    for code in ("unknown", "used up", "expired", "\u0000"):
        assert register(node, "ann", code=code) == INVALID


def test_a_code_that_does_not_work_tells_no_names(node: Node) -> None:
    node.user("ann")
    assert register(node, "ann", code="unknown") == INVALID


def test_a_refused_registration_uses_no_code(node: Node) -> None:
    node.user("ann")
    invite(node)
    answer = register(node, "ann", code=CODE)
    assert (answer["errno"], answer["errmsg"]) == (1, "this name is taken")
    assert uses_left(node) == 1
    node.database.lose_commits = True
    assert register(node, "bob", code=CODE)["errno"] == 8
    node.database.lose_commits = False
    assert register(node, "bob", code=CODE)["errno"] == 0
    assert uses_left(node) == 0


def test_many_at_once_use_it_once(node: Node) -> None:
    invite(node)
    clients = [node.connect() for _ in range(4)]
    for number, client in enumerate(clients):
        client.send(MsgType.REG_MSG, v=2, name=f"user {number}", password=PASSWORD, code=CODE)
    errnos = [client.expect(MsgType.REG_MSG_ACK)["errno"] for client in clients]
    assert sorted(errnos) == [0, 1, 1, 1]
    assert uses_left(node) == 0


def test_a_classic_client_cannot_send_a_code(node: Node) -> None:
    invite(node)
    answer = node.connect(v2=False).ask(MsgType.REG_MSG, name="ann", password="123", code=CODE)
    assert (answer["errno"], answer["error"]) == (1, 1)
    assert "invitation code" in answer["errmsg"]
    assert uses_left(node) == 1


def test_an_open_server_ignores_codes(make_node: Callable[..., Node]) -> None:
    node = make_node()
    invite(node)
    assert register(node, "ann", code="unknown")["errno"] == 0
    assert uses_left(node) == 1
