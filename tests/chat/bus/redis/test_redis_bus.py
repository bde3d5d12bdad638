"""RedisBus against a real Redis: what one node says another hears, if it has asked for it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from functools import partial

import pytest

from chat.notice import MEMBERS, PRESENCE, TAKEN, Notice
from tests.chat.loopkit import WAIT
from tests.chat.rediskit import (
    BusNode,
    RedisServer,
    group,
    redis_server,
    seqs,
    to_group,
    to_user,
    until,
    user,
)

# ---------------------------------------------------------------------- published and received


def test_from_one_node_to_another(make_bus_node: Callable[..., BusNode]) -> None:
    here, there = make_bus_node(), make_bus_node()
    there.bus.subscribe([user(7), group(8)])
    here.bus.publish([to_user(7, 1), to_user(9, 2), to_group(8, 3, 7, 5)])
    wakes = there.take(2)
    assert seqs(wakes) == [(1, True), (3, True)]
    assert wakes[0].payload.extra == {"x": [1]}
    assert wakes[1].payload.receivers == {7, 5}
    assert not here.wakes, "its own"


def test_a_subscription_is_certain_when_it_returns(make_bus_node: Callable[..., BusNode]) -> None:
    here, there = make_bus_node(), make_bus_node()
    client = redis_server().client()
    for user_id in range(1, 101):
        there.bus.subscribe([user(user_id)])
        assert client.pubsub_numsub(f"chat:6:{user_id}") == [(b"chat:6:%d" % user_id, 1)]
    client.close()
    here.bus.publish([to_user(user_id, user_id) for user_id in range(1, 101)])
    assert seqs(there.take(100)) == [(seq, True) for seq in range(1, 101)]


def test_many_messages_stay_in_order(make_bus_node: Callable[..., BusNode]) -> None:
    here, there = make_bus_node(), make_bus_node()
    there.bus.subscribe([user(7)])
    for first in range(1, 5001, 50):
        here.bus.publish([to_user(7, seq) for seq in range(first, first + 50)])
    there.until(lambda: len(there.wakes) == 5000)
    assert seqs(there.wakes) == [(seq, True) for seq in range(1, 5001)]


def test_several_nodes_speak_on_one_channel(make_bus_node: Callable[..., BusNode]) -> None:
    first, second, there = make_bus_node(), make_bus_node(), make_bus_node()
    there.bus.subscribe([group(8)])
    for seq in range(1, 101):
        (first if seq % 2 else second).bus.publish([to_group(8, seq, 7)])
    there.until(lambda: len(there.wakes) == 100)
    assert all(wake.contiguous for wake in there.wakes)
    assert {wake.payload.seq for wake in there.wakes} == set(range(1, 101))


def test_a_node_does_not_receive_its_own_publications(
    make_bus_node: Callable[..., BusNode],
) -> None:
    here, there = make_bus_node(), make_bus_node()
    for node in (here, there):
        node.bus.subscribe([group(8)])
    here.bus.publish([to_group(8, 1, 7)])
    there.take(1)
    there.bus.publish([to_group(8, 2, 7)])
    assert seqs(here.take(1)) == [(2, True)]


def test_notices(make_bus_node: Callable[..., BusNode]) -> None:
    here, there = make_bus_node(), make_bus_node()
    there.bus.subscribe([user(7)])
    here.bus.tell([Notice(7, PRESENCE, (1, 2)), Notice(9, TAKEN, ()), Notice(7, TAKEN, ())])
    there.until(lambda: len(there.notices) == 2)
    assert there.notices == [Notice(7, PRESENCE, (1, 2)), Notice(7, TAKEN, ())]
    assert not here.notices


def test_notices_of_groups(make_bus_node: Callable[..., BusNode]) -> None:
    """They go to the nodes with members of the group, and to no user's topic."""
    here, there, witness = make_bus_node(), make_bus_node(), make_bus_node()
    there.bus.subscribe([group(8)])
    witness.bus.subscribe([user(8)])
    here.bus.tell([Notice(8, MEMBERS, (7,)), Notice(9, MEMBERS, ()), Notice(8, TAKEN, ())])
    there.until(lambda: there.notices == [Notice(8, MEMBERS, (7,))])
    witness.until(lambda: witness.notices == [Notice(8, TAKEN, ())])


def test_a_group_s_notice_comes_back(make_bus_node: Callable[..., BusNode]) -> None:
    """A node with members of the group receives its own notice, which does no harm."""
    here = make_bus_node()
    here.bus.subscribe([group(8)])
    here.bus.tell([Notice(8, MEMBERS, (7,))])
    here.until(lambda: here.notices == [Notice(8, MEMBERS, (7,))])


# ---------------------------------------------------------------------- subscriptions


def test_subscriptions_are_counted(make_bus_node: Callable[..., BusNode]) -> None:
    here, there = make_bus_node(), make_bus_node()
    client = redis_server().client()

    def heard() -> int:
        ((_, count),) = client.pubsub_numsub("chat:10:8")
        return int(count)

    there.bus.subscribe([group(8)])
    there.bus.subscribe([group(8)])
    there.bus.unsubscribe([group(8)])
    here.bus.publish([to_group(8, 1, 7)])
    there.take(1)
    assert heard() == 1
    there.bus.unsubscribe([group(8)])
    until(lambda: heard() == 0)
    client.close()


def test_unsubscribing_too_often(make_bus_node: Callable[..., BusNode]) -> None:
    """Does no harm to the next subscription, nor after a lost connection."""
    here, there = make_bus_node(), make_bus_node()
    there.bus.subscribe([user(7), group(8), group(8)])
    there.bus.unsubscribe([user(7), user(7)])
    there.bus.unsubscribe([user(7), user(9), group(8)])
    there.bus.subscribe([user(7)])
    here.bus.publish([to_user(7, 1), to_group(8, 2, 7)])
    assert seqs(there.take(2)) == [(1, True), (2, True)]
    there.bus.unsubscribe([user(7), user(7)])
    there.bus.subscribe([user(7)])
    client = redis_server().client()
    client.client_kill_filter(_type="pubsub", skipme=True)
    there.until(lambda: there.doubts == 2)  # after all subscriptions are confirmed
    assert client.pubsub_numsub("chat:6:7", "chat:10:8", "chat:6:9") == [
        *((b"chat:6:7", 1), (b"chat:10:8", 1), (b"chat:6:9", 0)),
    ]
    client.close()
    here.bus.publish([to_user(7, 3), to_group(8, 4, 7)])
    assert [seq for seq, _ in seqs(there.take(2))] == [3, 4]


def test_waiting_for_a_subscription_can_be_ended(
    own_server: RedisServer, make_bus_node: Callable[..., BusNode], monkeypatch: pytest.MonkeyPatch
) -> None:
    """And later calls do not wait at all."""
    monkeypatch.setattr("chat.bus.redis.waiting.CONFIRM_SECONDS", 3 * WAIT)
    monkeypatch.setattr("chat.bus.redis.shard.DEAF_SECONDS", 3 * WAIT)  # it stays connected
    node = make_bus_node(own_server)
    own_server.freeze()

    def subscribe() -> None:
        node.bus.subscribe([user(7)])
        node.bus.subscribe([user(8)])

    worker = threading.Thread(target=subscribe)
    worker.start()
    try:
        until(lambda: node.bus._waiters._waiting, "a worker that waits")
        node.bus.stop_waiting()
        worker.join(WAIT)
        assert not worker.is_alive()
    finally:
        own_server.thaw()
        worker.join()


def has_heard(node: BusNode, seq: int) -> bool:
    return any(wake.payload.seq == seq for wake in list(node.wakes))


@pytest.mark.timeout(60)
def test_threads_that_come_and_go(make_bus_node: Callable[..., BusNode]) -> None:
    """Logins and logouts in many threads; after ``subscribe`` each publication arrives."""
    here, there = make_bus_node(), make_bus_node()
    problems: list[str] = []

    def come_and_go(number: int) -> None:
        for round_ in range(20):
            there.bus.subscribe([user(number), group(1)])
            seq = number * 1000 + round_
            here.bus.publish([to_user(number, seq)])
            try:
                there.until(partial(has_heard, there, seq))
            except AssertionError:
                problems.append(f"{number}: {seq} was not heard")
            there.bus.unsubscribe([user(number), group(1)])

    threads = [threading.Thread(target=come_and_go, args=(n,)) for n in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not problems
    client = redis_server().client()
    until(lambda: client.pubsub_numsub("chat:10:1") == [(b"chat:10:1", 0)])
    client.close()


# ---------------------------------------------------------------------- running numbers


def test_after_a_new_subscription_only_the_first_number_is_in_turn(
    make_bus_node: Callable[..., BusNode],
) -> None:
    here, there, witness = make_bus_node(), make_bus_node(), make_bus_node()
    witness.bus.subscribe([user(7)])
    here.bus.publish([to_user(7, 1)])
    witness.take(1)  # it is out
    witness.bus.unsubscribe([user(7)])
    there.bus.subscribe([user(7)])
    here.bus.publish([to_user(7, 2), to_user(7, 3)])
    assert seqs(there.take(2)) == [(2, False), (3, True)]
    there.bus.unsubscribe([user(7)])
    client = redis_server().client()
    until(lambda: client.pubsub_numsub("chat:6:7") == [(b"chat:6:7", 0)])
    client.close()
    there.bus.subscribe([user(7)])
    here.bus.publish([to_user(7, 4)])
    assert seqs(there.take(1)) == [(4, False)]


def test_a_gap_is_noticed(make_bus_node: Callable[..., BusNode]) -> None:
    here, there = make_bus_node(), make_bus_node()
    there.bus.subscribe([user(7)])
    here.bus.publish([to_user(7, 1)])
    there.take(1)
    here.loop.run_in_loop(lambda: here.bus._numbers.next(user(7)))  # numbered and lost
    here.bus.publish([to_user(7, 3), to_user(7, 4)])
    assert seqs(there.take(2)) == [(3, False), (4, True)]


def test_numbers_begin_anew_when_there_are_too_many(
    make_bus_node: Callable[..., BusNode], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chat.bus.redis.running_numbers.MAX_TOPICS", 3)
    here, there = make_bus_node(), make_bus_node()
    there.bus.subscribe([user(number) for number in range(1, 8)])
    for seq in range(1, 8):
        here.bus.publish([to_user(seq, seq)])
    here.bus.publish([to_user(7, 8)])
    assert seqs(there.take(8)) == [(seq, True) for seq in range(1, 9)]
