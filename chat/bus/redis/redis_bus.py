"""RedisBus: wakes between nodes by Redis' publish and subscribe.

Redis may lose anything, so what matters is to notice: see RunningNumbers.

Everything here happens in one loop, the connections' included: what other threads ask for is
queued there. So there are hardly any locks, and what a busy pass publishes goes out together. A
worker that subscribes waits until the loop says that it is done.

This node's own sessions are woken at once, in the thread that publishes, not through Redis: alone,
a node works the same whether Redis is there or not.
"""

from __future__ import annotations

import itertools
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial

from chat.bus.base import Bus, Forward, Forwarded, Live, Notice, OnWakes, Wake, ignore_notices
from chat.bus.redis.codec import (
    BadPayloadError,
    LivePayload,
    channel_name,
    decode,
    decode_answer,
    encode_answer,
    encode_live,
    encode_notice,
    encode_wake,
    parse_channel,
)
from chat.bus.redis.forwarding import Forwarding
from chat.bus.redis.link import LinkContext
from chat.bus.redis.publisher import Count
from chat.bus.redis.resp import Published
from chat.bus.redis.running_numbers import RunningNumbers
from chat.bus.redis.servers import ClusterServers, RedisServers, SingleServer
from chat.bus.redis.shard import RedisShard, ShardOwner
from chat.bus.redis.url import RedisAddress
from chat.bus.redis.waiting import Waiter, Waiters
from chat.message import ChatMessage, Topic
from chat.protocol import GROUP_CHAT, ONE_CHAT
from muduopy import EventLoop, ThreadPool

log = logging.getLogger(__name__)

OVERDUE_SECONDS = 0.25
"""How often live messages are looked for that no node has answered for."""

COMPLAIN_SECONDS = 10.0

NODE, PROBE = b"chat:node:", b"chat:probe:"
"""Before a node's own name: where it is answered, and where it hears itself."""


class RedisBus(Bus, ShardOwner):
    """See the module's text. The port's methods: as the port says; all others: the loop."""

    def __init__(
        self, loop: EventLoop, workers: ThreadPool, address: RedisAddress, node: str
    ) -> None:
        """``workers`` do what blocks. Connects later, by itself. Raises OSError."""
        self.on_notices = ignore_notices
        self._loop = loop
        self._numbers = RunningNumbers()
        self._name = self._numbers.publisher
        self._own_name = NODE + self._name.encode()
        self._on_wakes: OnWakes = _nobody
        self._on_doubt: Callable[[], object] = _nothing
        self._forwarding = Forwarding()
        self._counts: Counter[Topic] = Counter()  # who asked for it, how often
        self._places: dict[bytes, RedisShard] = {}  # where we have asked for it
        self._waiters = Waiters()
        self._waiting: list[Waiter] = []  # those whose subscriptions we have asked for
        self._healthy_until = 0.0  # written by the loop
        self._complained_at = float("-inf")
        servers = ClusterServers if address.cluster else SingleServer
        probe = PROBE + self._name.encode()
        context = LinkContext(loop, workers, address, f"chat-{node}")
        self._servers: RedisServers = servers(context, probe, self)
        self._timer = loop.run_every(OVERDUE_SECONDS, self._look_for_overdue)

    # ------------------------------------------------------------------ the port

    def start(self, on_wakes: OnWakes, on_doubt: Callable[[], object]) -> None:
        self._on_wakes = on_wakes
        self._on_doubt = on_doubt
        self._loop.run_in_loop(self._start)

    @property
    def alone(self) -> bool:
        return False

    @property
    def healthy(self) -> bool:
        return time.monotonic() < self._healthy_until

    @property
    def state(self) -> str:
        return "healthy" if self.healthy else "deaf"

    def subscribe(self, channels: Iterable[Topic]) -> None:
        waiter = Waiter(list(channels))
        subscribe = partial(self._subscribe, waiter)
        self._waiters.wait(waiter, lambda: self._loop.run_in_loop(subscribe))

    def stop_waiting(self) -> None:
        self._waiters.release()

    def unsubscribe(self, channels: Iterable[Topic]) -> None:
        wanted = list(channels)
        self._loop.run_in_loop(lambda: self._unsubscribe(wanted))

    def publish(self, messages: Sequence[ChatMessage]) -> None:
        self._on_wakes([Wake(message, True) for message in messages])
        self._loop.run_in_loop(lambda: self._publish(messages))

    def tell(self, notices: Sequence[Notice]) -> None:
        self._loop.run_in_loop(lambda: self._tell(notices))

    def forward(self, forward: Forward) -> None:
        self._loop.run_in_loop(lambda: self._forward(forward))

    def close(self) -> None:
        self._waiters.release()
        self._loop.run_in_loop(self._close)

    # ------------------------------------------------------------------ publishing

    def _publish(self, messages: Sequence[ChatMessage]) -> None:
        for message in messages:
            channel = message.topic
            # A user has one session: one that is here is nowhere else.
            if message.kind == ONE_CHAT and channel in self._counts:
                continue
            epoch, number = self._numbers.next(channel)
            self._send(channel_name(channel), encode_wake(epoch, number, message))

    def _tell(self, notices: Sequence[Notice]) -> None:
        for notice in notices:
            self._send(channel_name(notice.topic), encode_notice(notice))

    def _forward(self, forward: Forward) -> None:
        message = forward.message
        number = 0
        if message.kind == GROUP_CHAT:
            message.receivers = forward.receivers
            number = self._forwarding.begin(forward)
        payload = encode_live(self._name, number, forward.generation, forward.mid, message)
        self._send(channel_name(message.topic), payload, (forward, number))

    def _send(self, name: bytes, payload: bytes, tag: object = None) -> None:
        shard = self._servers.of(name)
        if shard is not None:
            shard.publish(name, payload, tag)
        elif tag is not None:
            self.on_counts([(tag, 0)])

    def on_counts(self, counts: Sequence[Count]) -> None:
        ended: list[Forwarded] = []
        for (forward, number), subscribers in counts:
            ended += self._forwarding.published(forward, number, subscribers)
        self._report(ended)

    def _look_for_overdue(self) -> None:
        self._report(self._forwarding.overdue())

    def _report(self, ended: Sequence[Forwarded]) -> None:
        if ended and self.live is not None:
            self.live.forwarded(ended)

    # ------------------------------------------------------------------ subscribing

    def _start(self) -> None:
        self._servers.start()
        self._place([self._own_name])

    def _close(self) -> None:
        self._loop.cancel(self._timer)
        self._servers.close()
        self._healthy_until = 0.0

    def _subscribe(self, waiter: Waiter) -> None:
        self._counts.update(waiter.channels)
        self._place(waiter.names)
        self._waiting.append(waiter)
        self._end_waiting()

    def _unsubscribe(self, channels: Sequence[Topic]) -> None:
        for channel in channels:
            if channel in self._counts:
                self._counts[channel] -= 1
                if not self._counts[channel]:
                    del self._counts[channel]
                    self._numbers.forget(channel)
        self._place([channel_name(channel) for channel in channels])

    def _is_wanted(self, name: bytes) -> bool:
        channel = parse_channel(name)
        return name == self._own_name if channel is None else channel in self._counts

    def _place(self, names: Iterable[bytes]) -> None:
        """Hear of these where they are, if they are wanted; and nowhere else."""
        if self._waiters.closed:
            return
        new: dict[RedisShard, list[bytes]] = {}
        for name in names:
            wanted = self._servers.of(name) if self._is_wanted(name) else None
            current = self._places.get(name)
            if wanted is current:
                continue
            if current is not None:
                del self._places[name]
                current.unsubscribe([name])
            if wanted is not None:
                self._places[name] = wanted
                new.setdefault(wanted, []).append(name)
        for shard, group in new.items():
            shard.subscribe(group)

    def _end_waiting(self) -> None:
        """Release the workers whose subscriptions are confirmed, or cannot be for now."""
        if self._waiting:
            left = []
            for waiter in self._waiting:
                if all(self._is_settled(name) for name in waiter.names):
                    waiter.over.set()
                else:
                    left.append(waiter)
            self._waiting = left

    def _is_settled(self, name: bytes) -> bool:
        shard = self._places.get(name)
        return shard is None or not shard.connected or shard.is_confirmed(name)

    # ------------------------------------------------------------------ what the shards tell

    def on_change(self) -> None:
        shards = self._servers.shards
        self._healthy_until = min((shard.healthy_until for shard in shards), default=0.0)
        self._end_waiting()

    def on_doubt(self) -> None:
        self._numbers.forget_all()
        self._on_doubt()

    def on_moved(self) -> None:
        self._servers.look()
        self._place([self._own_name, *map(channel_name, self._counts), *list(self._places)])
        self.on_change()

    # ------------------------------------------------------------------ listening

    def on_messages(self, messages: Sequence[Published], fresh: bool) -> None:
        notices: list[Notice] = []
        for is_live, run in itertools.groupby(self._sort(messages, fresh, notices), _is_live):
            # In their order: what was stored must not overtake what was live, nor the reverse.
            if not is_live:
                self._on_wakes(list(run))  # type: ignore[arg-type]
            elif self.live is not None:
                self.live.hand_over(list(run))  # type: ignore[arg-type]
        if notices:
            self.on_notices(notices)

    def _sort(
        self, messages: Sequence[Published], fresh: bool, notices: list[Notice]
    ) -> Iterator[Wake | Live]:
        """What is for our sessions; notices are put aside, answers are taken."""
        for name, payload in messages:
            channel = parse_channel(name)
            try:
                if channel is None:
                    self._take_answer(name, payload)
                    continue
                found = decode(channel, payload)
            except BadPayloadError as exc:
                self._complain(exc)
                continue
            if isinstance(found, Notice):
                notices.append(found)
            elif isinstance(found, LivePayload):
                yield from self._take_live(found, fresh)
            elif not self._numbers.is_own(found.epoch):  # our own were handed on at once
                # What comes after all had left is not counted: nobody would forget it.
                in_turn = channel in self._counts and self._numbers.in_turn(
                    channel, found.epoch, found.number
                )
                yield Wake(found.message, in_turn)

    def _take_answer(self, name: bytes, payload: bytes | None) -> None:
        """A node says who of a group has got a live message."""
        if name == self._own_name:
            self._report(self._forwarding.answered(*decode_answer(payload)))

    def _take_live(self, found: LivePayload, fresh: bool) -> list[Live]:
        """A live message: whom we have gets it from us, and its sender's node is told so.

        One that may have been on its way for long has perhaps been given up, and stored, by its
        sender's node: it is not fresh, and we store it, too, under the same ``mid``.
        """
        if self.live is None:
            return []
        _, number, generation, mid, message = found
        here = self.live.find(message)
        if not number:
            if not here:  # its sender's node believes that we have the user
                self.live.store(message, generation, mid)
                return []
        elif found.node == self._name:  # ours comes back: who is here has got it
            self._report(self._forwarding.answered(number, ()))
            return []
        else:
            answer = encode_answer(number, [user_id for user_id, _ in here])
            self._send(NODE + found.node.encode(), answer)
        return [
            Live(user_id, session, message, generation, mid, fresh) for user_id, session in here
        ]

    def _complain(self, reason: Exception) -> None:
        now = self._loop.poll_return_time
        if now - self._complained_at > COMPLAIN_SECONDS:
            self._complained_at = now
            log.warning("somebody else publishes on our channels: %s", reason)


def _is_live(item: Wake | Live) -> bool:
    return type(item) is Live


def _nobody(wakes: Sequence[Wake]) -> None:
    pass


def _nothing() -> None:
    pass
