"""TcpConnection: one established connection, living and dying in one loop.

    CONNECTING ──establish──▶ CONNECTED ──shutdown──▶ DISCONNECTING
        │                         │                        │
        │                         └──── end of file, error, force_close ───▶ DISCONNECTED
        └──── TLS handshake failed, no UP and no DOWN ──────────────────────────▲

UP is reported on entering CONNECTED and DOWN on entering DISCONNECTED, once each, both in the
loop's thread. The descriptor is closed right after DOWN, whoever still holds a reference.

Other threads may call ``send``, ``send_file``, ``shutdown``, ``force_close``, ``stop_read`` and
``start_read``. Their sends are collected and cross over to the loop together, so that a burst
costs one wake-up and one system call.
"""

from __future__ import annotations

import fcntl
import logging
import os
import socket
import sys
import threading
from collections.abc import Callable
from enum import Enum
from typing import TYPE_CHECKING, Generic

from muduopy.address import Address, address_of
from muduopy.buffer import Buffer
from muduopy.callbacks import (
    ConnectionCallback,
    ContextT,
    MessageCallback,
    WaterMarkCallback,
    WriteCompleteCallback,
)
from muduopy.channel import Channel
from muduopy.checks import check_callback, check_mark
from muduopy.errors import LoopError, StateError
from muduopy.event_loop import EventLoop
from muduopy.file_output import FileOutput
from muduopy.file_part import FilePart, HasFileno
from muduopy.socket_options import SocketOptions

if TYPE_CHECKING:
    import ssl

log = logging.getLogger(__name__)

HIGH_WATER_MARK = 1024 * 1024
"""Default of the high-water mark, in bytes waiting to be sent."""

_SIOCOUTQNSD = 0x894B if sys.platform == "linux" else None
"""Linux: how many bytes of a socket's output were not sent. From <linux/sockios.h>."""


class State(Enum):
    """Where a TcpConnection is in its life. Immutable; any thread."""

    CONNECTING = "connecting"
    CONNECTED = "connected"
    DISCONNECTING = "disconnecting"
    DISCONNECTED = "disconnected"


_NEXT: dict[State, frozenset[State]] = {
    State.CONNECTING: frozenset({State.CONNECTED, State.DISCONNECTED}),
    State.CONNECTED: frozenset({State.DISCONNECTING, State.DISCONNECTED}),
    State.DISCONNECTING: frozenset({State.DISCONNECTED}),
    State.DISCONNECTED: frozenset(),
}

# Read on every send; a local name is found faster than an enum member.
_CONNECTED = State.CONNECTED


def _as_bytes(data: object) -> bytes | bytearray | memoryview:
    """The argument of ``send`` as bytes."""
    if isinstance(data, Buffer):
        return data.retrieve_all()
    if isinstance(data, bytes | bytearray):
        return data
    if isinstance(data, str):
        raise TypeError("send() takes bytes, not str: send(text.encode())")
    try:
        view = memoryview(data)  # type: ignore[arg-type]
    except TypeError:
        raise TypeError(f"send() takes bytes or a Buffer, not {type(data).__name__}") from None
    # len() is to count bytes; that of an array of integers would not.
    return view if view.format == "B" and view.c_contiguous and view.ndim == 1 else view.tobytes()


def ignore_connection(connection: TcpConnection) -> None:
    """The connection callback of who sets none."""


def discard_message(connection: TcpConnection, buffer: Buffer, when: float) -> None:
    """The message callback of who sets none: as in muduo, what arrives is dropped."""
    buffer.retrieve_all()


class TcpConnection(SocketOptions, Generic[ContextT]):
    """Sends and receives bytes; made by TcpServer, handed to the callbacks.

    Attributes:
        loop: the loop it lives in.
        name: "server-ip:port#number", unique in the server.
        local_address, peer_address: both ends.
        context: yours; nothing here looks at it. None until you set it: say
            ``TcpConnection[Session | None]`` where you look before. Loop thread by convention.
        bytes_received, bytes_sent: how many the socket has brought and taken; with TLS, encrypted
            ones. Any thread; the loop changes them.
        received_at: when bytes last arrived (at first: when it was made), monotonic seconds.
        drained_at: when the kernel last took some of the waiting output, monotonic seconds.
        error: what ended it, for the DOWN callback: a reset, a failed send, a TLS error. With TLS
            an ``ssl.SSLEOFError`` says that the peer's last bytes may be missing, as it ended
            without close_notify. None after an orderly end. Loop thread.
    """

    __slots__ = (
        "__weakref__",
        "_broken",
        "_channel",
        "_close_callback",
        "_connection_callback",
        "_half_close_callback",
        "_high_water_callback",
        "_high_water_mark",
        "_inbox",
        "_inbox_lock",
        "_input_buffer",
        "_low_water_callback",
        "_low_water_mark",
        "_message_callback",
        "_output",
        "_peer_finished",
        "_recv_into",
        "_scratch",
        "_sealed",
        "_send",
        "_state",
        "_write_complete_callback",
        "bytes_received",
        "bytes_sent",
        "context",
        "drained_at",
        "error",
        "local_address",
        "loop",
        "name",
        "peer_address",
        "received_at",
    )

    def __init__(self, loop: EventLoop, sock: socket.socket, name: str, peer: Address) -> None:
        """Takes over a connected, non-blocking socket. Any thread."""
        self.loop = loop
        self.name = name
        self.local_address = address_of(sock.getsockname())
        self.peer_address = peer
        self.context: ContextT = None  # type: ignore[assignment]
        self._input_buffer = Buffer()
        self.bytes_received = 0
        self.bytes_sent = 0
        self._scratch = loop.scratch
        self._socket = sock
        self._send = sock.send
        self._recv_into = sock.recv_into
        self._state = State.CONNECTING
        # There only while something waits to be sent.
        self._output: Buffer | FileOutput | None = None
        self.drained_at = self.received_at = loop.poll_return_time
        self.error: OSError | None = None
        self._peer_finished = False
        self._inbox_lock = threading.Lock()  # guards _inbox and _sealed
        # Sends from other threads, on their way.
        self._inbox: list[bytes | FilePart] | None = None
        self._broken = False  # sending has failed, and the end is queued
        self._sealed = False  # shutdown or force_close was called: no more sends
        self._high_water_mark = HIGH_WATER_MARK
        self._low_water_mark = 0
        self._connection_callback: ConnectionCallback[ContextT] = ignore_connection
        self._message_callback: MessageCallback[ContextT] = discard_message
        self._write_complete_callback: WriteCompleteCallback[ContextT] | None = None
        self._high_water_callback: WaterMarkCallback[ContextT] | None = None
        self._low_water_callback: WaterMarkCallback[ContextT] | None = None
        self._half_close_callback: ConnectionCallback[ContextT] | None = None
        self._close_callback: Callable[[TcpConnection[ContextT]], object] = ignore_connection
        self._channel = channel = Channel(loop, sock.fileno())
        channel.read_callback = self._handle_read
        channel.write_callback = self._handle_write
        channel.close_callback = self._handle_hangup
        channel.error_callback = self._handle_error
        # As in muduo: a peer that vanished is noticed some day.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)

    def __repr__(self) -> str:
        return f"<TcpConnection {self.name} {self._state.value} peer={self.peer_address}>"

    # ------------------------------------------------------------------ set-up

    def set_connection_callback(self, callback: ConnectionCallback[ContextT]) -> None:
        """For UP and DOWN. Loop thread, or before the connection is up.

        This and the other setters raise WrongThreadError elsewhere, and TypeError for what is no
        function and for ``async def`` functions.
        """
        self._check_setter(callback, "the connection callback")
        self._connection_callback = callback

    def set_message_callback(self, callback: MessageCallback[ContextT]) -> None:
        """For arriving bytes. Loop thread, or before the connection is up."""
        self._check_setter(callback, "the message callback")
        self._message_callback = callback

    def set_write_complete_callback(self, callback: WriteCompleteCallback[ContextT] | None) -> None:
        """Queued each time the output has become empty. Loop thread, or before it is up.

        As it is queued, it may run after DOWN: the kernel took everything, then the peer went.
        """
        self._check_setter(callback, "the write-complete callback", or_none=True)
        self._write_complete_callback = callback

    def set_high_water_callback(
        self, callback: WaterMarkCallback[ContextT] | None, mark: int = HIGH_WATER_MARK
    ) -> None:
        """Queued when the waiting output rises to ``mark`` bytes. Loop thread, or before."""
        self._check_setter(callback, "the high-water callback", or_none=True)
        check_mark(mark)
        self._high_water_callback = callback
        self._high_water_mark = mark

    def set_low_water_callback(
        self, callback: WaterMarkCallback[ContextT] | None, mark: int = 0
    ) -> None:
        """Queued when the waiting output falls to ``mark`` bytes. Loop thread, or before."""
        self._check_setter(callback, "the low-water callback", or_none=True)
        check_mark(mark)
        self._low_water_callback = callback
        self._low_water_mark = mark

    def set_half_close_callback(self, callback: ConnectionCallback[ContextT] | None) -> None:
        """What to do when the peer has finished sending but may still read.

        None: close at once, dropping output, as muduo does. Otherwise the connection stays up
        until the callback, or somebody later, calls ``shutdown``. Loop thread, or before.
        """
        self._check_setter(callback, "the half-close callback", or_none=True)
        self._half_close_callback = callback

    def set_close_callback(self, callback: Callable[[TcpConnection[ContextT]], object]) -> None:
        """For the owner, to forget the connection; runs after DOWN. Before it is up.

        Raises StateError later.
        """
        check_callback(callback, "the close callback")
        if self._state is not State.CONNECTING:
            raise StateError(f"set_close_callback() on {self!r}: use the connection callback")
        self._close_callback = callback

    def set_read_size(self, size: int) -> None:
        """Take at most so many bytes from the kernel at once; up to ``READ_CHUNK``, the default.

        The smaller it is, the less can one connection delay the others of its loop. Loop thread,
        or before it is up. Raises WrongThreadError elsewhere, ValueError below 1.
        """
        if self._state is not State.CONNECTING:
            self.loop.assert_in_loop_thread()
        if size < 1:
            raise ValueError(f"a read size of {size} bytes")
        self._scratch = self.loop.scratch[:size]

    def _check_setter(
        self, callback: Callable[..., object] | None, what: str, *, or_none: bool = False
    ) -> None:
        if self._state is not State.CONNECTING:
            self.loop.assert_in_loop_thread()
        if callback is not None or not or_none:
            check_callback(callback, what)

    # ------------------------------------------------------------------ state

    @property
    def state(self) -> State:
        """Any thread; only the loop's own thread can rely on it."""
        return self._state

    @property
    def connected(self) -> bool:
        """Any thread; only the loop's own thread can rely on it."""
        return self._state is _CONNECTED

    @property
    def closing(self) -> bool:
        """``shutdown`` or ``force_close`` was called, or it is down. Any thread."""
        return self._sealed

    @property
    def input_buffer(self) -> Buffer:
        """What arrived and was not retrieved yet.

        Loop thread, or before the connection is up. Raises WrongThreadError elsewhere.
        """
        if self._state is not State.CONNECTING:
            self.loop.assert_in_loop_thread()
        return self._input_buffer

    @property
    def message_callback(self) -> MessageCallback[ContextT]:
        """What arriving bytes are given to. Loop thread."""
        return self._message_callback

    @property
    def tls(self) -> ssl.SSLObject | None:
        """The TLS layer, to ask for the peer's certificate or the ALPN protocol; None if plain.

        From UP on. Loop thread.
        """
        return None

    @property
    def is_reading(self) -> bool:
        """Loop thread."""
        return self._channel.is_reading

    @property
    def output_bytes(self) -> int:
        """How many bytes the kernel has not taken yet. Loop thread."""
        return len(self._output) if self._output is not None else 0

    @property
    def unsent_bytes(self) -> int:
        """``output_bytes``, and the bytes that the kernel has not sent yet. Loop thread.

        At 0, the next ``send`` leaves in a segment of its own (with TCP_NODELAY). The kernel's part
        is known on Linux, for TCP; elsewhere it counts as 0.
        """
        waiting = self.output_bytes
        if _SIOCOUTQNSD is None or self._state is State.DISCONNECTED:
            return waiting
        try:
            answer = fcntl.ioctl(self._socket, _SIOCOUTQNSD, b"\0\0\0\0")
        except OSError:  # no TCP
            return waiting
        return waiting + int.from_bytes(answer, sys.byteorder)

    def _become(self, state: State) -> None:
        if state not in _NEXT[self._state]:
            raise StateError(f"{self!r} cannot become {state.value}")
        self._state = state

    # ------------------------------------------------------------------ sending

    def send(self, data: bytes | bytearray | memoryview | Buffer) -> None:
        """Send, in order, sooner or later. Any thread.

        A Buffer is emptied. Dropped silently unless the connection is up: its going down is
        reported by DOWN. What the kernel does not take at once waits in memory; watch the water
        marks. Raises TypeError for anything that is not bytes: a ``str`` has to be encoded.
        """
        if type(data) is not bytes:
            data = _as_bytes(data)
        if threading.get_ident() == self.loop.thread_id:
            self._send_in_loop(data)
            return
        chunk = bytes(data)
        with self._inbox_lock:
            if self._sealed:
                return
            if self._inbox is not None:
                self._inbox.append(chunk)  # the queued drain takes it along
                return
            self._inbox = [chunk]
        self.loop._queue(self._drain_inbox)

    def send_file(self, file: HasFileno, offset: int = 0, count: int | None = None) -> None:
        """Send a part of a file, in order with what ``send`` sends. Any thread.

        ``count`` bytes, or None for all up to the end as it is now. The kernel copies them; with
        TLS they are read and encrypted piece by piece: memory stays small either way. Its bytes
        count for the water marks. ``file`` may be closed at once, but should not be changed; if it
        gets shorter, the connection is closed with an ``error``. A slow disk stops the loop.
        Raises ValueError for what is not a part of a regular file, TypeError for a path, and
        OSError.
        """
        part = FilePart(file, offset, count)
        if threading.get_ident() == self.loop.thread_id:
            self._send_file_in_loop(part)
            return
        with self._inbox_lock:
            if self._sealed:
                part.close()
                return
            if self._inbox is not None:
                self._inbox.append(part)
                return
            self._inbox = [part]
        self.loop._queue(self._drain_inbox)

    def _drain_inbox(self) -> None:
        with self._inbox_lock:
            chunks, self._inbox = self._inbox, None
        if not chunks:
            return
        try:
            data = b"".join(chunks)  # type: ignore[arg-type]
        except TypeError:  # a file is among them
            for chunk in chunks:
                if isinstance(chunk, FilePart):
                    self._send_file_in_loop(chunk)
                else:
                    self._send_in_loop(chunk)
            return
        self._send_in_loop(data)

    def _send_file_in_loop(self, part: FilePart) -> None:
        if self._state is not _CONNECTED or not part:
            part.close()
            self._send_in_loop(b"")  # tells of write-complete as for empty bytes
            return
        output = self._output
        if not isinstance(output, FileOutput):
            if output is None:
                self.drained_at = self.loop.poll_return_time
            output = self._output = self._make_file_output(output)
        before = len(output)
        output.append_file(part)
        self._channel.enable_writing()
        waiting = len(output)
        if before < self._high_water_mark <= waiting and self._high_water_callback is not None:
            self._queue_water_mark(self._high_water_callback, waiting)

    def _make_file_output(self, waiting: Buffer | None) -> FileOutput:
        return FileOutput(waiting)

    def _send_in_loop(self, data: bytes | bytearray | memoryview) -> None:
        if self._state is not _CONNECTED:
            return
        sent = 0
        output = self._output
        if output is None:
            try:
                sent = self._send(data)
            except BlockingIOError:
                pass
            except OSError as exc:
                self._write_failed(exc)
                return
            self.bytes_sent += sent
            if sent == len(data):
                if self._write_complete_callback is not None:
                    self._queue_write_complete()
                return
            output = self._output = Buffer()
            self.drained_at = self.loop.poll_return_time
        before = len(output)
        output.append(memoryview(data)[sent:] if sent else data)
        self._channel.enable_writing()
        waiting = len(output)
        if before < self._high_water_mark <= waiting and self._high_water_callback is not None:
            self._queue_water_mark(self._high_water_callback, waiting)

    def _handle_write(self) -> None:
        output = self._output
        if output is None:
            self._channel.disable_writing()
            return
        before = len(output)
        try:
            self.bytes_sent += output.write_to(self._socket)
        except BlockingIOError:
            return
        except OSError as exc:
            self._write_failed(exc)
            return
        self.drained_at = self.loop.poll_return_time
        waiting = len(output)
        if waiting <= self._low_water_mark < before and self._low_water_callback is not None:
            self._queue_water_mark(self._low_water_callback, waiting)
        if waiting:
            return
        self._output = None
        self._channel.disable_writing()
        if self._write_complete_callback is not None:
            self._queue_write_complete()
        if self._state is State.DISCONNECTING:
            self._finish_sending()

    def _write_failed(self, exc: OSError) -> None:
        # Not closed on the spot: the caller of send() may be in the middle of something. But
        # whoever asks whether what was sent has gone out must not be told so. It may send more
        # until then, and all of that fails, too.
        if self._broken:
            return
        self._broken = True
        log.info("%s: send: %s", self.name, exc)
        self._note(exc)
        self._seal()
        self.loop._queue(self._handle_close)

    def _queue_write_complete(self) -> None:
        callback = self._write_complete_callback
        if callback is not None:
            self.loop._queue(lambda: self._call(callback, self))

    def _queue_water_mark(self, callback: WaterMarkCallback[ContextT], waiting: int) -> None:
        self.loop._queue(lambda: self._call(callback, self, waiting))

    # ------------------------------------------------------------------ receiving

    def stop_read(self) -> None:
        """Leave arriving bytes in the kernel, so that the peer has to wait. Any thread.

        A peer that resets meanwhile is noticed by the next send or start_read.
        """
        self.loop.run_in_loop(self._stop_read_in_loop)

    def start_read(self) -> None:
        """Undo ``stop_read``. Any thread."""
        self.loop.run_in_loop(self._start_read_in_loop)

    def _stop_read_in_loop(self) -> None:
        if self._state is not State.DISCONNECTED:
            self._channel.disable_reading()

    def _start_read_in_loop(self) -> None:
        alive = self._state in (State.CONNECTED, State.DISCONNECTING)
        if alive and not self._peer_finished:
            self._channel.enable_reading()

    def _handle_read(self) -> None:
        try:
            count = self._recv_into(self._scratch)
        except BlockingIOError:
            return
        except OSError as exc:
            log.info("%s: recv: %s", self.name, exc)
            self._note(exc)
            self._handle_close()
            return
        if not count:
            self._handle_end_of_file()
            return
        self.bytes_received += count
        self.received_at = when = self.loop.poll_return_time
        buffer = self._input_buffer
        buffer.append(bytes(self._scratch[:count]))
        try:
            self._message_callback(self, buffer, when)
        except BaseException as exc:  # noqa: BLE001 - contained
            self.loop.contain(exc, "%s: message callback raised; closing", self.name)
            self._handle_close()

    def _handle_end_of_file(self) -> None:
        if self._half_close_callback is None:
            self._handle_close()
            return
        self._peer_finished = True
        self._channel.disable_reading()
        if self._state is _CONNECTED:
            self._call(self._half_close_callback, self)
        elif self._output is None:
            self._handle_close()

    # ------------------------------------------------------------------ coming and going

    def establish(self) -> None:
        """Begin to work and report UP; called once by who made the connection. Loop thread."""
        self.loop.assert_in_loop_thread()
        self._become(State.CONNECTED)
        self.loop.connections += 1
        self._channel.enable_reading()
        self._call(self._connection_callback, self)

    def dismiss(self, farewell: ConnectionCallback[ContextT]) -> None:
        """The server stops: run ``farewell``, if the connection is up. For its owner; loop."""
        if self._state is _CONNECTED:
            self._call(farewell, self)
        else:
            self.shutdown()  # means something in the middle of a TLS handshake

    def shutdown(self) -> None:
        """Send what is waiting, then end-of-file; reading goes on until the peer closes.

        Later sends are dropped. Idempotent. Any thread.
        """
        self._seal()
        self.loop.run_in_loop(self._shutdown_in_loop)

    def force_close(self) -> None:
        """Close soon, dropping what waits to be sent. Idempotent. Any thread."""
        self._seal()
        self.loop._queue(self._handle_close)

    def force_close_after(self, seconds: float) -> None:
        """``force_close`` in a while, unless the connection has gone by then. Any thread."""
        try:
            self.loop.run_after(seconds, self.force_close)
        except LoopError:  # its loop is closed, and so the connection has gone
            pass

    def _seal(self) -> None:
        with self._inbox_lock:
            self._sealed = True

    def _shutdown_in_loop(self) -> None:
        self._drain_inbox()  # sent before shutdown() was called, so it goes before the end
        if self._state is not _CONNECTED:
            return
        self._become(State.DISCONNECTING)
        if self._output is None:
            self._finish_sending()

    def _finish_sending(self) -> None:
        if self._peer_finished:
            self._handle_close()
            return
        try:
            self._socket.shutdown(socket.SHUT_WR)
        except OSError as exc:  # reset meanwhile
            log.info("%s: shutdown: %s", self.name, exc)
            self._note(exc)
            self._handle_close()

    def _handle_error(self) -> None:
        log.info("%s: %s", self.name, self._note(self._socket_error()))
        self._handle_close()

    def _handle_hangup(self) -> None:
        """Nothing is left to read, and nothing can be sent: an orderly end, or a reset."""
        error = self._socket_error()
        if error.errno:
            self._note(error)
        self._handle_close()

    def _socket_error(self) -> OSError:
        number = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        return OSError(number, os.strerror(number))

    def _note(self, error: OSError) -> OSError:
        """The first error is the cause of the others."""
        if self.error is None:
            self.error = error
        return self.error

    def _handle_close(self) -> None:
        if self._state not in (State.CONNECTED, State.DISCONNECTING):
            return
        self._become(State.DISCONNECTED)
        self._seal()
        self._channel.disable_all()
        self.loop.connections -= 1
        try:
            self._call(self._connection_callback, self)
            self._close_callback(self)
        finally:
            # After this pass: until then no new connection can get this descriptor's number.
            self.loop._queue(self._release)

    def _release(self) -> None:
        self._socket.close()
        if isinstance(self._output, FileOutput):
            self._output.close()
        self._output = None
        # Bound methods of this object are held by its channel: cut the cycle, so that memory
        # goes with the last reference and does not wait for the garbage collector.
        self._channel = Channel(self.loop, -1)

    def _call(self, callback: Callable[..., object], *args: object) -> None:
        """Run a user's callback; one that raises costs this connection, not the process."""
        try:
            callback(*args)
        except BaseException as exc:  # noqa: BLE001 - contained
            self.loop.contain(exc, "%s: callback raised; closing", self.name)
            self.force_close()
