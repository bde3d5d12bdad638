"""RedisBus: wakes between nodes by Redis' publish and subscribe.

Redis may lose anything, so what matters is to notice. Each publisher numbers what it sends on each
channel; a receiver that sees the next number knows that nothing is missing. A number out of turn
only means: look into the mailbox. A publisher that is heard on a channel for the first time
counts as in turn only with its number 1, for what came before that may have been lost.

Three threads: the publisher's, the listener's (which alone touches the subscribing connection), and
whoever calls. The listener sleeps in a read from Redis; who wants a subscription puts it on a list,
and publishes something on the listener's own channel to make it look there. That channel serves
as the probe, too: while nothing comes back on it, the bus is not healthy.

This node's own sessions are woken at once, in the thread that publishes, not through Redis: alone,
a node works the same whether Redis is there or not.
"""

from __future__ import annotations

import logging
import random
import secrets
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from urllib.parse import quote, urlsplit, urlunsplit

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from chat.bus.base import Bus, Notice, OnWakes, Wake, ignore_notices
from chat.bus.redis_codec import (
    BadPayloadError,
    channel_name,
    decode,
    encode_notice,
    encode_wake,
    parse_channel,
)
from chat.bus.redis_publisher import Publisher
from chat.delivery.message import Channel, ChatMessage
from chat.protocol import ONE_CHAT

log = logging.getLogger(__name__)

CONNECT_SECONDS = 1.0
ANSWER_SECONDS = 1.0
"""Redis is next door; who waits longer holds everybody up."""

LISTEN_SECONDS = 0.5
"""How long the listener sleeps at the most when nothing comes."""

PROBE_SECONDS = 1.0
DEAF_SECONDS = 3.0
"""Without a probe that came back for so long, the bus is not healthy."""

CONFIRM_SECONDS = 2.0
"""How long a login waits for its subscription."""

FIRST_RETRY, LAST_RETRY = 0.1, 2.0
"""Seconds between attempts to connect, doubling, with jitter."""

BATCH = 500
"""Messages that are handed on together."""

MAX_CHANNELS = 200_000
"""Channels that running numbers are kept for; then a new epoch begins, with none."""

COMPLAIN_SECONDS = 10.0


class RedisBus(Bus):
    """See the module's text. Methods: any thread, as the port says."""

    def __init__(self, url: str, password: str, node: str) -> None:
        """Connects later, by itself. Raises ValueError for an impossible URL."""
        self.on_notices = ignore_notices
        self._client = redis.Redis.from_url(
            _with_password(url, password),
            socket_connect_timeout=CONNECT_SECONDS,
            socket_timeout=ANSWER_SECONDS,
            retry=Retry(NoBackoff(), 0),
            health_check_interval=0,
            client_name=f"chat-{node}",
        )
        self._epoch_base = secrets.token_hex(8)
        self._own_channel = f"chat:probe:{self._epoch_base}"
        self._on_wakes: OnWakes = _nobody
        self._on_doubt: Callable[[], object] = _nothing
        self._publisher = Publisher(self._client)
        self._numbers_lock = threading.Lock()  # guards _numbers and _epochs
        self._numbers: dict[Channel, int] = {}  # the last that was published
        self._epochs = 0
        self._lock = threading.Lock()  # guards what follows
        self._changed = threading.Condition(self._lock)
        self._counts: dict[Channel, int] = {}  # who asked for it, how often
        self._confirmed: set[Channel] = set()
        self._todo: set[Channel] = set()  # what the listener has to compare with _counts
        self._connected = False
        self._heard_at = 0.0  # when a probe last came back
        self._closing = False
        # The listener's own:
        self._heard: dict[Channel, dict[str, int]] = {}  # the last number of each publisher
        self._sent: set[Channel] = set()  # what Redis has been asked for
        self._unanswered: dict[Channel, int] = {}  # how often, without an answer so far
        self._complained = 0.0
        self._thread = threading.Thread(target=self._listen_forever, name="redis-listener")

    # ------------------------------------------------------------------ the port

    def start(self, on_wakes: OnWakes, on_doubt: Callable[[], object]) -> None:
        self._on_wakes = on_wakes
        self._on_doubt = on_doubt
        self._publisher.start()
        self._thread.start()

    @property
    def healthy(self) -> bool:
        with self._lock:
            return self._connected and time.monotonic() - self._heard_at < DEAF_SECONDS

    @property
    def state(self) -> str:
        return "healthy" if self.healthy else "deaf"

    def subscribe(self, channels: Iterable[Channel]) -> None:
        wanted = list(channels)
        with self._lock:
            for channel in wanted:
                self._counts[channel] = self._counts.get(channel, 0) + 1
                if self._counts[channel] == 1:
                    self._todo.add(channel)
        self._nudge()
        with self._lock:
            # Not confirmed in time: the bus is unwell, and the mailboxes are polled.
            self._changed.wait_for(
                lambda: (
                    self._closing
                    or not self._connected
                    or all(channel in self._confirmed for channel in wanted)
                ),
                CONFIRM_SECONDS,
            )

    def unsubscribe(self, channels: Iterable[Channel]) -> None:
        with self._lock:
            for channel in channels:
                left = self._counts.get(channel, 0) - 1
                if left > 0:
                    self._counts[channel] = left
                elif self._counts.pop(channel, None) is not None:
                    self._todo.add(channel)
        self._nudge()

    def publish(self, messages: Sequence[ChatMessage]) -> None:
        self._on_wakes([Wake(message, True) for message in messages])
        with self._lock:
            # A user has one session: one that is here is nowhere else.
            away = [
                message
                for message in messages
                if message.kind != ONE_CHAT or message.channel not in self._counts
            ]
        if not away:
            return
        with self._numbers_lock:
            items = [self._number(message) for message in away]
            self._publisher.put(items)  # in the order of the numbers

    def tell(self, notices: Sequence[Notice]) -> None:
        self._publisher.put(
            [(channel_name((ONE_CHAT, n.user_id)), encode_notice(n)) for n in notices]
        )

    def close(self) -> None:
        with self._lock:
            if self._closing:
                return
            self._closing = True
            self._changed.notify_all()
        if self._thread.ident is not None:
            self._nudge()
            self._thread.join()
        self._publisher.close()
        self._client.close()

    # ------------------------------------------------------------------ publishing

    def _number(self, message: ChatMessage) -> tuple[str, bytes]:
        """Under _numbers_lock."""
        if len(self._numbers) >= MAX_CHANNELS:
            self._numbers.clear()
            self._epochs += 1
        channel = message.channel
        number = self._numbers[channel] = self._numbers.get(channel, 0) + 1
        epoch = f"{self._epoch_base}.{self._epochs}"
        return channel_name(channel), encode_wake(epoch, number, message)

    def _nudge(self) -> None:
        """Make the listener look at what it has to do."""
        self._publisher.put([(self._own_channel, b"")])

    # ------------------------------------------------------------------ the listener

    def _listen_forever(self) -> None:
        pause = FIRST_RETRY
        while not self._closing:
            begun = time.monotonic()
            try:
                self._listen()
            except (redis.RedisError, OSError, ValueError) as exc:
                self._complain("the bus is away, mailboxes are polled: %s", exc)
            except Exception:
                log.exception("the bus's listener")
            with self._lock:
                self._connected = False
                self._confirmed.clear()
                self._changed.notify_all()
                if time.monotonic() - begun > LAST_RETRY:
                    pause = FIRST_RETRY
                self._changed.wait_for(lambda: self._closing, pause * random.uniform(0.5, 1.0))
            pause = min(pause * 2, LAST_RETRY)

    def _listen(self) -> None:
        """One connection's life."""
        pubsub = self._client.pubsub()  # type: ignore[no-untyped-call]
        try:
            pubsub.subscribe(self._own_channel)
            with self._lock:
                self._todo = set(self._counts)
                self._heard_at = time.monotonic()
                self._connected = True
            self._heard.clear()
            self._sent.clear()
            self._unanswered.clear()
            self._work_off(pubsub)
            if self._complained:
                log.info("the bus is there")
                self._complained = 0.0
            probe_at = time.monotonic() + PROBE_SECONDS
            doubtful = True  # what was published while we were away is lost
            while not self._closing:
                first = pubsub.get_message(timeout=LISTEN_SECONDS)
                if first is not None:
                    self._take(pubsub, first)
                self._work_off(pubsub)
                now = time.monotonic()
                if now >= probe_at:
                    probe_at = now + PROBE_SECONDS
                    self._nudge()
                deaf = not self.healthy
                if doubtful and not deaf and self._all_confirmed():
                    doubtful = False
                    self._on_doubt()
                doubtful |= deaf
        finally:
            pubsub.close()

    def _all_confirmed(self) -> bool:
        with self._lock:
            return all(channel in self._confirmed for channel in self._counts)

    def _work_off(self, pubsub: redis.client.PubSub) -> None:
        """Subscribe and unsubscribe what is asked for by now."""
        with self._lock:
            if not self._todo:
                return
            todo, self._todo = self._todo, set()
            new = [c for c in todo if c in self._counts and c not in self._sent]
            old = [c for c in todo if c not in self._counts and c in self._sent]
            self._confirmed.difference_update(old)
        for channel in old:
            self._sent.discard(channel)
            self._heard.pop(channel, None)
        if old:
            pubsub.unsubscribe(*map(channel_name, old))  # type: ignore[no-untyped-call]
        for channel in new:
            self._sent.add(channel)
            self._unanswered[channel] = self._unanswered.get(channel, 0) + 1
        if new:
            pubsub.subscribe(*map(channel_name, new))

    def _take(self, pubsub: redis.client.PubSub, first: dict[str, object]) -> None:
        """Hand on a message and what has come behind it."""
        wakes: list[Wake] = []
        notices: list[Notice] = []
        message: dict[str, object] | None = first
        for _ in range(BATCH):
            if message is None:
                break
            self._sort(message, wakes, notices)
            message = pubsub.get_message(timeout=0)
        else:
            if message is not None:
                self._sort(message, wakes, notices)
        if wakes:
            self._on_wakes(wakes)
        if notices:
            self.on_notices(notices)

    def _sort(self, message: dict[str, object], wakes: list[Wake], notices: list[Notice]) -> None:
        name = message["channel"]
        assert isinstance(name, bytes)
        if name == self._own_channel.encode():
            with self._lock:
                self._heard_at = time.monotonic()
            return
        channel = parse_channel(name)
        if channel is None:
            return
        if message["type"] == "subscribe":
            self._answered(channel)
            return
        if message["type"] != "message":
            return
        payload = message["data"]
        assert isinstance(payload, bytes)
        try:
            found = decode(channel, payload)
        except BadPayloadError as exc:
            self._complain("somebody else publishes on our channels: %s", exc)
            return
        if isinstance(found, Notice):
            notices.append(found)
        elif not found[0].startswith(self._epoch_base):  # our own were handed on at once
            wakes.append(self._wake(channel, *found))

    def _answered(self, channel: Channel) -> None:
        """Redis has subscribed us. Who came, left and came again must wait for the last answer."""
        left = self._unanswered.pop(channel, 1) - 1
        if left:
            self._unanswered[channel] = left
            return
        with self._lock:
            if channel in self._sent and channel in self._counts:
                self._confirmed.add(channel)
            self._changed.notify_all()

    def _wake(self, channel: Channel, epoch: str, number: int, message: ChatMessage) -> Wake:
        publishers = self._heard.setdefault(channel, {})
        contiguous = number == publishers.get(epoch, 0) + 1
        publishers[epoch] = number
        return Wake(message, contiguous)

    def _complain(self, text: str, reason: Exception) -> None:
        now = time.monotonic()
        if now - self._complained > COMPLAIN_SECONDS and not self._closing:
            self._complained = now
            log.warning(text, reason)


def _with_password(url: str, password: str) -> str:
    parts = urlsplit(url)
    if not password or parts.password:
        return url
    user = parts.username or ""
    host = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{user}:{quote(password, safe='')}@{host}"))


def _nobody(wakes: Sequence[Wake]) -> None:
    pass


def _nothing() -> None:
    pass
