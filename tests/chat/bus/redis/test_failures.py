"""RedisBus when Redis does not do as it should: gone, frozen, cut off, not the one expected."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from chat.bus.redis.url import check_redis, parse_redis_url
from chat.notice import TAKEN, Notice
from tests.chat.cutkit import CuttingProxy
from tests.chat.rediskit import (
    PASSWORD,
    BusNode,
    RedisServer,
    redis_server,
    seqs,
    to_user,
    until,
    until_healthy,
    user,
)

CERTIFICATE = Path(__file__).parents[3] / "muduopy" / "certs" / "localhost.pem"


# ---------------------------------------------------------------------- through TLS


def has_doubted(node: BusNode, times: int) -> bool:
    return node.doubts == times


def doubts_more(node: BusNode, before: int) -> bool:
    return node.doubts > before


def test_through_tls(no_leaks: None) -> None:
    server = RedisServer(tls=CERTIFICATE)
    url = f"rediss://localhost:{server.tls_port}"
    here = BusNode(f"{url}?ca={CERTIFICATE}", node="here").start()
    there = BusNode(f"{url}?ca={CERTIFICATE}", node="there").start()
    try:
        for node in (here, there):
            until_healthy(node)
            node.until(partial(has_doubted, node, 1))
        there.bus.subscribe([user(7)])
        here.bus.publish([to_user(7, seq, "x" * 1000) for seq in range(1, 501)])
        assert seqs(there.take(500)) == [(seq, True) for seq in range(1, 501)]
    finally:
        here.close()
        there.close()
        server.stop()


def test_a_certificate_that_is_not_trusted(caplog: pytest.LogCaptureFixture) -> None:
    server = RedisServer(tls=CERTIFICATE)
    node = BusNode(f"rediss://localhost:{server.tls_port}").start()
    try:
        until(lambda: "certificate verify failed" in caplog.text)
        assert not node.bus.healthy
    finally:
        node.close()
        server.stop()


# ---------------------------------------------------------------------- Redis misbehaves


def test_redis_is_not_there_at_first(
    own_server: RedisServer, make_bus_node: Callable[..., BusNode]
) -> None:
    own_server.kill()
    node = make_bus_node(own_server, connected=False)
    assert not node.bus.healthy
    assert node.bus.state == "deaf"
    node.bus.subscribe([user(7)])  # does not wait for what cannot come
    node.bus.publish([to_user(7, 1), to_user(9, 2)])  # dropped
    own_server.start()
    until_healthy(node)
    node.until(lambda: node.doubts == 1)
    client = own_server.client()
    assert client.pubsub_numsub("chat:6:7") == [(b"chat:6:7", 1)]
    client.close()


def test_redis_is_killed_and_comes_back(
    own_server: RedisServer, make_bus_node: Callable[..., BusNode]
) -> None:
    here, there = make_bus_node(own_server), make_bus_node(own_server)
    there.bus.subscribe([user(7)])
    here.bus.publish([to_user(7, 1)])
    there.take(1)
    own_server.kill()
    until(lambda: not there.bus.healthy)
    here.bus.publish([to_user(7, 2)])  # lost
    there.bus.subscribe([user(8)])
    own_server.start()
    for node in (here, there):
        node.until(partial(has_doubted, node, 2))
        until_healthy(node)
    here.bus.publish([to_user(7, 3), to_user(7, 4), to_user(8, 5)])
    assert seqs(there.take(3)) == [(3, False), (4, True), (5, True)]


def test_connections_are_killed(make_bus_node: Callable[..., BusNode]) -> None:
    here, there = make_bus_node(), make_bus_node()
    there.bus.subscribe([user(7)])
    client = redis_server().client()
    for kind in ("normal", "pubsub"):
        client.client_kill_filter(_type=kind, skipme=True)
    there.until(lambda: there.doubts == 2)
    here.until(lambda: here.doubts == 2)
    until_healthy(there)
    client.close()
    # The next publication may meet the dead connection; later ones do not.

    def publish_again() -> object:
        here.bus.publish([to_user(7, 1)])
        return there.wakes

    until(publish_again, "a wake")
    assert not there.wakes[0].contiguous or there.wakes[0].payload.seq == 1


def test_a_frozen_redis_blocks_no_caller(
    own_server: RedisServer, make_bus_node: Callable[..., BusNode]
) -> None:
    here, there = make_bus_node(own_server), make_bus_node(own_server)
    own_server.freeze()
    try:
        for seq in range(1, 200):
            here.bus.publish([to_user(7, seq)])
        until(lambda: not here.bus.healthy)
        there.bus.subscribe([user(7)])  # returns after a while
    finally:
        own_server.thaw()
    until_healthy(there)
    there.until(lambda: there.doubts == 2)


def test_a_wrong_password(
    make_bus_node: Callable[..., BusNode], caplog: pytest.LogCaptureFixture
) -> None:
    node = BusNode(redis_server().url, "wrong").start()
    try:
        until(lambda: "mailboxes are polled" in caplog.text)
        assert "password" in caplog.text.lower()
        assert PASSWORD not in caplog.text
        assert not node.bus.healthy
    finally:
        node.close()


def test_garbage_on_a_channel(
    make_bus_node: Callable[..., BusNode], caplog: pytest.LogCaptureFixture
) -> None:
    here, there = make_bus_node(), make_bus_node()
    there.bus.subscribe([user(7)])
    client = redis_server().client()
    for payload in (b"", b"\xff\x00", b"[1]", b'{"msg": 1}', b"x" * 2_000_000):
        client.publish("chat:6:7", payload)
    client.close()
    here.bus.publish([to_user(7, 1)])
    assert seqs(there.take(1)) == [(1, True)]
    assert "foreign data" in caplog.text
    assert there.bus.healthy


def test_cut_off_in_the_middle(no_leaks: None) -> None:
    """The network to Redis breaks again and again; in the end everything is there."""
    proxy = CuttingProxy(redis_server().port)
    there = BusNode(f"redis://127.0.0.1:{proxy.port}/0", node="far").start()
    here = BusNode(redis_server().url).start()
    try:
        until_healthy(there)
        until_healthy(here)
        for cut in range(3):
            doubts = there.doubts
            proxy.cut_after = lambda data: b"subscribe" in data and b"chat:6:" in data
            there.bus.subscribe([user(cut + 1)])
            proxy.cut_after = lambda data: False
            there.until(partial(doubts_more, there, doubts))
            until_healthy(there)
        assert proxy.cuts >= 3
        here.bus.publish([to_user(cut + 1, cut + 1) for cut in range(3)])
        assert [seq for seq, _ in seqs(there.take(3))] == [1, 2, 3]
    finally:
        there.close()
        here.close()
        proxy.close()


def test_a_full_queue_drops_and_is_found_out(
    make_bus_node: Callable[..., BusNode], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chat.bus.redis.publisher.MAX_WAITING", 10)
    here, there = make_bus_node(), make_bus_node()
    there.bus.subscribe([user(7)])
    here.bus.publish([to_user(7, seq) for seq in range(1, 101)])
    here.bus.publish([to_user(7, 101)]) if there.take(1) else None

    def publish_again() -> object:
        here.bus.publish([to_user(7, 102)])
        return there.wakes

    until(publish_again)
    assert not there.wakes[0].contiguous


def test_closing(make_bus_node: Callable[..., BusNode]) -> None:
    node = make_bus_node()
    node.bus.close()
    node.bus.close()
    node.bus.publish([to_user(7, 1)])
    node.bus.tell([Notice(7, TAKEN, ())])
    node.bus.subscribe([user(7)])
    node.bus.unsubscribe([user(7)])


def test_a_bus_that_was_never_started(no_leaks: None) -> None:
    BusNode(redis_server().url).close()


def test_with_the_rights_of_the_deployment_page(
    own_server: RedisServer, make_bus_node: Callable[..., BusNode]
) -> None:
    """The access list that docs/deploy.md shows is enough."""
    page = (Path(__file__).parents[4] / "docs" / "deploy.md").read_text(encoding="utf-8")
    (line,) = [line for line in page.splitlines() if line.startswith("user chat on ")]
    client = own_server.client()
    client.execute_command("ACL", "SETUSER", *line.replace("+cluster|slots", "").split()[1:])
    client.close()
    url = f"redis://chat:a-long-random-password@127.0.0.1:{own_server.port}"
    check_redis(parse_redis_url(url))
    here, there = BusNode(url, "").start(), BusNode(url, "").start()
    try:
        for node in (here, there):
            until_healthy(node)
        there.bus.subscribe([user(7)])
        here.bus.publish([to_user(7, 1)])
        there.take(1)
    finally:
        here.close()
        there.close()
