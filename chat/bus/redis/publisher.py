"""PublisherLink: publishes on one Redis server, pipelined, and reports the number of subscribers.

All publications of one pass of the loop go out in one write, and their replies come back in a few
reads. A cluster's throughput comes from that (docs/performance.md).
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
"""Publications without a reply yet. Beyond it they are dropped: messages are in the database."""

MAX_OUTPUT = 32 * 1024 * 1024
"""Bytes that Redis has not read yet; with more the link is given up."""


class PublisherLink(RedisLink):
    """See the module's text. Loop thread."""

    def __init__(
        self,
        context: LinkContext,
        host: Host,
        on_counts: Callable[[Sequence[Count]], object],
        on_moved: Callable[[], object],
    ) -> None:
        """``on_counts`` gets the counts of publications with a tag, 0 for a lost one. ``on_moved``:
        another server of the cluster is responsible."""
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
        self._output.append(
            b"*3\r\n$%d\r\n%b\r\n$%d\r\n%b\r\n$%d\r\n%b\r\n"
            % (len(verb), verb, len(channel), channel, len(payload), payload)
        )
        self._waiting.append(tag)

    def check(self, now: float) -> None:
        """Called regularly: does Redis still read and reply?"""
        late = self._waiting and now - self._waiting_since > REPLY_SECONDS
        if self.state is LinkState.UP and late:
            self.fail("no reply")
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
        # Redis may have published them or not. A request counts as not published; if a node got
        # it all the same, both nodes store it, under one ``mid``.
        lost, self._waiting = self._waiting, deque()
        counts = [(tag, 0) for tag in lost if tag is not None]
        if counts:
            self._on_counts(counts)

    def _take(self, replies: Sequence[Reply]) -> None:
        self._waiting_since = self._loop.poll_return_time
        counts: list[Count] = []
        if len(replies) > len(self._waiting):
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
