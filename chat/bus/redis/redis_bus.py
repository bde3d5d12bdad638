"""RedisBus: carries payloads between nodes by Redis' publish and subscribe.

Redis may lose any publication. RunningNumbers notice a loss when a later number arrives. The probes
of a shard notice it when nothing arrives.

All objects of the bus, its connections included, live in one loop. Calls from other threads are
queued there. So most objects need no lock, and all publications of one pass of the loop go out in
one write. ``subscribe`` blocks a worker until the loop has the confirmation.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import partial

from chat.bus.base import Answer, BadPayloadError, Bus, BusListener, Codec, Count, P, Received
from chat.bus.redis.answers import decode_answer, encode_answer
from chat.bus.redis.channels import NODE, PROBE, channel_of, topic_of
from chat.bus.redis.link import LinkContext
from chat.bus.redis.resp import MAX_BULK, Published
from chat.bus.redis.running_numbers import RunningNumbers
from chat.bus.redis.servers import ClusterServers, RedisServers, SingleServer
from chat.bus.redis.shard import RedisShard, ShardOwner
from chat.bus.redis.url import RedisAddress
from chat.bus.redis.waiting import Waiter, Waiters
from chat.counters import Histogram
from chat.message import Topic
from muduopy import EventLoop, ThreadPool

log = logging.getLogger(__name__)

COMPLAIN_SECONDS = 10.0
"""Between two lines of the log about payloads of a wrong form."""


class RedisBus(Bus[P], ShardOwner):
    """See the module's text. Methods of Bus: the threads that Bus names; all others: the loop."""

    def __init__(
        self,
        loop: EventLoop,
        workers: ThreadPool,
        address: RedisAddress,
        node: str,
        codec: Codec[P],
    ) -> None:
        """``workers`` look up host names and the layout of a cluster. ``node``: shown by Redis.

        Raises OSError where the file of certificates cannot be read.
        """
        self._loop = loop
        self._codec = codec
        self._listener: BusListener[P] | None = None
        self._numbers = RunningNumbers()
        # Random, so a restarted node has another name: late answers to its former run's requests,
        # whose numbers began with 1, too, do not reach it.
        self._name = self._numbers.publisher
        self._own_channel = NODE + self._name.encode()
        self._counts: Counter[Topic] = Counter()  # subscriptions by topic
        self._places: dict[bytes, RedisShard] = {}  # the shard of each channel subscribed to
        self._waiters = Waiters()
        self._waiting: list[Waiter] = []  # those whose subscriptions are not confirmed
        self._healthy_until = 0.0  # monotonic seconds; written by the loop, read by any thread
        self._complained_at = float("-inf")
        self._probe_seconds = Histogram()
        servers = ClusterServers if address.cluster else SingleServer
        probe = PROBE + self._name.encode()
        context = LinkContext(loop, workers, address, f"chat-{node}")
        self._servers: RedisServers = servers(context, probe, self)

    # ------------------------------------------------------------------ the port

    def start(self, listener: BusListener[P]) -> None:
        self._listener = listener
        self._loop.run_in_loop(self._start)

    @property
    def name(self) -> str:
        return self._name

    @property
    def alone(self) -> bool:
        return False

    @property
    def healthy(self) -> bool:
        return time.monotonic() < self._healthy_until

    @property
    def probe_seconds(self) -> Histogram:
        return self._probe_seconds

    @property
    def state(self) -> str:
        return "healthy" if self.healthy else "deaf"

    def subscribe(self, topics: Iterable[Topic]) -> None:
        waiter = Waiter(list(topics))
        subscribe = partial(self._subscribe, waiter)
        self._waiters.wait(waiter, lambda: self._loop.run_in_loop(subscribe))

    def stop_waiting(self) -> None:
        self._waiters.release()

    def unsubscribe(self, topics: Iterable[Topic]) -> None:
        self._loop.run_in_loop(partial(self._unsubscribe, list(topics)))

    def publish(self, payloads: Sequence[P]) -> None:
        self._loop.run_in_loop(partial(self._publish, payloads))

    def tell(self, payloads: Sequence[P]) -> None:
        self._loop.run_in_loop(partial(self._tell, payloads))

    def request(self, payload: P, tag: object) -> None:
        self._loop.run_in_loop(partial(self._request, payload, tag))

    def answer(self, node: str, answer: Answer) -> None:
        self._loop.run_in_loop(partial(self._answer, node, answer))

    def close(self) -> None:
        # First, because the loop may not run any more, and would release no worker.
        self._waiters.release()
        self._loop.run_in_loop(self._close)

    # ------------------------------------------------------------------ publishing

    def _publish(self, payloads: Sequence[P]) -> None:
        for payload in payloads:
            topic = payload.topic
            # Numbered even if it is dropped then: the gap shows the loss to the subscribers.
            stamp = self._numbers.next(topic)
            self._send(channel_of(topic), self._codec.encode(payload, stamp))

    def _tell(self, payloads: Sequence[P]) -> None:
        for payload in payloads:
            self._send(channel_of(payload.topic), self._codec.encode(payload, None))

    def _request(self, payload: P, tag: object) -> None:
        data = self._codec.encode(payload, None)
        if len(data) > MAX_BULK:
            # Example: text_bytes is 1 MiB, and A sends B at node 2 a long text live. Node 2 skips
            # it (resp.py), but Redis counts node 2: A's message would be acknowledged and lost.
            self.on_counts([(tag, 0)])
        else:
            self._send(channel_of(payload.topic), data, tag)

    def _answer(self, node: str, answer: Answer) -> None:
        self._send(NODE + node.encode(), encode_answer(answer))

    def _send(self, channel: bytes, data: bytes, tag: object = None) -> None:
        shard = self._servers.of(channel)
        if shard is not None:
            shard.publish(channel, data, tag)
        elif tag is not None:  # the layout of the cluster is not known, or lacks the slot
            self.on_counts([(tag, 0)])

    def on_counts(self, counts: Sequence[Count]) -> None:
        if self._listener is not None:
            self._listener.on_counts(counts)

    # ------------------------------------------------------------------ subscribing

    def _start(self) -> None:
        self._servers.start()
        self._place([self._own_channel])  # for the answers to this node's requests

    def _close(self) -> None:
        self._servers.close()
        self._healthy_until = 0.0

    def _subscribe(self, waiter: Waiter) -> None:
        self._counts.update(waiter.topics)
        self._place(waiter.channels)
        self._waiting.append(waiter)
        self._end_waiting()

    def _unsubscribe(self, topics: Sequence[Topic]) -> None:
        # Counted, because subscriptions overlap. Example: A logs in again at this node. The new
        # login subscribes to A's topic, then the old one unsubscribes. The topic must stay.
        for topic in topics:
            if topic in self._counts:
                self._counts[topic] -= 1
                if not self._counts[topic]:
                    del self._counts[topic]
                    # Publications are missed from now on, so no later number is in turn.
                    self._numbers.forget(topic)
        self._place([channel_of(topic) for topic in topics])

    def _is_wanted(self, channel: bytes) -> bool:
        topic = topic_of(channel)
        return channel == self._own_channel if topic is None else topic in self._counts

    def _place(self, channels: Iterable[bytes]) -> None:
        """Make the subscriptions of these channels right, after a change of the counts or shards.

        A wanted channel is subscribed to at the shard that has it, and nowhere else.
        """
        if self._waiters.closed:  # the node is ending
            return
        new: dict[RedisShard, list[bytes]] = {}
        for channel in channels:
            wanted = self._servers.of(channel) if self._is_wanted(channel) else None
            current = self._places.get(channel)
            if wanted is current:
                continue
            if current is not None:  # not wanted any more, or its slot has moved
                del self._places[channel]
                current.unsubscribe([channel])
            if wanted is not None:
                self._places[channel] = wanted
                new.setdefault(wanted, []).append(channel)
        for shard, group in new.items():
            shard.subscribe(group)

    def _end_waiting(self) -> None:
        """Release the workers whose subscriptions are confirmed, or cannot be for now.

        A login reads the mailbox only afterwards. Example: B logs in here; meanwhile A's message to
        B is committed and published at another node. If the subscription came after the reading,
        both could miss it.
        """
        if self._waiting:
            left = []
            for waiter in self._waiting:
                if all(self._is_settled(channel) for channel in waiter.channels):
                    waiter.over.set()
                else:
                    left.append(waiter)
            self._waiting = left

    def _is_settled(self, channel: bytes) -> bool:
        # A login does not wait for a server that is down. Once the server is back and has confirmed
        # all subscriptions, ``on_doubt`` makes each pump read its mailbox.
        shard = self._places.get(channel)
        return shard is None or not shard.connected or shard.is_confirmed(channel)

    # ------------------------------------------------------------------ events of the shards

    def on_change(self) -> None:
        # Each probe that comes back calls this, four times a second for each shard.
        shards = self._servers.shards
        # One deaf shard is enough: it may have the topic of any user.
        self._healthy_until = min((shard.healthy_until for shard in shards), default=0.0)
        self._end_waiting()

    def on_probe(self, seconds: float) -> None:
        self._probe_seconds.observe(seconds)

    def on_doubt(self) -> None:
        self._numbers.forget_all()
        if self._listener is not None:
            self._listener.on_doubt()

    def on_moved(self) -> None:
        # Called twice for a slot that moves: first when a server refuses a command, which makes a
        # worker read the layout; then when the layout is known. The second call moves the
        # subscriptions to their new shards.
        self._servers.look()
        self._place([self._own_channel, *map(channel_of, self._counts), *list(self._places)])
        self.on_change()

    # ------------------------------------------------------------------ receiving

    def on_messages(self, messages: Sequence[Published], fresh: bool) -> None:
        received: list[Received[P]] = []
        answers: list[Answer] = []
        for channel, data in messages:
            topic = topic_of(channel)
            try:
                if topic is None:  # an answer to a request of this node; or a foreign channel
                    if channel == self._own_channel:
                        answers.append(decode_answer(data))
                    continue
                payload, stamp = self._codec.decode(topic, data)
            except BadPayloadError as exc:
                self._complain(exc)
                continue
            in_turn = False
            if stamp is not None:
                epoch, number = stamp
                if self._numbers.is_own(epoch):
                    continue  # delivery has served the receivers here before the publish
                # A message that comes after the last ``unsubscribe`` is not counted, because
                # nothing would ever remove its entry.
                in_turn = topic in self._counts and self._numbers.in_turn(topic, epoch, number)
            received.append(Received(payload, in_turn, fresh))
        if self._listener is not None:
            if received:
                self._listener.on_received(received)
            if answers:
                self._listener.on_answers(answers)

    def _complain(self, reason: Exception) -> None:
        now = self._loop.poll_return_time
        if now - self._complained_at > COMPLAIN_SECONDS:
            self._complained_at = now
            log.warning("foreign data on the channels of chat: %s", reason)
