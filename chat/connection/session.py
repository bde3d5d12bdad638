"""Session: a connection's identity and its queue of frames.

It belongs to the connection's loop: every method is for that thread, ``send_away`` excepted.
After login the user's id is the session's, whatever a message claims.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TYPE_CHECKING

from chat.config import ClassicConfig
from chat.connection.classic_reader import ClassicReader
from chat.connection.classic_writer import ClassicWriter
from chat.connection.http_guard import ANSWER as HTTP_ANSWER
from chat.connection.token_bucket import BYTES_PER_TOKEN, Allowance, Allowances, TokenBucket
from chat.protocol import NUL, ErrNo, FrameDecoder, Message, MsgType, encode
from chat.protocol.classic import classic_answer
from chat.protocol.dialects import TUTORIAL, DialectGuess, Table
from muduopy import TcpConnection

if TYPE_CHECKING:
    from chat.delivery.live import LiveSend
    from chat.delivery.outgoing import Outgoing
    from chat.delivery.pump import Pump
    from chat.message import ChatMessage

log = logging.getLogger(__name__)

MAX_IN_FLIGHT = 256
"""Receivers of one session's chat messages that may wait for their commit; then reading pauses.
A message to a larger group is the only one of its session."""

HIGH_WATER = 256 * 1024
LOW_WATER = 64 * 1024
"""Bytes of output: above the one a session's requests wait, until it falls to the other."""


SHORTAGES = 3
"""A guest is closed when it has used up its bucket so often in a row: after some four seconds."""

CLOSE_TOKENS = 64
"""Tokens (see token_bucket.py) of input that is read and dropped after we have closed: it may have
been on its way. A peer that sends more is cut off before CLOSE_SECONDS are over."""

CLOSE_SECONDS = 5.0
"""How long a connection that we close may take to drain, in seconds."""


_guess_tutorial = partial(DialectGuess, (TUTORIAL,))


class Session:
    """One connection's side of the conversation.

    Attributes:
        v2: the dialect; False is classic.
        reader: reads requests of clones of the original, whatever their numbers and names are;
            None: requests come under the tutorial's.
        table: the numbers and names for answers to a classic peer.
        translates: chat messages for the peer are written by ``table``, too.
        user_id: the logged-in user, 0 if none; ``name``, ``generation``, ``token`` and
            ``device`` go with it.
        groups: the groups of this user that are registered for waking.
        pump: hands the user's mail over.
        pending: the decoder or ``ready`` may hold frames: reading pauses until a turn has
            found that they do not.
        ready: frames that were cut from the stream and not served yet; few at a time.
        in_turn: the session waits for its turn in the loop (see chat.connection.turns).
        busy: a request is being served by a worker.
        in_flight: chat messages whose fate is not known yet.
        rows_in_flight: their receivers, as far as is known; one for each message at the least.
        live_sends: those of them that are on their way live (``direct``), in order.
        closed: the connection is down, or about to be closed by us.
        last_seen: when the peer last sent something, monotonic seconds.
        strikes: bad requests since the last good one.
        failed_logins: on this connection.
        known: a registration or login has succeeded on this connection.
        output_full: the peer does not read what it is sent; it gets nothing more until it has.
        writer: keeps the frames of an original client apart; None: frames go out as they come.
        frame_limit: the longest frame for an original client, in bytes; 0: there is no limit.
        peer: the client's host; behind a balancer what that says it is.
        announced: what has come of the balancer's line; None once it is complete, or not expected.
        bucket: what it may send now; ``paused`` while that is used up.
        finishing: no more is read; the connection closes when what was sent is served.
    """

    __slots__ = (
        "_allowances",
        "_classic",
        "_held",
        "_resume",
        "announced",
        "bucket",
        "busy",
        "closed",
        "connection",
        "decoder",
        "device",
        "failed_logins",
        "finishing",
        "frame_limit",
        "generation",
        "groups",
        "in_flight",
        "in_turn",
        "known",
        "last_seen",
        "live_sends",
        "loop",
        "name",
        "output_full",
        "paused",
        "peer",
        "pending",
        "pump",
        "reader",
        "ready",
        "rows_in_flight",
        "strikes",
        "table",
        "token",
        "translates",
        "user_id",
        "v2",
        "writer",
    )

    def __init__(
        self,
        connection: TcpConnection,
        allowances: Allowances,
        new_pump: Callable[[Session], Pump],
        resume: Callable[[Session], object],
        classic: ClassicConfig,
        new_guess: Callable[[], DialectGuess] = _guess_tutorial,
    ) -> None:
        """``resume`` gives the session a turn: its frames are served soon."""
        self.connection = connection
        self.loop = connection.loop
        self.decoder = FrameDecoder()
        self.peer = connection.peer_address.host
        self.announced: bytes | None = None
        self.v2 = False
        self.reader: ClassicReader | None = ClassicReader(self, new_guess)
        self.table = TUTORIAL
        self.translates = False
        self.user_id = 0
        self.name = ""
        self.generation = 0
        self.token: str | None = None
        self.device: str | None = None
        self.groups: frozenset[int] = frozenset()
        self.pending = False
        self.ready: deque[bytes] = deque()
        self.in_turn = False
        self.busy = False
        self.in_flight = 0
        self.rows_in_flight = 0
        self.live_sends: list[LiveSend] = []
        self.closed = False
        self.last_seen = self.loop.poll_return_time
        self.strikes = 0
        self.failed_logins = 0
        self.known = False
        self.finishing = False
        self.pump = new_pump(self)
        self.writer: ClassicWriter | None = None
        self.frame_limit = 0
        self._classic = classic
        self._resume = resume
        self._held = False  # reading is paused
        self._allowances = allowances
        self.paused = False
        self._allow(allowances.guest)
        self.output_full = False
        connection.set_high_water_callback(self._output_rose, HIGH_WATER)
        connection.set_low_water_callback(self._output_fell, LOW_WATER)

    def __repr__(self) -> str:
        who = self.whose
        return f"<Session {self.connection.name} {who} {'v2' if self.v2 else 'classic'}>"

    def arrange_output(self) -> None:
        """Find out whether the peer is a client of the original. Before each classic answer.

        Those end their frames with NUL, or with nothing, and read one frame at a time.
        """
        decoder = self.decoder
        original = decoder.terminator == NUL or not (decoder.decided or decoder.too_large)
        if self.writer is None and original and not self.v2:
            self.frame_limit = self._classic.frame
            if self._classic.gap > 0:
                self.writer = ClassicWriter(
                    self.connection, self._classic.gap, self.frames_of, self._writer_changed
                )

    def become_v2(self) -> None:
        """Switch to v2, as the peer asked. Classic output that waits goes out first."""
        self.v2 = True
        self.drop_writer()

    def drop_writer(self) -> None:
        """Drop the writer: the peer is no client of the original. Its output goes out first."""
        self.frame_limit = 0
        writer, self.writer = self.writer, None
        if writer is not None:
            writer.flush()

    def encode(self, message: Message) -> bytes:
        """A message as this peer is to get it, without terminator."""
        return encode(message)

    def frame_of(self, message: ChatMessage) -> bytes:
        """A chat message as this peer is to get it, without the last terminator."""
        if self.translates:
            return self.decoder.terminator.join(self.frames_of(message))
        frame = message.frame(self.v2)
        if self.frame_limit and len(frame) > self.frame_limit:
            return self.decoder.terminator.join(self.frames_of(message))
        return frame

    def frames_of(self, message: ChatMessage) -> list[bytes]:
        """A chat message for an original client: in several frames, if one would be too long."""
        if self.translates:
            return message.dialect_frames(self.table, self.frame_limit)
        return message.classic_frames(self.frame_limit)

    @property
    def whose(self) -> str:
        """For the log."""
        return f"user {self.user_id}" if self.user_id else "nobody"

    def refuse_http(self) -> None:
        """Answer an HTTP request with 400 and close. The rest of it is dropped."""
        log.warning("%s: HTTP on the chat port; closing", self.peer)
        self.connection.send(HTTP_ANSWER)
        self.close()

    def send(self, message: Message) -> None:
        """Send one message. Dropped if the connection is down."""
        if self.writer is None:
            self.connection.send(self.encode(message) + self.decoder.terminator)
        else:
            self.writer.send(self.encode(message))

    def write(self, frames: Iterable[bytes]) -> None:
        """Send encoded frames in one go, then tell the pump that they are out.

        Not for chat messages where there is a ``writer``, which takes them one by one.
        """
        end = self.decoder.terminator
        self.connection.send(end.join(frames) + end)
        if not self.v2:
            self.pump.written()

    def settled(self, outgoings: Sequence[Outgoing]) -> None:
        """These of our sends are committed or have failed."""
        self.in_flight -= len(outgoings)
        self.rows_in_flight -= sum([outgoing.rows for outgoing in outgoings])
        if self.v2:
            self.write([encode(outgoing.ack()) for outgoing in outgoings])
        else:
            for outgoing in outgoings:
                if outgoing.errno:
                    self.send_error(outgoing.errno, outgoing.errmsg)
        self.unblock()

    def send_error(self, errno: ErrNo, errmsg: str) -> None:
        """ERROR_MSG to a classic client."""
        error = {"msgid": MsgType.ERROR_MSG, "errno": int(errno), "errmsg": errmsg}
        shaped = classic_answer(error, self.table)
        if shaped is not None:
            self.send(shaped)

    def close(self, reason: str | None = None, *, reconnect: bool = False) -> None:
        """Say goodbye (v2), send what waits, and close."""
        if self.closed:
            return
        self.closed = True
        self.drop_frames()
        if self.v2 and reason is not None:
            self.send({"msgid": MsgType.BYE_MSG, "reason": reason, "reconnect": reconnect})
        if self.writer is None:
            self.connection.shutdown()
        else:
            self.writer.finish(self.connection.shutdown)
        self.connection.start_read()  # to notice that the peer closes in turn
        self.bucket.tokens = CLOSE_TOKENS
        # A peer that does not is not waited for.
        self.connection.force_close_after(CLOSE_SECONDS)

    def send_away(self, user_id: int, generation: int) -> None:
        """A login of the same user, with this generation, has taken over. Any thread."""

        def leave() -> None:
            # Not if this is a later login still, on the same connection.
            if self.user_id == user_id and self.generation < generation:
                self.pump.stop()
                self.close("replaced")

        self.loop.queue_in_loop(leave)

    def write_as(self, table: Table) -> None:
        """Send a classic peer everything in the numbers and names of this table."""
        self.table = table
        self.translates = not table.writes_plainly

    # ------------------------------------------------------------------ back-pressure

    @property
    def leaving(self) -> bool:
        """What is sent now may not arrive: the connection is being closed. Any thread: a hint."""
        return self.closed or self.connection.closing

    @property
    def stalled_at(self) -> float | None:
        """When the peer stopped reading its output, monotonic seconds; None: it reads."""
        if self.connection.output_bytes:
            return self.connection.drained_at
        return None if self.writer is None else self.writer.stalled_at

    @property
    def blocked(self) -> bool:
        """No further frame may be handled now."""
        return self.busy or self.output_full or self.rows_in_flight >= MAX_IN_FLIGHT or self.paused

    def occupy(self, rows: int) -> None:
        """So many receivers were served at once: they count until other sessions had a turn."""
        self.rows_in_flight += rows
        self.loop.queue_in_loop(lambda: self._release(rows))

    def _release(self, rows: int) -> None:
        self.rows_in_flight -= rows
        self.unblock()

    def become_user(self) -> None:
        """Logged in: the user's bounds on input instead of a guest's."""
        self._allow(self._allowances.user)

    def become_guest(self) -> None:
        """Logged out again."""
        self._allow(self._allowances.guest)

    def _allow(self, allowance: Allowance) -> None:
        self.decoder.max_frame = allowance.frame
        self.connection.set_read_size(allowance.read)
        self.bucket = TokenBucket(allowance.rate, self.loop.poll_return_time)

    def spent(self) -> None:
        """The bucket is empty. Pause, unless time has refilled it.

        A guest that goes on like that is not worth its place: its connection is closed.
        """
        if self.closed or self.paused:
            return
        seconds = self.bucket.refill(time.monotonic())
        if not seconds:
            return
        if not self.user_id and self.bucket.shortages > SHORTAGES:
            log.warning("%s sends too much without a login; closing", self.peer)
            self.abandon()
            return
        self.paused = True
        self.hold_or_read()
        self.loop.run_after(seconds, self._go_on)

    def _go_on(self) -> None:
        self.paused = False
        self.bucket.refill(time.monotonic())
        self.unblock()
        self.hold_or_read()

    def abandon(self) -> None:
        """Close without a word, and drop what the peer still sends."""
        self.closed = True
        self.drop_frames()
        self.connection.force_close()

    def ignore(self, data: bytes) -> None:
        """It has come after the end."""
        self.bucket.tokens -= 1 + len(data) // BYTES_PER_TOKEN
        if self.bucket.tokens < 0:
            self.connection.force_close()

    def arrived(self, data: bytes) -> None:
        """Keep these bytes; they are served in the session's turn, as soon as it may go on."""
        self.keep(data)
        if self.blocked:
            self.hold_or_read()
        else:
            self._resume(self)

    def keep(self, data: bytes) -> None:
        """Keep these bytes, for a turn that the caller sees to."""
        self.decoder.feed(data)
        self.bucket.tokens -= len(data) // BYTES_PER_TOKEN
        self.pending = True

    def look_again(self) -> None:
        """Cut the bytes in the decoder again: its cutter has changed."""
        self.pending = True
        self.hold_or_read()
        self.ask_for_turn()

    def ask_for_turn(self) -> None:
        """Have the frames that wait served, unless they must go on waiting."""
        if self.pending and not (self.closed or self.blocked):
            self._resume(self)

    def postpone(self, *frames: bytes) -> None:
        """These frames, the first that wait, have to wait for what was sent before them."""
        self.ready.extendleft(reversed(frames))
        self.pending = True
        self.hold_or_read()

    def drop_frames(self) -> None:
        """Drop the frames that have not been served."""
        self.ready.clear()
        self.decoder.clear()
        self.pending = False

    def unblock(self) -> None:
        """An event that frames may have waited for has come: serve them."""
        if self.closed:
            return
        self.ask_for_turn()
        if self.finishing:
            self.finish_if_idle()

    def finish(self) -> None:
        """Take no more requests; close once everything the peer has sent is answered."""
        if self.reader is not None:
            self.reader.end_with_braces()  # no terminator follows
        self.finishing = True
        self.hold_or_read()
        self.finish_if_idle()

    def drain(self) -> None:
        """The node stops: say so, then finish."""
        if self.v2 and not self.closed:
            self.send({"msgid": MsgType.BYE_MSG, "reason": "draining", "reconnect": True})
        self.finish()

    def finish_if_idle(self) -> None:
        """Called while finishing, whenever something has been answered."""
        if not (self.pending or self.busy or self.in_flight):
            self.close()

    def hold_or_read(self) -> None:
        """Read on only while nothing is queued: the peer's data then waits with the peer."""
        hold = self.pending or self.output_full or self.finishing or self.paused
        if hold and self._is_watched():
            hold = False
        if hold == self._held or self.closed:
            return
        self._held = hold
        if hold:
            self.connection.stop_read()
        else:
            self.connection.start_read()

    def _is_watched(self) -> bool:
        """A guest that waits for a worker is read on from, up to one frame's size.

        Else we would not learn that it has hung up, and would hash its password in vain.
        """
        return (
            self.busy
            and not self.user_id
            and not (self.finishing or self.paused or self.output_full)
            and self.decoder.held < self.decoder.max_frame
        )

    def _output_rose(self, connection: TcpConnection, waiting: int) -> None:
        self.output_full = True
        self.hold_or_read()

    def _output_fell(self, connection: TcpConnection, waiting: int) -> None:
        self._output_empty()

    def _writer_changed(self, full: bool) -> None:
        if full:
            self.output_full = True
            self.hold_or_read()
        elif self.output_full:
            self._output_empty()
        else:
            self.pump.kick()

    def _output_empty(self) -> None:
        self.output_full = False
        self.unblock()
        self.hold_or_read()
        self.pump.kick()
