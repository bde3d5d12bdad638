"""FlowControl: decides when the frames of one connection are served, and when its bytes are read.

Received frames wait while a worker serves a request, while many messages wait for their commit,
while the peer does not read its output, and while its token bucket is empty. As long as frames
wait, no more bytes are read: the peer's data then waits with the peer.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from chat.connection.token_bucket import BYTES_PER_TOKEN, Allowance, TokenBucket

if TYPE_CHECKING:
    from chat.connection.connection import AnyConnection

log = logging.getLogger(__name__)

MAX_IN_FLIGHT = 256
"""Receivers of one connection's chat messages that may wait for their commit; then reading pauses.
A message to a larger group is the only one of its connection."""

REFUSALS_PER_SECOND = 100
"""Refused requests of one connection that its bucket has tokens for; three times as many at once.
Ten users that wrote to full mailboxes delayed the messages of others by 30 ms (median); 3 ms with
this price and small transactions (chat/delivery/commit_queue.py)."""

SURPLUS_PER_TOKEN = 64
"""Bytes of Pings and empty messages, ten of them: their work is that of one request."""

SHORTAGES = 3
"""A guest is closed when its bucket was empty so often in a row: after some four seconds."""


class FlowControl:
    """The input of one connection. All methods: the connection's loop.

    Attributes:
        pending: the framer or ``ready`` may hold frames: reading pauses until a turn has
            found that they do not.
        ready: frames that were cut from the stream and not served yet; few at a time.
        in_turn: the connection waits for its turn in the loop (see chat.connection.turns).
        busy: a request is being served by a worker.
        in_flight: chat messages of this connection that are neither committed nor failed yet.
        rows_in_flight: their receivers, as far as is known; one for each message at the least.
        output_full: the peer does not read its output; it gets nothing more until it has.
        bucket: the input that the peer may send now; ``paused`` while that is used up.
    """

    __slots__ = (
        "_connection",
        "_held",
        "_resume",
        "bucket",
        "busy",
        "in_flight",
        "in_turn",
        "output_full",
        "paused",
        "pending",
        "ready",
        "rows_in_flight",
    )

    def __init__(
        self,
        connection: AnyConnection,
        resume: Callable[[AnyConnection], object],
        allowance: Allowance,
    ) -> None:
        """``resume`` gives the connection a turn: its frames are served soon."""
        self.pending = False
        self.ready: list[bytes] = []  # an empty deque takes 0.7 KiB more
        self.in_turn = False
        self.busy = False
        self.in_flight = 0
        self.rows_in_flight = 0
        self.output_full = False
        self.paused = False
        self._connection = connection
        self._resume = resume
        self._held = False  # reading is paused
        self.allow(allowance)

    def allow(self, allowance: Allowance) -> None:
        """Bound the input from now on, with a full bucket."""
        connection = self._connection
        connection.framer.max_frame = allowance.frame
        connection.tcp.set_read_size(allowance.read)
        self.bucket = TokenBucket(allowance.rate, connection.loop.poll_return_time)

    # ------------------------------------------------------------------ received frames

    def arrived(self, data: bytes) -> None:
        """Keep these bytes; they are served in the connection's turn, as soon as it may go on."""
        self.keep(data)
        if self.blocked:
            self.hold_or_read()
        else:
            self._resume(self._connection)

    def keep(self, data: bytes) -> None:
        """Keep these bytes, for a turn that the caller sees to."""
        self._connection.framer.feed(data)
        self.bucket.tokens -= len(data) // BYTES_PER_TOKEN
        self.pending = True

    def look_again(self) -> None:
        """Cut the bytes in the framer again: they are cut in another way now."""
        self.pending = True
        self.hold_or_read()
        self.ask_for_turn()

    def ask_for_turn(self) -> None:
        """Have the waiting frames served, unless they must wait longer."""
        if self.pending and not (self._connection.closed or self.blocked):
            self._resume(self._connection)

    def postpone(self, *frames: bytes) -> None:
        """Put these frames first: they wait for the messages that were sent before them."""
        self.ready[:0] = frames
        self.pending = True
        self.hold_or_read()

    def drop_frames(self) -> None:
        """Drop the frames that have not been served."""
        self.ready.clear()
        self._connection.framer.clear()
        self.pending = False

    # ------------------------------------------------------------------ reasons to wait

    @property
    def blocked(self) -> bool:
        """No further frame may be handled now."""
        return self.busy or self.output_full or self.rows_in_flight >= MAX_IN_FLIGHT or self.paused

    @property
    def idle(self) -> bool:
        """All requests that have been received are answered."""
        return not (self.pending or self.busy or self.in_flight)

    def occupy(self, rows: int) -> None:
        """So many receivers were served at once: they count until other connections had a turn."""
        self.rows_in_flight += rows
        self._connection.loop.queue_in_loop(partial(self.unblock, 0, rows))

    def unblock(self, sends: int = 0, rows: int = 0) -> None:
        """Serve the frames that wait, if no reason to wait is left.

        ``sends`` chat messages, to ``rows`` receivers, are not in flight any more.
        """
        self.in_flight -= sends
        self.rows_in_flight -= rows
        connection = self._connection
        if connection.closed:
            return
        if self.pending and not self.blocked:
            self._resume(connection)
        if connection.finishing:
            connection.finish_if_idle()

    def output_rose(self) -> None:
        """The peer does not read its output: stop."""
        self.output_full = True
        self.hold_or_read()

    def output_fell(self) -> None:
        """The peer has read its output: go on."""
        self.output_full = False
        self.unblock()
        self.hold_or_read()

    def spent(self) -> None:
        """The bucket is empty. Pause, unless time has refilled it.

        A guest whose bucket stays empty is closed.
        """
        connection = self._connection
        if connection.closed or self.paused:
            return
        seconds = self.bucket.refill(time.monotonic())
        if not seconds:
            return
        if connection.login is None and self.bucket.shortages > SHORTAGES:
            log.warning("%s: sends too much without a login; closing", connection.label)
            connection.counters.closed.add("flood")
            connection.abandon()
            return
        self.paused = True
        self.hold_or_read()
        connection.loop.run_after(seconds, self._go_on)

    def _go_on(self) -> None:
        self.paused = False
        self.bucket.refill(time.monotonic())
        self.unblock()
        self.hold_or_read()

    def pay_refusals(self, count: int) -> None:
        """So many requests of a user were refused, by no fault of the server. Each costs tokens.

        Without a price, ten users who wrote to full mailboxes without a pause kept the server busy
        with refusals only, 40,000 a second.
        """
        bucket = self.bucket
        bucket.tokens -= count * max(1, bucket.rate // REFUSALS_PER_SECOND)
        if bucket.tokens < 0:
            self.spent()

    def pay_surplus(self) -> None:
        """Charge for bytes that were no frame. To be called every few seconds."""
        tokens = self._connection.framer.surplus(self._connection.tcp.bytes_received)
        if tokens := tokens // SURPLUS_PER_TOKEN:
            self.bucket.tokens -= tokens
            if self.bucket.tokens < 0:
                self.spent()

    # ------------------------------------------------------------------ reading

    def hold_or_read(self) -> None:
        """Read on only while no frame waits. To be called after a change of a reason to wait."""
        connection = self._connection
        hold = self.pending or self.output_full or connection.finishing or self.paused
        if hold and self._watches():
            hold = False
        if hold == self._held or connection.closed:
            return
        self._held = hold
        if hold:
            connection.tcp.stop_read()
        else:
            connection.tcp.start_read()

    def _watches(self) -> bool:
        """Is this a guest that waits for a worker? It is read on from, up to one frame's size.

        Otherwise the end of its connection would not be seen, and its password be hashed in vain.
        """
        connection = self._connection
        return (
            self.busy
            and connection.login is None
            and not (connection.finishing or self.paused or self.output_full)
            and connection.framer.held < connection.framer.max_frame
        )
