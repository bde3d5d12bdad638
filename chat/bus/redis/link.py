"""RedisLink: one connection to a Redis server, kept up from a loop.

    DOWN ──▶ CONNECTING ──▶ GREETING ──▶ UP
     ▲            │             │         │
     └────────────┴─────────────┴─────────┘   failed: retried after a pause that doubles

There are two kinds of links. On a publisher's, replies come in the order of the commands. On a
subscriber's, publications arrive at any time. Redis wants separate connections for them, because
a connection with subscriptions takes no PUBLISH.

This class knows no channels: the subclasses publish and subscribe.
"""

from __future__ import annotations

import logging
import random
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from chat.bus.redis.resp import ErrorReply, Reply, RespError, RespParser, encode_command
from chat.bus.redis.url import CONNECT_SECONDS, REPLY_SECONDS, Host, RedisAddress
from muduopy import Buffer, EventLoop, InetAddress, TcpClient, TcpConnection, ThreadPool

log = logging.getLogger(__name__)

FIRST_RETRY, LAST_RETRY = 0.1, 2.0
"""Seconds between attempts. The pause doubles, and has a random part. Example: Redis restarts, and
all nodes lose their links at the same moment. They should not all connect at the same moment."""

COMPLAIN_SECONDS = 10.0
"""Between two lines of the log about the same server."""


@dataclass(frozen=True, slots=True)
class LinkContext:
    """The common parameters of all links of a bus.

    Attributes:
        loop: the thread of the bus and of its links.
        workers: look host names up, because that blocks.
        address: the hosts of Redis, and the login there.
        name: shown by Redis' CLIENT LIST.
    """

    loop: EventLoop
    workers: ThreadPool
    address: RedisAddress
    name: str


class LinkState(Enum):
    """See the picture in the module's text."""

    DOWN = "down"
    CONNECTING = "connecting"
    GREETING = "greeting"
    UP = "up"


class RedisLink(ABC):
    """Connects and logs in, and does so again after each failure. Loop thread.

    Attributes:
        state: changed by this class alone.
        host: of the server.
        up_at: when it last came up, monotonic seconds.
    """

    def __init__(self, context: LinkContext, host: Host) -> None:
        self.state = LinkState.DOWN
        self.up_at = 0.0
        self.host = host
        self._loop = context.loop
        self._context = context
        self._tls = context.address.tls_context()
        self._closed = False
        self._client: TcpClient | None = None
        self._connection: TcpConnection | None = None
        self._parser = RespParser()
        self._greetings = 0  # replies to come before it is UP
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
            self._connect(InetAddress(*self.host))  # raises for a name
        except ValueError:
            queued = self._context.workers.try_run_for(
                self._loop, lambda: InetAddress.resolve(*self.host), self._resolved
            )
            if not queued:
                self.fail("no worker to look the host up")

    def close(self) -> None:
        """Idempotent."""
        self._closed = True
        self.fail("closed")

    def fail(self, reason: str) -> None:
        """Give this connection up, and connect again after a pause."""
        if self.state is LinkState.DOWN:
            return
        # The client is forgotten before it is closed. Closing it calls ``_changed``, which would
        # take that for a second failure if the client were still this link's.
        client, self._client, self._connection = self._client, None, None
        if client is not None:
            client.close()
        was_up, self.state = self.state is LinkState.UP, LinkState.DOWN
        self._parser = RespParser()
        if not self._closed:
            self.complain(reason)
            # The pause is short again only after a connection that has lasted. Example: a proxy
            # accepts each login and then closes, because the Redis behind it is down. With a short
            # pause after each success, each node would try more than ten times a second.
            if was_up and self._loop.poll_return_time - self.up_at > LAST_RETRY:
                self._pause = FIRST_RETRY
            self._loop.run_after(self._pause * random.uniform(0.5, 1.0), self.start)
            self._pause = min(2 * self._pause, LAST_RETRY)
        self._went_down()

    def complain(self, reason: str) -> None:
        """Log a problem with this server, unless one was logged just now."""
        now = self._loop.poll_return_time
        if now - self._complained_at > COMPLAIN_SECONDS:
            self._complained_at = now
            log.warning("Redis at %s:%d: %s; mailboxes are polled", *self.host, reason)

    @abstractmethod
    def _went_up(self) -> None:
        """Redis has accepted the login."""

    @abstractmethod
    def _went_down(self) -> None:
        """The connection is gone, with everything under way."""

    @abstractmethod
    def _take(self, replies: Sequence[Reply]) -> None:
        """Replies have arrived."""

    def _write(self, data: bytes) -> None:
        if self._connection is not None:
            self._connection.send(data)

    # ------------------------------------------------------------------ connecting

    def _resolved(self, address: InetAddress | None, error: BaseException | None) -> None:
        # A worker has looked the host up; meanwhile the link may have been closed.
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
        if client is not self._client:  # a client that was given up
            return
        if not connection.connected:
            self.fail("the connection is gone")
            return
        connection.set_tcp_no_delay(True)
        self._connection = connection
        self.state = LinkState.GREETING
        commands = [(b"CLIENT", b"SETNAME", self._context.name.encode())]
        address = self._context.address
        if address.password:
            login = (address.user, address.password)
            words = (word.encode() for word in login if word is not None)
            # In front: Redis refuses all other commands until then.
            commands.insert(0, (b"AUTH", *words))  # type: ignore[arg-type]
        self._greetings = len(commands)
        self._write(b"".join(encode_command(*command) for command in commands))
        # Redis may accept and never reply. Example: the process is frozen; its kernel still takes
        # new connections.
        self._loop.run_after(REPLY_SECONDS, lambda: self._greeted_by(connection))

    def _greeted_by(self, connection: TcpConnection) -> None:
        if connection is self._connection and self.state is LinkState.GREETING:
            self.fail("no reply to the greeting")

    def _on_bytes(self, connection: TcpConnection, buffer: Buffer, when: float) -> None:
        data = buffer.retrieve_all()
        if connection is not self._connection:  # bytes of a connection that was given up
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
        """Take the replies to the greeting, and return the replies after them."""
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
                log.info("Redis at %s:%d answers again", *self.host)
                self._complained_at = float("-inf")
            self._went_up()
        return rest
