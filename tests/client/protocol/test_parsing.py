from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from client.protocol import parsing, parsing_groups, parsing_messages, parsing_users
from client.protocol.events import Goodbye
from client.values import Account, Friend, Group, Member

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
    assert parsing.read_account(ack) == Account(
        1, "alice", (Friend(2, "bob", "online"),), (Group(7, "chess", "fun", (member,), 1),), 30.0
    )


@pytest.mark.parametrize("value", [None, 0, -1, True, "30", float("nan"), float("inf")])
def test_a_wrong_heartbeat_is_none(value: object) -> None:
    assert parsing.read_account({"heartbeat": value}).heartbeat is None


def test_goodbye_and_failure() -> None:
    assert parsing.read_goodbye({"reason": "idle", "reconnect": True}) == Goodbye("idle", True)
    assert parsing.read_goodbye({}) == Goodbye("", False)
    assert parsing.read_failure({"errno": 5, "errmsg": "no such user"}) == (5, "no such user")
    assert parsing.read_failure({"errno": 5}) == (5, "error 5")
    assert parsing.read_failure({"errno": "5"}) == (-1, "error -1")


def test_patience_is_bounded() -> None:
    assert parsing.read_retry_after({"retry_after": 3}) == 3.0
    assert parsing.read_retry_after({"retry_after": 10**5}) == 3600.0
    assert parsing.read_retry_after({"retry_after": -1}) is None


@settings(deadline=None)
@given(st.dictionaries(st.sampled_from(_FIELDS), _JSON))
def test_reading_never_raises(message: dict[str, Any]) -> None:
    parsing.read_account(message)
    parsing_messages.read_chat(message)
    parsing.read_goodbye(message)
    parsing.read_failure(message)
    parsing_messages.read_history(message)
    parsing.read_logged_in(message)
    parsing_messages.read_chat_answer(message)
    parsing_users.read_presence(message)
    parsing.read_retry_after(message)
    parsing_groups.read_members(message)
