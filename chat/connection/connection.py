"""ClientConnection: one client's connection, without its user.

It owns the transport and the dialect, sends messages, and ends the conversation. Its FlowControl
holds received frames back. It does not know users and mailboxes: a login attaches itself
(``attach``), with a listener for the output.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, Generic, Protocol, TypeVar

from chat.config import ClassicConfig
from chat.connection.admission import FULL, RETRY_SECONDS, Refusal, Ticket, error_of
from chat.connection.classic_output import ClassicOutput
from chat.connection.classic_reader import ClassicReader
from chat.connection.flow_control import FlowControl
from chat.connection.framing import Framer
from chat.connection.guest_input import GuestInput
from chat.connection.loop_counters import LoopCounters
from chat.connection.token_bucket import BYTES_PER_TOKEN, Allowances
from chat.message import ChatMessage
from chat.process.peer_label import PeerLabel
from chat.protocol import ErrNo, Message, MsgType, encode
from chat.protocol.dialects.classic_answer import classic_answer
from muduopy import TcpConnection

HIGH_WATER = 256 * 1024
LOW_WATER = 64 * 1024
"""Bytes of output: above the one a connection's requests wait, until it falls to the other."""

CLOSE_TOKENS = 64
"""Tokens (see token_bucket.py) of input that is read and dropped after ``close``: it was under way.
A peer that sends more is cut off before CLOSE_SECONDS are over."""

CLOSE_SECONDS = 5.0
"""How long a connection may take to drain after ``close``, in seconds."""


class Front(Protocol):
    """Serves HTTP on a connection, until it ends or becomes a WebSocket. The connection's loop."""

    def drain(self) -> None:
        """Answer the last request, and close."""

    def gone(self) -> None:
        """The connection is down."""


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
        counters: of all connections of the loop.
        login: the login on this connection; None: the peer is a guest.
        v2: the dialect; False is classic.
        reader: reads requests of clones of the original, whatever their numbers and names are;
            None: requests come under the tutorial's.
        classic_output: the form of messages to a classic peer.
        flow: the received frames that wait, and the reasons why they wait.
        closed: the connection is down, or this server is closing it.
        finishing: no more is read; the connection closes when the received requests are served.
        last_seen: when the peer last sent something, monotonic seconds.
        strikes: bad requests since the last good one.
        failed_logins: on this connection.
        known: a registration or login has succeeded on this connection.
        peer: the client's host; behind a balancer the host that the balancer names.
        guest: the bounds of the input before the login.
        front: serves HTTP on this connection; None: it speaks the chat protocol.
        ticket: the entry in the Admission; None: the connection is not counted.
        label: the peer and the number of the connection, for the log.
    """

    __slots__ = (
        "_allowances",
        "_listener",
        "_shut_down",
        "_told",
        "classic_output",
        "closed",
        "counters",
        "failed_logins",
        "finishing",
        "flow",
        "framer",
        "front",
        "guest",
        "known",
        "label",
        "last_seen",
        "login",
        "loop",
        "peer",
        "reader",
        "strikes",
        "tcp",
        "ticket",
        "v2",
    )

    def __init__(
        self,
        tcp: TcpConnection,
        framer: Framer,
        allowances: Allowances,
        resume: Callable[[ClientConnection[LoginT]], object],
        classic: ClassicConfig,
        counters: LoopCounters,
        number: int,
        new_reader: Callable[[AnyConnection], ClassicReader] | None = None,
        shut_down: Callable[[str | None], object] | None = None,
    ) -> None:
        """``resume`` gives the connection a turn: its frames are served soon. ``number``: unique in
        the process.

        ``new_reader``: None where no clones of the original connect. ``shut_down`` ends the output
        behind what waits, and gets the reason of the end; None: the TCP connection's own end.
        """
        self.tcp = tcp
        self.loop = tcp.loop
        self.framer = framer
        self.counters = counters
        self.login: LoginT | None = None
        self.introduce(tcp.peer_address.host, number)
        self.guest = GuestInput(self.loop.poll_return_time)
        self.ticket: Ticket | None = None
        self.front: Front | None = None
        self._shut_down = shut_down
        self._told: str | None = None
        self.v2 = False
        self.reader = None if new_reader is None else new_reader(self)
        self.classic_output = ClassicOutput(tcp, framer, classic, self._writer_changed)
        self.closed = False
        self.finishing = False
        self.last_seen = self.loop.poll_return_time
        self.strikes = 0
        self.failed_logins = 0
        self.known = False
        self._listener: OutputListener | None = None
        self._allowances = allowances
        self.flow = FlowControl(self, resume, allowances.guest)
        tcp.set_high_water_callback(self._output_rose, HIGH_WATER)
        tcp.set_low_water_callback(self._output_fell, LOW_WATER)

    def __repr__(self) -> str:
        dialect = "v2" if self.v2 else "classic"
        return f"<ClientConnection {self.tcp.name} {self.owner} {dialect}>"

    def introduce(self, peer: str, number: int) -> None:
        """The host of the client is known."""
        self.peer = peer
        self.label = self.tcp.log_name = PeerLabel(peer, number)

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
        self.flow.allow(self._allowances.user)
        if self.ticket is not None:
            self.ticket.log_in()

    def detach(self) -> None:
        """The login is over: a guest's limits hold."""
        self.login = None
        self._listener = None
        self.flow.allow(self._allowances.guest)
        self.guest.renew(self.loop.poll_return_time)
        if self.ticket is not None:
            self.ticket.log_out()

    # ------------------------------------------------------------------ sending

    def send_message(self, message: Message) -> None:
        """Send one message of the protocol. Dropped if the connection is down."""
        writer = self.classic_output.writer
        if writer is None:
            self.tcp.send(self.framer.pack_one(encode(message)))
        else:
            writer.send(encode(message))

    def send_encoded(self, frame: bytes) -> None:
        """``send_message`` for an encoded message."""
        writer = self.classic_output.writer
        if writer is None:
            self.tcp.send(self.framer.pack_one(frame))
        else:
            writer.send(frame)

    def send_error(self, errno: ErrNo, errmsg: str) -> None:
        """ERROR_MSG to a classic client."""
        error = {"msgid": MsgType.ERROR_MSG, "errno": int(errno), "errmsg": errmsg}
        shaped = classic_answer(error, self.classic_output.table)
        if shaped is not None:
            self.send_message(shaped)

    def send_chat(self, message: ChatMessage) -> None:
        """Send one chat message. Not with a ClassicWriter, which takes it itself."""
        classic = self.classic_output
        if classic.translates or classic.frame_limit:
            self.tcp.send(self.framer.pack(classic.frames_of(message)))
        else:
            self.tcp.send(self.framer.pack_one(message.frame(self.v2)))

    def send_frames(self, frames: Collection[bytes]) -> None:
        """Send encoded frames in one go. No chat messages with a ClassicWriter."""
        self.tcp.send(self.framer.pack(frames))

    def send_mail(self, frames: Collection[bytes]) -> None:
        """``send_frames`` for messages of the mailbox: the listener hears that they are out."""
        self.tcp.send(self.framer.pack(frames))
        if not self.v2 and self._listener is not None:
            self._listener.written()

    def add_frames(self, message: ChatMessage, out: list[bytes]) -> None:
        """Append a chat message, as this peer is to get it, to ``out``."""
        classic = self.classic_output
        if classic.translates or classic.frame_limit:
            out += classic.frames_of(message)
        else:
            out.append(message.frame(self.v2))

    def become_v2(self) -> None:
        """Switch to v2, as the peer asked. Classic output that waits goes out first."""
        self.v2 = True
        self.classic_output.drop_writer()

    # ------------------------------------------------------------------ the end

    def close(self, reason: str | None = None, *, reconnect: bool = False) -> None:
        """Send BYE_MSG (v2) and the output that waits, and close."""
        if self.closed:
            return
        self.closed = True
        self.flow.drop_frames()
        if reason is not None:
            self.counters.closed.add(reason)
        if self.v2 and reason is not None:
            bye = {"msgid": MsgType.BYE_MSG, "reason": reason, "reconnect": reconnect}
            self.send_message(bye)
        writer = self.classic_output.writer
        if writer is not None:
            writer.finish(self.tcp.shutdown)
        elif self._shut_down is not None:
            self._shut_down(reason or self._told)
        else:
            self.tcp.shutdown()
        self.tcp.start_read()  # to notice that the peer closes in turn
        self.flow.bucket.tokens = CLOSE_TOKENS
        # A peer that keeps its side open is cut off.
        self.tcp.force_close_after(CLOSE_SECONDS)

    def refuse(self, refusal: Refusal) -> None:
        """Send ERROR_MSG with the reason, and close. The peer is a guest."""
        if self.closed:
            return
        error = error_of(refusal)
        shaped = error if self.v2 else classic_answer(error, self.classic_output.table)
        if shaped is not None:
            self.send_message(shaped if self.v2 else {**shaped, **error})
        self.close()

    def make_room(self) -> None:
        """Close at once, with the reason: a new connection takes this guest's place."""
        if self.login is None:  # it may have logged in meanwhile
            self.counters.closed.add("room")
            if self.front is None:
                self.refuse(Refusal(FULL, RETRY_SECONDS))
            self.abandon()

    def abandon(self) -> None:
        """Close without a notice, and drop the input that still comes."""
        self.closed = True
        self.flow.drop_frames()
        self.tcp.force_close()

    def ignore(self, data: bytes) -> None:
        """Drop input that has come after the end."""
        self.flow.bucket.tokens -= 1 + len(data) // BYTES_PER_TOKEN
        if self.flow.bucket.tokens < 0:
            self.tcp.force_close()

    def finish(self, reason: str | None = None) -> None:
        """Read no more requests; close when those that have been received are answered.

        ``reason``: what the peer was told.
        """
        self._told = reason
        if self.reader is not None:
            self.reader.end_with_braces()  # no terminator follows
        self.finishing = True
        self.flow.hold_or_read()
        self.finish_if_idle()

    def drain(self) -> None:
        """The server stops: send BYE_MSG (v2), then ``finish``. Idempotent."""
        if self.front is not None:
            self.front.drain()
            return
        if self.finishing:
            self.finish_if_idle()
            return
        if self.v2 and not self.closed:
            bye = {"msgid": MsgType.BYE_MSG, "reason": "draining", "reconnect": True}
            self.send_message(bye)
        self.finish("draining")

    def finish_if_idle(self) -> None:
        """Called while finishing, after each answer."""
        if self.flow.idle:
            self.close()

    def went_down(self) -> None:
        """The transport is down: nothing more is served or sent."""
        if self.front is not None:
            self.front.gone()
        self.closed = True
        self.flow.drop_frames()
        writer = self.classic_output.writer
        if writer is not None:
            writer.stop()

    # ------------------------------------------------------------------ output

    @property
    def stalled_at(self) -> float | None:
        """When the peer stopped reading its output, monotonic seconds; None: it reads."""
        if self.tcp.output_bytes:
            return self.tcp.drained_at
        writer = self.classic_output.writer
        return None if writer is None else writer.stalled_at

    def _output_rose(self, tcp: TcpConnection, waiting: int) -> None:
        self.flow.output_rose()

    def _output_fell(self, tcp: TcpConnection, waiting: int) -> None:
        self._output_empty()

    def _writer_changed(self, full: bool) -> None:
        if full:
            self.flow.output_rose()
        elif self.flow.output_full:
            self._output_empty()
        elif self._listener is not None:
            self._listener.kick()

    def _output_empty(self) -> None:
        self.flow.output_fell()
        if self._listener is not None:
            self._listener.kick()


AnyConnection = ClientConnection[Any]
"""A connection, for code that does not look at its login."""
