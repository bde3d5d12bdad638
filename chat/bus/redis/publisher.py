"""PublisherLink: publishes on one Redis server, pipelined, and reports the number of subscribers.

All publications of one pass of the loop go out in one write, and their replies come back in a few
reads. A cluster's throughput comes from that (docs/performance.md).

A lost publication is not repeated. A stored message is in the database, where the receiver's node
finds it by a poll. A live message is then reported with 0 subscribers, so its node stores it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from chat.bus.base import Count
from chat.bus.redis.link import LinkContext, LinkState, RedisLink
from chat.bus.redis.resp import ErrorReply, Reply
from chat.bus.redis.url import REPLY_SECONDS, Host

MAX_WAITING = 50_000
"""Publications without a reply. Beyond it, further publications are dropped."""

MAX_OUTPUT = 32 * 1024 * 1024
"""Bytes that Redis has not read. They take memory here, so with more the link is given up."""


class PublisherLink(RedisLink):
    """See the module's text. Loop thread."""

    def __init__(
        self,
        context: LinkContext,
        host: Host,
        on_counts: Callable[[Sequence[Count]], object],
        on_moved: Callable[[], object],
    ) -> None:
        """``on_counts`` gets the counts of publications with a tag, 0 for a lost one. ``on_moved``
        is called when Redis names another server of the cluster for a channel."""
        super().__init__(context, host)
        self._verb = b"SPUBLISH" if context.address.cluster else b"PUBLISH"
        self._on_counts = on_counts
        self._on_moved = on_moved
        self._output: list[bytes] = []  # commands of this pass
        self._waiting: deque[Any] = deque()  # the tags of publications without a reply
        self._waiting_since = 0.0

    def publish(self, channel: bytes, payload: bytes, tag: object = None) -> None:
        """Publish in the one write of this pass. Dropped while the link is not up, or full."""
        if self.state is not LinkState.UP or len(self._waiting) >= MAX_WAITING:
            if self.state is LinkState.UP:
                self.complain("too many publications without a reply")
            if tag is not None:
                self._on_counts([(tag, 0)])
            return
        if not self._waiting:
            self._waiting_since = self._loop.poll_return_time
        if not self._output:  # the first of this pass
            self._loop.queue_in_loop(self._flush)
        verb = self._verb
        # As ``encode_command`` does it, without its loop over the words: this runs per message.
        self._output.append(
            b"*3\r\n$%d\r\n%b\r\n$%d\r\n%b\r\n$%d\r\n%b\r\n"
            % (len(verb), verb, len(channel), channel, len(payload), payload)
        )
        self._waiting.append(tag)

    def check(self, now: float) -> None:
        """Called regularly: fail if Redis does not read or reply any more.

        Example: Redis is frozen. Both its connections stay open, so no other event tells it.
        """
        late = self._waiting and now - self._waiting_since > REPLY_SECONDS
        if self.state is LinkState.UP and late:
            self.fail("no reply")
        elif self._connection is not None and self._connection.output_bytes > MAX_OUTPUT:
            self.fail("it does not read")

    def _flush(self) -> None:
        if self._output:  # empty if the link has gone down in this pass
            data = b"".join(self._output)
            self._output.clear()
            self._write(data)

    def _went_up(self) -> None:
        pass

    def _went_down(self) -> None:
        self._output.clear()
        # Redis may have published the messages without a reply, or not. A request counts as not
        # published. If a node got it all the same, both nodes may store it, under one ``mid``.
        lost, self._waiting = self._waiting, deque()
        counts = [(tag, 0) for tag in lost if tag is not None]
        if counts:
            self._on_counts(counts)

    def _take(self, replies: Sequence[Reply]) -> None:
        # Redis works: the publications that still wait get the full REPLY_SECONDS again.
        self._waiting_since = self._loop.poll_return_time
        counts: list[Count] = []
        if len(replies) > len(self._waiting):  # counts would go to wrong tags from here on
            self.fail("a reply to nothing")
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
