"""RequestLimits, alone and through a whole server."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from typing import Any

import pytest

from chat.handlers import ROUTES
from chat.handlers.message_page import PAGE_CHARACTERS
from chat.protocol import ErrNo, Limits, MsgType, ProtocolError, encode
from chat.service.request_limits import (
    ANSWER_SECONDS,
    HOUR,
    KIB,
    LIMIT_OF,
    ONLY_SERVED,
    RequestLimits,
)
from tests.chat.good_requests import GOOD
from tests.chat.nodekit import PASSWORD, Node

ANN, BOB = 1, 2

READING = {
    MsgType.PING_MSG,
    MsgType.HISTORY_MSG,
    MsgType.MEMBERS_MSG,
    MsgType.BLOCKS_MSG,
    MsgType.FRIEND_REQUESTS_MSG,
    MsgType.BANS_MSG,
    MsgType.DEVICES_MSG,
}
"""Requests that change nothing, and have no number in an hour."""

OTHER_LIMITS = {
    MsgType.LOGIN_MSG,  # chat/login/login_limits.py
    MsgType.REG_MSG,  # the same
    MsgType.LOGINOUT_MSG,  # each one needs a login
    MsgType.DELETE_ACCOUNT_MSG,  # works once; wrong passwords count as failed logins
    MsgType.ONE_CHAT_MSG,  # limits.user_rate
    MsgType.GROUP_CHAT_MSG,  # the same
    MsgType.DELIVERED_MSG,  # deletes rows of the user's own mailbox, once
    MsgType.TYPING_MSG,  # Context.typing
}


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


def test_each_request_that_changes_something_has_a_limit() -> None:
    assert set(ROUTES) == READING | OTHER_LIMITS | set(LIMIT_OF)
    assert not (READING | OTHER_LIMITS) & set(LIMIT_OF)


@pytest.mark.parametrize("msgid", sorted(READING - {MsgType.PING_MSG}))
def test_a_request_without_a_limit_does_not_write(node: Node, msgid: int) -> None:
    ann = node.online("ann")
    group = ann.make_group("tea")
    written: list[object] = []
    write = node.database.write
    node.database.write = lambda work: written.append(work) or write(work)  # type: ignore
    known = {"groupid": group} if "groupid" in GOOD[msgid] else {}
    fields = GOOD[msgid] | known
    fields.pop("with", None)
    assert ann.ask(msgid, **fields)["errno"] == 0
    assert not written


@pytest.mark.parametrize("msgid", sorted(set(LIMIT_OF) - ONLY_SERVED))
def test_requests_in_an_hour(msgid: int) -> None:
    name = LIMIT_OF[msgid]
    limits = RequestLimits(changed(name, 2))
    assert [refused(limits, ANN, msgid, 0.0) for _ in range(3)] == [0, 0, int(HOUR / 2) + 1]
    assert not refused(limits, BOB, msgid, 0.0)
    assert not refused(limits, ANN, msgid, HOUR / 2 + 1)
    limits.change(changed(name, 50), HOUR / 2 + 1)
    assert not refused(limits, ANN, msgid, HOUR / 2 + 1)


def test_requests_of_one_kind_share_their_number() -> None:
    limits = RequestLimits(Limits(moderations=2))
    assert not refused(limits, ANN, MsgType.BAN_MEMBER_MSG, 0.0)
    assert not refused(limits, ANN, MsgType.SET_ROLE_MSG, 0.0)
    assert refused(limits, ANN, MsgType.UNBAN_MEMBER_MSG, 0.0)
    assert not refused(limits, ANN, MsgType.CHANGE_GROUP_MSG, 0.0)


@pytest.mark.parametrize("msgid", sorted(set(LIMIT_OF) - ONLY_SERVED))
def test_each_limit_through_a_server(make_node: Callable[..., Node], msgid: int) -> None:
    node = make_node(limits=changed(LIMIT_OF[msgid], 1))
    ann = node.online("ann")
    ann.ask(msgid, **GOOD[msgid])
    answer = ann.ask(msgid, **GOOD[msgid])
    assert (answer["errno"], answer["retry_after"]) == (6, int(HOUR) + 1)


def test_wrong_passwords_do_not_keep_an_owner_from_changing_the_password(
    make_node: Callable[..., Node],
) -> None:
    node = make_node(limits=Limits(password_changes=1))
    ann = node.online("ann")
    for _ in range(2):
        wrong = ann.ask(MsgType.CHANGE_PASSWORD_MSG, old="wrong", new="another-1")
        assert wrong["errno"] == 1
    assert ann.ask(MsgType.CHANGE_PASSWORD_MSG, old=PASSWORD, new="another-1")["errno"] == 0
    answer = ann.ask(MsgType.CHANGE_PASSWORD_MSG, old="another-1", new="another-2")
    assert (answer["errno"], answer["retry_after"]) == (6, int(HOUR) + 1)


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
