from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from client import values
from client.values import Account, ChatMessage, Friend, Goodbye, Group, Member

_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
_FIELDS = [
    *("id", "name", "friends", "groups", "users", "seq", "msgid", "heartbeat", "errno", "mid"),
    *("state", "messages", "more", "retry_after", "token", "toid"),
]


def test_account() -> None:
    ack = {
        "id": 1,
        "name": "alice",
        "friends": [{"id": 2, "name": "bob", "state": "online"}, "no object"],
        "groups": [
            {
                "id": 7,
                "groupname": "chess",
                "groupdesc": "fun",
                "users": [{"id": 1, "name": "alice", "state": "online", "role": "creator"}],
            }
        ],
        "heartbeat": 30,
    }
    member = Member(1, "alice", "online", "creator")
    assert values.read_account(ack) == Account(
        1, "alice", (Friend(2, "bob", "online"),), (Group(7, "chess", "fun", (member,)),), 30.0
    )


def test_chat() -> None:
    message = {"id": 2, "name": "bob", "time": "now", "msg": "hi", "seq": 9, "groupid": 7}
    one = values.read_chat({"msgid": 6, **message})
    assert one == ChatMessage(2, "bob", "now", "hi", None, 9)
    group = values.read_chat({"msgid": 10, **message})
    assert group == ChatMessage(2, "bob", "now", "hi", 7, 9)


@pytest.mark.parametrize("seq", [None, 0, -1, True, 1.0, "1", 2**53])
def test_a_seq_that_is_none(seq: object) -> None:
    assert values.read_chat({"msgid": 6, "seq": seq}).seq is None


@pytest.mark.parametrize("value", [None, 0, -1, True, "30", float("nan"), float("inf")])
def test_a_heartbeat_that_is_none(value: object) -> None:
    assert values.read_account({"heartbeat": value}).heartbeat is None


def test_goodbye_and_failure() -> None:
    assert values.read_goodbye({"reason": "idle", "reconnect": True}) == Goodbye("idle", True)
    assert values.read_goodbye({}) == Goodbye("", False)
    assert values.read_failure({"errno": 5, "errmsg": "no such user"}) == (5, "no such user")
    assert values.read_failure({"errno": 5}) == (5, "error 5")
    assert values.read_failure({"errno": "5"}) == (-1, "error -1")


def test_patience_is_bounded() -> None:
    assert values.read_retry_after({"retry_after": 3}) == 3.0
    assert values.read_retry_after({"retry_after": 10**5}) == 3600.0
    assert values.read_retry_after({"retry_after": -1}) is None


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(_FIELDS), _JSON))
def test_reading_never_raises(message: dict[str, Any]) -> None:
    values.read_account(message)
    values.read_chat(message)
    values.read_goodbye(message)
    values.read_failure(message)
    values.read_history(message)
    values.read_logged_in(message)
    values.read_chat_answer(message)
    values.read_presence(message)
    values.read_retry_after(message)
    values.read_members(message)
