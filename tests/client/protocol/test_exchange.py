from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chat.protocol import Message, MsgType
from client.errors import NotLoggedInError
from client.protocol.events import ChatAnswer, Event, Goodbye, LoggedIn, ServerError
from client.protocol.exchange import Exchange
from client.protocol.requests import ADD_FRIEND, LOGIN, LOGOUT, REGISTER
from client.values import ChatMessage, Presence
from tests.client.fake_server import ack, group_chat, login_ack, one_chat


def _exchange(user_id: int | None = None) -> Exchange:
    exchange = Exchange()
    if user_id is not None:
        _login(exchange, user_id)
    return exchange


def _login(exchange: Exchange, user_id: int, **fields: Any) -> list[Event]:
    request = exchange.request(LOGIN, {"id": user_id, "password": "x"})
    received = exchange.receive(login_ack(request, **fields))
    assert received.reply is None
    assert exchange.settle(request["rid"]) is not None
    return received.events


def _texts(events: list[Event]) -> list[str]:
    return [event.text for event in events if isinstance(event, ChatMessage)]


def test_login_and_registration_choose_v2_and_carry_no_foreign_id() -> None:
    exchange = _exchange()
    assert exchange.request(LOGIN, {"id": 1, "password": "x"}) == {
        "msgid": 1, "id": 1, "password": "x", "v": 2, "rid": "r1",
    }  # fmt: skip
    assert exchange.request(REGISTER, {"name": "bob", "password": "x"}) == {
        "msgid": 4, "name": "bob", "password": "x", "v": 2, "rid": "r2",
    }  # fmt: skip


def test_requests_carry_the_users_id() -> None:
    exchange = _exchange(1)
    request = exchange.request(ADD_FRIEND, {"friendid": 5})
    assert request == {"msgid": 7, "friendid": 5, "id": 1, "rid": "r2"}


def test_before_a_login_nothing_else_can_be_asked() -> None:
    exchange = _exchange()
    with pytest.raises(NotLoggedInError):
        exchange.request(ADD_FRIEND, {"friendid": 5})
    assert "0 requests" in repr(exchange)


def test_an_answer_finds_its_request_by_rid() -> None:
    exchange = _exchange(1)
    first = exchange.request(ADD_FRIEND, {"friendid": 5})
    second = exchange.request(ADD_FRIEND, {"friendid": 6})
    answer = ack(MsgType.ADD_FRIEND_ACK, second)
    assert exchange.receive(answer).events == []
    assert not exchange.is_answered(first["rid"])
    assert exchange.is_answered(second["rid"])
    assert exchange.settle(second["rid"]) is answer
    assert exchange.settle(second["rid"]) is None
    assert exchange.settle(first["rid"]) is None


def test_an_error_with_a_rid_is_the_answer() -> None:
    exchange = _exchange(1)
    request = exchange.request(ADD_FRIEND, {"friendid": 5})
    error = ack(MsgType.ERROR_MSG, request, 4, errmsg="bad")
    assert exchange.receive(error).events == []
    assert exchange.settle(request["rid"]) is error


def test_an_error_without_request_is_an_event() -> None:
    received = _exchange(1).receive({"msgid": 31, "errno": 4, "errmsg": "bad"})
    assert received.events == [ServerError("bad")]


def test_goodbye_is_an_event() -> None:
    received = _exchange().receive({"msgid": 32, "reason": "draining", "reconnect": True})
    assert received.events == [Goodbye("draining", True)]


def test_every_chat_ack_with_a_mid_is_an_event() -> None:
    exchange = _exchange(1)
    good = {"msgid": 20, "mid": "x", "errno": 0, "seq": 9, "time": "now"}
    bad = {"msgid": 20, "mid": "y", "errno": 8, "errmsg": "later", "retry_after": 3}
    assert exchange.receive(good).events == [ChatAnswer("x", 0, "error 0", 9, "now", None)]
    assert exchange.receive(bad).events == [ChatAnswer("y", 8, "later", None, "", 3.0)]
    assert exchange.receive({"msgid": 20, "errno": 0, "seq": 9}).events == []


def test_presence_is_an_event() -> None:
    exchange = _exchange(1)
    online = {"msgid": 28, "id": 2, "state": "online"}
    assert exchange.receive(online).events == [Presence(2, "online")]
    for wrong in ({}, {"id": 2}, {"id": 0, "state": "online"}, {"id": 2**31, "state": "online"}):
        assert exchange.receive({"msgid": 28, **wrong}).events == []


def test_a_login_is_an_event_before_its_stored_messages() -> None:
    exchange = _exchange()
    stored = [one_chat(3, "a"), group_chat(4, "b")]
    login, *messages = _login(exchange, 1, offlinemsg=stored, token="tt")
    assert isinstance(login, LoggedIn)
    assert (login.account.id, login.token) == (1, "tt")
    assert "tt" not in repr(login)
    assert _texts(messages) == ["a", "b"]
    assert exchange.user_id == 1


def test_live_messages_are_events_each_time() -> None:
    """The inbox of the account knows which of them were seen before."""
    exchange = _exchange(1)
    for _ in range(2):
        assert _texts(exchange.receive(one_chat(5, "c")).events) == ["c"]


def test_a_logout_makes_room_for_the_next_user() -> None:
    exchange = _exchange(1)
    request = exchange.request(LOGOUT, {})
    exchange.receive(ack(MsgType.LOGINOUT_ACK, request))
    assert exchange.settle(request["rid"]) is not None
    assert exchange.user_id is None
    _login(exchange, 2)
    assert exchange.request(ADD_FRIEND, {"friendid": 5})["id"] == 2


def test_a_failed_login_changes_nothing() -> None:
    exchange = _exchange()
    request = exchange.request(LOGIN, {"id": 1, "password": "x"})
    refusal = ack(MsgType.LOGIN_MSG_ACK, request, 1, errmsg="no")
    assert exchange.receive(refusal).events == []
    assert exchange.user_id is None


def test_a_login_that_succeeds_too_late_is_undone() -> None:
    exchange = _exchange()
    request = exchange.request(LOGIN, {"id": 1, "password": "x"})
    exchange.settle(request["rid"])
    assert exchange.receive(login_ack(request)) == ([], {"msgid": 3, "id": 1})
    assert exchange.user_id is None
    assert exchange.receive({"msgid": 25, "errno": 0}) == ([], None)


def test_a_logout_that_succeeds_late_counts() -> None:
    exchange = _exchange(1)
    request = exchange.request(LOGOUT, {})
    exchange.settle(request["rid"])
    exchange.receive(ack(MsgType.LOGINOUT_ACK, request))
    assert exchange.user_id is None


@pytest.mark.parametrize("msgid", [None, 999, -1, "6", [6], {}, True, 6.0, 27, 28])
def test_unknown_messages_are_ignored(msgid: object) -> None:
    assert _exchange(1).receive({"msgid": msgid, "reason": "x"}) == ([], None)


_VALUES = st.none() | st.integers() | st.text() | st.lists(st.dictionaries(st.text(), st.text()))
_MESSAGES = st.fixed_dictionaries(
    {"msgid": st.sampled_from([*MsgType])},
    optional=dict.fromkeys(["rid", "mid", "errno", "id", "seq", "offlinemsg", "groups"], _VALUES),
)


@settings(deadline=None)
@given(st.lists(_MESSAGES))
def test_no_message_from_the_server_raises(messages: list[Message]) -> None:
    exchange = _exchange()
    exchange.request(LOGIN, {"id": 1, "password": "x"})
    for message in messages:
        exchange.receive({**message, "msgid": int(message["msgid"])})
