"""Join modes, invitations and who succeeds a creator, through a whole server."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from chat.handlers import group_members
from chat.handlers.context import ASK_NOTICES
from chat.login.login_limits import LoginRates
from chat.protocol import Limits, MsgType, errors
from chat.storage.tables.groupinvite import INVITATION_SECONDS
from tests.chat.nodekit import Client, Node

CLOSED = {"errno": 5, "errmsg": "no such group, or it needs an invitation or a password"}
TEA = "green tea"


def make(owner: Client, join: str, **fields: str) -> int:
    fields = {"groupname": "tea", "groupdesc": "", "join": join, **fields}
    answer = owner.ask(MsgType.CREATE_GROUP_MSG, **fields)
    assert answer["errno"] == 0, answer
    group: int = answer["groupid"]
    return group


def join(client: Client, group: int, **fields: str) -> int:
    errno: int = client.ask(MsgType.ADD_GROUP_MSG, groupid=group, **fields)["errno"]
    return errno


def invite(client: Client, group: int, other: Client | int) -> int:
    user_id = other if isinstance(other, int) else other.user_id
    errno: int = client.ask(MsgType.INVITE_MSG, groupid=group, userid=user_id)["errno"]
    return errno


def refused(client: Client, group: int, **fields: str) -> dict[str, object]:
    answer = client.ask(MsgType.ADD_GROUP_MSG, groupid=group, **fields)
    return {name: answer[name] for name in ("errno", "errmsg")}


def set_role(creator: Client, group: int, other: Client, role: str) -> None:
    fields = {"groupid": group, "userid": other.user_id, "role": role}
    assert creator.ask(MsgType.SET_ROLE_MSG, **fields)["errno"] == 0


# ---------------------------------------------------------------------- closed groups


def test_a_closed_group_looks_as_if_it_did_not_exist(node: Node) -> None:
    ann, bob = node.online("ann"), node.online("bob")
    group = make(ann, "invite")
    assert refused(bob, group) == refused(bob, 99) == CLOSED
    assert refused(bob, group, password=TEA) == refused(bob, 99, password=TEA) == CLOSED
    bob.tell(group, "hello?")
    bob.tell(99, "hello?")
    one, other = bob.take(2)
    assert (
        (one["errno"], one["errmsg"]) == (other["errno"], other["errmsg"]) == (5, "no such group")
    )


def test_an_invitation_is_used_once(node: Node) -> None:
    ann, bob = node.online("ann"), node.online("bob")
    group = make(ann, "invite")
    assert invite(ann, group, bob) == 0
    assert bob.notice() == {
        "event": "invited",
        "groupid": group,
        "userid": bob.user_id,
        "by": ann.user_id,
        "groupname": "tea",
        "byname": "ann",
    }
    answer = bob.ask(MsgType.ADD_GROUP_MSG, groupid=group)
    assert answer["group"]["join"] == "invite"
    assert ann.notice() == {
        "event": "joined",
        "groupid": group,
        "userid": bob.user_id,
        "by": bob.user_id,
        "name": "bob",
    }
    assert invite(ann, group, bob) == 10
    assert bob.ask(MsgType.LEAVE_GROUP_MSG, groupid=group)["errno"] == 0
    assert ann.notice()["event"] == "left"
    assert refused(bob, group) == CLOSED


def test_invitations_are_in_the_answer_to_a_login(node: Node) -> None:
    ann, bob = node.online("ann"), node.user("bob")
    group = make(ann, "invite")
    assert invite(ann, group, bob) == 0
    client = node.connect()
    answer = client.log_in(bob)
    shown = {"groupid": group, "groupname": "tea", "by": ann.user_id, "byname": "ann"}
    assert answer["invitations"] == [shown]
    assert join(client, group) == 0
    client.leave()
    answer = node.connect().log_in(bob)
    assert "invitations" not in answer
    assert [item["join"] for item in answer["groups"]] == ["invite"]


def test_one_notice_while_an_invitation_waits(node: Node) -> None:
    ann, eve, bob = node.online("ann"), node.online("eve"), node.online("bob")
    group = ann.make_group("tea", eve)
    for member in (ann, ann, eve, eve):
        assert invite(member, group, bob) == 0
    assert bob.notice()["by"] == ann.user_id
    bob.nothing_more()
    assert bob.notices == []
    bob.leave()
    (waiting,) = node.connect().log_in(bob.user_id)["invitations"]
    assert waiting["by"] == eve.user_id, "the latest one"


def test_few_notices_of_invitations_that_are_taken_back(node: Node) -> None:
    ann, bob = node.online("ann"), node.online("bob")
    group = make(ann, "invite")
    for _ in range(ASK_NOTICES + 2):
        assert invite(ann, group, bob) == 0
        for msgid in (MsgType.BAN_MEMBER_MSG, MsgType.UNBAN_MEMBER_MSG):
            assert ann.ask(msgid, groupid=group, userid=bob.user_id)["errno"] == 0
    for _ in range(ASK_NOTICES):
        assert bob.notice()["event"] == "invited"
    bob.nothing_more()
    assert bob.notices == []
    node.clock.now += 3600
    assert invite(ann, group, bob) == 0
    assert bob.notice()["event"] == "invited"


def test_an_invitation_expires(node: Node) -> None:
    ann, bob = node.online("ann"), node.online("bob")
    group = make(ann, "invite")
    invite(ann, group, bob)
    node.clock.date += INVITATION_SECONDS + 1
    assert refused(bob, group) == CLOSED
    bob.leave()
    assert "invitations" not in node.connect().log_in(bob.user_id)


def test_who_may_invite(node: Node) -> None:
    ann, bob, eve, dan = (node.online(name) for name in ("ann", "bob", "eve", "dan"))
    group = ann.make_group("open tea", bob)
    assert invite(bob, group, eve) == 0
    assert invite(dan, group, eve) == 9
    assert ann.ask(MsgType.CHANGE_GROUP_MSG, groupid=group, join="invite")["errno"] == 0
    assert refused(eve, group) == CLOSED, "the invitation was for an open group"
    assert invite(bob, group, eve) == 1
    assert invite(dan, group, eve) == 5
    set_role(ann, group, bob, "admin")
    assert invite(bob, group, eve) == 0
    assert ann.ask(MsgType.CHANGE_GROUP_MSG, groupid=group, groupdesc="new")["errno"] == 0
    assert join(eve, group) == 0
    assert (invite(bob, group, bob), invite(bob, group, 99)) == (4, 5)


def test_the_sender_does_not_learn_of_a_block(node: Node) -> None:
    ann, eve, bob = node.online("ann"), node.online("eve"), node.online("bob")
    group = make(ann, "invite")
    invite(ann, group, eve)
    join(eve, group)
    set_role(ann, group, eve, "admin")
    node.database.write(
        lambda tx: tx.insert_rows("blocked", ("userid", "blockedid"), [(bob.user_id, eve.user_id)])
    )
    fields = {"groupid": group, "userid": bob.user_id}
    assert eve.ask(MsgType.INVITE_MSG, **fields) == {"msgid": 79, "errno": 0, **fields}
    bob.nothing_more()
    assert bob.notices == []
    bob.leave()
    bob = node.connect()
    assert "invitations" not in bob.log_in(fields["userid"])
    assert ann.ask(MsgType.INVITE_MSG, **fields)["errno"] == 0
    assert bob.notice()["by"] == ann.user_id
    assert eve.ask(MsgType.INVITE_MSG, **fields)["errno"] == 0, "ann's invitation stays"
    bob.leave()
    answer = node.connect().log_in(fields["userid"])
    assert [item["by"] for item in answer["invitations"]] == [ann.user_id]


@pytest.mark.parametrize("limits", [Limits(invitations_sent=2), Limits(invitations_received=2)])
def test_a_limited_number_of_invitations_waits(
    make_node: Callable[..., Node], limits: Limits
) -> None:
    node = make_node(limits=limits)
    ann, bob = node.online("ann"), node.online("bob")
    groups = [ann.make_group(f"tea {number}") for number in range(3)]
    assert [invite(ann, group, bob) for group in groups] == [0, 0, 6]
    assert invite(ann, groups[0], bob) == 0, "which waits already"
    answer = ann.ask(MsgType.INVITE_MSG, groupid=groups[2], userid=bob.user_id)
    assert answer["retry_after"] == group_members.FULL_SECONDS
    assert join(bob, groups[0]) == 0
    assert invite(ann, groups[2], bob) == 0
    node.clock.date += INVITATION_SECONDS + 1
    fourth = ann.make_group("tea 4")
    assert invite(ann, fourth, bob) == 0


def test_the_default_of_the_server(make_node: Callable[..., Node]) -> None:
    node = make_node(group_join="invite")
    ann, bob = node.online("ann"), node.online("bob")
    answer = ann.ask(MsgType.CREATE_GROUP_MSG, groupname="tea", groupdesc="")
    assert answer["join"] == "invite"
    assert refused(bob, answer["groupid"]) == CLOSED
    assert join(bob, make(ann, "open", groupname="other tea")) == 0


# ---------------------------------------------------------------------- passwords


def test_a_password(node: Node) -> None:
    ann, bob = node.online("ann"), node.online("bob")
    group = make(ann, "password", password=TEA)
    row = node.database.read(lambda tx: tx.query("SELECT joinhash FROM allgroup"))
    assert str(row[0][0]).startswith("$argon2")
    assert refused(bob, group) == refused(bob, group, password="black tea") == CLOSED
    assert join(bob, group, password=TEA) == 0
    assert ann.ask(MsgType.CHANGE_GROUP_MSG, groupid=group, password="white tea")["errno"] == 0
    assert bob.ask(MsgType.LEAVE_GROUP_MSG, groupid=group)["errno"] == 0
    assert refused(bob, group, password=TEA) == CLOSED
    assert join(bob, group, password="white tea") == 0


def test_wrong_passwords_are_limited(make_node: Callable[..., Node]) -> None:
    node = make_node(failures=3)
    ann, bob, eve = (node.online(name) for name in ("ann", "bob", "eve"))
    group = make(ann, "password", password=TEA)
    for target in (group, 99):  # as for an id without a group
        assert [join(bob, target, password="black tea") for _ in range(4)] == [5, 5, 5, 6]
    answer = bob.ask(MsgType.ADD_GROUP_MSG, groupid=group, password=TEA)
    assert (answer["errno"], 0 < answer["retry_after"] <= 61) == (6, True)
    assert join(eve, group, password=TEA) == 0, "others may try"
    node.clock.now += 61
    assert join(bob, group, password=TEA) == 0


@pytest.mark.parametrize("limit", [{"of_network": 3}, {"of_account": 3}])
def test_wrong_passwords_of_many_users_are_limited(
    make_node: Callable[..., Node], limit: dict[str, int]
) -> None:
    """From one place, and at one group."""
    node = make_node(rates=LoginRates(**limit), loopback_exempt=False)
    ann, bob, eve = (node.online(name) for name in ("ann", "bob", "eve"))
    group = make(ann, "password", password=TEA)
    for client in (bob, bob, eve):
        assert join(client, group, password="black tea") == 5
    answer = bob.ask(MsgType.ADD_GROUP_MSG, groupid=group, password=TEA)
    assert (answer["errno"], answer["retry_after"] > 1000) == (6, True)
    assert invite(ann, group, bob) == 0
    assert join(bob, group) == 0


def test_a_password_of_a_group_is_not_easy_to_guess(node: Node) -> None:
    ann = node.online("ann")
    fields = {"groupname": "my books", "groupdesc": "", "join": "password"}
    for common in ("123456", "My Books", "password1"):
        answer = ann.ask(MsgType.CREATE_GROUP_MSG, **fields, password=common)
        assert (answer["errno"], answer["errmsg"]) == (4, errors.COMMON_PASSWORD)
    group = make(ann, "password", password=TEA)
    answer = ann.ask(MsgType.CHANGE_GROUP_MSG, groupid=group, password="123456")
    assert (answer["errno"], answer["errmsg"]) == (4, errors.COMMON_PASSWORD)


def test_a_password_goes_with_its_mode(node: Node) -> None:
    ann = node.online("ann")
    fields = {"groupname": "tea", "groupdesc": ""}
    for wrong in ({"password": TEA}, {"join": "password"}, {"join": "open", "password": TEA}):
        assert ann.ask(MsgType.CREATE_GROUP_MSG, **fields, **wrong)["errno"] == 4
    group = ann.make_group("tea")
    for wrong in ({"password": TEA}, {"join": "password"}, {"join": "invite", "password": TEA}, {}):
        assert ann.ask(MsgType.CHANGE_GROUP_MSG, groupid=group, **wrong)["errno"] == 4
    closing = {"groupid": group, "join": "password", "password": TEA}
    assert ann.ask(MsgType.CHANGE_GROUP_MSG, **closing)["errno"] == 0
    assert ann.ask(MsgType.CHANGE_GROUP_MSG, groupid=group, join="password")["errno"] == 0
    assert ann.ask(MsgType.CHANGE_GROUP_MSG, groupid=group, join="open")["errno"] == 0
    rows = node.database.read(lambda tx: tx.query("SELECT joinmode, joinhash FROM allgroup"))
    assert [tuple(row) for row in rows] == [("open", None)]


# ---------------------------------------------------------------------- leaving


def test_the_oldest_administrator_succeeds(node: Node) -> None:
    ann, bob, eve, dan = (node.online(name) for name in ("ann", "bob", "eve", "dan"))
    group = ann.make_group("tea", bob, eve, dan)
    for admin in (dan, eve):
        set_role(ann, group, admin, "admin")
    assert ann.ask(MsgType.LEAVE_GROUP_MSG, groupid=group)["errno"] == 0
    told = [bob.notice() for _ in range(6)]  # two joins, two roles, and these
    assert [item["event"] for item in told[-2:]] == ["left", "role"]
    assert told[-1]["role"] == "creator"
    assert (told[-1]["userid"], told[-1]["by"]) == (eve.user_id, ann.user_id)
    users = bob.ask(MsgType.MEMBERS_MSG, groupid=group)["users"]
    roles = {user["name"]: user["role"] for user in users}
    assert roles == {"bob": "normal", "eve": "creator", "dan": "admin"}


def test_no_notices_of_joins_in_large_groups(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(group_members, "ANNOUNCED_MEMBERS", 2)
    ann, bob, eve = (node.online(name) for name in ("ann", "bob", "eve"))
    group = ann.make_group("tea", bob, eve)
    assert ann.notice()["userid"] == bob.user_id
    ann.nothing_more()
    assert ann.notices == []
    assert eve.ask(MsgType.LEAVE_GROUP_MSG, groupid=group)["errno"] == 0
    assert ann.notice()["event"] == "left", "of the two that stay"


def test_classic_clients_get_no_notices(node: Node) -> None:
    ann, bob = node.online("ann", v2=False), node.online("bob")
    group = bob.make_group("tea")
    ann.send(MsgType.ADD_GROUP_MSG, groupid=group)
    ann.nothing_more()
    bob.ask(MsgType.REMOVE_MEMBER_MSG, groupid=group, userid=ann.user_id)
    ann.nothing_more()
    assert ann.notices == []
