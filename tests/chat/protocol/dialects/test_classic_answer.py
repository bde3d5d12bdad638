"""The classic dialect's answers: the shape that the original's clients parse."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from chat.protocol import MsgType, decode
from chat.protocol.dialects.classic_answer import ANSWERED, classic_answer

FRIEND = {"id": 2, "name": "李四", "state": "online"}
MEMBER = {"id": 3, "name": "wang", "state": "offline", "role": "normal"}
GROUP = {"id": 1, "groupname": "g", "groupdesc": "d", "users": [MEMBER]}
STORED = {"msgid": 6, "id": 2, "toid": 1, "msg": "hello\n", "time": "2026-01-01 00:00:00"}

LOGIN_ACK: dict[str, Any] = {
    "msgid": 2,
    "errno": 0,
    "errmsg": "",
    "id": 1,
    "name": "zhang",
    "friends": [FRIEND],
    "groups": [GROUP],
    "offlinemsg": [STORED],
    "v": 2,
    "token": "t",
    "heartbeat": 30,
    "node": "a",
    "rid": "r",
}

EACH_ERRNO = {"errno": 6, "error": 6, "errnum": 6}


def shaped(answer: dict[str, Any]) -> dict[str, Any]:
    before = copy.deepcopy(answer)
    result = classic_answer(answer)
    assert answer == before, "the answer given was changed"
    assert result is not None
    return result


def test_arrays_hold_strings_of_json() -> None:
    answer = shaped(LOGIN_ACK)
    assert [decode(item.encode()) for item in answer["friends"]] == [FRIEND]
    assert [decode(item.encode()) for item in answer["offlinemsg"]] == [STORED]
    (group,) = (decode(item.encode()) for item in answer["groups"])
    assert [decode(item.encode()) for item in group.pop("users")] == [MEMBER]
    assert group == {"id": 1, "groupname": "g", "groupdesc": "d"}


def test_empty_arrays_are_left_out() -> None:
    answer = shaped(LOGIN_ACK | {"friends": [], "groups": [], "offlinemsg": []})
    assert not {"friends", "groups", "offlinemsg"} & set(answer)
    assert (answer["id"], answer["name"]) == (1, "zhang")


def test_fields_of_v2_are_left_out() -> None:
    assert not {"v", "token", "heartbeat", "node"} & set(shaped(LOGIN_ACK))


@pytest.mark.parametrize("msgid", [MsgType.LOGIN_MSG_ACK, MsgType.REG_MSG_ACK, MsgType.ERROR_MSG])
def test_errno_is_said_under_each_of_its_names(msgid: MsgType) -> None:
    answer = shaped({"msgid": msgid, "errno": 6, "errmsg": "slow down", "retry_after": 3})
    assert answer == {**EACH_ERRNO, "msgid": msgid, "errmsg": "slow down"}


def test_requests_without_an_answer_in_the_original() -> None:
    for msgid in set(MsgType) - ANSWERED - {MsgType.ERROR_MSG}:
        assert classic_answer({"msgid": msgid, "errno": 0}) is None
