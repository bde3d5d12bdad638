"""WebSocketConnection: one WebSocket on a TcpConnection.

    CONNECTING ──handshake──▶ CONNECTED ──close, error, Close of the peer──▶ DISCONNECTING
        │                         │                                               │
        └──── refused, timed out, end of file ────▶ DISCONNECTED ◀────────────────┘

UP is reported on entering CONNECTED. DOWN is reported when the TCP connection is down, but only
after UP. The closing handshake: each side sends one Close frame, and nothing after it. The server
then ends the TCP connection. A side that does not do its part within ``close_seconds`` is cut off.

What the peer does wrong is answered with a close code, and the rest of its bytes is dropped.
"""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Generic

from muduopy.callbacks import ContextT, discard_message, ignore_connection
from muduopy.connection_state import NEXT, State
from muduopy.errors import StateError
from muduopy.send_queue import SendQueue
from muduopy.tcp_connection import TcpConnection, _as_bytes
from muduopy.websocket.close_code import CloseCode
from muduopy.websocket.errors import FrameError, HandshakeError
from muduopy.websocket.frame_reader import ControlFrame, FrameReader
from muduopy.websocket.frames import (
    CLOSE,
    COMPRESSED,
    FINAL,
    FINAL_BINARY,
    FINAL_TEXT,
    MAX_CONTROL_BYTES,
    PING,
    PONG,
    close_payload,
    encode_frame,
    encode_masked_frame,
    parse_close,
)
from muduopy.websocket.handshake import Opening, refuse, take_head
from muduopy.websocket.message_deflate import COMPRESS_FROM, MessageDeflate
from muduopy.websocket.peer_clock import Due, PeerClock
from muduopy.websocket.websocket_callbacks import WebSocketCallbacks
from muduopy.websocket.websocket_limits import WebSocketLimits

if TYPE_CHECKING:
    from muduopy.address import Address
    from muduopy.buffer import Buffer
    from muduopy.event_loop import EventLoop
    from muduopy.timer_queue import Timer

log = logging.getLogger(__name__)

_CONNECTED = State.CONNECTED

MAX_WAITING_PONG_BYTES = 16 * 1024
"""Pings get no answer while so many bytes of Pongs wait: a peer that sends Pings and reads nothing
must not fill the memory. It may answer the latest Ping only (RFC 6455, 5.5.3)."""

Opener = Callable[[bytes], Opening]
"""Takes the head of the peer's half of the opening handshake."""

Report = Callable[["WebSocketConnection[ContextT]", HandshakeError], object]
"""Gets the error of a handshake that has failed."""


class WebSocketConnection(Generic[ContextT]):
    """Sends and receives messages. Made by servers, endpoints and clients; handed to callbacks.

    It owns the callbacks of its TcpConnection, and its frames; the connection owns the socket.

    Attributes:
        connection: the TcpConnection below, for its name, peer, options and counters. Its
            ``send`` and ``shutdown`` are not for users of the WebSocket.
        loop: the loop it lives in.
        context: a value of your program, which the library does not use. None until you set it.
            Loop thread, by convention.
        target: of the request: "/chat?room=1". From UP on.
        subprotocol: the agreed one; None without one. From UP on.
        close_code: why it ended; 0 before. The peer's code; without a Close of the peer the code
            that this side has sent; 1006 if there was none. For the DOWN callback. Loop thread.
        close_reason: the text with that code.
    """

    __slots__ = (
        "__weakref__",
        "_binary_callback",
        "_callbacks",
        "_clock",
        "_deflate",
        "_delivers",
        "_encode",
        "_is_client",
        "_limits",
        "_open_with",
        "_pong_bytes",
        "_previous_callback",
        "_queue",
        "_reader",
        "_report",
        "_state",
        "_text_callback",
        "_timer",
        "close_code",
        "close_reason",
        "connection",
        "context",
        "loop",
        "subprotocol",
        "target",
    )

    def __init__(
        self,
        connection: TcpConnection,
        callbacks: WebSocketCallbacks[ContextT],
        limits: WebSocketLimits,
        open_with: Opener,
        *,
        is_client: bool = False,
        report: Report[ContextT] | None = None,
    ) -> None:
        """For servers, endpoints and clients. The connection is up; ``take_over`` comes next."""
        self.connection = connection
        self.loop: EventLoop = connection.loop
        self.context: ContextT = None  # type: ignore[assignment]
        self.target = ""
        self.subprotocol: str | None = None
        self.close_code = 0
        self.close_reason = ""
        self._callbacks = callbacks
        self._text_callback = callbacks._text_callback
        self._binary_callback = callbacks._binary_callback
        self._limits = limits
        self._is_client = is_client
        self._encode = encode_masked_frame if is_client else encode_frame
        self._state = State.CONNECTING
        self._open_with: Opener | None = open_with
        self._report = report
        self._previous_callback = connection._connection_callback
        self._deflate: MessageDeflate | None = None
        self._reader: FrameReader | None = None
        self._queue = SendQueue()  # sealed by close
        self._delivers = True  # False after stop_read, and when no more frames are read
        self._timer: Timer | None = None
        self._clock = PeerClock(limits, self.loop.poll_return_time)
        self._pong_bytes = 0  # since output has begun to wait

    def __repr__(self) -> str:
        return f"<WebSocketConnection {self.connection.name} {self._state.value}>"

    # ------------------------------------------------------------------ state

    @property
    def name(self) -> str:
        """The name of the TcpConnection, unique in its server. Any thread."""
        return self.connection.name

    @property
    def peer_address(self) -> Address:
        """The address of the other end. Any thread."""
        return self.connection.peer_address

    @property
    def state(self) -> State:
        """The present state. Any thread; only the loop's own thread can rely on it."""
        return self._state

    @property
    def connected(self) -> bool:
        """Whether messages can be sent. Any thread; only the loop's own thread can rely on it."""
        return self._state is _CONNECTED

    @property
    def closing(self) -> bool:
        """Whether ``close`` was called, or the WebSocket has ended. Any thread."""
        return self._queue.sealed

    @property
    def output_bytes(self) -> int:
        """The number of bytes that the kernel has not taken yet. Loop thread."""
        return self.connection.output_bytes

    @property
    def _is_refused(self) -> bool:
        """Whether the handshake has failed, and the TCP connection has not ended yet."""
        return self._state is State.CONNECTING and self._open_with is None

    def _become(self, state: State) -> None:
        if state not in NEXT[self._state]:
            raise StateError(f"{self!r} cannot become {state.value}")
        self._state = state

    # ------------------------------------------------------------------ sending

    def send(self, message: str | bytes | bytearray | memoryview) -> None:
        """Send a message, in the order of the calls: text for ``str``, else binary. Any thread.

        Bytes that the kernel does not take at once wait in memory; the water-mark callbacks tell
        how many. If the WebSocket is not up, the message is dropped without an error, as DOWN
        reports the end. Raises TypeError for other objects, and UnicodeEncodeError for a text with
        lone surrogates.
        """
        if isinstance(message, str):
            self._send_message(FINAL_TEXT, message.encode())
        else:
            self._send_message(FINAL_BINARY, _as_bytes(message))

    def send_utf8(self, text: bytes) -> None:
        """Send a text message that is encoded already. It must be UTF-8. Any thread."""
        self._send_message(FINAL_TEXT, text)

    def ping(self, payload: bytes = b"") -> None:
        """Send a Ping; the pong callback gets the answer. Any thread.

        Raises ValueError for more than 125 bytes.
        """
        if len(payload) > MAX_CONTROL_BYTES:
            raise ValueError(f"a Ping of {len(payload)} bytes has more than {MAX_CONTROL_BYTES}")
        self._send_message(FINAL | PING, payload)

    def _send_message(self, first: int, payload: bytes | bytearray | memoryview) -> None:
        loop = self.loop
        if threading.get_ident() == loop.thread_id:
            if self._state is _CONNECTED:
                if (
                    self._deflate is not None
                    and len(payload) >= COMPRESS_FROM
                    and not first & CLOSE
                ):
                    first |= COMPRESSED
                    payload = self._deflate.compress(payload)
                self.connection.send(self._encode(first, payload))
        elif self._deflate is not None:
            # The compressor belongs to the loop, and compressed messages have an order.
            loop._queue(partial(self._send_message, first, bytes(payload)))
        elif self._queue.put(self._encode(first, payload)):
            loop._queue(self._take_queued_frames)

    def _take_queued_frames(self) -> None:
        for frames in self._queue.take():
            if self._state is _CONNECTED:
                self.connection.send(frames)  # type: ignore[arg-type] # bytes: no file is put

    # ------------------------------------------------------------------ the end

    def close(self, code: int = CloseCode.NORMAL, reason: str = "") -> None:
        """Send a Close, and end when the peer has answered, or ``close_seconds`` later. Any thread.

        Messages that were sent before go first. Later ones are dropped, in both directions.
        Idempotent: the first code counts; ``CloseCode.NO_CODE`` sends none. Raises ValueError for
        a code that may not travel, and for a reason of more than 123 bytes in UTF-8.
        """
        payload = close_payload(code, reason)
        self._queue.seal()
        self.loop.run_in_loop(partial(self._close_in_loop, payload, code, reason))

    def force_close(self) -> None:
        """End at once, without a Close; the waiting output is dropped. Idempotent. Any thread."""
        self._queue.seal()
        self.loop.run_in_loop(self._force_close_in_loop)

    def _force_close_in_loop(self) -> None:
        self._delivers = False
        self.connection.force_close()

    def _close_in_loop(self, payload: bytes, code: int, reason: str) -> None:
        if self._state is State.CONNECTING:
            self._end()
            return
        self._take_queued_frames()
        if self._state is not _CONNECTED:
            return
        self._send_close(payload, code, reason)
        self._text_callback = self._binary_callback = _discard
        if not self._delivers:
            self._resume()

    def _send_close(self, payload: bytes, code: int, reason: str) -> None:
        self._queue.seal()
        self.close_code, self.close_reason = code, reason
        self.connection.send(self._encode(FINAL | CLOSE, payload))
        self._become(State.DISCONNECTING)
        self._clock.began = self.loop.poll_return_time
        self._arm_timer()

    def _fail(self, code: int, reason: str) -> None:
        """The peer has broken a rule: close with the code, and read no more frames."""
        log.info("%s: %s; closing with %d", self.connection.log_name, reason, code)
        if self._state is _CONNECTED:
            self._take_queued_frames()
            self._send_close(close_payload(code, reason), code, reason)
        self._end()

    def _end(self) -> None:
        """End the TCP connection when the output is sent. Arriving bytes are dropped."""
        self._delivers = False
        self._reader = self._open_with = None
        connection = self.connection
        connection.set_message_callback(discard_message)
        connection.start_read()  # if a peer still sends, an early end would lose the last output
        connection.shutdown()
        self._clock.began = self.loop.poll_return_time
        self._arm_timer()

    # ------------------------------------------------------------------ back-pressure

    def stop_read(self) -> None:
        """Deliver no more messages, so that the peer has to wait. Any thread.

        In the loop it works at once: bytes that have arrived are kept. Meanwhile no time-out of
        the peer runs.
        """
        self.loop.run_in_loop(self._pause)

    def start_read(self) -> None:
        """Undo ``stop_read``. Any thread."""
        # Queued: a callback may call it, in the middle of a delivery.
        self.loop.queue_in_loop(self._resume_if_up)

    def _pause(self) -> None:
        if self._state is _CONNECTED:
            self._delivers = False
            self.connection.stop_read()

    def _resume_if_up(self) -> None:
        if self._state is _CONNECTED and not self._delivers:
            self._resume()

    def _resume(self) -> None:
        self._delivers = True
        now = self.loop.poll_return_time
        self._clock.resume(now)
        self._deliver(now)
        if self._delivers:
            self.connection.start_read()
            self._arm_timer()

    # ------------------------------------------------------------------ the opening handshake

    def take_over(self, data: bytes = b"") -> None:
        """Take over the connection and its callbacks. ``data``: bytes that were read already.

        The present connection callback still gets DOWN, after that of the WebSocket. For servers,
        endpoints and clients; once. Loop thread.
        """
        self.loop.assert_in_loop_thread()
        connection, callbacks = self.connection, self._callbacks
        if connection.context is None:
            connection.context = self
        connection.set_connection_callback(self._on_down)
        connection.set_message_callback(self._on_handshake_bytes)
        connection.set_half_close_callback(None)
        connection.set_write_complete_callback(None)
        connection.set_high_water_callback(None)
        connection.set_low_water_callback(None)
        if callbacks._write_complete_callback is not None:
            on_written = partial(self._call, callbacks._write_complete_callback)
            connection.set_write_complete_callback(lambda _: on_written())
        if callbacks._high_water is not None:
            on_rise, mark = callbacks._high_water
            connection.set_high_water_callback(lambda _, n: self._call(on_rise, n), mark)
        if callbacks._low_water is not None:
            on_fall, mark = callbacks._low_water
            connection.set_low_water_callback(lambda _, n: self._call(on_fall, n), mark)
        connection.set_tcp_no_delay(True)
        connection.start_read()
        self._arm_timer()
        buffer = connection.input_buffer
        if data:
            buffer.prepend(data)
        if buffer:
            self._on_handshake_bytes(connection, buffer, self.loop.poll_return_time)

    def _on_handshake_bytes(self, connection: TcpConnection, buffer: Buffer, when: float) -> None:
        open_with = self._open_with
        assert open_with is not None
        try:
            head = take_head(buffer, self._limits.max_header_bytes)
            if head is None:
                return
            opening = open_with(head)
        except HandshakeError as error:
            opening = refuse(error.status, error.reason)
        except BaseException as exc:  # noqa: BLE001 - contained
            self.loop.contain(exc, "%s: the handshake callback raised", connection.log_name)
            opening = refuse(500, "The server has failed.")
        if opening.refusal is not None:
            self._refused(opening)
        else:
            self._open(opening, when)

    def _refused(self, opening: Opening) -> None:
        log.info("%s: no WebSocket: %s", self.connection.log_name, opening.refusal)
        if opening.answer and not self._is_client:
            self.connection.send(opening.answer)
        report = self._report
        self._end()
        if report is not None:
            self._call(report, opening.refusal)

    def _open(self, opening: Opening, when: float) -> None:
        self._open_with = None
        self.target = opening.target
        self.subprotocol = opening.subprotocol
        if opening.deflate is not None:
            self._deflate = MessageDeflate(opening.deflate)
        self._reader = FrameReader(self._limits, masked=not self._is_client, deflate=self._deflate)
        connection = self.connection
        connection.set_message_callback(self._on_bytes)
        if opening.answer:
            connection.send(opening.answer)
        self._become(_CONNECTED)
        self._arm_timer()
        self._call(self._callbacks._connection_callback)
        buffer = connection.input_buffer
        if buffer and self._reader is not None:
            self._on_bytes(connection, buffer, when)

    # ------------------------------------------------------------------ arriving frames

    def _on_bytes(self, connection: TcpConnection, buffer: Buffer, when: float) -> None:
        reader = self._reader
        assert reader is not None
        reader.feed(buffer.retrieve_all())
        self._deliver(when)

    def _deliver(self, when: float) -> None:
        reader = self._reader
        if reader is None:
            return
        had_message = False
        while self._delivers:
            try:
                message = reader.next()
            except FrameError as error:
                self._fail(error.code, error.reason)
                return
            if message is None:
                break
            try:
                if type(message) is str:
                    had_message = True
                    self._text_callback(self, message, when)
                elif type(message) is bytes:
                    had_message = True
                    self._binary_callback(self, message, when)
                else:
                    self._on_control(message, when)  # type: ignore[arg-type]
            except FrameError as error:
                self._fail(error.code, error.reason)
                return
            except BaseException as exc:  # noqa: BLE001 - contained
                self._contain(exc)
                return
        if self._clock.has_read(reader.incomplete, had_message, when):
            self._arm_timer()

    def _on_control(self, frame: ControlFrame, when: float) -> None:
        if frame.opcode == CLOSE:
            self._on_close(*parse_close(frame.payload))
        elif frame.opcode == PING:
            self._answer_ping(frame.payload)
        elif self._callbacks._pong_callback is not None and self._state is _CONNECTED:
            self._callbacks._pong_callback(self, frame.payload, when)

    def _answer_ping(self, payload: bytes) -> None:
        if self._state is not _CONNECTED:
            return
        if not self.connection.output_bytes:
            self._pong_bytes = 0
        elif self._pong_bytes > MAX_WAITING_PONG_BYTES:
            return
        frame = self._encode(FINAL | PONG, payload)
        self._pong_bytes += len(frame)
        self.connection.send(frame)

    def _on_close(self, code: int, reason: str) -> None:
        if self._state is _CONNECTED:
            self._take_queued_frames()
            self._send_close(close_payload(code, ""), code, reason)
        else:
            self.close_code, self.close_reason = code, reason
        if not self._is_client:
            self._end()
            return
        # The server ends the TCP connection, so that the last state of it is kept there.
        self._delivers = False
        self._reader = None
        self.connection.set_message_callback(discard_message)

    # ------------------------------------------------------------------ callbacks of the user

    def _call(self, callback: Callable[..., object], *args: object) -> None:
        try:
            callback(self, *args)
        except BaseException as exc:  # noqa: BLE001 - contained
            self._contain(exc)

    def _contain(self, exc: BaseException) -> None:
        self.loop.contain(exc, "%s: callback raised; closing", self.connection.log_name)
        if self._state is not State.DISCONNECTED:
            self._fail(CloseCode.INTERNAL_ERROR, "the program has failed")

    def _on_down(self, connection: TcpConnection) -> None:
        was_up = self._state is not State.CONNECTING
        self._become(State.DISCONNECTED)
        self._queue.seal()
        if self._timer is not None:
            self.loop.cancel(self._timer)
            self._timer = None
        self._delivers = False
        self._reader = self._deflate = None
        if not self.close_code:
            self.close_code = CloseCode.ABNORMAL
        if was_up:
            self._call(self._callbacks._connection_callback)
        elif self._report is not None and self._open_with is not None:
            self._call(self._report, HandshakeError(0, "the connection ended in the handshake"))
        self._open_with = None
        # Without references back, the memory is freed with the last reference to one of the two.
        connection.set_connection_callback(ignore_connection)
        connection.set_message_callback(discard_message)
        connection.set_high_water_callback(None)
        connection.set_low_water_callback(None)
        previous, self._previous_callback = self._previous_callback, ignore_connection
        previous(connection)
        if connection.context is self:
            connection.context = None

    # ------------------------------------------------------------------ time

    def _deadline(self) -> float:
        """The time at which ``_on_timer`` has something to do."""
        connection = self.connection
        if self._state is State.CONNECTING and not self._is_refused:
            return self._clock.open_deadline()
        if self._state is not _CONNECTED:
            # A peer that still takes output is not cut off.
            waits = connection.output_bytes > 0
            return self._clock.close_deadline(connection.drained_at if waits else -math.inf)
        return self._clock.deadline(self._heard_at()) if self._delivers else math.inf

    def _heard_at(self) -> float:
        """The last time that the peer has shown life, by sending or by taking output."""
        return max(self.connection.received_at, self.connection.drained_at)

    def _arm_timer(self) -> None:
        """Have the timer run at the deadline, or before it.

        A timer that would run too early stays as it is, because a needless run costs less than a
        move of the timer with every message.
        """
        when = self._deadline()
        if when == math.inf or (self._timer is not None and self._timer.when <= when):
            return
        if self._timer is not None:
            self.loop.cancel(self._timer)
        self._timer = self.loop.run_at(when, self._on_timer)

    def _on_timer(self) -> None:
        self._timer = None
        now = self.loop.poll_return_time
        if self._deadline() <= now:
            self._expire(now)
        self._arm_timer()

    def _expire(self, now: float) -> None:
        if self._state is State.CONNECTING and not self._is_refused:
            self._refused(refuse(408, "The handshake was not complete in time."))
            return
        if self._state is not _CONNECTED:
            log.info("%s: the peer does not close; closing", self.connection.log_name)
            self.connection.force_close()
            self._clock.began = math.inf
            return
        due = self._clock.due(self._heard_at(), now)
        if due is Due.PING:
            self._clock.pinged(now)
            self.ping()
        elif due is Due.NO_PONG:
            self._fail(CloseCode.INTERNAL_ERROR, due.value)
        else:
            self._fail(CloseCode.POLICY_VIOLATION, due.value)


def _discard(*_: object) -> None:
    """Drops messages that arrive after ``close``."""
