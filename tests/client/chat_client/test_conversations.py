"""Conversations, read marks, typing and muting."""

from __future__ import annotations

import queue

import pytest

from chat.protocol import Message, MsgType
from client import ChatMessage
from client.values import (
    Conversation,
    ConversationPage,
    GroupNotice,
    MuteNotice,
    ReadNotice,
    TypingNotice,
)
from tests.client.chat_client.clientkit import Make
from tests.client.fake_server import WAIT, FakeServer, ack, login_ack

TEA = {
    "groupid": 5,
    "groupname": "tea",
    "last": {"seq": 9, "id": 2, "name": "bob", "msg": "hi", "time": "now", "cut": True},
    "read": 3,
    "unread": 4,
    "unread_more": True,
    "muted": True,
}

BOB = {
    "with": 2,
    "name": "bob",
    "last": {"seq": 8, "id": 1, "name": "alice", "msg": "ho", "time": "now"},
    "read": 0,
    "unread": 0,
    "other_read": 0,
}


def test_conversations(server: FakeServer, make: Make) -> None:
    client = make(devices=True)
    server.rules[MsgType.LOGIN_MSG] = lambda r: [
        login_ack(
            r,
            conversations=[TEA, BOB, {}, {"with": 2, "groupid": 5}],
            conversations_more=True,
            muted=[{"groupid": 5}, {"with": 9}, {}],
        )
    ]
    account = client.login(1, "secret")
    assert server.expect(MsgType.LOGIN_MSG)["devices"] is True
    last = ChatMessage(2, "bob", "now", "hi", 5, 9)
    tea = Conversation(None, 5, "tea", last, True, 3, 4, True, None, True)
    last = ChatMessage(1, "alice", "now", "ho", None, 8)
    bob = Conversation(2, None, "bob", last, False, 0, 0, False, 0, False)
    assert account.conversations == (tea, bob)
    assert account.more_conversations
    assert account.muted_users == {9}
    assert account.muted_groups == {5}
    server.rules[MsgType.CONVERSATIONS_MSG] = lambda r: [
        ack(MsgType.CONVERSATIONS_ACK, r, conversations=[BOB], more=True)
    ]
    assert client.conversations(before=9, limit=1) == ConversationPage((bob,), True)
    assert server.expect(MsgType.CONVERSATIONS_MSG)["before"] == 9


def test_an_event_is_the_last_line_of_a_group(server: FakeServer, make: Make) -> None:
    last = {"seq": 9, "event": "joined", "userid": 2, "name": "bob", "by": 2, "byname": "bob"}
    entry = {"groupid": 5, "groupname": "tea", "last": {**last, "time": "now"}, "read": 3}
    server.rules[MsgType.CONVERSATIONS_MSG] = lambda r: [
        ack(MsgType.CONVERSATIONS_ACK, r, conversations=[entry], more=False)
    ]
    client = make(devices=True)
    client.login(1, "secret")
    (found,) = client.conversations().conversations
    event = GroupNotice("joined", 5, 2, 2, "bob", "bob")
    assert found.last == ChatMessage(2, "bob", "now", "joined the group", 5, 9, event=event)
    assert (found.name, found.unread) == ("tea", 0)


def test_marks_typing_and_muting(server: FakeServer, make: Make) -> None:
    came: queue.SimpleQueue[object] = queue.SimpleQueue()
    complaints: queue.SimpleQueue[str] = queue.SimpleQueue()
    client = make(
        on_read=came.put, on_typing=came.put, on_mute=came.put, on_server_error=complaints.put
    )
    client.typing(user_id=2)  # without a login it does nothing
    client.login(1, "secret")
    assert client.mark_read(7, user_id=2) == 7
    assert server.expect(MsgType.READ_MSG)["with"] == 2
    assert client.mark_read(7, group_id=5) == 7
    assert server.expect(MsgType.READ_MSG)["groupid"] == 5
    client.typing(group_id=5)
    typing = server.expect(MsgType.TYPING_MSG)
    server.send({"msgid": 31, "errno": 6, "errmsg": "fewer", "rid": typing["rid"]})
    client.mute(user_id=2)
    client.mute(group_id=5)
    client.mute(user_id=2, muted=False)
    assert client.account is not None
    assert not client.account.muted_users
    assert client.account.muted_groups == {5}
    assert client.receipts()
    client.set_receipts(False)
    assert server.expect(MsgType.SETTINGS_MSG).get("receipts") is None
    assert server.expect(MsgType.SETTINGS_MSG)["receipts"] is False
    for place in ({}, {"user_id": 2, "group_id": 5}):
        with pytest.raises(ValueError, match="either a user or a group"):
            client.mark_read(7, **place)
    notices: list[tuple[Message, object]] = [
        ({"msgid": 105, "id": 2, "with": 2, "seq": 7}, ReadNotice(2, 2, None, 7)),
        ({"msgid": 105, "id": 1, "groupid": 5, "seq": 7}, ReadNotice(1, None, 5, 7)),
        ({"msgid": 107, "id": 2, "with": 2}, TypingNotice(2, None)),
        ({"msgid": 107, "id": 2, "groupid": 5}, TypingNotice(2, 5)),
        ({"msgid": 112, "groupid": 5, "muted": False}, MuteNotice(None, 5, False)),
    ]
    for message, notice in notices:
        server.send({"msgid": message["msgid"]})  # without a conversation: ignored
        server.send(message)
        assert came.get(timeout=WAIT) == notice
    account = client.account
    assert not account.muted_groups
    assert complaints.empty()
