"""RedisServers: finds the server of a channel: the only one, or a primary of a Redis Cluster.

A cluster's layout, the server of each slot, is read and never changed here. It changes when an
operator moves slots, and when a replica takes the place of its primary.
"""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Collection

import redis
from redis.crc import key_slot

from chat.bus.redis.link import LinkContext
from chat.bus.redis.shard import RedisShard, ShardOwner, probe_in
from chat.bus.redis.url import Host, RedisAddress
from muduopy import Timer

log = logging.getLogger(__name__)

SLOTS = 16_384
"""Slots of a Redis Cluster. The slot of a channel is a checksum of its name, and each slot belongs
to one primary."""

LOOK_SECONDS = 1.0
"""Shortest time between two reads of the layout."""

LOOK_ANYWAY_SECONDS = 30.0
"""Time between two reads of the layout while no sign of a change is seen."""

Layout = dict[Host, list[range]]
"""The slots of each server."""


class RedisServers(ABC):
    """The shards, and the channels of each. Loop thread."""

    @abstractmethod
    def start(self) -> None:
        """Begin to connect."""

    @abstractmethod
    def close(self) -> None:
        """Idempotent."""

    @property
    @abstractmethod
    def shards(self) -> Collection[RedisShard]:
        """All of them."""

    @abstractmethod
    def of(self, channel: bytes) -> RedisShard | None:
        """The shard of a channel; None if that is not known."""

    @abstractmethod
    def look(self) -> None:
        """A channel has moved to another server: find out which one."""


class SingleServer(RedisServers):
    """One server with all channels."""

    def __init__(self, context: LinkContext, probe: bytes, owner: ShardOwner) -> None:
        self._shard = RedisShard(context, context.address.hosts[0], probe, owner)
        self._shards = (self._shard,)

    def start(self) -> None:
        self._shard.start()

    def close(self) -> None:
        self._shard.close()

    @property
    def shards(self) -> Collection[RedisShard]:
        return self._shards

    def of(self, channel: bytes) -> RedisShard | None:
        return self._shard

    def look(self) -> None:
        pass


class ClusterServers(RedisServers):
    """The primaries of a Redis Cluster. A worker asks one of them for the layout now and then."""

    def __init__(self, context: LinkContext, probe: bytes, owner: ShardOwner) -> None:
        """``probe``: the names of this node's probe channels begin with it."""
        self._loop = context.loop
        self._context = context
        self._probe = probe
        self._owner = owner
        self._shards: dict[Host, RedisShard] = {}
        self._layout: Layout = {}
        self._by_slot: list[RedisShard | None] = [None] * SLOTS
        self._looking = False
        self._suspicious = False  # a channel has moved since the last look began
        self._looked_at = float("-inf")
        self._timer: Timer | None = None
        self._closed = False

    def start(self) -> None:
        self._timer = self._loop.run_every(LOOK_SECONDS, self._look_sometimes)
        self.look()

    def close(self) -> None:
        self._closed = True
        if self._timer is not None:
            self._loop.cancel(self._timer)
        for shard in self._shards.values():
            shard.close()

    @property
    def shards(self) -> Collection[RedisShard]:
        return self._shards.values()

    def of(self, channel: bytes) -> RedisShard | None:
        return self._by_slot[key_slot(channel)]

    def look(self) -> None:
        now = self._loop.poll_return_time
        # Remembered, because a read that is under way may miss the move. Example: a worker has the
        # layout; meanwhile a slot moves, and its old server refuses a publication. The timer then
        # reads the layout once more.
        self._suspicious = True
        if self._looking or self._closed or now - self._looked_at < LOOK_SECONDS:
            return  # the timer will do it
        self._suspicious = False
        address = self._context.address
        # The known servers come first: those of the settings may have left the cluster.
        hosts = [*self._shards, *address.hosts]
        # False if no worker is free; the timer tries it again.
        self._looking = self._context.workers.try_run_for(
            self._loop, lambda: read_layout(address, hosts), self._found
        )
        self._looked_at = now

    def _look_sometimes(self) -> None:
        now = self._loop.poll_return_time
        # A deaf shard is a sign, too. Example: a primary dies and its replica takes its slots. The
        # dead primary refuses no command with MOVED; it only falls silent.
        well = self._layout and all(shard.healthy_until > now for shard in self._shards.values())
        if self._suspicious or not well or now - self._looked_at > LOOK_ANYWAY_SECONDS:
            self.look()

    def _found(self, layout: Layout | None, error: BaseException | None) -> None:
        self._looking = False
        if layout is None:
            log.warning("the Redis Cluster does not tell its layout: %s", error)
        elif layout != self._layout and not self._closed:
            self._arrange(layout)

    def _arrange(self, layout: Layout) -> None:
        log.info("the Redis Cluster has %d servers", len(layout))
        self._layout = layout
        # A closed shard loses its subscriptions; ``on_moved`` makes them again where they belong.
        for host in [host for host in self._shards if host not in layout]:
            self._shards.pop(host).close()
        self._by_slot = [None] * SLOTS
        for host, slots in layout.items():
            shard = self._shards.get(host)
            # A probe must stay on this server, or it would show the health of another one.
            if shard is not None and not _is_in(shard.probe, slots):
                shard.change_probe(probe_in(slots, self._probe))
            if shard is None:
                probe = probe_in(slots, self._probe)
                shard = RedisShard(self._context, host, probe, self._owner)
                self._shards[host] = shard
                shard.start()
            for part in slots:
                self._by_slot[part.start : part.stop] = [shard] * len(part)
        self._owner.on_moved()


def _is_in(channel: bytes, slots: list[range]) -> bool:
    slot = key_slot(channel)
    return any(slot in part for part in slots)


def read_layout(address: RedisAddress, hosts: Collection[Host]) -> Layout:
    """Ask one server after the other until one tells the layout. Worker thread: blocks.

    Raises the RedisError or OSError of the last one.
    """
    problem: Exception | None = None
    for host in hosts:
        client = address.client(host)
        try:
            found = client.execute_command("CLUSTER SLOTS")
        except (redis.RedisError, OSError) as exc:
            problem = exc
            continue
        finally:
            client.close()
        layout: Layout = {}
        for first, last, primary, *_ in sorted(found):
            name, port = primary[:2]
            # A server that does not know its own address tells no name for itself.
            known = (name.decode() if name else host[0], int(port))
            layout.setdefault(known, []).append(range(first, last + 1))
        return layout
    assert problem is not None
    raise problem
