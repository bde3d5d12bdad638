"""RedisShard: one Redis server as the bus sees it, a link to publish and one to listen.

It publishes something to itself every second. While that does not come back, what others
publish may not come either, and the shard is deaf, whatever the connections look like.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence

from redis.crc import key_slot

from chat.bus.redis_link import LinkContext, LinkState
from chat.bus.redis_publisher import Count, PublisherLink
from chat.bus.redis_subscriber import SubscriberLink
from chat.bus.redis_url import Host
from chat.bus.resp import Published

PROBE_SECONDS = 1.0
DEAF_SECONDS = 3.0
"""Without a probe that came back for so long, a shard is deaf."""

CHECK_SECONDS = 0.5


class ShardOwner(ABC):
    """Who hears what a shard has to tell. Loop thread."""

    @abstractmethod
    def on_counts(self, counts: Sequence[Count]) -> None:
        """What was published with a tag has gone to so many subscribers."""

    @abstractmethod
    def on_messages(self, messages: Sequence[Published]) -> None:
        """What others have published."""

    @abstractmethod
    def on_change(self) -> None:
        """A subscription was confirmed, or a shard's health has changed."""

    @abstractmethod
    def on_doubt(self) -> None:
        """The shard hears again: what was published while it did not is lost."""

    @abstractmethod
    def on_moved(self) -> None:
        """Another server is responsible for some channel of this one."""


class RedisShard:
    """The two links to one server, and what is known of their health. Loop thread."""

    def __init__(
        self,
        context: LinkContext,
        host: Host,
        probe: bytes,
        owner: ShardOwner,
    ) -> None:
        """``probe``: a channel of this server that nobody else uses."""
        self.host = host
        self._loop = context.loop
        self._probe = probe
        self._owner = owner
        self._heard_at = float("-inf")
        self._probed_at = float("-inf")
        self._doubtful = True  # what was published before now is lost
        self._publisher = PublisherLink(context, host, owner.on_counts, owner.on_moved)
        self._subscriber = SubscriberLink(context, host, self._take, self._changed, owner.on_moved)
        self._subscriber.subscribe([probe])
        self._timer = self._loop.run_every(CHECK_SECONDS, self._check)

    def __repr__(self) -> str:
        return f"<RedisShard {self._publisher!r} {self._subscriber!r}>"

    def start(self) -> None:
        """Begin to connect."""
        self._publisher.start()
        self._subscriber.start()

    def close(self) -> None:
        """Idempotent."""
        self._loop.cancel(self._timer)
        self._publisher.close()
        self._subscriber.close()

    @property
    def healthy_until(self) -> float:
        """Seconds of the monotonic clock: until then what is published counts as heard."""
        return self._heard_at + DEAF_SECONDS

    @property
    def connected(self) -> bool:
        return self._subscriber.state is LinkState.UP

    def is_confirmed(self, channel: bytes) -> bool:
        return channel in self._subscriber.confirmed

    def publish(self, channel: bytes, payload: bytes, tag: object = None) -> None:
        """See PublisherLink."""
        self._publisher.publish(channel, payload, tag)

    def subscribe(self, channels: Sequence[bytes]) -> None:
        self._subscriber.subscribe(channels)

    def unsubscribe(self, channels: Sequence[bytes]) -> None:
        self._subscriber.unsubscribe(channels)

    def _check(self) -> None:
        now = self._loop.poll_return_time
        self._publisher.check(now)
        if now - self._probed_at >= PROBE_SECONDS:
            self._send_probe(now)
        if self.connected and now > max(self.healthy_until, self._subscriber.up_at + DEAF_SECONDS):
            self._subscriber.fail("nothing comes from there")

    def _send_probe(self, now: float) -> None:
        self._probed_at = now
        self._publisher.publish(self._probe, b"")

    def _take(self, messages: Sequence[Published]) -> None:
        others = [message for message in messages if message.channel != self._probe]
        if len(others) < len(messages):
            self._heard_at = self._loop.poll_return_time
            self._owner.on_change()
            self._end_doubt()
        if others:
            self._owner.on_messages(others)

    def _changed(self) -> None:
        if not self.connected:
            self._heard_at = float("-inf")
            self._doubtful = True
        elif self.is_confirmed(self._probe) and self._heard_at < self._subscriber.up_at:
            self._send_probe(self._loop.poll_return_time)
        self._owner.on_change()
        self._end_doubt()

    def _end_doubt(self) -> None:
        heard = self._heard_at >= self._subscriber.up_at
        if self._doubtful and heard and self._subscriber.complete:
            self._doubtful = False
            self._owner.on_doubt()


def probe_in(slots: Iterable[range], prefix: bytes) -> bytes:
    """A name beginning with ``prefix`` whose slot is one of these."""
    number = 0
    wanted = list(slots)
    while True:
        name = b"%b:%d" % (prefix, number)
        slot = key_slot(name)
        if any(slot in part for part in wanted):
            return name
        number += 1
