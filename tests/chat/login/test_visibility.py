"""Who sees that a user is online: in lists, in groups and in notices."""

from __future__ import annotations

from collections.abc import Callable

import pytest

import chat.login.presence_feed
from chat.login.visibility import ALL, FRIENDS, NONE, Visibility
from chat.protocol import MsgType
from tests.chat.login.test_presence_feed import Square
from tests.chat.nodekit import Client, Node

RULES = [ALL, FRIENDS, NONE]
Make = Callable[..., Node]


def seen_by(viewer: Client, user: Client) -> set[str]:
    """The states of a user in everything that the viewer can ask for."""
    node, user_id = viewer.node, user.user_id
    friend = viewer.ask(MsgType.ADD_FRIEND_MSG, friendid=user_id)["friend"]
    group = user.make_group(f"of {user_id} for {viewer.user_id}")
    joined = viewer.ask(MsgType.ADD_GROUP_MSG, groupid=group)["group"]["users"]
    members = viewer.ask(MsgType.MEMBERS_MSG, groupid=group)["users"]
    viewer.leave()
    answer = node.connect().log_in(viewer.user_id)
    listed = [one for group in answer["groups"] for one in group["users"]]
    all_states = [friend, *joined, *members, *listed, *answer["friends"]]
    return {one["state"] for one in all_states if one["id"] == user_id}


@pytest.mark.parametrize(
    ("rule", "in_list", "state"),
    [
        (ALL, False, "online"),
        (FRIENDS, False, "offline"),
        (FRIENDS, True, "online"),
        (NONE, True, "offline"),
    ],
)
def test_everything_that_a_user_can_ask_for(
    make_node: Make, rule: str, in_list: bool, state: str
) -> None:
    node = make_node(visibility=Visibility(rule))
    ann, bob = node.online("ann"), node.online("bob")
    if in_list:
        ann.ask(MsgType.ADD_FRIEND_MSG, friendid=bob.user_id)
    assert seen_by(bob, ann) == {state}


@pytest.mark.parametrize("rule", RULES)
def test_a_blocked_user_sees_nothing(make_node: Make, rule: str) -> None:
    node = make_node(visibility=Visibility(rule))
    ann, bob = node.online("ann"), node.online("bob")
    ann.ask(MsgType.ADD_FRIEND_MSG, friendid=bob.user_id)
    ann.ask(MsgType.BLOCK_MSG, userid=bob.user_id)
    assert seen_by(bob, ann) == {"offline"}


@pytest.mark.parametrize("rule", RULES)
def test_oneself(make_node: Make, rule: str) -> None:
    node = make_node(visibility=Visibility(rule))
    ann = node.online("ann")
    group = ann.make_group("tea")
    (me,) = ann.ask(MsgType.MEMBERS_MSG, groupid=group)["users"]
    assert me["state"] == "online"


@pytest.mark.parametrize(
    ("rule", "in_list", "blocks", "told"),
    [
        (ALL, False, False, True),
        (ALL, True, True, False),
        (FRIENDS, False, False, False),
        (FRIENDS, True, False, True),
        (FRIENDS, True, True, False),
        (NONE, True, False, False),
    ],
)
def test_notices(
    make_node: Make,
    monkeypatch: pytest.MonkeyPatch,
    rule: str,
    in_list: bool,
    blocks: bool,
    told: bool,
) -> None:
    monkeypatch.setattr(chat.login.presence_feed, "GATHER_SECONDS", 0.001)
    node = make_node(visibility=Visibility(rule))
    ann, bob = node.online("ann"), node.online("bob")
    square = Square(node)  # now, so that the logins are not announced
    if in_list:
        square.befriend(ann, bob.user_id)
    if blocks:
        ann.ask(MsgType.BLOCK_MSG, userid=bob.user_id)
    square.befriend(bob, ann.user_id)
    square.feed.changed([ann.user_id])
    square.feed.tell_now()
    if told:
        assert bob.expect(MsgType.PRESENCE_MSG)["id"] == ann.user_id
    bob.nothing_more()
