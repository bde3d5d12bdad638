from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chat.protocol import Message, MsgType
from client.errors import NotLoggedInError
from client.protocol import conversation as conversation_module
from client.protocol.conversation import Conversation
from client.values import (
    ChatAnswer,
    ChatFailed,
    ChatMessage,
    Goodbye,
    LoggedIn,
    Presence,
    ServerError,
)
from tests.client.fake_server import ack, group_chat, login_ack, one_chat


def _conversation(user_id: int | None = None, **fields: Any) -> Conversation:
    mids = (f"m{number}" for number in itertools.count(1))
    conversation = Conversation(lambda: next(mids))
    if user_id is not None:
        _login(conversation, user_id, **fields)
    return conversation


def _login(conversation: Conversation, user_id: int, **fields: Any) -> None:
    request = conversation.request(MsgType.LOGIN_MSG, id=user_id, password="x")
    conversation.receive(login_ack(request, **fields))
    assert conversation.settle(request["rid"]) is not None


def _logout(conversation: Conversation) -> None:
    request = conversation.request(MsgType.LOGINOUT_MSG)
    conversation.receive(ack(MsgType.LOGINOUT_ACK, request))
    assert conversation.settle(request["rid"]) is not None


def _texts(conversation: Conversation) -> list[str]:
    events = conversation.take().events
    return [event.text for event in events if isinstance(event, ChatMessage)]


def test_login_and_registration_choose_v2_and_carry_no_foreign_id() -> None:
    conversation = _conversation()
    assert conversation.request(MsgType.LOGIN_MSG, id=1, password="x") == {
        "msgid": 1, "id": 1, "password": "x", "v": 2, "rid": "r1",
    }  # fmt: skip
    assert conversation.request(MsgType.REG_MSG, name="bob", password="x") == {
        "msgid": 4, "name": "bob", "password": "x", "v": 2, "rid": "r2",
    }  # fmt: skip


def test_requests_carry_ones_own_id() -> None:
    conversation = _conversation(1)
    request = conversation.request(MsgType.ADD_FRIEND_MSG, friendid=5)
    assert request == {"msgid": 7, "friendid": 5, "id": 1, "rid": "r2"}


def test_before_login_nothing_else_can_be_asked() -> None:
    conversation = _conversation()
    with pytest.raises(NotLoggedInError):
        conversation.request(MsgType.ADD_FRIEND_MSG, friendid=5)
    with pytest.raises(NotLoggedInError):
        conversation.chat(5, "hi", to_group=False)
    assert not conversation.awaits_chat_acks


def test_an_answer_finds_its_request_by_rid() -> None:
    conversation = _conversation(1)
    first = conversation.request(MsgType.ADD_FRIEND_MSG, friendid=5)
    second = conversation.request(MsgType.ADD_FRIEND_MSG, friendid=6)
    answer = ack(MsgType.ADD_FRIEND_ACK, second)
    conversation.receive(answer)
    assert not conversation.is_answered(first["rid"])
    assert conversation.settle(second["rid"]) is answer
    assert conversation.settle(second["rid"]) is None
    assert conversation.settle(first["rid"]) is None


def test_an_error_with_a_rid_is_the_answer() -> None:
    conversation = _conversation(1)
    request = conversation.request(MsgType.ADD_FRIEND_MSG, friendid=5)
    error = ack(MsgType.ERROR_MSG, request, 4, errmsg="bad")
    conversation.receive(error)
    assert conversation.settle(request["rid"]) is error
    assert not conversation.has_events


def test_an_error_without_request_is_an_event() -> None:
    conversation = _conversation(1)
    conversation.receive({"msgid": 31, "errno": 4, "errmsg": "bad"})
    assert conversation.take().events == [ServerError("bad")]


def test_goodbye_is_an_event() -> None:
    conversation = _conversation()
    conversation.receive({"msgid": 32, "reason": "draining", "reconnect": True})
    assert conversation.take().events == [Goodbye("draining", True)]


def test_chat_messages() -> None:
    conversation = _conversation(1)
    assert conversation.chat(5, "a:b", to_group=False) == {
        "msgid": 6, "id": 1, "toid": 5, "msg": "a:b", "mid": "m1",
    }  # fmt: skip
    assert conversation.chat(7, "hi", to_group=True) == {
        "msgid": 10, "id": 1, "groupid": 7, "msg": "hi", "mid": "m2",
    }  # fmt: skip


def test_chat_acks() -> None:
    conversation = _conversation(1)
    conversation.chat(5, "x", to_group=False)
    conversation.chat(7, "y", to_group=True)
    conversation.receive({"msgid": 20, "mid": "m1", "errno": 0, "seq": 9})
    assert conversation.awaits_chat_acks
    conversation.receive({"msgid": 20, "mid": "m2", "errno": 9, "errmsg": "not a member"})
    conversation.receive({"msgid": 20, "mid": "m2", "errno": 9, "errmsg": "once more"})
    assert not conversation.awaits_chat_acks
    assert conversation.take().events == [ChatFailed(7, True, "not a member")]


def test_every_chat_ack_is_a_signal() -> None:
    conversation = _conversation(1)
    conversation.take_signals()
    conversation.receive({"msgid": 20, "mid": "x", "errno": 0, "seq": 9, "time": "now"})
    conversation.receive({"msgid": 20, "mid": "y", "errno": 8, "errmsg": "later", "retry_after": 3})
    conversation.receive({"msgid": 20, "errno": 0, "seq": 9})
    assert conversation.take_signals() == [
        ChatAnswer("x", 0, "error 0", 9, "now", None),
        ChatAnswer("y", 8, "later", None, "", 3.0),
    ]
    assert conversation.take_signals() == []
    assert not conversation.has_events


def test_presence_is_a_signal() -> None:
    conversation = _conversation(1)
    conversation.take_signals()
    conversation.receive({"msgid": 28, "id": 2, "state": "online"})
    for wrong in ({}, {"id": 2}, {"id": 0, "state": "online"}, {"id": 2**31, "state": "online"}):
        conversation.receive({"msgid": 28, **wrong})
    assert conversation.take_signals() == [Presence(2, "online")]
    assert not conversation.has_events


def test_a_login_is_a_signal_before_what_follows() -> None:
    conversation = _conversation(1, offlinemsg=[one_chat(3, "a")], token="tt")
    (signal,) = conversation.take_signals()
    assert isinstance(signal, LoggedIn)
    assert (signal.account.id, signal.token) == (1, "tt")
    assert "tt" not in repr(signal)


def test_given_up_chats_are_failures() -> None:
    conversation = _conversation(1)
    conversation.chat(5, "x", to_group=False)
    conversation.give_up_chats("why")
    assert conversation.take().events == [ChatFailed(5, False, "why")]
    assert not conversation.awaits_chat_acks


def test_live_and_stored_messages_come_in_order() -> None:
    conversation = _conversation(1, offlinemsg=[one_chat(3, "a"), group_chat(4, "b")])
    conversation.receive(one_chat(5, "c"))
    assert _texts(conversation) == ["a", "b", "c"]


def test_each_seq_is_shown_once_and_acknowledged_each_time() -> None:
    conversation = _conversation(1, offlinemsg=[one_chat(3, "a")])
    assert _texts(conversation) == ["a"]
    conversation.receive(one_chat(3, "a"))
    handover = conversation.take()
    assert handover.events == []
    assert handover.repeated == [3]


def test_messages_without_seq_are_all_shown() -> None:
    conversation = _conversation(1)
    conversation.receive(one_chat(None, "a"))
    conversation.receive(one_chat(None, "a"))
    assert _texts(conversation) == ["a", "a"]


def test_a_group_message_is_shown_to_each_user_of_the_connection() -> None:
    conversation = _conversation(1, offlinemsg=[group_chat(3, "a")])
    assert _texts(conversation) == ["a"]
    _logout(conversation)
    _login(conversation, 2, offlinemsg=[group_chat(3, "a")])
    assert _texts(conversation) == ["a"]


def test_the_same_user_back_sees_nothing_twice() -> None:
    conversation = _conversation(1, offlinemsg=[one_chat(3, "a")])
    assert _texts(conversation) == ["a"]
    _logout(conversation)
    _login(conversation, 1, offlinemsg=[one_chat(3, "a"), one_chat(4, "b")])
    assert _texts(conversation) == ["b"]


def test_what_was_not_shown_before_logout_waits_for_the_next_login() -> None:
    conversation = _conversation(1)
    conversation.receive(one_chat(3, "a"))
    _logout(conversation)
    assert not conversation.has_events
    _login(conversation, 1, offlinemsg=[one_chat(3, "a")])
    assert _texts(conversation) == ["a"]


def test_few_seqs_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conversation_module, "SEEN_SEQS", 2)
    conversation = _conversation(1)
    for seq in (1, 2, 3, 2, 1):
        conversation.receive(one_chat(seq, str(seq)))
    assert _texts(conversation) == ["1", "2", "3", "1"]


def test_a_failed_login_changes_nothing() -> None:
    conversation = _conversation()
    request = conversation.request(MsgType.LOGIN_MSG, id=1, password="x")
    conversation.receive(ack(MsgType.LOGIN_MSG_ACK, request, 1, errmsg="no"))
    assert conversation.account is None


def test_a_login_that_succeeds_too_late_is_undone() -> None:
    conversation = _conversation()
    request = conversation.request(MsgType.LOGIN_MSG, id=1, password="x")
    conversation.settle(request["rid"])
    assert conversation.receive(login_ack(request)) == {"msgid": 3, "id": 1}
    assert conversation.account is None
    assert conversation.receive({"msgid": 25, "errno": 0}) is None


def test_a_logout_that_succeeds_late_counts() -> None:
    conversation = _conversation(1)
    request = conversation.request(MsgType.LOGINOUT_MSG)
    conversation.settle(request["rid"])
    conversation.receive(ack(MsgType.LOGINOUT_ACK, request))
    assert conversation.account is None


@pytest.mark.parametrize("msgid", [None, 999, -1, "6", [6], {}, True, 6.0, 27, 28])
def test_unknown_messages_are_ignored(msgid: object) -> None:
    conversation = _conversation(1)
    assert conversation.receive({"msgid": msgid, "reason": "x"}) is None
    assert not conversation.has_events


_VALUES = st.none() | st.integers() | st.text() | st.lists(st.dictionaries(st.text(), st.text()))
_MESSAGES = st.fixed_dictionaries(
    {"msgid": st.sampled_from([*MsgType])},
    optional=dict.fromkeys(["rid", "mid", "errno", "id", "seq", "offlinemsg", "groups"], _VALUES),
)


@settings(deadline=None)
@given(st.lists(_MESSAGES))
def test_no_message_from_the_server_raises(messages: list[Message]) -> None:
    conversation = _conversation()
    conversation.request(MsgType.LOGIN_MSG, id=1, password="x")
    for message in messages:
        conversation.receive({**message, "msgid": int(message["msgid"])})
    conversation.take()
