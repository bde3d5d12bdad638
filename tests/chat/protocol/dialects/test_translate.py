"""Answers and messages under the numbers and names of a table."""

from __future__ import annotations

import json
from typing import Any

from chat.protocol import Message
from chat.protocol.dialects import chat_message, parse_table
from chat.protocol.dialects.classic_answer import classic_answer
from tests.chat.protocol.dialects.dialectkit import BY_NAME

FRIEND = {"id": 2, "name": "wang", "state": "online"}
MEMBER = {**FRIEND, "role": "creator"}
MAIL = {"msgid": 6, "id": 2, "name": "wang", "toid": 1, "msg": "hi", "time": "now"}
LOGIN_ACK: Message = {
    "msgid": 2,
    "errno": 0,
    "id": 1,
    "name": "li",
    "friends": [FRIEND],
    "groups": [{"id": 3, "groupname": "tea", "groupdesc": "", "users": [MEMBER]}],
    "offlinemsg": [MAIL],
}
OWN = parse_table(
    "own",
    """
    [numbers]
    login_ack = 102
    chat = 106
    [answer]
    msgid = "msgId"
    errno = ["errno", "code"]
    id = "userid"
    friends = "friendlist"
    [friend]
    id = ["id", "friendId"]
    state = "status"
    [group]
    groupname = "title"
    users = "groupusers"
    [member]
    name = "username"
    [message]
    msgid = "msgId"
    name = "from"
    """,
)


def loads(strings: list[str]) -> list[Any]:
    return [json.loads(string) for string in strings]


def test_each_level() -> None:
    answer = classic_answer(LOGIN_ACK, OWN)
    assert answer is not None
    assert answer["msgId"] == 102
    assert (answer["errno"], answer["code"], answer["userid"], answer["name"]) == (0, 0, 1, "li")
    assert not {"msgid", "error", "errnum", "id", "friends"} & set(answer)
    assert loads(answer["friendlist"]) == [
        {"id": 2, "friendId": 2, "name": "wang", "status": "online"}
    ]
    [group] = loads(answer["groups"])
    assert set(group) == {"id", "title", "groupdesc", "groupusers"}
    assert loads(group["groupusers"]) == [
        {"id": 2, "username": "wang", "state": "online", "role": "creator"}
    ]
    assert loads(answer["offlinemsg"]) == [
        {"msgId": 106, "id": 2, "from": "wang", "toid": 1, "msg": "hi", "time": "now"}
    ]


def test_the_answer_given_is_not_changed() -> None:
    before = json.dumps(LOGIN_ACK)
    classic_answer(LOGIN_ACK, OWN)
    assert json.dumps(LOGIN_ACK) == before


def test_a_message_under_two_names() -> None:
    written = chat_message(MAIL, BY_NAME["reg3"])
    assert written == {**MAIL, "msgid": 5, "to": 1}
    assert "toid" not in chat_message(MAIL, BY_NAME["to"])


def test_a_sender_cannot_give_a_field_that_the_table_has_a_meaning_for() -> None:
    """The original's clients may send further fields, and classic receivers get them."""
    written = chat_message({**MAIL, "to": 99, "from": "the boss", "mood": "good"}, BY_NAME["to"])
    assert written["to"] == 1
    assert written["from"] == "the boss"
    assert written["mood"] == "good"
    assert chat_message({**MAIL, "from": "the boss"}, OWN)["from"] == "wang"


def test_errors_and_messages_without_number() -> None:
    error = {"msgid": 31, "errno": 4, "errmsg": "no"}
    each = {"errno": 4, "error": 4, "errnum": 4}
    assert classic_answer(error, BY_NAME["reg3"]) == {"msgid": 31, **each, "errmsg": "no"}
    assert classic_answer(error, BY_NAME["unterminated"]) == {
        "msgid": 31,
        **each,
        "errmsg": "no",
        "errormsg": "no",
    }
    taken = parse_table("taken", "[numbers]\nchat = 31\n")
    assert classic_answer(error, taken) is None
