"""Live messages over a real Redis: who gets them, and what is stored instead."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import pytest

from chat.bus import Forward
from chat.bus.redis.shard import FRESH_SECONDS
from chat.message import ChatMessage
from tests.chat.rediskit import (
    Ear,
    RedisServer,
    Stored,
    group,
    redis_server,
    to_group,
    to_user,
    until,
    user,
)

GENERATION = 5
"""Of the senders' logins."""


def forward(ear: Ear, message: ChatMessage, tag: str) -> None:
    """Under the ``mid`` "m-TAG"."""
    ear.bus.forward(Forward(message, message.receivers, GENERATION, f"m-{tag}", tag))


def test_a_live_message_to_a_user(make_ear: Callable[..., Ear]) -> None:
    here, there = make_ear(), make_ear()
    there.sessions.here = {7}
    there.bus.subscribe([user(7)])
    forward(here, to_user(7, 0, "hello"), "a")
    forward(here, to_user(9, 0), "b")
    here.until(lambda: len(here.sessions.ended) == 2)
    assert sorted(here.sessions.ended, key=str) == [("a", set()), ("b", {9})]
    there.until(lambda: there.sessions.handed)
    (live,) = there.sessions.handed
    message = live.message
    assert (message.text, message.seq, message.extra) == ("hello", 0, {"x": [1]})
    assert (live.user_id, live.generation, live.mid) == (7, GENERATION, "m-a")
    assert not there.sessions.stored


def test_a_live_message_for_who_has_just_left(make_ear: Callable[..., Ear]) -> None:
    """Redis counts the node, the node has the user no more: it stores the message."""
    here, there = make_ear(), make_ear()
    there.bus.subscribe([user(7)])
    forward(here, to_user(7, 0, "hello"), "a")
    there.until(lambda: there.sessions.stored == [Stored("hello", GENERATION, "m-a")])
    here.until(lambda: here.sessions.ended == [("a", set())])
    assert not there.sessions.handed


def test_a_live_message_to_a_group(make_ear: Callable[..., Ear]) -> None:
    """One publish; each node that listens says whom it has, ours too."""
    here, second, third = make_ear(), make_ear(), make_ear()
    here.sessions.here, second.sessions.here, third.sessions.here = {1}, {2, 3}, {4}
    for ear in (here, second, third):
        ear.bus.subscribe([group(8)])
    forward(here, to_group(8, 0, 2, 3, 4, 5), "a")
    here.until(lambda: here.sessions.ended == [("a", {5})])
    second.until(lambda: len(second.sessions.handed) == 2)
    third.until(lambda: len(third.sessions.handed) == 1)
    assert [(live.user_id, live.mid) for live in second.sessions.handed] == [(2, "m-a"), (3, "m-a")]
    assert not here.sessions.handed, "who is here was handed it before"


def test_a_live_message_to_a_group_that_nobody_else_is_in(make_ear: Callable[..., Ear]) -> None:
    here = make_ear()
    forward(here, to_group(8, 0, 2), "a")
    here.bus.subscribe([group(8)])
    forward(here, to_group(8, 0, 3), "b")
    here.until(lambda: here.sessions.ended == [("a", {2}), ("b", {3})])


def test_live_and_stored_messages_keep_their_order(make_ear: Callable[..., Ear]) -> None:
    """Also where they arrive together."""
    here, there = make_ear(), make_ear()
    there.sessions.here = {7}
    there.bus.subscribe([user(7)])
    order: list[str] = []
    there.bus._on_wakes = lambda wakes: order.extend(wake.message.text for wake in wakes)
    there.sessions.on_handed = order.append

    def publish() -> None:  # in one pass, so that it goes out in one write
        for number in range(0, 300, 3):
            forward(here, to_user(7, 0, str(number)), "live")
            here.bus.publish([to_user(7, number + 1, str(number + 1))])
            forward(here, to_user(7, 0, str(number + 2)), "live")

    here.loop.run_in_loop(publish)
    there.until(lambda: len(order) == 300)
    assert order == [str(number) for number in range(300)]


def test_a_node_dies_before_it_answers(
    own_server: RedisServer, make_ear: Callable[..., Ear]
) -> None:
    here = make_ear(own_server)
    client = own_server.client()
    dead = client.pubsub()
    dead.subscribe("chat:10:8")
    dead.get_message(timeout=5)
    forward(here, to_group(8, 0, 2), "a")
    here.until(lambda: here.sessions.ended == [("a", {2})])
    dead.close()
    client.close()


def test_what_became_of_live_messages_when_redis_dies(
    own_server: RedisServer, make_ear: Callable[..., Ear]
) -> None:
    """Nobody knows; they are to be stored."""
    here = make_ear(own_server)
    own_server.freeze()
    forward(here, to_user(7, 0), "a")
    forward(here, to_group(8, 0, 2), "b")
    own_server.kill()
    forward(here, to_user(7, 0), "c")
    here.until(lambda: len(here.sessions.ended) == 3)
    assert sorted(here.sessions.ended, key=str) == [("a", {7}), ("b", {2}), ("c", {7})]
    own_server.start()


def test_forged_live_messages(make_ear: Callable[..., Ear]) -> None:
    here = make_ear()
    here.sessions.here = {7}
    here.bus.subscribe([user(7)])
    client = redis_server().client()
    for payload in (b'["l"]', b'["l",1,0,1,"m",6,1,"",7,"","",null,null]', b'["a",1,[1]]'):
        client.publish("chat:6:7", payload)
    for payload in (b"", b"[]", b'["a",1,["x"]]', b'["a",7,[1]]'):
        client.publish(here.bus._own_name, payload)
    forward(here, to_user(7, 0, "real"), "a")
    here.until(lambda: here.sessions.handed)
    assert [live.message.text for live in here.sessions.handed] == ["real"]
    client.close()


# ---------------------------------------------------------------------- not fresh


@pytest.fixture
def nothing_is_fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever comes may have been on its way for too long."""
    monkeypatch.setattr("chat.bus.redis.shard.FRESH_SECONDS", -1.0)


def test_an_old_live_message_to_a_user(
    nothing_is_fresh: None, make_ear: Callable[..., Ear]
) -> None:
    """Its sender's node counts on the receiver's, or has stored it under the same ``mid``."""
    here, there = make_ear(), make_ear()
    there.sessions.here = {7}
    there.bus.subscribe([user(7)])
    forward(here, to_user(7, 0, "hello"), "a")
    there.until(lambda: there.sessions.handed)
    (live,) = there.sessions.handed
    assert (live.message.text, live.mid, live.fresh) == ("hello", "m-a", False)
    here.until(lambda: here.sessions.ended == [("a", set())])


def test_an_old_live_message_to_a_group(
    nothing_is_fresh: None, make_ear: Callable[..., Ear]
) -> None:
    """Whoever stores it second finds it stored."""
    here, there = make_ear(), make_ear()
    there.sessions.here = {2, 3}
    for ear in (here, there):
        ear.bus.subscribe([group(8)])
    forward(here, to_group(8, 0, 2, 3), "a")
    here.until(lambda: here.sessions.ended == [("a", set())])
    there.until(lambda: len(there.sessions.handed) == 2)
    assert not any([live.fresh for live in there.sessions.handed])


def test_what_waited_for_a_frozen_node(make_ear: Callable[..., Ear]) -> None:
    here, there = make_ear(), make_ear()
    there.sessions.here = {7}
    there.bus.subscribe([user(7)])
    frozen, thawed = threading.Event(), threading.Event()
    there.loop.queue_in_loop(lambda: frozen.set() or thawed.wait())
    assert frozen.wait(10)
    since = time.monotonic()
    try:
        forward(here, to_user(7, 0, "old"), "a")
        here.until(lambda: here.sessions.ended == [("a", set())])
        until(lambda: time.monotonic() > since + 2 * FRESH_SECONDS)  # nothing but time passes
    finally:
        thawed.set()
    there.until(lambda: there.sessions.handed)
    assert [(live.message.text, live.fresh) for live in there.sessions.handed] == [("old", False)]
    # What is sent now is fresh again, as soon as there has heard itself.
    until(lambda: forward(here, to_user(7, 0, "new"), "b") or there.sessions.handed[-1].fresh)
    assert there.sessions.handed[-1].message.text == "new"
