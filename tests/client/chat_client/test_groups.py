"""Groups: moderation, members, notices and events."""

from __future__ import annotations

import queue

import pytest

from chat.protocol import Message, MsgType
from client import ChatClient, ChatMessage
from client.values import Ban, GroupNotice, Invitation, Member
from tests.client.chat_client.clientkit import Make
from tests.client.fake_server import WAIT, FakeServer, ack, login_ack


def test_closed_groups_and_moderation(server: FakeServer, client: ChatClient) -> None:
    server.rules[MsgType.CREATE_GROUP_MSG] = lambda r: [
        ack(MsgType.CREATE_GROUP_ACK, r, groupid=4, join="password")
    ]
    group = client.create_group("tea", join="password", password="green tea")
    assert (group.id, group.join) == (4, "password")
    request = server.expect(MsgType.CREATE_GROUP_MSG)
    assert (request["join"], request["password"]) == ("password", "green tea")
    client.change_group(4, name="milk", join="open")
    request = server.expect(MsgType.CHANGE_GROUP_MSG)
    assert "groupdesc" not in request
    assert client.account is not None
    assert [(one.name, one.join) for one in client.account.groups] == [("milk", "open")]
    client.invite(4, 2)
    client.set_role(4, 2, "admin")
    client.ban_member(4, 2, "spam")
    client.unban_member(4, 2)
    for msgid in (MsgType.INVITE_MSG, MsgType.SET_ROLE_MSG, MsgType.BAN_MEMBER_MSG):
        assert server.expect(msgid)["userid"] == 2
    client.join_group(9, "green tea")
    assert server.expect(MsgType.ADD_GROUP_MSG)["password"] == "green tea"
    with pytest.raises(ValueError, match="str is needed"):
        client.join_group(9, 5)  # type: ignore[arg-type]


def test_bans_come_in_pages(server: FakeServer, client: ChatClient) -> None:
    def page(request: Message) -> list[Message]:
        user_id = request.get("after", 0) + 1
        ban = {"userid": user_id, "name": "bob", "kind": "banned", "by": 1, "reason": ""}
        return [ack(MsgType.BANS_ACK, request, bans=[ban], more=user_id < 3)]

    server.rules[MsgType.BANS_MSG] = page
    bans = client.bans(4)
    assert [ban.user_id for ban in bans] == [1, 2, 3]
    assert bans[0] == Ban(1, "bob", "banned", 1, "", "")


def test_a_notice_about_a_group(server: FakeServer, make: Make) -> None:
    came: queue.SimpleQueue[GroupNotice] = queue.SimpleQueue()
    groups = [{"id": 7, "groupname": "tea", "groupdesc": "", "users": []}]
    invitation = {"groupid": 9, "groupname": "go", "by": 2, "byname": "bob"}
    server.rules[MsgType.LOGIN_MSG] = lambda r: [
        login_ack(r, groups=groups, invitations=[invitation])
    ]
    client = make(on_group_notice=came.put)
    account = client.login(1, "secret")
    assert account.invitations == (Invitation(9, "go", 2, "bob"),)
    server.send({"msgid": 83, "event": "removed", "groupid": 7, "userid": 1, "by": 2})
    assert came.get(timeout=WAIT) == GroupNotice("removed", 7, 1, 2)
    assert client.account is not None
    assert client.account.groups == ()


JOINED = {
    "msgid": 113,
    "event": "joined",
    "groupid": 7,
    "userid": 3,
    "name": "cat",
    "by": 3,
    "byname": "cat",
    "groupname": "tea",
    "time": "2026-11-27 08:00:00",
    "seq": 5,
}


def test_events_of_groups(server: FakeServer, make: Make) -> None:
    """One in the answer to the login is older than the lists there, a later one changes them."""
    came: queue.SimpleQueue[ChatMessage] = queue.SimpleQueue()
    notices: queue.SimpleQueue[GroupNotice] = queue.SimpleQueue()
    groups = [{"id": 7, "groupname": "tea", "groupdesc": "", "users": [], "members": 2}]
    old = {**JOINED, "seq": 4, "event": "removed", "userid": 1, "name": "ann"}
    server.rules[MsgType.LOGIN_MSG] = lambda r: [
        login_ack(r, groups=groups, offlinemsg=[old], newest=4)
    ]
    client = make(on_group_event=came.put, on_group_notice=notices.put)
    client.login(1, "secret")
    first = came.get(timeout=WAIT)
    assert (first.seq, first.group_id, first.sender_name) == (4, 7, "cat")
    assert first.event == GroupNotice("removed", 7, 1, 3, "ann", "cat", group_name="tea")
    server.send(JOINED)
    assert came.get(timeout=WAIT).text == "joined the group"
    assert client.account is not None
    (group,) = client.account.groups
    assert (group.member_count, [member.name for member in group.members]) == (3, ["cat"])
    acknowledged: list[int] = []
    while len(acknowledged) < 2:
        acknowledged += server.expect(MsgType.DELIVERED_MSG)["seqs"]
    assert acknowledged == [4, 5]
    server.send(JOINED)
    assert server.expect(MsgType.DELIVERED_MSG)["seqs"] == [5]
    server.send({**JOINED, "seq": 6, "event": "dissolved"})
    assert came.get(timeout=WAIT).seq == 6
    assert client.account.groups == ()
    assert came.empty()
    assert notices.empty()


def test_events_without_a_callback_for_them(server: FakeServer, make: Make) -> None:
    """They are acknowledged, no messages, and notices as before."""
    notices: queue.SimpleQueue[GroupNotice] = queue.SimpleQueue()
    client = make(on_group_notice=notices.put)
    client.login(1, "secret")
    server.send({**JOINED, "seq": 4, "by": 1, "userid": 1})
    server.send(JOINED)
    assert notices.get(timeout=WAIT).user_id == 3
    assert notices.empty()
    assert list(client.messages(0)) == []
    assert server.expect(MsgType.DELIVERED_MSG)["seqs"][0] == 4


def test_another_device_joins_a_group(server: FakeServer, client: ChatClient) -> None:
    own = {"userid": 1, "by": 1, "name": "ann", "byname": "ann"}
    server.send({**JOINED, **own, "groupid": 9, "groupname": "go"})
    server.expect(MsgType.DELIVERED_MSG)
    assert client.account is not None
    assert [(group.id, group.name) for group in client.account.groups][-1] == (9, "go")


def test_the_members_of_a_large_group(server: FakeServer, client: ChatClient) -> None:
    def page(request: Message) -> list[Message]:
        begin = request.get("after", 0) + 1
        users = [
            {"id": n, "name": f"user {n}", "state": "offline", "role": "normal"}
            for n in range(begin, begin + 2)
        ]
        return [ack(MsgType.MEMBERS_ACK, request, users=users, more=begin < 5)]

    server.rules[MsgType.MEMBERS_MSG] = page
    assert [member.id for member in client.members(5)] == [1, 2, 3, 4, 5, 6]


def test_a_server_whose_pages_never_end(server: FakeServer, client: ChatClient) -> None:
    user = {"id": 2, "name": "bob", "state": "online", "role": "normal"}
    server.rules[MsgType.MEMBERS_MSG] = lambda r: [
        ack(MsgType.MEMBERS_ACK, r, users=[user], more=True)
    ]
    assert client.members(5) == (Member(2, "bob", "online", "normal"),)
