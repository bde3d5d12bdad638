"""RedisBus against a real Redis: two nodes, everything that Redis may do to them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cutkit import CuttingProxy
from rediskit import (
    PASSWORD,
    Ear,
    RedisServer,
    group,
    redis_server,
    to_group,
    to_user,
    until,
    user,
)

from chat.bus import PRESENCE, TAKEN, Forward, Notice, Wake
from chat.bus.redis_url import check_redis, parse_redis_url
from chat.delivery.message import ChatMessage

CERTIFICATE = Path(__file__).parents[2] / "muduopy" / "certs" / "localhost.pem"


@pytest.fixture(scope="module", autouse=True)
def server_stops() -> Iterator[None]:
    yield
    if redis_server.cache_info().currsize:
        redis_server().stop()
        redis_server.cache_clear()


@pytest.fixture
def own_server() -> Iterator[RedisServer]:
    """For tests that kill it."""
    server = RedisServer()
    yield server
    server.stop()


@pytest.fixture
def make_ear(no_leaks: None) -> Iterator[Callable[..., Ear]]:
    """Buses that are connected: ``make_ear(server)``."""
    ears: list[Ear] = []

    def make(server: RedisServer | None = None, *, connected: bool = True) -> Ear:
        url = (server or redis_server()).url
        ears.append(Ear(url, node=f"node-{len(ears)}").start())
        if connected:
            until_healthy(ears[-1])
            ears[-1].until(lambda: ears[-1].doubts == 1)
        return ears[-1]

    yield make
    for ear in ears:
        ear.close()


def until_healthy(ear: Ear) -> None:
    until(lambda: ear.bus.healthy, "a healthy bus")


def seqs(wakes: list[Wake]) -> list[tuple[int, bool]]:
    return [(wake.message.seq, wake.contiguous) for wake in wakes]


# ---------------------------------------------------------------------- what is said is heard


def test_from_one_node_to_another(make_ear: Callable[..., Ear]) -> None:
    here, there = make_ear(), make_ear()
    there.bus.subscribe([user(7), group(8)])
    here.bus.publish([to_user(7, 1), to_user(9, 2), to_group(8, 3, 7, 5)])
    wakes = there.take(2)
    assert seqs(wakes) == [(1, True), (3, True)]
    assert wakes[0].message.extra == {"x": [1]}
    assert wakes[1].message.receivers == {7, 5}
    assert seqs(here.take(3)) == [(1, True), (2, True), (3, True)], "its own, at once"


def test_a_subscription_is_certain_when_it_returns(make_ear: Callable[..., Ear]) -> None:
    here, there = make_ear(), make_ear()
    client = redis_server().client()
    for user_id in range(1, 101):
        there.bus.subscribe([user(user_id)])
        assert client.pubsub_numsub(f"chat:6:{user_id}") == [(b"chat:6:%d" % user_id, 1)]
    client.close()
    here.bus.publish([to_user(user_id, user_id) for user_id in range(1, 101)])
    assert seqs(there.take(100)) == [(seq, True) for seq in range(1, 101)]


def test_many_messages_stay_in_order(make_ear: Callable[..., Ear]) -> None:
    here, there = make_ear(), make_ear()
    there.bus.subscribe([user(7)])
    for first in range(1, 5001, 50):
        here.bus.publish([to_user(7, seq) for seq in range(first, first + 50)])
    there.until(lambda: len(there.wakes) == 5000)
    assert seqs(there.wakes) == [(seq, True) for seq in range(1, 5001)]


def test_several_nodes_speak_on_one_channel(make_ear: Callable[..., Ear]) -> None:
    first, second, there = make_ear(), make_ear(), make_ear()
    there.bus.subscribe([group(8)])
    for seq in range(1, 101):
        (first if seq % 2 else second).bus.publish([to_group(8, seq, 7)])
    there.until(lambda: len(there.wakes) == 100)
    assert all(wake.contiguous for wake in there.wakes)
    assert {wake.message.seq for wake in there.wakes} == set(range(1, 101))


def test_a_user_who_is_here_is_not_looked_for_elsewhere(make_ear: Callable[..., Ear]) -> None:
    here = make_ear()
    here.bus.subscribe([user(7)])
    client = redis_server().client()
    before = client.info("commandstats")["cmdstat_publish"]["calls"]
    here.bus.publish([to_user(7, seq) for seq in range(1, 1001)])
    here.bus.publish([to_user(9, 1001)])
    here.until(lambda: len(here.wakes) == 1001)
    until(lambda: client.info("commandstats")["cmdstat_publish"]["calls"] > before)
    assert client.info("commandstats")["cmdstat_publish"]["calls"] < before + 100
    client.close()


def test_what_one_says_one_does_not_hear_again(make_ear: Callable[..., Ear]) -> None:
    here, there = make_ear(), make_ear()
    for ear in (here, there):
        ear.bus.subscribe([group(8)])
    here.bus.publish([to_group(8, 1, 7)])
    there.take(1)
    there.bus.publish([to_group(8, 2, 7)])
    assert seqs(here.take(2)) == [(1, True), (2, True)]


def test_notices(make_ear: Callable[..., Ear]) -> None:
    here, there = make_ear(), make_ear()
    there.bus.subscribe([user(7)])
    here.bus.tell([Notice(7, PRESENCE, (1, 2)), Notice(9, TAKEN, ()), Notice(7, TAKEN, ())])
    there.until(lambda: len(there.notices) == 2)
    assert there.notices == [Notice(7, PRESENCE, (1, 2)), Notice(7, TAKEN, ())]
    assert not here.notices


# ---------------------------------------------------------------------- subscriptions


def test_subscriptions_are_counted(make_ear: Callable[..., Ear]) -> None:
    here, there = make_ear(), make_ear()
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
    there.bus.unsubscribe([group(8)])  # once too often: nothing
    there.bus.subscribe([group(8)])
    assert heard() == 1
    client.close()


def test_after_a_new_subscription_only_the_first_number_is_in_turn(
    make_ear: Callable[..., Ear],
) -> None:
    here, there, witness = make_ear(), make_ear(), make_ear()
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


def test_a_gap_is_noticed(make_ear: Callable[..., Ear]) -> None:
    here, there = make_ear(), make_ear()
    there.bus.subscribe([user(7)])
    here.bus.publish([to_user(7, 1)])
    there.take(1)
    here.loop.run_in_loop(lambda: here.bus._numbers.update({user(7): 2}))  # numbered and lost
    here.bus.publish([to_user(7, 3), to_user(7, 4)])
    assert seqs(there.take(2)) == [(3, False), (4, True)]


def test_numbers_begin_anew_when_there_are_too_many(
    make_ear: Callable[..., Ear], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chat.bus.redis.MAX_CHANNELS", 3)
    here, there = make_ear(), make_ear()
    there.bus.subscribe([user(number) for number in range(1, 8)])
    for seq in range(1, 8):
        here.bus.publish([to_user(seq, seq)])
    here.bus.publish([to_user(7, 8)])
    assert seqs(there.take(8)) == [(seq, True) for seq in range(1, 9)]


@pytest.mark.timeout(60)
def test_threads_that_come_and_go(make_ear: Callable[..., Ear]) -> None:
    """Logins and logouts in many threads; whoever is in for certain hears what follows."""
    here, there = make_ear(), make_ear()
    problems: list[str] = []

    def come_and_go(number: int) -> None:
        for round_ in range(20):
            there.bus.subscribe([user(number), group(1)])
            seq = number * 1000 + round_
            here.bus.publish([to_user(number, seq)])
            try:
                there.until(lambda seq=seq: any(w.message.seq == seq for w in list(there.wakes)))
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


# ---------------------------------------------------------------------- live messages


def forward(ear: Ear, message: ChatMessage, tag: str) -> None:
    ear.bus.forward(Forward(message, message.receivers, 1, tag))


def test_a_live_message_to_a_user(make_ear: Callable[..., Ear]) -> None:
    here, there = make_ear(), make_ear()
    there.sessions.here = {7}
    there.bus.subscribe([user(7)])
    forward(here, to_user(7, 0, "hello"), "a")
    forward(here, to_user(9, 0), "b")
    here.until(lambda: len(here.sessions.ended) == 2)
    assert sorted(here.sessions.ended, key=str) == [("a", set()), ("b", {9})]
    there.until(lambda: there.sessions.handed)
    ((receiver, message),) = there.sessions.handed
    assert (receiver, message.text, message.seq, message.extra) == (7, "hello", 0, {"x": [1]})
    assert not there.sessions.stored


def test_a_live_message_for_who_has_just_left(make_ear: Callable[..., Ear]) -> None:
    """Redis counts the node, the node has the user no more: it stores the message."""
    here, there = make_ear(), make_ear()
    there.bus.subscribe([user(7)])
    forward(here, to_user(7, 0), "a")
    there.until(lambda: there.sessions.stored)
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
    assert [user_id for user_id, _ in second.sessions.handed] == [2, 3]
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
    for payload in (b'["l"]', b'["l",1,0,1,6,1,"",7,"","",null,null]', b'["a",1,[1]]'):
        client.publish("chat:6:7", payload)
    for payload in (b"", b"[]", b'["a",1,["x"]]', b'["a",7,[1]]'):
        client.publish(here.bus._own_name, payload)
    forward(here, to_user(7, 0, "real"), "a")
    here.until(lambda: here.sessions.handed)
    assert [message.text for _, message in here.sessions.handed] == ["real"]
    client.close()


# ---------------------------------------------------------------------- through TLS


def test_through_tls(no_leaks: None) -> None:
    server = RedisServer(tls=CERTIFICATE)
    url = f"rediss://localhost:{server.tls_port}"
    here = Ear(f"{url}?ca={CERTIFICATE}", node="here").start()
    there = Ear(f"{url}?ca={CERTIFICATE}", node="there").start()
    try:
        for ear in (here, there):
            until_healthy(ear)
            ear.until(lambda ear=ear: ear.doubts == 1)
        there.bus.subscribe([user(7)])
        here.bus.publish([to_user(7, seq, "x" * 1000) for seq in range(1, 501)])
        assert seqs(there.take(500)) == [(seq, True) for seq in range(1, 501)]
    finally:
        here.close()
        there.close()
        server.stop()


def test_a_certificate_that_is_not_trusted(caplog: pytest.LogCaptureFixture) -> None:
    server = RedisServer(tls=CERTIFICATE)
    ear = Ear(f"rediss://localhost:{server.tls_port}").start()
    try:
        until(lambda: "certificate verify failed" in caplog.text)
        assert not ear.bus.healthy
    finally:
        ear.close()
        server.stop()


# ---------------------------------------------------------------------- Redis misbehaves


def test_redis_is_not_there_at_first(own_server: RedisServer, make_ear: Callable[..., Ear]) -> None:
    own_server.kill()
    ear = make_ear(own_server, connected=False)
    assert not ear.bus.healthy
    assert ear.bus.state == "deaf"
    ear.bus.subscribe([user(7)])  # does not wait for what cannot come
    ear.bus.publish([to_user(7, 1), to_user(9, 2)])
    assert seqs(ear.take(2)) == [(1, True), (2, True)], "its own users are woken all the same"
    own_server.start()
    until_healthy(ear)
    ear.until(lambda: ear.doubts == 1)
    client = own_server.client()
    assert client.pubsub_numsub("chat:6:7") == [(b"chat:6:7", 1)]
    client.close()


def test_redis_is_killed_and_comes_back(
    own_server: RedisServer, make_ear: Callable[..., Ear]
) -> None:
    here, there = make_ear(own_server), make_ear(own_server)
    there.bus.subscribe([user(7)])
    here.bus.publish([to_user(7, 1)])
    there.take(1)
    own_server.kill()
    until(lambda: not there.bus.healthy)
    here.bus.publish([to_user(7, 2)])  # lost
    there.bus.subscribe([user(8)])
    own_server.start()
    for ear in (here, there):
        ear.until(lambda ear=ear: ear.doubts == 2)
        until_healthy(ear)
    here.bus.publish([to_user(7, 3), to_user(7, 4), to_user(8, 5)])
    assert seqs(there.take(3)) == [(3, False), (4, True), (5, True)]


def test_connections_are_killed(make_ear: Callable[..., Ear]) -> None:
    here, there = make_ear(), make_ear()
    there.bus.subscribe([user(7)])
    client = redis_server().client()
    for kind in ("normal", "pubsub"):
        client.client_kill_filter(_type=kind, skipme=True)
    there.until(lambda: there.doubts == 2)
    here.until(lambda: here.doubts == 2)
    until_healthy(there)
    client.close()
    # What it publishes next may meet the dead connection; what follows does not.
    until(lambda: here.bus.publish([to_user(7, 1)]) or there.wakes, "a wake")
    assert not there.wakes[0].contiguous or there.wakes[0].message.seq == 1


def test_a_frozen_redis_holds_nobody_up(
    own_server: RedisServer, make_ear: Callable[..., Ear]
) -> None:
    here, there = make_ear(own_server), make_ear(own_server)
    own_server.freeze()
    try:
        for seq in range(1, 200):
            here.bus.publish([to_user(7, seq)])
        assert len(here.take(199)) == 199
        until(lambda: not here.bus.healthy)
        there.bus.subscribe([user(7)])  # returns after a while
    finally:
        own_server.thaw()
    until_healthy(there)
    there.until(lambda: there.doubts == 2)


def test_a_wrong_password(make_ear: Callable[..., Ear], caplog: pytest.LogCaptureFixture) -> None:
    ear = Ear(redis_server().url, "wrong").start()
    try:
        until(lambda: "mailboxes are polled" in caplog.text)
        assert "password" in caplog.text.lower()
        assert PASSWORD not in caplog.text
        assert not ear.bus.healthy
    finally:
        ear.close()


def test_garbage_on_a_channel(
    make_ear: Callable[..., Ear], caplog: pytest.LogCaptureFixture
) -> None:
    here, there = make_ear(), make_ear()
    there.bus.subscribe([user(7)])
    client = redis_server().client()
    for payload in (b"", b"\xff\x00", b"[1]", b'{"msg": 1}', b"x" * 2_000_000):
        client.publish("chat:6:7", payload)
    client.close()
    here.bus.publish([to_user(7, 1)])
    assert seqs(there.take(1)) == [(1, True)]
    assert "somebody else publishes" in caplog.text
    assert there.bus.healthy


def test_cut_off_in_the_middle(no_leaks: None) -> None:
    """The network to Redis breaks again and again; in the end everything is there."""
    proxy = CuttingProxy(redis_server().port)
    there = Ear(f"redis://127.0.0.1:{proxy.port}/0", node="far").start()
    here = Ear(redis_server().url).start()
    try:
        until_healthy(there)
        until_healthy(here)
        for cut in range(3):
            doubts = there.doubts
            proxy.cut_after = lambda data: b"SUBSCRIBE" in data and b"chat:6:" in data
            there.bus.subscribe([user(cut + 1)])
            proxy.cut_after = lambda data: False
            there.until(lambda doubts=doubts: there.doubts > doubts)
            until_healthy(there)
        assert proxy.cuts >= 3
        here.bus.publish([to_user(cut + 1, cut + 1) for cut in range(3)])
        assert [seq for seq, _ in seqs(there.take(3))] == [1, 2, 3]
    finally:
        there.close()
        here.close()
        proxy.close()


def test_a_full_queue_drops_and_is_found_out(
    make_ear: Callable[..., Ear], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chat.bus.redis_publisher.MAX_WAITING", 10)
    here, there = make_ear(), make_ear()
    there.bus.subscribe([user(7)])
    here.bus.publish([to_user(7, seq) for seq in range(1, 101)])
    here.bus.publish([to_user(7, 101)]) if there.take(1) else None
    until(lambda: here.bus.publish([to_user(7, 102)]) or there.wakes)
    assert not there.wakes[0].contiguous


def test_closing(make_ear: Callable[..., Ear]) -> None:
    ear = make_ear()
    ear.bus.close()
    ear.bus.close()
    ear.bus.publish([to_user(7, 1)])
    ear.bus.tell([Notice(7, TAKEN, ())])
    ear.bus.subscribe([user(7)])
    ear.bus.unsubscribe([user(7)])


def test_a_bus_that_was_never_started(no_leaks: None) -> None:
    Ear(redis_server().url).close()


def test_with_the_rights_of_the_deployment_page(
    own_server: RedisServer, make_ear: Callable[..., Ear]
) -> None:
    """The access list that docs/deploy.md shows is enough."""
    page = (Path(__file__).parents[3] / "docs" / "deploy.md").read_text(encoding="utf-8")
    (line,) = [line for line in page.splitlines() if line.startswith("user chat on ")]
    client = own_server.client()
    client.execute_command("ACL", "SETUSER", *line.replace("+cluster|slots", "").split()[1:])
    client.close()
    url = f"redis://chat:a-long-random-password@127.0.0.1:{own_server.port}"
    check_redis(parse_redis_url(url))
    here, there = Ear(url, "").start(), Ear(url, "").start()
    try:
        for ear in (here, there):
            until_healthy(ear)
        there.bus.subscribe([user(7)])
        here.bus.publish([to_user(7, 1)])
        there.take(1)
    finally:
        here.close()
        there.close()
