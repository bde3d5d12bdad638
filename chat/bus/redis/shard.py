"""RedisShard: one Redis server, with a link to publish and a link to subscribe.

Four times a second a shard publishes a number to itself, a probe. Without a probe that came back
within DEAF_SECONDS the shard is deaf: publications of other nodes may not arrive either. The state
of the connections does not show that. Example: Redis is frozen. Both connections stay open, for
hours if need be, and nothing arrives.

Probes also show whether a message is fresh. A live message that is not fresh may have been given
up, and stored, by its sender's node.

    Redis is frozen for 2 s. Node 1 publishes a live message, waits 1.5 s for an answer, and stores
    it. Redis goes on, and node 2 receives the message. A probe that node 2 sent before is still to
    come, so node 2 takes the message for old.

    Node 2 is frozen for 2 s. Meanwhile a live message waits in its socket, and node 1 stores it.
    Node 2 goes on, notices that its clock has jumped, and sends a probe. It takes everything that
    arrives before this probe for old.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Iterable, Sequence

from redis.crc import key_slot

from chat.bus.base import Count
from chat.bus.redis.link import LinkContext, LinkState
from chat.bus.redis.publisher import PublisherLink
from chat.bus.redis.resp import Published
from chat.bus.redis.subscriber import SubscriberLink
from chat.bus.redis.url import Host
from muduopy import Timer

PROBE_SECONDS = 0.25
"""Between two probes."""

DEAF_SECONDS = 3.0
"""A shard is deaf this long after the last probe that came back."""

FRESH_SECONDS = 0.6
"""A message is fresh if it was certainly published less than this long ago. That is well below the
time that its sender's node waits for an answer (chat/delivery/forwarding.py)."""

ASK_AGAIN_SECONDS = 1.0
"""Between two requests for subscriptions that are not confirmed."""

MAX_PROBES = 64
"""Probes under way that are remembered; 64 of them are sent in 16 s."""


class ShardOwner(ABC):
    """The bus of a shard, which gets its events. Loop thread."""

    @abstractmethod
    def on_counts(self, counts: Sequence[Count]) -> None:
        """Publications with a tag had so many subscribers."""

    @abstractmethod
    def on_messages(self, messages: Sequence[Published], fresh: bool) -> None:
        """Publications have arrived; ``fresh``: they were published just now."""

    @abstractmethod
    def on_change(self) -> None:
        """A subscription was confirmed, or a shard's health has changed."""

    @abstractmethod
    def on_probe(self, seconds: float) -> None:
        """A probe has come back after this time."""

    @abstractmethod
    def on_doubt(self) -> None:
        """The shard is no longer deaf; publications of the time before may be lost."""

    @abstractmethod
    def on_moved(self) -> None:
        """Another server is responsible for a channel of this one."""


class RedisShard:
    """The two links to one server, and their health. Loop thread."""

    def __init__(
        self,
        context: LinkContext,
        host: Host,
        probe: bytes,
        owner: ShardOwner,
    ) -> None:
        """``probe``: a channel of this server for the probes of this node alone."""
        self.host = host
        self._loop = context.loop
        self._probe = probe
        self._owner = owner
        self._heard_at = float("-inf")  # when the last probe came back
        self._number = 0  # of the last probe
        self._unheard: deque[tuple[int, float]] = deque(maxlen=MAX_PROBES)  # number, time
        self._awaited = 0  # messages before this probe may be old
        self._alive_at = time.monotonic()
        self._asked_at = float("-inf")
        self._doubtful = True  # earlier publications may be lost
        self._publisher = PublisherLink(context, host, owner.on_counts, owner.on_moved)
        self._subscriber = SubscriberLink(context, host, self._take, self._changed, owner.on_moved)
        self._subscriber.subscribe([probe])
        self._timer: Timer | None = None

    def __repr__(self) -> str:
        return f"<RedisShard {self._publisher!r} {self._subscriber!r}>"

    def start(self) -> None:
        """Begin to connect, and to probe."""
        self._timer = self._loop.run_every(PROBE_SECONDS, self._check)
        self._publisher.start()
        self._subscriber.start()

    def close(self) -> None:
        """Idempotent."""
        if self._timer is not None:
            self._loop.cancel(self._timer)
        self._publisher.close()
        self._subscriber.close()

    @property
    def healthy_until(self) -> float:
        """Monotonic seconds: until then publications count as received."""
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
        """Probe another channel: the slot of this one has moved to another server."""
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
        # A connection that has just come up has DEAF_SECONDS for its first probe.
        if self.connected and now > max(self.healthy_until, self._subscriber.up_at + DEAF_SECONDS):
            self._subscriber.fail("no probe comes back")

    def _look_at_clock(self) -> float:
        """The time now. Probe if this process was frozen, or very busy, since the last look."""
        # Not the loop's time, which was taken before the loop read the messages.
        now = time.monotonic()
        frozen = now - self._alive_at > FRESH_SECONDS
        self._alive_at = now
        if frozen:
            # A message that arrives before this probe may have waited in the socket.
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
            sent, at = self._unheard.popleft()
            if sent == number:
                self._owner.on_probe(now - at)
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
            # At once, so that the shard is healthy after one round trip. The timer's next probe
            # would come up to PROBE_SECONDS later.
            self._send_probe(self._loop.poll_return_time)
        self._owner.on_change()
        self._end_doubt()

    def _end_doubt(self) -> None:
        # Mailboxes are read again, but not before all subscriptions are confirmed. Example: the
        # connection breaks and comes up again. While B's subscription is on its way, a message to B
        # is published, and lost. A mailbox that was read before that would not have it.
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
