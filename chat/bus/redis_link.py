"""RedisLink: one connection to a Redis server, kept up from a loop.

    DOWN ──▶ CONNECTING ──▶ GREETING ──▶ UP
     ▲            │             │         │
     └────────────┴─────────────┴─────────┘   failed: again in a moment, longer each time

Two kinds. A publisher's requests are answered in their order; a subscriber's connection brings
what others publish. Redis wants these apart, and so its slow readers cannot hold our writing up.

What is published in one pass of the loop goes out in one write, and its answers come back in a few
reads: that is what makes a cluster quick (docs/performance.md).
"""

from __future__ import annotations

import logging
import random
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Sequence
from enum import Enum
from typing import Any

from chat.bus.redis_url import ANSWER_SECONDS, CONNECT_SECONDS, Host, RedisAddress
from chat.bus.resp import ErrorReply, Published, Reply, RespError, RespParser, encode_command
from muduopy import Buffer, EventLoop, InetAddress, TcpClient, TcpConnection, ThreadPool

log = logging.getLogger(__name__)

FIRST_RETRY, LAST_RETRY = 0.1, 2.0
"""Seconds between attempts, doubling, with jitter."""

MAX_WAITING = 50_000
"""What may be published and not answered; more is dropped. It is in the database all the same."""

MAX_OUTPUT = 32 * 1024 * 1024
"""Bytes that may wait for Redis to take them."""

COMPLAIN_SECONDS = 10.0
"""Not more often than that is the same written to the log."""

Count = tuple[Any, int]
"""The tag of something published, and how many subscribers Redis has handed it to."""


class LinkState(Enum):
    DOWN = "down"
    CONNECTING = "connecting"
    GREETING = "greeting"
    UP = "up"


class RedisLink(ABC):
    """Connects, says who we are, and does so again whenever it must. Loop thread.

    Attributes:
        up_at: when it last came up, seconds of the monotonic clock.
    """

    def __init__(
        self, loop: EventLoop, workers: ThreadPool, address: RedisAddress, host: Host, name: str
    ) -> None:
        """``workers`` look host names up. ``name``: shown by Redis' CLIENT LIST."""
        self.state = LinkState.DOWN
        self.up_at = 0.0
        self.host = host
        self._loop = loop
        self._workers = workers
        self._address = address
        self._name = name
        self._tls = address.tls_context()
        self._closed = False
        self._client: TcpClient | None = None
        self._connection: TcpConnection | None = None
        self._parser = RespParser()
        self._greetings = 0  # answers to come before it is UP
        self._pause = FIRST_RETRY
        self._complained_at = float("-inf")

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.host[0]}:{self.host[1]} {self.state.value}>"

    def start(self) -> None:
        """Begin to connect."""
        if self._closed or self.state is not LinkState.DOWN:
            return
        self.state = LinkState.CONNECTING
        try:
            self._connect(InetAddress(*self.host))  # an address: nothing to be looked up
        except ValueError:
            queued = self._workers.try_run_for(
                self._loop, lambda: InetAddress.resolve(*self.host), self._resolved
            )
            if not queued:
                self.fail("no worker to look the host up")

    def close(self) -> None:
        """Idempotent."""
        self._closed = True
        self.fail("closed")

    def fail(self, reason: str) -> None:
        """This connection is of no use: get another one."""
        if self.state is LinkState.DOWN:
            return
        client, self._client, self._connection = self._client, None, None
        if client is not None:
            client.close()
        was_up, self.state = self.state is LinkState.UP, LinkState.DOWN
        self._parser = RespParser()
        if not self._closed:
            self.complain(reason)
            if was_up and self._loop.poll_return_time - self.up_at > LAST_RETRY:
                self._pause = FIRST_RETRY
            self._loop.run_after(self._pause * random.uniform(0.5, 1.0), self.start)
            self._pause = min(2 * self._pause, LAST_RETRY)
        self._went_down()

    def complain(self, reason: str) -> None:
        """Write to the log that something is wrong with this server."""
        now = self._loop.poll_return_time
        if now - self._complained_at > COMPLAIN_SECONDS:
            self._complained_at = now
            log.warning("Redis at %s:%d: %s; mailboxes are polled", *self.host, reason)

    @abstractmethod
    def _went_up(self) -> None:
        """Redis knows us."""

    @abstractmethod
    def _went_down(self) -> None:
        """Whatever was under way is lost."""

    @abstractmethod
    def _take(self, replies: Sequence[Reply]) -> None:
        """What has arrived."""

    def _write(self, data: bytes) -> None:
        if self._connection is not None:
            self._connection.send(data)

    # ------------------------------------------------------------------ connecting

    def _resolved(self, address: InetAddress | None, error: Exception | None) -> None:
        if self.state is not LinkState.CONNECTING or self._client is not None:
            return
        if address is None:
            self.fail(str(error))
        else:
            self._connect(address)

    def _connect(self, address: InetAddress) -> None:
        client = self._client = TcpClient(
            self._loop,
            address,
            "redis",
            connect_seconds=CONNECT_SECONDS,
            tls=self._tls,
            server_hostname=self.host[0] if self._tls is not None else None,
        )
        client.set_connection_callback(lambda connection: self._changed(client, connection))
        client.set_message_callback(self._on_bytes)
        client.set_connect_failed_callback(lambda error, _: self._unreachable(client, error))
        client.connect()

    def _unreachable(self, client: TcpClient, error: OSError) -> None:
        if client is self._client:
            self.fail(error.strerror or str(error))

    def _changed(self, client: TcpClient, connection: TcpConnection) -> None:
        if client is not self._client:  # an earlier one, that was given up
            return
        if not connection.connected:
            self.fail("the connection is gone")
            return
        connection.set_tcp_no_delay(True)
        self._connection = connection
        self.state = LinkState.GREETING
        commands = [(b"CLIENT", b"SETNAME", self._name.encode())]
        if self._address.password:
            login = (self._address.user, self._address.password)
            words = (word.encode() for word in login if word is not None)
            commands.insert(0, (b"AUTH", *words))  # type: ignore[arg-type]
        self._greetings = len(commands)
        self._write(b"".join(encode_command(*command) for command in commands))
        self._loop.run_after(ANSWER_SECONDS, lambda: self._greeted_by(connection))

    def _greeted_by(self, connection: TcpConnection) -> None:
        if connection is self._connection and self.state is LinkState.GREETING:
            self.fail("no answer to the greeting")

    def _on_bytes(self, connection: TcpConnection, buffer: Buffer, when: float) -> None:
        data = buffer.retrieve_all()
        if connection is not self._connection:
            return
        try:
            replies = self._parser.feed(data)
        except RespError as exc:
            self.fail(f"it does not speak RESP: {exc}")
            return
        if self.state is LinkState.GREETING:
            replies = self._greet(replies)
        if replies and self.state is LinkState.UP:
            self._take(replies)

    def _greet(self, replies: list[Reply]) -> list[Reply]:
        """Take the answers to the greeting off; the rest came behind them."""
        greetings, rest = replies[: self._greetings], replies[self._greetings :]
        for reply in greetings:
            if isinstance(reply, ErrorReply):
                self.fail(reply.text)
                return []
        self._greetings -= len(greetings)
        if not self._greetings:
            self.state = LinkState.UP
            self.up_at = self._loop.poll_return_time
            if self._complained_at > float("-inf"):
                log.info("Redis at %s:%d is there", *self.host)
                self._complained_at = float("-inf")
            self._went_up()
        return rest


class PublisherLink(RedisLink):
    """Publishes, pipelined, and reports to how many subscribers."""

    def __init__(
        self,
        loop: EventLoop,
        workers: ThreadPool,
        address: RedisAddress,
        host: Host,
        name: str,
        on_counts: Callable[[Sequence[Count]], object],
        on_moved: Callable[[], object],
    ) -> None:
        """``on_counts`` hears of what was published with a tag; with 0 where it got lost.
        ``on_moved``: another server of the cluster is responsible."""
        super().__init__(loop, workers, address, host, name)
        self._verb = b"SPUBLISH" if address.cluster else b"PUBLISH"
        self._on_counts = on_counts
        self._on_moved = on_moved
        self._output: list[bytes] = []  # of this pass
        self._waiting: deque[Any] = deque()  # the tags of what is not answered yet
        self._waiting_since = 0.0

    def publish(self, channel: bytes, payload: bytes, tag: object = None) -> None:
        """Publish, with what else is published in this pass. Dropped if that is impossible."""
        if self.state is not LinkState.UP or len(self._waiting) >= MAX_WAITING:
            if self.state is LinkState.UP:
                self.complain("too much waits for an answer")
            if tag is not None:
                self._on_counts([(tag, 0)])
            return
        if not self._waiting:
            self._waiting_since = self._loop.poll_return_time
        if not self._output:
            self._loop.queue_in_loop(self._flush)
        verb = self._verb
        self._output.append(
            b"*3\r\n$%d\r\n%b\r\n$%d\r\n%b\r\n$%d\r\n%b\r\n"
            % (len(verb), verb, len(channel), channel, len(payload), payload)
        )
        self._waiting.append(tag)

    def check(self, now: float) -> None:
        """Called now and then: does Redis still read and answer?"""
        late = self._waiting and now - self._waiting_since > ANSWER_SECONDS
        if self.state is LinkState.UP and late:
            self.fail("no answer")
        elif self._connection is not None and self._connection.output_bytes > MAX_OUTPUT:
            self.fail("it does not read")

    def _flush(self) -> None:
        if self._output:
            data = b"".join(self._output)
            self._output.clear()
            self._write(data)

    def _went_up(self) -> None:
        pass

    def _went_down(self) -> None:
        self._output.clear()
        lost, self._waiting = self._waiting, deque()
        counts = [(tag, 0) for tag in lost if tag is not None]
        if counts:
            self._on_counts(counts)

    def _take(self, replies: Sequence[Reply]) -> None:
        self._waiting_since = self._loop.poll_return_time
        counts: list[Count] = []
        if len(replies) > len(self._waiting):
            self.fail("an answer to nothing")
            return
        for reply in replies:
            tag = self._waiting.popleft()
            if isinstance(reply, ErrorReply):
                self._refused(reply)
            if tag is not None:
                counts.append((tag, reply if type(reply) is int else 0))
        if counts:
            self._on_counts(counts)

    def _refused(self, error: ErrorReply) -> None:
        self.complain(error.text)
        if error.code in ("MOVED", "CLUSTERDOWN"):
            self._on_moved()


class SubscriberLink(RedisLink):
    """Subscribes, and hands on what is published there."""

    def __init__(
        self,
        loop: EventLoop,
        workers: ThreadPool,
        address: RedisAddress,
        host: Host,
        name: str,
        on_messages: Callable[[Sequence[Published]], object],
        on_change: Callable[[], object],
        on_moved: Callable[[], object],
    ) -> None:
        """``on_change``: what is ``confirmed`` has changed. ``on_moved``: see PublisherLink."""
        super().__init__(loop, workers, address, host, name)
        self._verbs = (
            (b"SSUBSCRIBE", b"SUNSUBSCRIBE") if address.cluster else (b"SUBSCRIBE", b"UNSUBSCRIBE")
        )
        self._on_messages = on_messages
        self._on_change = on_change
        self._on_moved = on_moved
        self._wanted: set[bytes] = set()
        self._unanswered: dict[bytes, int] = {}  # how often asked for, without an answer so far
        self.confirmed: set[bytes] = set()

    @property
    def complete(self) -> bool:
        """Is everything that is wanted confirmed?"""
        return len(self.confirmed) == len(self._wanted)

    def subscribe(self, channels: Sequence[bytes]) -> None:
        """Hear of these, also after connecting again."""
        self._wanted.update(channels)
        self._ask_for(channels)

    def unsubscribe(self, channels: Sequence[bytes]) -> None:
        """Hear of these no more."""
        self._wanted.difference_update(channels)
        self.confirmed.difference_update(channels)
        if self.state is LinkState.UP:
            verb = self._verbs[1]
            self._write(b"".join([encode_command(verb, channel) for channel in channels]))

    def _ask_for(self, channels: Sequence[bytes]) -> None:
        if self.state is not LinkState.UP or not channels:
            return
        for channel in channels:
            self._unanswered[channel] = self._unanswered.get(channel, 0) + 1
        verb = self._verbs[0]
        self._write(b"".join([encode_command(verb, channel) for channel in channels]))

    def _went_up(self) -> None:
        self._unanswered.clear()
        self._ask_for(sorted(self._wanted))
        self._on_change()

    def _went_down(self) -> None:
        self.confirmed.clear()
        self._on_change()

    def _take(self, replies: Sequence[Reply]) -> None:
        messages: list[Published] = []
        changed = False
        for reply in replies:
            if type(reply) is Published:
                messages.append(reply)
            elif isinstance(reply, ErrorReply):
                self.complain(reply.text)
                if reply.code in ("MOVED", "CLUSTERDOWN"):
                    self._on_moved()
            elif type(reply) is list and len(reply) == 3 and type(reply[1]) is bytes:
                changed |= self._answered(reply[0], reply[1])
        if messages:
            self._on_messages(messages)
        if changed:
            self._on_change()

    def _answered(self, verb: Reply, channel: bytes) -> bool:
        if verb in (b"unsubscribe", b"sunsubscribe"):
            if channel in self.confirmed:  # nobody asked: it has moved to another server
                self.confirmed.discard(channel)
                self._on_moved()
            return False
        # Who came, left and came again must wait for the last answer.
        left = self._unanswered.pop(channel, 1) - 1
        if left:
            self._unanswered[channel] = left
            return False
        if channel in self._wanted:
            self.confirmed.add(channel)
        return True
