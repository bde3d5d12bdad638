"""Roles, removals, bans and changes of groups, through a whole server."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from chat.delivery.delivery import DIRECT
from chat.handlers import group_moderation
from chat.protocol import Limits, Message, MsgType
from tests.chat.nodekit import Client, Node

REMOVE, BAN, UNBAN = MsgType.REMOVE_MEMBER_MSG, MsgType.BAN_MEMBER_MSG, MsgType.UNBAN_MEMBER_MSG


def act(client: Client, msgid: int, group: int, other: Client | int, **fields: Any) -> int:
    user_id = other if isinstance(other, int) else other.user_id
    errno: int = client.ask(msgid, groupid=group, userid=user_id, **fields)["errno"]
    return errno


def set_role(client: Client, group: int, other: Client, role: str) -> int:
    return act(client, MsgType.SET_ROLE_MSG, group, other, role=role)


def change(client: Client, group: int, **fields: str) -> Message:
    return client.ask(MsgType.CHANGE_GROUP_MSG, groupid=group, **fields)


def roles(client: Client, group: int) -> dict[str, str]:
    users = client.ask(MsgType.MEMBERS_MSG, groupid=group)["users"]
    return {user["name"]: user["role"] for user in users}


def join(client: Client, group: int, **fields: str) -> int:
    errno: int = client.ask(MsgType.ADD_GROUP_MSG, groupid=group, **fields)["errno"]
    return errno


@pytest.fixture
def people(node: Node) -> tuple[Client, Client, Client, Client]:
    ann, bob, eve, dan = (node.online(name) for name in ("ann", "bob", "eve", "dan"))
    return ann, bob, eve, dan


People = tuple[Client, Client, Client, Client]

# ---------------------------------------------------------------------- roles


def test_the_creator_appoints_administrators(people: People) -> None:
    ann, bob, eve, dan = people
    group = ann.make_group("tea", bob, eve)
    answer = ann.ask(MsgType.SET_ROLE_MSG, groupid=group, userid=bob.user_id, role="admin")
    assert answer == {
        "msgid": 73,
        "errno": 0,
        "groupid": group,
        "userid": bob.user_id,
        "role": "admin",
    }
    assert roles(eve, group) == {"ann": "creator", "bob": "admin", "eve": "normal"}
    notice = {"event": "role", "groupid": group, "userid": bob.user_id, "by": ann.user_id}
    for client in (bob, eve):
        client.nothing_more()
        assert client.notices[-1] == {"msgid": 83, **notice, "role": "admin"}
    for client in (bob, eve):
        assert set_role(client, group, ann, "normal") == 1
    assert set_role(dan, group, bob, "normal") == 9
    assert set_role(ann, group, dan, "admin") == 5
    assert set_role(ann, group, ann, "admin") == 4
    assert set_role(ann, group, bob, "owner") == 4
    assert set_role(ann, group, bob, "normal") == 0
    assert roles(eve, group)["bob"] == "normal"


def test_a_group_is_handed_over(people: People) -> None:
    ann, bob, eve, _ = people
    group = ann.make_group("tea", bob, eve)
    assert set_role(ann, group, bob, "creator") == 0
    assert roles(eve, group) == {"ann": "admin", "bob": "creator", "eve": "normal"}
    eve.nothing_more()
    told = [(item["userid"], item["role"]) for item in eve.notices if item["event"] == "role"]
    assert told == [(bob.user_id, "creator"), (ann.user_id, "admin")]
    assert set_role(ann, group, eve, "admin") == 1
    assert act(ann, REMOVE, group, bob) == 1
    assert ann.ask(MsgType.DISSOLVE_GROUP_MSG, groupid=group)["errno"] == 1
    assert act(bob, REMOVE, group, ann) == 0


def test_what_administrators_may_do(people: People) -> None:
    ann, bob, eve, dan = people
    group = ann.make_group("tea", bob, eve, dan)
    for admin in (bob, eve):
        set_role(ann, group, admin, "admin")
    for msgid in (REMOVE, BAN):
        assert act(bob, msgid, group, ann) == 1
        assert act(bob, msgid, group, eve) == 1
    assert act(bob, REMOVE, group, dan) == 0
    assert act(bob, BAN, group, dan) == 0
    assert act(bob, UNBAN, group, dan) == 0
    assert change(bob, group, groupname="green tea")["errno"] == 0
    assert bob.ask(MsgType.DISSOLVE_GROUP_MSG, groupid=group)["errno"] == 1
    assert act(ann, BAN, group, eve) == 0, "the creator may"


# ---------------------------------------------------------------------- removals and bans


def test_a_removed_user(people: People) -> None:
    ann, bob, eve, _ = people
    group = ann.make_group("tea", bob, eve)
    assert act(ann, REMOVE, group, bob) == 0
    told = {
        "event": "removed",
        "groupid": group,
        "userid": bob.user_id,
        "by": ann.user_id,
        "byname": "ann",
        "name": "bob",
    }
    for client in (bob, eve):
        client.nothing_more()
        assert client.notices[-1] == {"msgid": 83, **told}
    ann.nothing_more()
    assert not [item for item in ann.notices if item["event"] == "removed"], "has the answer"
    assert bob.login.groups == frozenset()
    bob.tell(group, "too late")
    assert bob.expect(MsgType.CHAT_ACK)["errno"] == 9
    assert join(bob, group) == 0, "an open group"
    assert ann.ask(MsgType.BANS_MSG, groupid=group)["bans"] == []


@pytest.mark.parametrize("how", ["removed", "banned", "demoted", "left"])
def test_the_invitations_of_an_administrator_end_with_the_right(people: People, how: str) -> None:
    """Otherwise a banned user comes back under another account, which it has invited before."""
    ann, bob, eve, dan = people
    group = ann.make_group("tea", bob)
    assert change(ann, group, join="invite")["errno"] == 0
    assert set_role(ann, group, bob, "admin") == 0
    assert act(bob, MsgType.INVITE_MSG, group, eve) == 0
    assert act(ann, MsgType.INVITE_MSG, group, dan) == 0
    if how == "removed":
        assert act(ann, REMOVE, group, bob) == 0
    elif how == "banned":
        assert act(ann, BAN, group, bob) == 0
    elif how == "demoted":
        assert set_role(ann, group, bob, "normal") == 0
    else:
        assert bob.ask(MsgType.LEAVE_GROUP_MSG, groupid=group)["errno"] == 0
    assert join(eve, group) == 5
    assert join(dan, group) == 0


def test_a_removed_user_needs_an_invitation_to_a_closed_group(people: People) -> None:
    ann, bob, _, _ = people
    group = ann.make_group("tea", bob)
    closing = {"join": "password", "password": "green tea"}
    assert change(ann, group, **closing)["errno"] == 0
    act(ann, REMOVE, group, bob)
    assert join(bob, group, password="green tea") == 5
    bob.tell(group, "too late")
    assert bob.expect(MsgType.CHAT_ACK)["errno"] == 5
    assert act(ann, MsgType.INVITE_MSG, group, bob) == 0
    act(ann, BAN, group, bob)
    assert join(bob, group) == 5, "the ban has taken the invitation back"
    assert act(ann, MsgType.INVITE_MSG, group, bob) == 1
    act(ann, UNBAN, group, bob)
    assert join(bob, group, password="green tea") == 0


def test_a_banned_user(people: People) -> None:
    ann, bob, eve, dan = people
    group = ann.make_group("tea", bob, eve)
    assert act(ann, BAN, group, bob, reason="spam") == 0
    bob.nothing_more()
    notice = bob.notices[-1]
    assert (notice["event"], notice["reason"], notice["by"]) == ("banned", "spam", ann.user_id)
    answer = bob.ask(MsgType.ADD_GROUP_MSG, groupid=group)
    assert answer == {"msgid": 24, "errno": 1, "errmsg": "you are banned from this group"}
    assert act(ann, BAN, group, dan) == 0, "before dan has joined"
    assert join(dan, group) == 1
    assert dan.notices == []
    answer = ann.ask(MsgType.BANS_MSG, groupid=group)
    (first, second), more = answer["bans"], answer["more"]
    assert first.pop("time").startswith("2027-")
    assert first == {
        "userid": bob.user_id,
        "name": "bob",
        "kind": "banned",
        "by": ann.user_id,
        "reason": "spam",
    }
    assert (second["name"], more) == ("dan", False)
    assert act(ann, UNBAN, group, bob) == 0
    assert act(ann, UNBAN, group, bob) == 5
    assert join(bob, group) == 0
    for other, errno in ((ann, 4), (99, 5)):
        assert act(ann, BAN, group, other) == errno


def test_bans_come_in_pages(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group_moderation, "BANS_PAGE", 2)
    ann, *others = people
    group = ann.make_group("tea")
    for other in others:
        act(ann, BAN, group, other)
    first = ann.ask(MsgType.BANS_MSG, groupid=group)
    assert ([ban["name"] for ban in first["bans"]], first["more"]) == (["bob", "eve"], True)
    rest = ann.ask(MsgType.BANS_MSG, groupid=group, after=first["bans"][-1]["userid"])
    assert ([ban["name"] for ban in rest["bans"]], rest["more"]) == (["dan"], False)


def test_a_limited_number_of_bans(make_node: Callable[..., Node]) -> None:
    node = make_node(limits=Limits(group_bans=1))
    ann, bob, eve = (node.online(name) for name in ("ann", "bob", "eve"))
    group = ann.make_group("tea", bob)
    assert act(ann, REMOVE, group, bob) == 0
    assert act(ann, BAN, group, eve) == 0
    assert act(ann, BAN, group, bob) == 1
    assert act(ann, BAN, group, eve, reason="again") == 0


# ---------------------------------------------------------------------- changes


def test_a_group_is_renamed(people: People) -> None:
    ann, bob, _, _ = people
    group = ann.make_group("tea", bob)
    other = ann.make_group("milk")
    answer = change(ann, group, groupname="Green Tea", groupdesc="at five", join="invite")
    fields = {"groupname": "Green Tea", "groupdesc": "at five", "join": "invite"}
    assert answer == {"msgid": 71, "errno": 0, "groupid": group, **fields}
    assert bob.notice() == {"event": "renamed", "groupid": group, "by": ann.user_id, **fields}
    assert change(ann, group, groupname="green tea")["errno"] == 0, "looks like its own name"
    assert bob.notice()["groupname"] == "green tea"
    assert change(ann, group, groupdesc="at six")["errno"] == 0
    assert bob.notice()["event"] == "changed"
    for name, errno in (("milk", 10), ("MiIk", 10), ("two  spaces", 4), ("green tea", 0)):
        assert change(ann, group, groupname=name)["errno"] == errno, name
    assert change(ann, other, groupname="tea")["errno"] == 0, "which is free"
    assert change(bob, group, groupname="mine")["errno"] == 1


def test_a_group_ends(people: People) -> None:
    ann, bob, eve, _ = people
    group = ann.make_group("tea", bob)
    act(ann, BAN, group, eve)
    act(ann, MsgType.INVITE_MSG, group, eve)
    assert ann.ask(MsgType.DISSOLVE_GROUP_MSG, groupid=group)["errno"] == 0
    assert bob.notice() == {"event": "dissolved", "groupid": group, "by": ann.user_id}
    assert bob.login.groups == ann.login.groups == frozenset()
    for table in ("groupban", "groupinvite", "groupuser", "allgroup"):
        assert rows(ann.node, table) == 0, table


def rows(node: Node, table: str) -> int:
    ((count,),) = node.database.read(lambda tx: tx.query(f"SELECT COUNT(*) FROM {table}"))
    return int(count)


# ---------------------------------------------------------------------- direct


def test_a_removed_user_gets_nothing_live(make_node: Callable[..., Node]) -> None:
    node = make_node(mode=DIRECT)
    ann, bob, eve = (node.online(name) for name in ("ann", "bob", "eve"))
    for msgid in (REMOVE, BAN):
        group = ann.make_group(f"tea {msgid}", bob, eve)
        eve.tell(group, "stored, as the members are not known yet")
        for client in (ann, bob):
            client.got(client.expect(MsgType.GROUP_CHAT_MSG)["seq"])
        assert eve.expect(MsgType.CHAT_ACK)["errno"] == 0
        node.until(lambda: ann.login.pump.empty and bob.login.pump.empty)
        eve.tell(group, "live")
        assert "seq" not in eve.expect(MsgType.CHAT_ACK)
        assert bob.expect(MsgType.GROUP_CHAT_MSG)["msg"] == "live"
        ann.expect(MsgType.GROUP_CHAT_MSG)
        assert act(ann, msgid, group, bob) == 0
        eve.tell(group, "without bob")
        assert eve.expect(MsgType.CHAT_ACK)["errno"] == 0
        mail = ann.expect(MsgType.GROUP_CHAT_MSG)
        if "seq" in mail:
            ann.got(mail["seq"])
        bob.nothing_more()
        assert node.owed(bob.user_id) == []
