"""PublisherLink: publishes on one Redis server, pipelined, and reports to how many subscribers.

What is published in one pass of the loop goes out in one write, and its answers come back in a few
reads: that is what makes a cluster quick (docs/performance.md).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Any

from chat.bus.redis.link import LinkContext, LinkState, RedisLink
from chat.bus.redis.resp import ErrorReply, Reply
from chat.bus.redis.url import ANSWER_SECONDS, Host

MAX_WAITING = 50_000
"""What may be published and not answered; more is dropped. It is in the database all the same."""

MAX_OUTPUT = 32 * 1024 * 1024
"""Bytes that may wait for Redis to take them."""

Count = tuple[Any, int]
"""The tag of something published, and how many subscribers Redis has handed it to."""


class PublisherLink(RedisLink):
    """See the module's text. Loop thread."""

    def __init__(
        self,
        context: LinkContext,
        host: Host,
        on_counts: Callable[[Sequence[Count]], object],
        on_moved: Callable[[], object],
    ) -> None:
        """``on_counts`` hears of what was published with a tag; with 0 where it got lost.
        ``on_moved``: another server of the cluster is responsible."""
        super().__init__(context, host)
        self._verb = b"SPUBLISH" if context.address.cluster else b"PUBLISH"
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
