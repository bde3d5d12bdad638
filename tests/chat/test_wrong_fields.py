"""Every field of every message with null and with every wrong type, before and after a login.

None of it may reach a handler: that would raise there, cost a traceback in the log and be answered
with errno 8, as if trying again could help.
"""

from __future__ import annotations

from typing import Any

import pytest

from chat.protocol import Limits, Message, MsgType, build_schema, encode
from tests.chat.good_requests import GOOD, UNKNOWN
from tests.chat.nodekit import Client, Node

MANY = 10**6

WRONG: dict[type, list[Any]] = {
    int: [True, False, 1.0, 1.5, "", "1", [], [1], {}, {"a": None}, [None], -1, 0, 2**70],
    str: [True, False, 0, 1, 1.5, [], ["x"], {}, {"a": None}, [None], "x" * 20_000],
    bool: [0, 1, 1.0, "", "true", [], [True], {}, {"a": None}],
    list: [True, False, 0, 1, 1.5, "", "x", {}, [None], ["1"], [1.5], [True], [0], [[1]], [2**60]],
}
SCHEMA = build_schema(Limits())


def test_each_request_is_in_good_with_all_fields() -> None:
    assert GOOD.keys() == SCHEMA.keys(), "a row of tests/chat/good_requests.py for each request"
    for msgid, fields in SCHEMA.items():
        assert {field[0] for field in fields} <= {*GOOD[msgid], "id", "rid"}


@pytest.fixture
def patient(make_node: Any, monkeypatch: pytest.MonkeyPatch) -> Node:
    """A node that closes no connection for wrong requests or their number."""
    monkeypatch.setattr("chat.service.answers.MAX_STRIKES", MANY)
    monkeypatch.setattr("chat.service.answers.MAX_FAILED_LOGINS", MANY)
    monkeypatch.setattr("chat.connection.flow_control.REFUSALS_PER_SECOND", MANY)
    limits = Limits(guest_rate=MANY, guest_frame=64 * 1024, guest_bytes=10 * MANY)
    node: Node = make_node(failures=MANY, limits=limits)
    node.user("taken")
    return node


def outcome(client: Client, message: Message) -> tuple[Message | None, int]:
    """The answer without what identifies it, if there is one, and the strikes."""
    client.connection.strikes = 0
    behind = {"msgid": 26, "rid": "behind"}
    client.write(encode(message) + b"\n" + encode(behind) + b"\n")
    answers = []
    while (answer := client.next()) != {"msgid": 27, "rid": "behind"}:
        answers.append(answer)
    if message.get("msgid") in (6, 10) and not answers:
        answers.append(client.next())  # settled after the ping
    assert len(answers) <= 1, answers
    for answer in answers:
        answer.pop("mid", None)  # one that was left out is made by the server
    return (answers[0] if answers else None), client.connection.strikes


def everything(client: Client, *, logged_in: bool) -> None:
    for msgid, fields in SCHEMA.items():
        good = {"msgid": int(msgid), **GOOD[msgid]}
        if logged_in and msgid not in (MsgType.LOGIN_MSG, MsgType.LOGINOUT_MSG):
            good["id"] = client.user_id
        else:
            good.setdefault("id", UNKNOWN)
        for name, wanted, low, _, _, required in (*fields, ("msgid", int, 1, 1, None, True)):
            for value in WRONG[wanted]:
                if wanted is int and type(value) is int and value == low:
                    continue
                answer, strikes = outcome(client, {**good, name: value})
                assert answer is not None, (good, name, value)
                assert (answer["errno"], strikes) == (4, 1), (good, name, value, answer)
            null, strikes = outcome(client, {**good, name: None})
            absent = outcome(client, {key: good[key] for key in good if key != name})
            assert (null, strikes) == absent, (good, name, null, absent)
            if required and not (name == "id" and client.user_id):
                assert null is not None
                assert (null["errno"], strikes) == (4, 1), (good, name, null)
            assert null is None or null.get("errno") != 8, (good, name, null)


def test_without_a_login(patient: Node) -> None:
    client = patient.connect()
    client.log_in(UNKNOWN)  # chooses v2
    everything(client, logged_in=False)


def test_with_a_login(patient: Node) -> None:
    ann = patient.online("ann")
    ann.make_group("taken")
    everything(ann, logged_in=True)
    ann.nothing_more()


def test_nulls_of_classic_clients(patient: Node) -> None:
    ann, bob = patient.online("ann", v2=False), patient.online("bob", v2=False)
    ann.send_all(
        {"msgid": 6, "toid": bob.user_id, "msg": "null", "time": None, "name": None, "more": None}
    )
    message = bob.expect(MsgType.ONE_CHAT_MSG)
    assert message["msg"] == "null"
    assert message["name"] == "ann"
    assert None not in message.values()
