"""RedisBus on a real Redis Cluster: each channel at the server that has its slot."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from redis.crc import key_slot

from chat.bus.redis.servers import read_layout
from chat.bus.redis.url import parse_redis_url
from tests.chat.rediskit import (
    CLUSTER_PASSWORD,
    BusNode,
    RedisClusterServers,
    to_group,
    to_user,
    until,
    user,
)

USERS = range(1, 61)


@pytest.fixture(scope="module")
def servers() -> Iterator[RedisClusterServers]:
    servers = RedisClusterServers()
    yield servers
    servers.stop()


@pytest.fixture
def make_bus_node(servers: RedisClusterServers, no_leaks: None) -> Iterator[Callable[..., BusNode]]:
    nodes: list[BusNode] = []

    def make() -> BusNode:
        node = BusNode(servers.url, CLUSTER_PASSWORD, f"node-{len(nodes)}").start()
        nodes.append(node)
        until(lambda: node.bus.healthy, "a healthy bus")
        node.until(lambda: node.doubts >= 3)  # one for each server
        return node

    yield make
    for node in nodes:
        node.close()


def numbers(node: BusNode, count: int) -> list[tuple[int, bool]]:
    node.until(lambda: len(node.wakes) >= count)
    return sorted((wake.payload.seq, wake.contiguous) for wake in node.take(count))


def test_the_layout(servers: RedisClusterServers) -> None:
    address = parse_redis_url(servers.url, CLUSTER_PASSWORD)
    layout = read_layout(address, [("127.0.0.1", 1), *address.hosts])  # the first is not there
    assert set(layout) == {("127.0.0.1", port) for port in servers.ports}
    slots = sorted(slot for parts in layout.values() for part in parts for slot in part)
    assert slots == list(range(16_384))


def test_channels_are_shared_out(
    servers: RedisClusterServers, make_bus_node: Callable[..., BusNode]
) -> None:
    here, there = make_bus_node(), make_bus_node()
    there.bus.subscribe([user(number) for number in USERS])
    at = []
    for number in range(3):
        client = servers.client(number)
        names = client.execute_command("PUBSUB", "SHARDCHANNELS", "chat:6:*")
        at.append({name for name in names if client.execute_command("CLUSTER KEYSLOT", name) >= 0})
        client.close()
    assert sum(map(len, at)) == len(USERS)
    assert all(at), "some are at each server"
    here.bus.publish([to_user(number, number) for number in USERS])
    assert numbers(there, len(USERS)) == [(number, True) for number in USERS]
    here.bus.publish([to_user(number, number + 100) for number in USERS])
    assert numbers(there, len(USERS)) == [(number + 100, True) for number in USERS]


def test_groups(make_bus_node: Callable[..., BusNode]) -> None:
    here, there = make_bus_node(), make_bus_node()
    there.bus.subscribe([(10, number) for number in range(1, 20)])
    for number in range(1, 20):
        here.bus.publish([to_group(number, number, 7)])
    assert numbers(there, 19) == [(number, True) for number in range(1, 20)]
    there.bus.unsubscribe([(10, number) for number in range(1, 20)])


def publish_and_look(here: BusNode, there: BusNode) -> object:
    here.bus.publish([to_user(7, 2)])
    return there.wakes


def test_a_slot_moves(servers: RedisClusterServers, make_bus_node: Callable[..., BusNode]) -> None:
    here, there = make_bus_node(), make_bus_node()
    there.bus.subscribe([user(7)])
    here.bus.publish([to_user(7, 1)])
    there.take(1)
    slot = key_slot(b"chat:6:7")
    owner = min(slot // (16_384 // 3), 2)
    servers.move_slot(slot, owner, (owner + 1) % 3)
    try:
        # A publication during the move may get lost; later ones arrive again.
        until(lambda: publish_and_look(here, there), "a wake")
        assert not there.take(1)[0].contiguous
        until(lambda: there.bus.healthy and here.bus.healthy)
    finally:
        servers.move_slot(slot, (owner + 1) % 3, owner)
        servers.wait_until_whole()


def test_the_slot_of_the_own_probe_moves(
    servers: RedisClusterServers, make_bus_node: Callable[..., BusNode]
) -> None:
    """What tells the health of a server is then heard on another channel of it."""
    here, there = make_bus_node(), make_bus_node()
    shard = next(iter(there.bus._servers.shards))
    owner, probe = servers.ports.index(shard.host[1]), shard.probe
    slot = key_slot(probe)
    users = [number for number in USERS if key_slot(b"chat:6:%d" % number) != slot]
    there.bus.subscribe([user(number) for number in users])
    servers.move_slot(slot, owner, (owner + 1) % 3)
    try:
        until(lambda: shard.probe != probe, "another probe")
        before = shard.healthy_until
        until(lambda: shard.healthy_until > before, "a probe that comes back")
        until(lambda: there.bus.healthy)
        assert shard in there.bus._servers.shards
        here.bus.publish([to_user(number, number) for number in users])
        assert numbers(there, len(users)) == [(number, True) for number in users]
    finally:
        servers.move_slot(slot, (owner + 1) % 3, owner)
        servers.wait_until_whole()


def test_a_slot_leaves_and_comes_back(
    servers: RedisClusterServers,
    make_bus_node: Callable[..., BusNode],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Redis takes the subscription away; when the bus looks nothing seems to have changed."""
    here, there = make_bus_node(), make_bus_node()
    there.bus.subscribe([user(7), user(8)])
    here.bus.publish([to_user(7, 1)])
    there.take(1)
    monkeypatch.setattr("chat.bus.redis.servers.LOOK_SECONDS", 600.0)  # not in between, nor later
    slot = key_slot(b"chat:6:7")
    owner = min(slot // (16_384 // 3), 2)
    client = servers.client(owner)

    def subscribers() -> int:
        return int(client.execute_command("PUBSUB", "SHARDNUMSUB", "chat:6:7")[1])

    servers.move_slot(slot, owner, (owner + 1) % 3)
    servers.move_slot(slot, (owner + 1) % 3, owner)
    servers.wait_until_whole()
    until(lambda: subscribers() == 1, "the subscription")
    client.close()
    there.bus.subscribe([user(7)])  # another login
    here.bus.publish([to_user(7, 2), to_user(7, 3)])
    assert [seq for seq, _ in numbers(there, 2)] == [2, 3]


def test_a_server_is_killed_and_comes_back(
    servers: RedisClusterServers, make_bus_node: Callable[..., BusNode]
) -> None:
    here, there = make_bus_node(), make_bus_node()
    there.bus.subscribe([user(number) for number in USERS])
    doubts = there.doubts
    servers.kill(1)
    until(lambda: not there.bus.healthy and not here.bus.healthy)
    servers.start(1)
    servers.wait_until_whole()
    until(lambda: there.bus.healthy and here.bus.healthy)
    there.until(lambda: there.doubts > doubts)
    here.bus.publish([to_user(number, number) for number in USERS])
    assert [seq for seq, _ in numbers(there, len(USERS))] == list(USERS)
