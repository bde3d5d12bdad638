"""Delivery, direct: to logins in other loops."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from chat.config import ServerConfig
from chat.delivery.delivery import DIRECT
from chat.handlers.account import logout
from chat.handlers.context import Context, Request
from chat.protocol import Message, MsgType
from tests.chat.loopkit import WAIT, writer_held
from tests.chat.nodekit import Node, replace_route

# ---------------------------------------------------------------------- between loops


@pytest.fixture
def loops(make_node: Callable[..., Node]) -> Node:
    return make_node(mode=DIRECT, config=ServerConfig(threads=2))


def test_live_between_loops(loops: Node) -> None:
    ann, bob = loops.online("ann"), loops.online("bob")
    assert ann.connection.loop is not bob.connection.loop
    for number in range(50):
        ann.say(bob, str(number))
    mail = bob.take(50)
    assert [item["msg"] for item in mail] == [str(number) for number in range(50)]
    assert all("seq" not in item for item in mail)
    assert len([ann.expect(MsgType.CHAT_ACK) for _ in range(50)]) == 50


def test_what_could_not_be_taken_live_there_is_stored(loops: Node) -> None:
    ann, bob = loops.online("ann"), loops.online("bob")
    bob.connection.flow.output_full = True
    assert ann.deliver(bob, "diverted")["seq"]
    assert len(loops.owed(bob.user_id)) == 1
    loops.until(lambda: not bob.login.pump.stores_pending)
    bob.connection.flow.output_full = False
    bob.connection.loop.queue_in_loop(bob.login.pump.kick)
    mail = bob.expect(MsgType.ONE_CHAT_MSG)
    assert (mail["msg"], "seq" in mail) == ("diverted", True)


def test_what_follows_a_diverted_message_stays_behind_it(loops: Node) -> None:
    ann, bob = loops.online("ann"), loops.online("bob")
    bob.connection.flow.output_full = True
    with writer_held(loops.database):
        for text in ("first", "second"):
            ann.say(bob, text)
        loops.until(lambda: bob.login.pump.stores_pending)
        bob.connection.flow.output_full = False
        ann.say(bob, "third")
        loops.until(lambda: ann.connection.flow.in_flight + len(ann.connection.flow.ready) == 3)
    assert [item["msg"] for item in bob.take(3)] == ["first", "second", "third"]
    assert all(ann.expect(MsgType.CHAT_ACK)["seq"] for _ in range(3))


def test_who_is_leaving_gets_all_in_order(make_node: Callable[..., Node]) -> None:
    """A message that waits in the receiver's loop is not overtaken by one stored meanwhile."""
    entered, go = threading.Event(), threading.Event()

    def gated(ctx: Context, request: Request[Any]) -> Message:
        entered.set()
        assert go.wait(WAIT)
        return logout(ctx, request)

    routes = replace_route(MsgType.LOGINOUT_MSG, run=gated)
    node = make_node(mode=DIRECT, routes=routes, config=ServerConfig(threads=2), workers=3)
    bob_id = node.user("bob")
    ann = node.online("ann")
    ann.deliver(bob_id, "zero")
    bob = node.online(bob_id)  # who does not acknowledge it
    assert ann.connection.loop is not bob.connection.loop
    bob.send(MsgType.LOGINOUT_MSG)
    node.until(entered.is_set)
    busy = threading.Event()
    bob.connection.loop.queue_in_loop(lambda: busy.wait(WAIT))
    ann.say(bob_id, "first")
    node.until(lambda: ann.login.live_sends)
    go.set()
    node.until(lambda: node.logins.find(bob_id) is None)
    ann.say(bob_id, "second")
    node.until(lambda: ann.connection.flow.in_flight + len(ann.connection.flow.ready) == 2)
    busy.set()
    node.until_owed(bob_id, 3)
    answer = node.connect().log_in(bob_id)
    assert [mail["msg"] for mail in answer["offlinemsg"]] == ["zero", "first", "second"]


def test_a_diverted_message_for_a_user_who_has_just_left(loops: Node) -> None:
    ann, bob = loops.online("ann"), loops.online("bob")
    login = bob.login
    login.pump.active = False  # its logout has been served in its loop, the registry does not know
    assert ann.deliver(bob, "kept")["seq"]
    loops.until_owed(bob.user_id, 1)
    login.pump.active = True


def test_a_diverted_message_that_cannot_be_stored(loops: Node) -> None:
    """Its sender hears of it, and no other message waits for it."""
    ann, bob = loops.online("ann"), loops.online("bob")
    loops.database.lose_commits = True
    bob.connection.flow.output_full = True
    assert ann.deliver(bob, "refused")["errno"]
    loops.until(lambda: not bob.login.pump.stores_pending)
    loops.database.lose_commits = False
    bob.connection.flow.output_full = False
    loops.until(lambda: bob.login.pump.empty)
    assert "seq" not in ann.deliver(bob, "next")
    assert bob.next()["msg"] == "next"


def test_a_group_in_many_loops_is_logged_once(make_node: Callable[..., Node]) -> None:
    node = make_node(mode=DIRECT, config=ServerConfig(threads=3), workers=3)
    ann, bob, eve = [node.online(name) for name in ("ann", "bob", "eve")]
    assert len({client.connection.loop for client in (ann, bob, eve)}) == 3
    group = ann.make_group("tea", bob, eve)
    ann.tell(group, "zero")  # stored; and not acknowledged, so the next one is stored as well
    ann.expect(MsgType.CHAT_ACK)
    ann.tell(group, "once")
    assert ann.expect(MsgType.CHAT_ACK)["seq"]
    assert [mail["msg"] for mail in (*bob.take(2), *eve.take(2))] == ["zero", "once"] * 2
    found = ann.ask(MsgType.HISTORY_MSG, groupid=group)["messages"]
    assert [message["msg"] for message in found] == ["zero", "once"]
