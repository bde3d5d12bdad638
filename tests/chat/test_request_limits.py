"""RequestLimits, alone and through a whole server."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from chat.handlers.history import PAGE_CHARACTERS
from chat.protocol import ErrNo, Limits, MsgType, ProtocolError, encode
from chat.request_limits import ANSWER_SECONDS, HOUR, KIB, RequestLimits
from tests.chat.nodekit import Node

ANN, BOB = 1, 2


def changed(name: str, number: int) -> Limits:
    numbers: dict[str, Any] = {name: number}
    return dataclasses.replace(Limits(), **numbers)


def refused(limits: RequestLimits, user_id: int, msgid: int, now: float) -> int:
    """The seconds to wait; 0: it is not refused."""
    try:
        limits.check(user_id, msgid, now)
    except ProtocolError as exc:
        assert exc.errno is ErrNo.TOO_MANY
        retry_after = exc.extra["retry_after"]
        assert isinstance(retry_after, int)
        return retry_after
    return 0


def test_an_account_pays_for_its_answers() -> None:
    limits = RequestLimits(Limits(answer_kib=10))
    for _ in range(ANSWER_SECONDS):
        assert not refused(limits, ANN, MsgType.HISTORY_MSG, 0.0)
        limits.answered(ANN, 10 * KIB, 0.0)
    assert refused(limits, ANN, MsgType.MEMBERS_MSG, 0.0) == 1
    assert not refused(limits, BOB, MsgType.MEMBERS_MSG, 0.0)
    assert not refused(limits, ANN, MsgType.HISTORY_MSG, 1.0)
    limits.answered(ANN, 10**9, 1.0)
    assert refused(limits, ANN, MsgType.HISTORY_MSG, 1.0) == ANSWER_SECONDS + 1, "no longer debt"


@pytest.mark.parametrize(
    ("msgid", "name"),
    [
        (MsgType.ADD_GROUP_MSG, "joins"),
        (MsgType.CREATE_GROUP_MSG, "new_groups"),
        (MsgType.ADD_FRIEND_MSG, "new_contacts"),
    ],
)
def test_requests_in_an_hour(msgid: int, name: str) -> None:
    limits = RequestLimits(changed(name, 2))
    assert [refused(limits, ANN, msgid, 0.0) for _ in range(3)] == [0, 0, int(HOUR / 2) + 1]
    assert not refused(limits, BOB, msgid, 0.0)
    assert not refused(limits, ANN, msgid, HOUR / 2 + 1)
    limits.change(changed(name, 50), HOUR / 2 + 1)
    assert not refused(limits, ANN, msgid, HOUR / 2 + 1)


def test_through_a_server(make_node: Callable[..., Node]) -> None:
    node = make_node(limits=Limits(joins=2, answer_kib=1))
    ann, bob = node.online("ann"), node.online("bob")
    group = ann.make_group("tea")
    assert bob.ask(MsgType.ADD_GROUP_MSG, groupid=99)["errno"] == 5
    assert bob.ask(MsgType.ADD_GROUP_MSG, groupid=group)["errno"] == 0
    answer = bob.ask(MsgType.ADD_GROUP_MSG, groupid=group, rid="r")
    assert (answer["errno"], answer["retry_after"], answer["rid"]) == (6, 1801, "r")
    bob.leave()
    bob = node.online(bob.user_id)
    assert bob.ask(MsgType.ADD_GROUP_MSG, groupid=group)["errno"] == 6, "a login forgives nothing"
    ann.deliver(bob, "x" * 10_000)
    bob.next()
    while (answer := bob.ask(MsgType.HISTORY_MSG, groupid=None, **{"with": ann.user_id}))[
        "errno"
    ] == 0:
        pass
    assert answer["errno"] == 6
    assert bob.ask(MsgType.LEAVE_GROUP_MSG, groupid=group)["errno"] == 0
    bob.deliver(ann, "chat goes on")
    node.clock.now += answer["retry_after"]
    assert bob.ask(MsgType.HISTORY_MSG, **{"with": ann.user_id, "limit": 1})["errno"] == 0


def test_a_page_of_long_messages_is_short(node: Node) -> None:
    ann = node.online("ann")
    texts = [f"{number:02}" + "x" * 16_000 for number in range(20)]
    for text in texts:
        ann.say(ann.user_id, text)
        for message in ann.take(2):
            if message["msgid"] == MsgType.ONE_CHAT_MSG:
                ann.got(message["seq"])
    found: list[str] = []
    before: dict[str, int] = {}
    more = True
    while more:
        page = ann.ask(MsgType.HISTORY_MSG, limit=100, **{"with": ann.user_id}, **before)
        assert len(encode(page)) < PAGE_CHARACTERS + 4096
        found = [message["msg"] for message in page["messages"]] + found
        before, more = {"before": page["messages"][0]["seq"]}, page["more"]
    assert found == texts
