"""ChatService: order, routing, answers, and its patience with bad requests."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from chat.handlers import ROUTES, Where
from chat.protocol import ACK_OF, MsgType
from chat.service.answers import MAX_STRIKES
from tests.chat.good_requests import GOOD, UNKNOWN
from tests.chat.loopkit import WAIT, ErrorLog, writer_held
from tests.chat.nodekit import PASSWORD, Client, Node, replace_route

ABUSE = {"msgid": 32, "reason": "abuse", "reconnect": False}


class Held:
    """Keeps all workers of a node busy inside the block."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._released = threading.Event()
        self._inside = threading.Semaphore(0)

    def _hold(self) -> None:
        self._inside.release()
        assert self._released.wait(WAIT)

    def __enter__(self) -> None:
        for _ in range(2):
            assert self._node.workers.run(self._hold)
        for _ in range(2):
            assert self._inside.acquire(timeout=WAIT)

    def __exit__(self, *exc: object) -> None:
        self._released.set()


# ---------------------------------------------------------------------- routing


def test_every_request_has_a_route() -> None:
    requests = {*ACK_OF, MsgType.DELIVERED_MSG, MsgType.TYPING_MSG}
    assert set(ROUTES) == requests
    assert {kind for kind, route in ROUTES.items() if not route.login} == {
        MsgType.LOGIN_MSG,
        MsgType.REG_MSG,
        MsgType.PING_MSG,
    }
    assert {kind for kind, route in ROUTES.items() if route.where is Where.LOOP} == {
        MsgType.ONE_CHAT_MSG,
        MsgType.GROUP_CHAT_MSG,
        MsgType.DELIVERED_MSG,
        MsgType.PING_MSG,
    }


LOGGED_IN = [msgid for msgid, route in ROUTES.items() if route.login]
"""The requests that need a login."""


@pytest.mark.parametrize("msgid", LOGGED_IN)
def test_a_request_without_a_login(node: Node, msgid: int) -> None:
    client = node.connect()
    client.log_in(UNKNOWN)  # fails, but chooses v2
    client.send(msgid, rid="r", **{"id": 1, **GOOD[msgid]})
    answer = client.next()
    assert answer["msgid"] == ACK_OF.get(msgid, MsgType.ERROR_MSG)
    assert (answer["errno"], answer["errmsg"], answer["rid"]) == (3, "not logged in", "r")


@pytest.mark.parametrize("msgid", LOGGED_IN)
def test_no_user_speaks_as_another(node: Node, msgid: int) -> None:
    ann, bob = node.online("ann"), node.online("bob")
    ann.send(msgid, **{**GOOD[msgid], "id": bob.user_id})
    answer = ann.next()
    assert (answer["errno"], answer["errmsg"]) == (3, "id: is not this session's")


@pytest.mark.parametrize("msgid", [None, True, 1.0, "1", [], {}, 0, 2, 20, 31, 77, -1, 2**70])
@pytest.mark.parametrize("v2", [True, False])
def test_unknown_messages(node: Node, msgid: Any, v2: bool) -> None:
    client = node.online("ann", v2=v2)
    client.send_all({"msgid": msgid, "rid": "x"})
    answer = client.next()
    assert (answer["msgid"], answer["errno"], answer["rid"]) == (31, 4, "x")
    assert answer["errmsg"] == "msgid: is missing or unknown"
    assert ("error" in answer) == (not v2)


@pytest.mark.parametrize("frame", [b"x", b"[]", b'"', b"\xff", b"{}", b"\x01{}", b"null"])
def test_frames_that_are_no_messages(node: Node, frame: bytes) -> None:
    client = node.online("ann")
    client.write(frame + b"\n")
    answer = client.next()
    assert (answer["msgid"], answer["errno"]) == (31, 4)
    client.nothing_more()


@pytest.mark.parametrize("rid", [7, True, [], {}, "r" * 65])
def test_a_bad_rid(node: Node, rid: Any) -> None:
    client = node.online("ann")
    client.send(MsgType.PING_MSG, rid=rid)
    answer = client.next()
    assert (answer["msgid"], answer["errno"]) == (27, 4)
    assert isinstance(answer.get("rid", ""), str)


# ---------------------------------------------------------------------- dialects


@pytest.mark.parametrize("version", [2, 3, 1000])
def test_v_chooses_v2_for_good(node: Node, version: int) -> None:
    client = node.connect()
    client.send(MsgType.LOGIN_MSG, v=version, id=99, password="x")
    assert "error" not in client.next()
    assert client.connection.v2
    client.send(MsgType.LOGIN_MSG, v=1, id=99, password="x")
    client.next()
    assert client.connection.v2


@pytest.mark.parametrize(
    ("msgid", "version"), [(1, 1), (1, True), (1, "2"), (1, 2.0), (1, None), (26, 2), (7, 2)]
)
def test_what_does_not_choose_v2(node: Node, msgid: int, version: Any) -> None:
    client = node.connect(v2=False)
    client.send(msgid, v=version, id=99, password="x", friendid=1)
    client.next()
    assert not client.connection.v2


def test_registering_chooses_v2(node: Node) -> None:
    client = node.connect()
    client.send(MsgType.REG_MSG, v=2, name="ann", password=PASSWORD)
    client.next()
    assert client.connection.v2


# ---------------------------------------------------------------------- order


def test_answers_come_in_the_order_of_the_requests(node: Node) -> None:
    ann, bob = node.online("ann"), node.user("bob")
    requests: list[dict[str, Any]] = [
        {"msgid": 26, "rid": "0"},
        {"msgid": 7, "friendid": bob, "rid": "1"},
        {"msgid": 26, "rid": "2"},
        {"msgid": 6, "toid": bob, "msg": "a", "rid": "3"},
        {"msgid": 6, "toid": bob, "msg": "b", "rid": "4"},
        {"msgid": 8, "groupname": "tea", "groupdesc": "", "rid": "5"},
        {"msgid": 9, "groupid": 99, "rid": "6"},
        {"msgid": 6, "toid": 99, "msg": "c", "rid": "7"},
        {"msgid": 3, "rid": "8"},
        {"msgid": 26, "rid": "9"},
    ]
    ann.send_all(*requests)
    assert [answer["rid"] for answer in ann.take(10)] == [str(number) for number in range(10)]


@pytest.mark.parametrize("apart", [True, False])
def test_what_comes_behind_a_worker_waits(node: Node, apart: bool) -> None:
    ann = node.online("ann")
    friend = {"msgid": 7, "friendid": 99, "rid": "first"}
    ping = {"msgid": 26, "rid": "second"}
    with Held(node):
        if apart:
            ann.send_all(friend)
            node.until(lambda: ann.connection.flow.busy)
            ann.send_all(ping)
        else:
            ann.send_all(friend, ping)
        node.until(lambda: ann.connection.flow.pending)
        assert not ann.connection.tcp.is_reading
    assert [answer["rid"] for answer in ann.take(2)] == ["first", "second"]
    assert ann.connection.tcp.is_reading


def test_a_worker_waits_for_the_messages_before_it(node: Node) -> None:
    ann, bob = node.online("ann"), node.user("bob")
    with writer_held(node.database):
        ann.send_all({"msgid": 6, "toid": bob, "msg": "a", "rid": "1"})
        ann.send_all({"msgid": 7, "friendid": bob, "rid": "2"})
        ann.send_all({"msgid": 26, "rid": "3"})
        node.until(lambda: ann.connection.flow.in_flight and ann.connection.flow.pending)
        node.passes.settle()
        assert not ann.connection.flow.busy
    assert [answer["rid"] for answer in ann.take(3)] == ["1", "2", "3"]


def test_messages_do_not_wait_for_each_other(node: Node) -> None:
    ann, bob = node.online("ann"), node.user("bob")
    with writer_held(node.database):
        for number in range(3):
            ann.say(bob, mid=f"m{number}")
        node.until(lambda: ann.connection.flow.in_flight == 3)
    ann.take(3)


def test_a_pong_may_overtake_messages_in_flight(node: Node) -> None:
    ann, bob = node.online("ann"), node.user("bob")
    with writer_held(node.database):
        ann.say(bob)
        ann.send(MsgType.PING_MSG)
        assert ann.next()["msgid"] == 27
    assert ann.next()["msgid"] == 20


# ---------------------------------------------------------------------- failures


def test_a_handler_that_raises(make_node: Callable[..., Node], errors: ErrorLog) -> None:
    def fails(ctx: object, request: object) -> object:
        raise RuntimeError("a bug")

    node = make_node(routes=replace_route(MsgType.ADD_FRIEND_MSG, run=fails))
    ann = node.online("ann")
    answer = ann.ask(MsgType.ADD_FRIEND_MSG, friendid=2, rid="r")
    assert (answer["errno"], answer["retry_after"], answer["rid"]) == (8, 1, "r")
    assert "a bug" not in answer["errmsg"]
    assert errors.messages == ["request 7 failed"]
    ann.nothing_more()


def test_workers_that_are_overloaded(make_node: Callable[..., Node]) -> None:
    node = make_node(worker_queue=1)
    ann, bob, eve = node.online("ann"), node.online("bob"), node.online("eve")
    with Held(node):
        ann.send(MsgType.ADD_FRIEND_MSG, friendid=99)
        node.until(lambda: ann.connection.flow.busy)
        answer = bob.ask(MsgType.ADD_FRIEND_MSG, friendid=99, rid="r")
        assert answer == {
            "msgid": 22,
            "errno": 8,
            "errmsg": "the server is busy",
            "retry_after": 1,
            "rid": "r",
        }
        assert not bob.connection.flow.busy
        eve.nothing_more()
    assert ann.next()["errno"] == 5
    assert bob.ask(MsgType.ADD_FRIEND_MSG, friendid=99)["errno"] == 5


def test_too_many_messages_for_the_database(node: Node, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("chat.delivery.commit_queue.MAX_WAITING", 2)
    ann, bob = node.online("ann"), node.user("bob")
    with writer_held(node.database):
        for number in range(3):
            ann.say(bob, mid=f"m{number}")
        ack = ann.next()
        assert (ack["mid"], ack["errno"], ack["retry_after"]) == ("m2", 6, 1)
        assert ann.connection.flow.in_flight == 2
    assert [ack["mid"] for ack in ann.take(2)] == ["m0", "m1"]


def test_a_frame_that_is_too_large(node: Node) -> None:
    ann = node.online("ann")
    ann.send(MsgType.PING_MSG, rid="before")
    ann.write(b"x" * 70_000)
    pong, error = ann.ended()
    assert pong["rid"] == "before"
    assert error == {"msgid": 31, "errno": 7, "errmsg": "frame too large"}


def test_what_came_before_a_frame_that_is_too_large_is_answered(node: Node) -> None:
    ann, bob = node.online("ann"), node.user("bob")
    with writer_held(node.database):
        for number in range(3):
            ann.say(bob, mid=f"m{number}")
        ann.write(b"x" * 70_000)
        assert ann.expect(MsgType.ERROR_MSG)["errno"] == 7
    assert [ack["mid"] for ack in ann.ended()] == ["m0", "m1", "m2"]


def test_a_frame_that_is_too_large_in_classic(node: Node) -> None:
    client = node.connect(v2=False)
    client.write(b"x" * 70_000)
    assert client.ended() == [
        {"msgid": 31, "errno": 7, "error": 7, "errnum": 7, "errmsg": "frame too large"}
    ]


# ---------------------------------------------------------------------- strikes


def strike(client: Client, times: int) -> None:
    client.write(b"x\n" * times)
    for _ in range(times):
        assert client.next()["errno"] == 4


def test_too_many_bad_requests_in_a_row(node: Node) -> None:
    ann = node.online("ann")
    strike(ann, MAX_STRIKES)
    assert ann.ended() == [ABUSE]


def test_a_good_request_forgives(node: Node) -> None:
    ann = node.online("ann")
    for _ in range(3):
        strike(ann, MAX_STRIKES - 1)
        assert ann.ask(MsgType.ADD_FRIEND_MSG, friendid=99)["errno"] == 5


def test_a_ping_does_not(node: Node) -> None:
    """It costs nothing, and would let a client send junk for ever."""
    ann = node.online("ann")
    strike(ann, MAX_STRIKES - 1)
    ann.nothing_more()
    strike(ann, 1)
    assert ann.ended() == [ABUSE]


def test_other_failures_are_no_strikes(node: Node) -> None:
    ann = node.online("ann")
    for _ in range(MAX_STRIKES + 5):
        ann.say(99)
        assert ann.expect(MsgType.CHAT_ACK)["errno"] == 5
    ann.send_all(*({"msgid": 6, "id": 99, "toid": 1, "msg": "x"} for _ in range(MAX_STRIKES + 5)))
    assert {answer["errno"] for answer in ann.take(MAX_STRIKES + 5)} == {3}
    ann.nothing_more()


def test_what_comes_behind_the_last_strike_is_not_served(node: Node) -> None:
    ann, bob = node.online("ann"), node.user("bob")
    chat = f'{{"msgid":6,"id":{ann.user_id},"toid":{bob},"msg":"x"}}\n'.encode()
    ann.write(b"x\n" * MAX_STRIKES + chat)
    assert ann.ended()[-1] == ABUSE
    assert node.owed(bob) == []


def test_strikes_in_classic_just_end_it(node: Node) -> None:
    client = node.online("ann", v2=False)
    client.write(b"x\n" * MAX_STRIKES)
    answers = client.ended()
    assert [answer["msgid"] for answer in answers] == [31] * MAX_STRIKES
