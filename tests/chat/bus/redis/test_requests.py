"""Requests over a real Redis: counts of subscribers, answers, freshness."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import partial

import pytest

from chat.bus import Answer
from chat.bus.redis.resp import MAX_BULK
from chat.bus.redis.shard import FRESH_SECONDS
from chat.delivery.codec import LiveMessage
from chat.message import ChatMessage
from tests.chat.rediskit import (
    BusNode,
    RedisServer,
    group,
    redis_server,
    to_group,
    to_user,
    until,
    user,
)


def request(node: BusNode, message: ChatMessage, tag: str, number: int = 0) -> None:
    """Under the ``mid`` "m-TAG"."""
    node.bus.request(LiveMessage(node.bus.name, number, 5, f"m-{tag}", message), tag)


def test_the_subscribers_are_counted(make_bus_node: Callable[..., BusNode]) -> None:
    here, there = make_bus_node(), make_bus_node()
    there.bus.subscribe([user(7)])
    request(here, to_user(7, 0, "hello"), "a")
    request(here, to_user(9, 0), "b")
    here.until(lambda: len(here.counts) == 2)
    assert here.counts == [("a", 1), ("b", 0)]
    there.until(lambda: there.lives)
    ((live, contiguous, fresh),) = there.lives
    assert live[:4] == (here.bus.name, 0, 5, "m-a")
    assert (live.message.text, live.message.seq, live.message.extra) == ("hello", 0, {"x": [1]})
    assert (contiguous, fresh) == (False, True)


def test_a_request_that_subscribers_would_skip_has_none(
    make_bus_node: Callable[..., BusNode],
) -> None:
    here, there = make_bus_node(), make_bus_node()
    there.bus.subscribe([user(7)])
    request(here, to_user(7, 0, "x" * MAX_BULK), "long")
    request(here, to_user(7, 0, "short"), "short")
    here.until(lambda: len(here.counts) == 2)
    assert here.counts == [("long", 0), ("short", 1)]
    there.until(lambda: there.lives)
    assert [live.payload.message.text for live in there.lives] == ["short"]


def test_answers(make_bus_node: Callable[..., BusNode]) -> None:
    """They come to the node that is named, and to no other."""
    here, second, third = make_bus_node(), make_bus_node(), make_bus_node()
    for node in (second, third):
        node.bus.subscribe([group(8)])
    request(here, to_group(8, 0, 2, 3, 4), "a", 1)
    here.until(lambda: here.counts == [("a", 2)])
    for node, reached in ((second, [2, 3]), (third, [4])):
        node.until(partial(getattr, node, "lives"))
        live = node.lives[0].payload
        node.bus.answer(live.node, Answer(live.number, reached))
    here.until(lambda: len(here.answers) == 2)
    assert sorted(here.answers) == [Answer(1, [2, 3]), Answer(1, [4])]
    assert not (second.answers or third.answers)


def test_a_node_receives_its_own_request(make_bus_node: Callable[..., BusNode]) -> None:
    """It is one of the subscribers that are counted."""
    here = make_bus_node()
    request(here, to_group(8, 0, 2), "a", 1)
    here.until(lambda: here.counts)
    here.bus.subscribe([group(8)])
    request(here, to_group(8, 0, 3), "b", 2)
    here.until(lambda: here.counts == [("a", 0), ("b", 1)])
    here.until(lambda: here.lives)
    assert [live.payload.number for live in here.lives] == [2]


def test_publications_and_requests_keep_their_order(make_bus_node: Callable[..., BusNode]) -> None:
    """Also where they arrive together."""
    here, there = make_bus_node(), make_bus_node()
    there.bus.subscribe([user(7)])

    def publish() -> None:  # in one pass, so that it goes out in one write
        for number in range(0, 300, 3):
            request(here, to_user(7, 0, str(number)), "live")
            here.bus.publish([to_user(7, number + 1, str(number + 1))])
            request(here, to_user(7, 0, str(number + 2)), "live")

    here.loop.run_in_loop(publish)
    there.until(lambda: len(there.order) == 300)
    assert there.order == [str(number) for number in range(300)]


def test_requests_while_redis_dies(
    own_server: RedisServer, make_bus_node: Callable[..., BusNode]
) -> None:
    """Their counts are not known; 0 is reported."""
    here = make_bus_node(own_server)
    own_server.freeze()
    request(here, to_user(7, 0), "a")
    request(here, to_group(8, 0, 2), "b", 1)
    own_server.kill()
    request(here, to_user(7, 0), "c")
    here.until(lambda: len(here.counts) == 3)
    assert sorted(here.counts) == [("a", 0), ("b", 0), ("c", 0)]
    own_server.start()


def test_forged_requests_and_answers(make_bus_node: Callable[..., BusNode]) -> None:
    here = make_bus_node()
    here.bus.subscribe([user(7)])
    client = redis_server().client()
    for payload in (b'["l"]', b'["l",1,0,1,"m",6,1,"",7,"","",null,null]', b'["a",1,[1]]'):
        client.publish("chat:6:7", payload)
    for payload in (b"", b"[]", b'["a",1,["x"]]', b'["n","taken",[]]'):
        client.publish(here.bus._own_channel, payload)
    request(here, to_user(7, 0, "real"), "a")
    here.until(lambda: here.lives)
    assert here.order == ["real"]
    assert not here.answers
    client.close()


# ---------------------------------------------------------------------- not fresh


def test_what_may_be_old_is_not_fresh(
    make_bus_node: Callable[..., BusNode], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chat.bus.redis.shard.FRESH_SECONDS", -1.0)
    here, there = make_bus_node(), make_bus_node()
    there.bus.subscribe([user(7)])
    request(here, to_user(7, 0), "a")
    there.until(lambda: there.lives)
    assert not there.lives[0].fresh


def test_what_waited_for_a_frozen_node(make_bus_node: Callable[..., BusNode]) -> None:
    here, there = make_bus_node(), make_bus_node()
    there.bus.subscribe([user(7)])
    frozen, thawed = threading.Event(), threading.Event()

    def freeze() -> None:
        frozen.set()
        thawed.wait()

    there.loop.queue_in_loop(freeze)
    assert frozen.wait(10)
    since = time.monotonic()
    try:
        request(here, to_user(7, 0, "old"), "a")
        here.until(lambda: here.counts == [("a", 1)])
        until(lambda: time.monotonic() > since + 2 * FRESH_SECONDS)  # nothing but time passes
    finally:
        thawed.set()
    there.until(lambda: there.lives)
    assert [(live.payload.message.text, live.fresh) for live in there.lives] == [("old", False)]

    # The next request is fresh, as soon as a probe of this moment has come back.
    def is_fresh() -> bool:
        request(here, to_user(7, 0, "new"), "b")
        return there.lives[-1].fresh

    until(is_fresh)
    assert there.lives[-1].payload.message.text == "new"
