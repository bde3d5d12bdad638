"""A login that ends another one, with ``"replace": true`` and the password."""

from __future__ import annotations

import pytest

from tests.chat.nodekit import Node

REPLACED = {"msgid": 32, "reason": "replaced", "reconnect": False}


def test_the_right_password_ends_the_other_login(node: Node) -> None:
    thief = node.online("ann", device="the thief's")
    assert node.connect().log_in(thief.user_id)["errno"] == 2
    owner = node.connect()
    assert owner.log_in(thief.user_id, device="the owner's", replace=True)["errno"] == 0
    assert thief.ended() == [REPLACED]
    assert owner.deliver(node.user("bob"))["errno"] == 0


def test_a_wrong_password_ends_nothing(node: Node) -> None:
    ann = node.online("ann")
    answer = node.connect().log_in(ann.user_id, password="wrong", replace=True)
    assert (answer["errno"], answer["errmsg"]) == (1, "id or password is invalid!")
    ann.nothing_more()


@pytest.mark.parametrize("with_password", [False, True])
def test_a_token_ends_nothing(node: Node, with_password: bool) -> None:
    """Otherwise a stolen token could end the login of its owner."""
    ann = node.online("ann")
    fields = {"password": "secret-1"} if with_password else {}
    answer = node.connect().log_in(ann.user_id, token=ann.login.token, replace=True, **fields)
    assert (answer["errno"], "replace" in answer["errmsg"]) == (4, True)
    ann.nothing_more()


def test_an_unknown_user_is_a_wrong_password(node: Node) -> None:
    answer = node.connect().log_in(99, replace=True)
    assert (answer["errno"], answer["errmsg"]) == (1, "id or password is invalid!")


def test_false_asks_for_nothing(node: Node) -> None:
    ann = node.online("ann")
    assert node.connect().log_in(ann.user_id, replace=False)["errno"] == 2


@pytest.mark.parametrize("wrong", [1, "true", []])
def test_it_is_true_or_false(node: Node, wrong: object) -> None:
    ann = node.user("ann")
    answer = node.connect().log_in(ann, replace=wrong)
    assert (answer["errno"], answer["errmsg"]) == (4, "replace: must be true or false")


def test_a_classic_client_cannot(node: Node) -> None:
    ann = node.online("ann", v2=False)
    assert node.connect(v2=False).log_in(ann.user_id, replace=True)["errno"] == 2
