"""Friends, requests to be a friend, blocked users, presence and announcements."""

from __future__ import annotations

import queue

import pytest

from chat.protocol import MsgType
from client import ChatClient
from client.errors import RefusedError
from client.values import Announcement, Friend, FriendNotice, FriendRequest, Group, Member, Presence
from tests.client.chat_client.clientkit import Make
from tests.client.fake_server import WAIT, FakeServer, ack, login_ack, refuse


def test_presence(server: FakeServer, make: Make) -> None:
    came: queue.SimpleQueue[Presence] = queue.SimpleQueue()
    friends = [{"id": 2, "name": "bob", "state": "offline"}]
    server.rules[MsgType.LOGIN_MSG] = lambda r: [login_ack(r, friends=friends)]
    client = make(on_presence=came.put)
    client.login(1, "secret")
    server.send({"msgid": 28, "id": 2, "state": "online"})
    assert came.get(timeout=WAIT) == Presence(2, "online")
    assert client.account is not None
    assert client.account.friends == (Friend(2, "bob", "online"),)


def test_an_announcement(server: FakeServer, make: Make) -> None:
    came: queue.SimpleQueue[Announcement] = queue.SimpleQueue()
    client = make(on_announcement=came.put)
    client.login(1, "secret")
    server.send({"msgid": 89, "msg": "maintenance", "time": "2026-11-24 12:00:00"})
    assert came.get(timeout=WAIT) == Announcement("maintenance", "2026-11-24 12:00:00")


def test_the_account_follows_the_answers(server: FakeServer, client: ChatClient) -> None:
    assert client.add_friend(3) == Friend(3, "bob", "offline")
    assert client.create_group("chess", "fun").id == 4
    assert client.join_group(5) == Group(5, "g", "d", ())
    user = {"id": 2, "name": "bob", "state": "online", "role": "normal"}
    server.rules[MsgType.MEMBERS_MSG] = lambda r: [ack(MsgType.MEMBERS_ACK, r, users=[user])]
    bob = Member(2, "bob", "online", "normal")
    assert client.members(5) == (bob,)
    account = client.account
    assert account is not None
    assert account.friends == (Friend(3, "bob", "offline"),)
    me = Member(1, "alice", "online", "creator")
    assert account.groups == (Group(4, "chess", "fun", (me,), 1), Group(5, "g", "d", (bob,), 1))
    client.remove_member(5, 2)
    client.remove_friend(3)
    client.dissolve_group(4)
    account = client.account
    assert account is not None
    assert (account.friends, account.groups) == ((), (Group(5, "g", "d", ()),))
    client.leave_group(5)
    account = client.account
    assert account is not None
    assert account.groups == ()


def test_requests_to_be_a_friend(server: FakeServer, make: Make) -> None:
    came: queue.SimpleQueue[FriendNotice] = queue.SimpleQueue()
    waiting = {"id": 7, "name": "dan", "time": "2027-01-15 08:00:00"}
    server.rules[MsgType.LOGIN_MSG] = lambda r: [login_ack(r, friend_requests=[waiting])]
    client = make(on_friend_notice=came.put)
    dan = FriendRequest(7, "dan", "2027-01-15 08:00:00")
    assert client.login(1, "secret").friend_requests == (dan,)
    server.send({"msgid": 67, "event": "asked", "id": 8, "name": "eve", "time": "now"})
    assert came.get(timeout=WAIT) == FriendNotice("asked", 8, "eve", "", "now")
    eve = FriendRequest(8, "eve", "now")
    account = client.account
    assert account is not None
    assert account.friend_requests == (eve, dan)
    assert client.answer_friend(8, accept=True) == Friend(8, "bob", "online")
    assert server.expect(MsgType.ANSWER_FRIEND_MSG)["accept"] is True
    assert client.answer_friend(7, accept=False) is None
    account = client.account
    assert account is not None
    assert (account.friend_requests, account.friends) == ((), (Friend(8, "bob", "online"),))
    server.rules[MsgType.FRIEND_REQUESTS_MSG] = lambda r: [
        ack(MsgType.FRIEND_REQUESTS_ACK, r, requests=[waiting])
    ]
    assert client.friend_requests() == (dan,)
    account = client.account
    assert account is not None
    assert account.friend_requests == (dan,)


def test_changes_by_another_device(server: FakeServer, make: Make) -> None:
    came: queue.SimpleQueue[FriendNotice] = queue.SimpleQueue()
    asking = [{"id": user_id, "name": "dan", "time": "now"} for user_id in (7, 8)]
    server.rules[MsgType.LOGIN_MSG] = lambda r: [login_ack(r, friend_requests=asking)]
    client = make(on_friend_notice=came.put)
    client.login(1, "secret")
    for event, friends, waiting in (
        ("added", (Friend(7, "dan", "online"),), [8]),
        ("removed", (), [8]),
        ("declined", (), [8]),
        ("waved", (), [8]),
    ):
        server.send({"msgid": 67, "event": event, "id": 7, "name": "dan", "state": "online"})
        assert came.get(timeout=WAIT).event == event
        account = client.account
        assert account is not None
        assert account.friends == friends
        assert [request.user_id for request in account.friend_requests] == waiting
    server.send({"msgid": 67, "event": "declined", "id": 8, "name": "dan"})
    came.get(timeout=WAIT)
    assert client.account is not None
    assert client.account.friend_requests == ()


def test_a_contact_that_has_to_agree(server: FakeServer, make: Make) -> None:
    came: queue.SimpleQueue[FriendNotice] = queue.SimpleQueue()
    client = make(on_friend_notice=came.put)
    client.login(1, "secret")
    server.rules[MsgType.ADD_FRIEND_MSG] = lambda r: [
        ack(MsgType.ADD_FRIEND_ACK, r, pending=True, friendid=r["friendid"])
    ]
    assert client.add_friend(3) is None
    assert client.account is not None
    assert client.account.friends == ()
    for notice in ({"id": 0}, {"id": 3, "name": "bob", "state": "online"}):
        server.send({"msgid": 67, "event": "accepted", **notice})
    assert came.get(timeout=WAIT) == FriendNotice("accepted", 3, "bob", "online")
    account = client.account
    assert account is not None
    assert account.friends == (Friend(3, "bob", "online"),)


def test_an_existing_friend_or_group_is_no_failure(server: FakeServer, client: ChatClient) -> None:
    friend = {"id": 3, "name": "bob", "state": "online"}
    group = {"id": 5, "groupname": "g", "groupdesc": "d", "users": []}
    server.rules[MsgType.ADD_FRIEND_MSG] = lambda r: [
        ack(MsgType.ADD_FRIEND_ACK, r, 10, errmsg="is a friend already", friend=friend)
    ]
    server.rules[MsgType.ADD_GROUP_MSG] = lambda r: [
        ack(MsgType.ADD_GROUP_ACK, r, 10, errmsg="is a member already", group=group)
    ]
    assert client.add_friend(3) == Friend(3, "bob", "online")
    assert client.join_group(5) == Group(5, "g", "d", ())
    server.rules[MsgType.ADD_FRIEND_MSG] = refuse(MsgType.ADD_FRIEND_ACK, 10, "exists")
    with pytest.raises(RefusedError, match="exists"):
        client.add_friend(4)


def test_blocked_users(server: FakeServer, client: ChatClient) -> None:
    client.block(2)
    assert server.expect(MsgType.BLOCK_MSG)["userid"] == 2
    assert client.blocked() == (2, 9)
    client.unblock(2)
    assert server.expect(MsgType.UNBLOCK_MSG)["userid"] == 2
    server.rules[MsgType.ONE_CHAT_MSG] = lambda r: [ack(MsgType.CHAT_ACK, r, 11, mid=r["mid"])]
    with pytest.raises(RefusedError) as refused:
        client.send(2, "hi").result(WAIT)
    assert refused.value.errno == 11
