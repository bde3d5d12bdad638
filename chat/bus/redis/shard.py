"""RedisShard: one Redis server as the bus sees it, a link to publish and one to listen.

It publishes something to itself all the time. While that does not come back, what others publish
may not come either, and the shard is deaf, whatever the connections look like.

The same tells whether what arrives has been on its way for long: after Redis has been frozen, a
probe from before is still to come; after we have been frozen, whatever was waiting comes before a
probe that is sent only then. That matters for live messages, which others may have given up by now.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterable, Sequence

from redis.crc import key_slot

from chat.bus.redis.link import LinkContext, LinkState
from chat.bus.redis.publisher import Count, PublisherLink
from chat.bus.redis.resp import Published
from chat.bus.redis.subscriber import SubscriberLink
from chat.bus.redis.url import Host

PROBE_SECONDS = 0.25
DEAF_SECONDS = 3.0
"""Without a probe that came back for so long, a shard is deaf."""

FRESH_SECONDS = 0.6
"""What surely was published less than so long ago is fresh: well below what a publisher waits."""

ASK_AGAIN_SECONDS = 1.0
MAX_PROBES = 64
"""Under way; the oldest of so many is old in any case."""


class ShardOwner(ABC):
    """Who hears what a shard has to tell. Loop thread."""

    @abstractmethod
    def on_counts(self, counts: Sequence[Count]) -> None:
        """What was published with a tag has gone to so many subscribers."""

    @abstractmethod
    def on_messages(self, messages: Sequence[Published], fresh: bool) -> None:
        """What others have published; ``fresh``: just now, and not long ago."""

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
        self._number = 0  # of the last probe
        self._unheard: deque[tuple[int, float]] = deque(maxlen=MAX_PROBES)  # number, sent when
        self._awaited = 0  # what comes before this probe may be old
        self._alive_at = time.monotonic()
        self._asked_at = float("-inf")
        self._doubtful = True  # what was published before now is lost
        self._publisher = PublisherLink(context, host, owner.on_counts, owner.on_moved)
        self._subscriber = SubscriberLink(context, host, self._take, self._changed, owner.on_moved)
        self._subscriber.subscribe([probe])
        self._timer = self._loop.run_every(PROBE_SECONDS, self._check)

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

    def subscribe(self, channels: Iterable[bytes]) -> None:
        self._subscriber.subscribe(channels)

    def unsubscribe(self, channels: Iterable[bytes]) -> None:
        self._subscriber.unsubscribe(channels)

    def change_probe(self, probe: bytes) -> None:
        """The slot of the former one has moved to another server."""
        self._subscriber.unsubscribe([self._probe])
        self._probe = probe
        self._unheard.clear()
        self._subscriber.subscribe([probe])

    @property
    def probe(self) -> bytes:
        return self._probe

    def _check(self) -> None:
        now = self._look_at_clock()
        self._publisher.check(now)
        self._send_probe(now)
        if now - self._asked_at > ASK_AGAIN_SECONDS:
            self._asked_at = now
            self._subscriber.ask_again()
        if self.connected and now > max(self.healthy_until, self._subscriber.up_at + DEAF_SECONDS):
            self._subscriber.fail("nothing comes from there")

    def _look_at_clock(self) -> float:
        """The time; have we been frozen, or very busy, since we looked last?"""
        # Not the loop's, which is from before it read what we are given.
        now = time.monotonic()
        frozen = now - self._alive_at > FRESH_SECONDS
        self._alive_at = now
        if frozen:
            self._send_probe(now)
            self._awaited = self._number
        return now

    def _send_probe(self, now: float) -> None:
        self._number += 1
        self._unheard.append((self._number, now))
        self._publisher.publish(self._probe, b"%d" % self._number)

    def _take(self, messages: Sequence[Published]) -> None:
        now = self._look_at_clock()
        late = bool(self._unheard) and now - self._unheard[0][1] > FRESH_SECONDS
        fresh = not (late or self._awaited)
        others = []
        for message in messages:
            if message.channel != self._probe:
                others.append(message)
            elif message.payload is not None and message.payload.isdigit():
                self._heard(int(message.payload), now)
        if others:
            self._owner.on_messages(others, fresh)

    def _heard(self, number: int, now: float) -> None:
        while self._unheard and self._unheard[0][0] <= number:
            self._unheard.popleft()
        if number >= self._awaited:
            self._awaited = 0
        self._heard_at = now
        self._owner.on_change()
        self._end_doubt()

    def _changed(self) -> None:
        if not self.connected:
            self._heard_at = float("-inf")
            self._unheard.clear()
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
