"""ClientConnection: one client's connection, without its user.

It owns the transport, the dialect, the queue of received frames, back-pressure and the limits on
input. It does not know users and mailboxes: a login attaches itself (``attach``), with a listener
for the output.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Collection
from functools import partial
from typing import Any, Generic, Protocol, TypeVar

from chat.config import ClassicConfig
from chat.connection.classic_reader import ClassicReader
from chat.connection.classic_writer import ClassicWriter
from chat.connection.framing import LineFramer, pack_for_original
from chat.connection.token_bucket import BYTES_PER_TOKEN, Allowance, Allowances, TokenBucket
from chat.message import ChatMessage
from chat.protocol import ErrNo, Message, MsgType, encode
from chat.protocol.dialects import TUTORIAL, DialectGuess, Table
from chat.protocol.dialects.classic_answer import classic_answer
from muduopy import TcpConnection

log = logging.getLogger(__name__)

MAX_IN_FLIGHT = 256
"""Receivers of one connection's chat messages that may wait for their commit; then reading pauses.
A message to a larger group is the only one of its connection."""

HIGH_WATER = 256 * 1024
LOW_WATER = 64 * 1024
"""Bytes of output: above the one a connection's requests wait, until it falls to the other."""

SHORTAGES = 3
"""A guest is closed when its bucket was empty so often in a row: after some four seconds."""

CLOSE_TOKENS = 64
"""Tokens (see token_bucket.py) of input that is read and dropped after we have closed: it may have
been on its way. A peer that sends more is cut off before CLOSE_SECONDS are over."""

CLOSE_SECONDS = 5.0
"""How long a connection that we close may take to drain, in seconds."""

_guess_tutorial = partial(DialectGuess, (TUTORIAL,))


class OutputListener(Protocol):
    """Hears of a connection's output. The connection's loop."""

    def kick(self) -> None:
        """The output has drained: there is room for more."""

    def written(self) -> None:
        """Mail was sent to a classic client, which cannot acknowledge it."""


LoginT = TypeVar("LoginT")
"""The class of logins, which is a higher room's."""


class ClientConnection(Generic[LoginT]):
    """One client's connection. All methods: the connection's loop.

    Attributes:
        tcp: the transport.
        framer: cuts and makes frames.
        login: the login on this connection; None: the peer is a guest.
        v2: the dialect; False is classic.
        reader: reads requests of clones of the original, whatever their numbers and names are;
            None: requests come under the tutorial's.
        writer: keeps the frames of an original client apart; None: frames go out as they come.
        table: the numbers and names for answers to a classic peer.
        translates: chat messages for the peer are written by ``table``, too.
        frame_limit: the longest frame for an original client, in bytes; 0: there is no limit.
        pending: the framer or ``ready`` may hold frames: reading pauses until a turn has
            found that they do not.
        ready: frames that were cut from the stream and not served yet; few at a time.
        in_turn: the connection waits for its turn in the loop (see chat.connection.turns).
        busy: a request is being served by a worker.
        in_flight: chat messages of this connection that are neither committed nor failed yet.
        rows_in_flight: their receivers, as far as is known; one for each message at the least.
        output_full: the peer does not read its output; it gets nothing more until it has.
        bucket: the input that the peer may send now; ``paused`` while that is used up.
        closed: the connection is down, or about to be closed by us.
        finishing: no more is read; the connection closes when the received requests are served.
        last_seen: when the peer last sent something, monotonic seconds.
        strikes: bad requests since the last good one.
        failed_logins: on this connection.
        known: a registration or login has succeeded on this connection.
        peer: the client's host; behind a balancer the host that the balancer names.
        announced: the bytes so far of the balancer's line; None once it is complete, or not
            expected.
    """

    __slots__ = (
        "_allowances",
        "_classic",
        "_held",
        "_listener",
        "_resume",
        "announced",
        "bucket",
        "busy",
        "closed",
        "failed_logins",
        "finishing",
        "frame_limit",
        "framer",
        "in_flight",
        "in_turn",
        "known",
        "last_seen",
        "login",
        "loop",
        "output_full",
        "paused",
        "peer",
        "pending",
        "reader",
        "ready",
        "rows_in_flight",
        "strikes",
        "table",
        "tcp",
        "translates",
        "v2",
        "writer",
    )

    def __init__(
        self,
        tcp: TcpConnection,
        allowances: Allowances,
        resume: Callable[[ClientConnection[LoginT]], object],
        classic: ClassicConfig,
        new_guess: Callable[[], DialectGuess] = _guess_tutorial,
    ) -> None:
        """``resume`` gives the connection a turn: its frames are served soon."""
        self.tcp = tcp
        self.loop = tcp.loop
        self.framer = LineFramer()
        self.login: LoginT | None = None
        self.peer = tcp.peer_address.host
        self.announced: bytes | None = None
        self.v2 = False
        self.reader: ClassicReader | None = ClassicReader(self, new_guess)
        self.writer: ClassicWriter | None = None
        self.table = TUTORIAL
        self.translates = False
        self.frame_limit = 0
        self.pending = False
        self.ready: deque[bytes] = deque()
        self.in_turn = False
        self.busy = False
        self.in_flight = 0
        self.rows_in_flight = 0
        self.closed = False
        self.finishing = False
        self.last_seen = self.loop.poll_return_time
        self.strikes = 0
        self.failed_logins = 0
        self.known = False
        self.paused = False
        self.output_full = False
        self._classic = classic
        self._resume = resume
        self._listener: OutputListener | None = None
        self._held = False  # reading is paused
        self._allowances = allowances
        self._allow(allowances.guest)
        tcp.set_high_water_callback(self._output_rose, HIGH_WATER)
        tcp.set_low_water_callback(self._output_fell, LOW_WATER)

    def __repr__(self) -> str:
        dialect = "v2" if self.v2 else "classic"
        return f"<ClientConnection {self.tcp.name} {self.owner} {dialect}>"

    @property
    def owner(self) -> str:
        """For the log."""
        return "guest" if self.login is None else str(self.login)

    # ------------------------------------------------------------------ login

    def attach(self, login: LoginT, listener: OutputListener) -> None:
        """A user has logged in: ``listener`` hears of the output; a user's limits hold."""
        self.login = login
        self._listener = listener
        self.failed_logins = 0
        self._allow(self._allowances.user)

    def detach(self) -> None:
        """The login is over: a guest's limits hold."""
        self.login = None
        self._listener = None
        self._allow(self._allowances.guest)

    def _allow(self, allowance: Allowance) -> None:
        self.framer.max_frame = allowance.frame
        self.tcp.set_read_size(allowance.read)
        self.bucket = TokenBucket(allowance.rate, self.loop.poll_return_time)

    # ------------------------------------------------------------------ sending

    def send_message(self, message: Message) -> None:
        """Send one message of the protocol. Dropped if the connection is down."""
        if self.writer is None:
            self.tcp.send(self.framer.pack((encode(message),)))
        else:
            self.writer.send(encode(message))

    def send_error(self, errno: ErrNo, errmsg: str) -> None:
        """ERROR_MSG to a classic client."""
        error = {"msgid": MsgType.ERROR_MSG, "errno": int(errno), "errmsg": errmsg}
        shaped = classic_answer(error, self.table)
        if shaped is not None:
            self.send_message(shaped)

    def send_chat(self, message: ChatMessage) -> None:
        """Send one chat message. Not where there is a ``writer``, which takes it itself."""
        if self.translates or self.frame_limit:
            self.tcp.send(self.framer.pack(self.frames_of(message)))
        else:
            self.tcp.send(self.framer.pack((message.frame(self.v2),)))

    def send_frames(self, frames: Collection[bytes]) -> None:
        """Send encoded frames in one go. No chat messages where there is a ``writer``."""
        self.tcp.send(self.framer.pack(frames))

    def send_mail(self, frames: Collection[bytes]) -> None:
        """``send_frames`` for messages of the mailbox: the listener hears that they are out."""
        self.tcp.send(self.framer.pack(frames))
        if not self.v2 and self._listener is not None:
            self._listener.written()

    def add_frames(self, message: ChatMessage, out: list[bytes]) -> None:
        """Append a chat message, as this peer is to get it, to ``out``."""
        if self.translates or self.frame_limit:
            out += self.frames_of(message)
        else:
            out.append(message.frame(self.v2))

    def frames_of(self, message: ChatMessage) -> list[bytes]:
        """A chat message for a classic client: in several frames, if one would be too long."""
        if self.translates:
            return message.dialect_frames(self.table, self.frame_limit)
        return message.classic_frames(self.frame_limit)

    # ------------------------------------------------------------------ dialect

    def arrange_output(self) -> None:
        """Find out whether the peer is a client of the original. Before each classic answer.

        Those read one frame at a time.
        """
        if self.writer is None and not self.v2 and self.framer.may_be_original:
            self.frame_limit = self._classic.frame
            if self._classic.gap > 0:
                self.writer = ClassicWriter(
                    self.tcp,
                    self._classic.gap,
                    pack_for_original,
                    self.frames_of,
                    self._writer_changed,
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

    def write_as(self, table: Table) -> None:
        """Send a classic peer everything in the numbers and names of this table."""
        self.table = table
        self.translates = not table.writes_plainly

    # ------------------------------------------------------------------ the end

    def close(self, reason: str | None = None, *, reconnect: bool = False) -> None:
        """Say goodbye (v2), send the output that waits, and close."""
        if self.closed:
            return
        self.closed = True
        self.drop_frames()
        if self.v2 and reason is not None:
            bye = {"msgid": MsgType.BYE_MSG, "reason": reason, "reconnect": reconnect}
            self.send_message(bye)
        if self.writer is None:
            self.tcp.shutdown()
        else:
            self.writer.finish(self.tcp.shutdown)
        self.tcp.start_read()  # to notice that the peer closes in turn
        self.bucket.tokens = CLOSE_TOKENS
        # A peer that does not is not waited for.
        self.tcp.force_close_after(CLOSE_SECONDS)

    def abandon(self) -> None:
        """Close without a word, and drop the input that still comes."""
        self.closed = True
        self.drop_frames()
        self.tcp.force_close()

    def ignore(self, data: bytes) -> None:
        """Drop input that has come after the end."""
        self.bucket.tokens -= 1 + len(data) // BYTES_PER_TOKEN
        if self.bucket.tokens < 0:
            self.tcp.force_close()

    def finish(self) -> None:
        """Take no more requests; close once all that the peer has sent are answered."""
        if self.reader is not None:
            self.reader.end_with_braces()  # no terminator follows
        self.finishing = True
        self.hold_or_read()
        self.finish_if_idle()

    def drain(self) -> None:
        """The node stops: say so, then finish."""
        if self.v2 and not self.closed:
            bye = {"msgid": MsgType.BYE_MSG, "reason": "draining", "reconnect": True}
            self.send_message(bye)
        self.finish()

    def finish_if_idle(self) -> None:
        """Called while finishing, after each answer."""
        if not (self.pending or self.busy or self.in_flight):
            self.close()

    def went_down(self) -> None:
        """The transport is down: nothing more is served or sent."""
        self.closed = True
        self.drop_frames()
        if self.writer is not None:
            self.writer.stop()

    # ------------------------------------------------------------------ received frames

    def arrived(self, data: bytes) -> None:
        """Keep these bytes; they are served in the connection's turn, as soon as it may go on."""
        self.keep(data)
        if self.blocked:
            self.hold_or_read()
        else:
            self._resume(self)

    def keep(self, data: bytes) -> None:
        """Keep these bytes, for a turn that the caller sees to."""
        self.framer.feed(data)
        self.bucket.tokens -= len(data) // BYTES_PER_TOKEN
        self.pending = True

    def look_again(self) -> None:
        """Cut the bytes in the framer again: they are cut in another way now."""
        self.pending = True
        self.hold_or_read()
        self.ask_for_turn()

    def ask_for_turn(self) -> None:
        """Have the frames that wait served, unless they must go on waiting."""
        if self.pending and not (self.closed or self.blocked):
            self._resume(self)

    def postpone(self, *frames: bytes) -> None:
        """These frames, the first that wait, have to wait for the messages sent before them."""
        self.ready.extendleft(reversed(frames))
        self.pending = True
        self.hold_or_read()

    def drop_frames(self) -> None:
        """Drop the frames that have not been served."""
        self.ready.clear()
        self.framer.clear()
        self.pending = False

    # ------------------------------------------------------------------ back-pressure

    @property
    def blocked(self) -> bool:
        """No further frame may be handled now."""
        return self.busy or self.output_full or self.rows_in_flight >= MAX_IN_FLIGHT or self.paused

    @property
    def stalled_at(self) -> float | None:
        """When the peer stopped reading its output, monotonic seconds; None: it reads."""
        if self.tcp.output_bytes:
            return self.tcp.drained_at
        return None if self.writer is None else self.writer.stalled_at

    def occupy(self, rows: int) -> None:
        """So many receivers were served at once: they count until other connections had a turn."""
        self.rows_in_flight += rows
        self.loop.queue_in_loop(partial(self.unblock, 0, rows))

    def unblock(self, sends: int = 0, rows: int = 0) -> None:
        """An event that frames may have waited for has come: serve them.

        So many chat messages, to so many receivers, are not in flight any more.
        """
        self.in_flight -= sends
        self.rows_in_flight -= rows
        if self.closed:
            return
        if self.pending and not self.blocked:
            self._resume(self)
        if self.finishing:
            self.finish_if_idle()

    def spent(self) -> None:
        """The bucket is empty. Pause, unless time has refilled it.

        A guest that goes on like that is not worth its place: its connection is closed.
        """
        if self.closed or self.paused:
            return
        seconds = self.bucket.refill(time.monotonic())
        if not seconds:
            return
        if self.login is None and self.bucket.shortages > SHORTAGES:
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

    def hold_or_read(self) -> None:
        """Read on only while no frame is queued: the peer's data then waits with the peer."""
        hold = self.pending or self.output_full or self.finishing or self.paused
        if hold and self._is_watched():
            hold = False
        if hold == self._held or self.closed:
            return
        self._held = hold
        if hold:
            self.tcp.stop_read()
        else:
            self.tcp.start_read()

    def _is_watched(self) -> bool:
        """A guest that waits for a worker is read on from, up to one frame's size.

        Else we would not learn that it has hung up, and would hash its password in vain.
        """
        return (
            self.busy
            and self.login is None
            and not (self.finishing or self.paused or self.output_full)
            and self.framer.held < self.framer.max_frame
        )

    def _output_rose(self, tcp: TcpConnection, waiting: int) -> None:
        self.output_full = True
        self.hold_or_read()

    def _output_fell(self, tcp: TcpConnection, waiting: int) -> None:
        self._output_empty()

    def _writer_changed(self, full: bool) -> None:
        if full:
            self.output_full = True
            self.hold_or_read()
        elif self.output_full:
            self._output_empty()
        elif self._listener is not None:
            self._listener.kick()

    def _output_empty(self) -> None:
        self.output_full = False
        self.unblock()
        self.hold_or_read()
        if self._listener is not None:
            self._listener.kick()


AnyConnection = ClientConnection[Any]
"""A connection, for code that does not look at its login."""
