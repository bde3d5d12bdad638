"""TcpConnection: one established connection, which lives in one loop.

    CONNECTING ──establish──▶ CONNECTED ──shutdown──▶ DISCONNECTING
        │                         │                        │
        │                         └──── end of file, error, force_close ───▶ DISCONNECTED
        └──── TLS handshake failed, no UP and no DOWN ──────────────────────────▲

UP is reported on entering CONNECTED and DOWN on entering DISCONNECTED, once each, both in the
loop's thread. The descriptor is closed right after DOWN, even if references to the connection
remain.

Other threads may call ``send``, ``send_file``, ``shutdown``, ``force_close``, ``stop_read`` and
``start_read``. Their sends are collected and cross over to the loop together, so a burst costs one
wake-up and one system call.

The connection owns the socket, the channel and the input buffer. Its transport sends, and
encrypts if the connection has TLS (transport.py).
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import weakref
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, Generic

from muduopy.address import Address, address_of
from muduopy.buffer import Buffer
from muduopy.callbacks import (
    ConnectionCallback,
    ContextT,
    MessageCallback,
    WaterMarkCallback,
    WriteCompleteCallback,
    discard_message,
    ignore_connection,
)
from muduopy.channel import Channel
from muduopy.checks import check_callback, check_mark
from muduopy.connection_state import NEXT, State
from muduopy.errors import LoopError, StateError
from muduopy.event_loop import EventLoop
from muduopy.file_part import FilePart, HasFileno
from muduopy.send_queue import SendQueue
from muduopy.socket_options import SocketOptions
from muduopy.socket_transport import HIGH_WATER_MARK, SocketTransport
from muduopy.tls_settings import TlsSettings
from muduopy.transport import Transport

if TYPE_CHECKING:
    import ssl

    from muduopy.tls_transport import TlsTransport

log = logging.getLogger(__name__)

# Each send reads it, and a global name is read faster than an enum member.
_CONNECTED = State.CONNECTED


def _force_close(reference: weakref.ref[TcpConnection[Any]]) -> None:
    connection = reference()
    if connection is not None:
        connection.force_close()


def _as_bytes(data: object) -> bytes | bytearray | memoryview:
    """The bytes of an argument of ``send``. Raises TypeError if it has none."""
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
    # The transport needs a len() that counts bytes. That of an array of integers does not.
    return view if view.format == "B" and view.c_contiguous and view.ndim == 1 else view.tobytes()


class TcpConnection(SocketOptions, Generic[ContextT]):
    """Sends and receives bytes. Made by TcpServer and TcpClient, and handed to the callbacks.

    Attributes:
        loop: the loop it lives in.
        name: "server-ip:port#number", unique in the server.
        log_name: its name in log lines: ``name``, until you set another one. Loop thread.
        local_address, peer_address: both ends.
        context: a value of your program, which the library does not use. None until you set it, so
            write ``TcpConnection[Session | None]`` in code that may run before. Loop thread, by
            convention.
        bytes_received: the number of bytes that have arrived; with TLS, encrypted bytes. Any
            thread; the loop changes it.
        received_at: the time at which bytes last arrived, in monotonic seconds; at first, the time
            of the construction.
        was_up: whether UP was reported, which it is not if the TLS handshake fails. Any thread; the
            loop changes it.
        error: the cause of the end, for the DOWN callback: a reset, a failed send, a TLS error.
            With TLS, an ``ssl.SSLEOFError`` means that the peer ended without close_notify, so
            its last bytes may be missing. None after an orderly end. Loop thread.
    """

    __slots__ = (
        "__weakref__",
        "_broken",
        "_channel",
        "_close_callback",
        "_connection_callback",
        "_half_close_callback",
        "_high_water_callback",
        "_input_buffer",
        "_low_water_callback",
        "_message_callback",
        "_output",
        "_peer_finished",
        "_recv_into",
        "_scratch",
        "_send_queue",
        "_state",
        "_tls",
        "_transport",
        "_write_complete_callback",
        "bytes_received",
        "context",
        "error",
        "local_address",
        "log_name",
        "loop",
        "name",
        "peer_address",
        "received_at",
        "was_up",
    )

    def __init__(
        self,
        loop: EventLoop,
        sock: socket.socket,
        name: str,
        peer: Address,
        tls: TlsSettings | None = None,
    ) -> None:
        """Takes over a connected, non-blocking socket. ``tls``: encrypt. Any thread."""
        self.loop = loop
        self.name = self.log_name = name
        self.local_address = address_of(sock.getsockname())
        self.peer_address = peer
        self.context: ContextT = None  # type: ignore[assignment]
        self._input_buffer = Buffer()
        self.bytes_received = 0
        self._scratch = loop.scratch
        self._socket = sock
        self._recv_into = sock.recv_into
        self._state = State.CONNECTING
        self.received_at = loop.poll_return_time
        self.was_up = False
        self.error: OSError | None = None
        self._peer_finished = False
        self._send_queue = SendQueue()  # sealed by shutdown and force_close
        self._broken = False  # sending has failed, and the end is queued
        self._connection_callback: ConnectionCallback[ContextT] = ignore_connection
        self._message_callback: MessageCallback[ContextT] = discard_message
        self._write_complete_callback: WriteCompleteCallback[ContextT] | None = None
        self._high_water_callback: WaterMarkCallback[ContextT] | None = None
        self._low_water_callback: WaterMarkCallback[ContextT] | None = None
        self._half_close_callback: ConnectionCallback[ContextT] | None = None
        self._close_callback: Callable[[TcpConnection[ContextT]], object] = ignore_connection
        self._channel = channel = Channel(loop, sock.fileno())
        self._output = SocketTransport(loop, sock, channel, self)
        self._transport: Transport = self._output
        self._tls: TlsTransport | None = None
        if tls is not None:
            from muduopy.tls_transport import TlsTransport  # ssl costs 10 ms to import

            self._transport = self._tls = TlsTransport(
                tls, loop, self._output, self._input_buffer, self
            )
        channel.read_callback = self._handle_read
        channel.write_callback = self._output.handle_write
        channel.close_callback = self._handle_hangup
        channel.error_callback = self._handle_error
        # As in muduo: the kernel's probes find out in the end that a peer has vanished.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)

    def __repr__(self) -> str:
        return f"<TcpConnection {self.name} {self._state.value} peer={self.peer_address}>"

    # ------------------------------------------------------------------ set-up

    def set_connection_callback(self, callback: ConnectionCallback[ContextT]) -> None:
        """For UP and DOWN. Loop thread, or before the connection is up.

        This and the other setters raise WrongThreadError in other threads, and TypeError unless
        the callback is a function, also for ``async def`` functions.
        """
        self._check_setter(callback, "the connection callback")
        self._connection_callback = callback

    def set_message_callback(self, callback: MessageCallback[ContextT]) -> None:
        """For arriving bytes. Loop thread, or before the connection is up."""
        self._check_setter(callback, "the message callback")
        self._message_callback = callback

    def set_write_complete_callback(self, callback: WriteCompleteCallback[ContextT] | None) -> None:
        """Queued each time the kernel has taken all output. Loop thread, or before it is up.

        As it is queued, it may run after DOWN. Example: the kernel takes the last bytes, and the
        peer resets the connection in the same pass.
        """
        self._check_setter(callback, "the write-complete callback", or_none=True)
        self._write_complete_callback = callback
        self._output.reports_written = callback is not None

    def set_high_water_callback(
        self, callback: WaterMarkCallback[ContextT] | None, mark: int = HIGH_WATER_MARK
    ) -> None:
        """Queued when the waiting output rises to ``mark`` bytes. Loop thread, or before."""
        self._check_setter(callback, "the high-water callback", or_none=True)
        check_mark(mark)
        self._high_water_callback = callback
        self._output.high_water_mark = mark

    def set_low_water_callback(
        self, callback: WaterMarkCallback[ContextT] | None, mark: int = 0
    ) -> None:
        """Queued when the waiting output falls to ``mark`` bytes. Loop thread, or before."""
        self._check_setter(callback, "the low-water callback", or_none=True)
        check_mark(mark)
        self._low_water_callback = callback
        self._output.low_water_mark = mark

    def set_half_close_callback(self, callback: ConnectionCallback[ContextT] | None) -> None:
        """For a peer that has finished sending but may still read.

        None: close at once, dropping output, as muduo does. Otherwise the connection stays up
        until ``shutdown`` is called, in the callback or later. Loop thread, or before.
        """
        self._check_setter(callback, "the half-close callback", or_none=True)
        self._half_close_callback = callback

    def set_close_callback(self, callback: Callable[[TcpConnection[ContextT]], object]) -> None:
        """For the owner, which forgets the connection; runs after DOWN. Before it is up.

        It also runs after a failed TLS handshake. Raises StateError once the connection is up.
        """
        check_callback(callback, "the close callback")
        if self._state is not State.CONNECTING:
            raise StateError(f"set_close_callback() on {self!r}: use the connection callback")
        self._close_callback = callback

    def set_read_size(self, size: int) -> None:
        """Take at most ``size`` bytes from the kernel at once; up to ``READ_CHUNK``, the default.

        With a smaller size, a busy connection delays the others of its loop less. Loop thread, or
        before it is up. Raises WrongThreadError in other threads, ValueError below 1.
        """
        if self._state is not State.CONNECTING:
            self.loop.assert_in_loop_thread()
        if size < 1:
            raise ValueError(f"a read size of {size} bytes must be at least 1")
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
        """The present state. Any thread; only the loop's own thread can rely on it."""
        return self._state

    @property
    def connected(self) -> bool:
        """Whether the state is CONNECTED. Any thread; only the loop's own thread can rely on it."""
        return self._state is _CONNECTED

    @property
    def closing(self) -> bool:
        """Whether ``shutdown`` or ``force_close`` was called, or it is down. Any thread."""
        return self._send_queue.sealed

    @property
    def input_buffer(self) -> Buffer:
        """The bytes that have arrived and were not retrieved yet.

        Loop thread, or before the connection is up. Raises WrongThreadError in other threads.
        """
        if self._state is not State.CONNECTING:
            self.loop.assert_in_loop_thread()
        return self._input_buffer

    @property
    def message_callback(self) -> MessageCallback[ContextT]:
        """The present message callback. Loop thread."""
        return self._message_callback

    @property
    def tls(self) -> ssl.SSLObject | None:
        """The TLS layer, for the peer's certificate or the ALPN protocol; None for plain TCP.

        From UP on. Loop thread.
        """
        return self._tls.ssl_object if self._tls is not None else None

    @property
    def _handshake_refused(self) -> bool:
        """Whether the connection failed before the peer's program sent a byte.

        That counts as a failed handshake. Example, in TLS 1.3: a client without a certificate
        finishes its handshake and comes up. Then the server looks for the certificate, and refuses
        the client. For TcpClient. Loop thread.
        """
        return self._tls is not None and self.error is not None and not self._tls.heard

    @property
    def is_reading(self) -> bool:
        """Whether arriving bytes are read: False after ``stop_read``. Loop thread."""
        return self._channel.is_reading

    @property
    def output_bytes(self) -> int:
        """The number of bytes that the kernel has not taken yet. Loop thread."""
        waiting = self._output.waiting
        return len(waiting) if waiting is not None else 0

    @property
    def unsent_bytes(self) -> int:
        """``output_bytes``, plus the bytes that the kernel has not sent yet. Loop thread.

        At 0, the next ``send`` leaves in a segment of its own (with TCP_NODELAY). The kernel's
        part is known for TCP on Linux, and counts as 0 elsewhere.
        """
        if self._state is State.DISCONNECTED:
            return self.output_bytes
        return self._output.unsent_bytes()

    @property
    def bytes_sent(self) -> int:
        """The number of bytes that the kernel has taken; with TLS, encrypted bytes. Any thread."""
        return self._output.bytes_sent

    @property
    def drained_at(self) -> float:
        """The last time that the kernel took waiting output, in monotonic seconds. Any thread."""
        return self._output.drained_at

    def _become(self, state: State) -> None:
        if state not in NEXT[self._state]:
            raise StateError(f"{self!r} cannot become {state.value}")
        self._state = state

    # ------------------------------------------------------------------ sending

    def send(self, data: bytes | bytearray | memoryview | Buffer) -> None:
        """Send, in the order of the calls. Any thread.

        A Buffer is emptied. Bytes that the kernel does not take at once wait in memory; the
        water-mark callbacks tell how many. If the connection is not up, the bytes are dropped
        without an error, as DOWN reports the end. Raises TypeError for objects without bytes; a
        ``str`` has to be encoded.
        """
        if type(data) is not bytes:
            data = _as_bytes(data)
        if threading.get_ident() == self.loop.thread_id:
            if self._state is _CONNECTED:
                self._transport.send(data)
            return
        if self._send_queue.put(data if type(data) is bytes else bytes(data)):
            self.loop._queue(self._take_queued_sends)

    def send_file(
        self, file: HasFileno | FilePart, offset: int = 0, count: int | None = None
    ) -> None:
        """Send a part of a file, in order with the bytes of ``send``. Any thread.

        ``count`` bytes, or None for all up to the present end. The kernel copies them; with TLS
        they are read and encrypted piece by piece. Memory stays small in both cases. They count
        for the water marks. ``file`` may be closed at once, but should not be changed: if it gets
        shorter, the connection is closed with an ``error``. A slow disk stops the loop. Raises
        ValueError unless it is a regular file that has these bytes, TypeError for a path, and
        OSError.
        """
        part = file if isinstance(file, FilePart) else FilePart(file, offset, count)
        if threading.get_ident() == self.loop.thread_id:
            self._send_file_in_loop(part)
            return
        if self._send_queue.put(part):
            self.loop._queue(self._take_queued_sends)

    def _take_queued_sends(self) -> None:
        for chunk in self._send_queue.take():
            if isinstance(chunk, FilePart):
                self._send_file_in_loop(chunk)
            elif self._state is _CONNECTED:
                self._transport.send(chunk)

    def _send_file_in_loop(self, part: FilePart) -> None:
        if self._state is _CONNECTED and part:
            self._transport.send_file(part)
            return
        part.close()
        if self._state is _CONNECTED:
            self._transport.send(b"")  # reports write-complete, as for other empty bytes

    # ------------------------------------------------------------------ reports of the transport

    def _output_written(self) -> None:
        callback = self._write_complete_callback
        # The handshake's bytes are not the user's.
        if callback is not None and self._state is not State.CONNECTING:
            self.loop._queue(lambda: self._call(callback, self))

    def _output_emptied(self) -> None:
        self._output_written()
        if self._state is State.DISCONNECTING:
            self._finish_sending()

    def _output_rose(self, waiting: int) -> None:
        if self._high_water_callback is not None:
            self._queue_water_mark(self._high_water_callback, waiting)

    def _output_fell(self, waiting: int) -> None:
        if self._low_water_callback is not None:
            self._queue_water_mark(self._low_water_callback, waiting)

    def _queue_water_mark(self, callback: WaterMarkCallback[ContextT], waiting: int) -> None:
        self.loop._queue(lambda: self._call(callback, self, waiting))

    def _sending_failed(self, error: OSError) -> None:
        if self._state is State.CONNECTING:
            self._give_up(error)
            return
        # DOWN is queued, because the caller of send() may be in the middle of its work. Until DOWN
        # runs, further sends fail as well, and the connection must not report them as written.
        if self._broken:
            return
        self._broken = True
        log.info("%s: send: %s", self.log_name, error)
        self._note(error)
        self._send_queue.seal()
        self.loop._queue(self._handle_close)

    # ------------------------------------------------------------------ receiving

    def stop_read(self) -> None:
        """Leave arriving bytes in the kernel, so that the peer has to wait. Any thread.

        Meanwhile a reset by the peer is noticed only at the next send or start_read.
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
            log.info("%s: recv: %s", self.log_name, exc)
            self._note(exc)
            self._handle_close()
            return
        self.bytes_received += count
        if self._tls is not None:
            self._tls.receive(self._scratch[:count])
            return
        if not count:
            self._handle_end_of_file()
            return
        self.received_at = when = self.loop.poll_return_time
        buffer = self._input_buffer
        buffer.append(bytes(self._scratch[:count]))
        try:
            self._message_callback(self, buffer, when)
        except BaseException as exc:  # noqa: BLE001 - contained
            self.loop.contain(exc, "%s: message callback raised; closing", self.log_name)
            self._handle_close()

    def _deliver(self) -> None:
        """Hand over decrypted bytes, as ``_handle_read`` does with plain ones."""
        self.received_at = when = self.loop.poll_return_time
        try:
            self._message_callback(self, self._input_buffer, when)
        except BaseException as exc:  # noqa: BLE001 - contained
            self.loop.contain(exc, "%s: message callback raised; closing", self.log_name)
            self._handle_close()

    def _handle_end_of_file(self) -> None:
        if self._half_close_callback is None:
            if self._state is _CONNECTED:
                self._transport.send_end()  # bytes that the kernel does not take at once are lost
            self._handle_close()
            return
        self._peer_finished = True
        self._channel.disable_reading()
        if self._state is _CONNECTED:
            self._call(self._half_close_callback, self)
        elif self._output.waiting is None:
            self._handle_close()

    # ------------------------------------------------------------------ coming and going

    def establish(self) -> None:
        """Report UP and begin to read; with TLS, after the handshake, which begins here.

        For the owner, once. Loop thread.
        """
        self.loop.assert_in_loop_thread()
        if self._tls is None:
            self._come_up()
        elif self._state is State.CONNECTING:
            self._channel.enable_reading()
            self._tls.start()

    def _come_up(self) -> None:
        self._become(State.CONNECTED)
        self.was_up = True
        self.loop.connections += 1
        self._channel.enable_reading()
        self._call(self._connection_callback, self)

    def dismiss(self, farewell: ConnectionCallback[ContextT]) -> None:
        """Run ``farewell``, if the connection is up: its server stops. For the owner; loop thread.

        A TLS handshake that is under way is given up.
        """
        if self._state is _CONNECTED:
            self._call(farewell, self)
        else:
            self.shutdown()

    def shutdown(self) -> None:
        """Send the waiting output, then end-of-file. Reading goes on until the peer closes.

        Later sends are dropped. Idempotent. Any thread.
        """
        self._send_queue.seal()
        self.loop.run_in_loop(self._shutdown_in_loop)

    def force_close(self) -> None:
        """Close in the next pass, and drop the waiting output. Idempotent. Any thread."""
        self._send_queue.seal()
        self.loop._queue(self._handle_close)

    def force_close_after(self, seconds: float) -> None:
        """``force_close`` in ``seconds``, unless the connection is down by then. Any thread."""
        # A weak reference: a connection that is down by then must not wait for its timer in memory.
        try:
            self.loop.run_after(seconds, partial(_force_close, weakref.ref(self)))
        except LoopError:  # its loop is closed, so the connection is down
            pass

    def _shutdown_in_loop(self) -> None:
        if self._tls is not None and self._state is State.CONNECTING:
            self._give_up(ConnectionAbortedError("closed during the handshake"))
            return
        self._take_queued_sends()  # sent before shutdown() was called, so it goes before the end
        if self._state is not _CONNECTED:
            return
        self._transport.send_end()
        self._become(State.DISCONNECTING)
        if self._output.waiting is None:
            self._finish_sending()

    def _finish_sending(self) -> None:
        if self._peer_finished:
            self._handle_close()
            return
        try:
            self._socket.shutdown(socket.SHUT_WR)
        except OSError as exc:  # the peer has reset the connection
            log.info("%s: shutdown: %s", self.log_name, exc)
            self._note(exc)
            self._handle_close()

    def _handle_error(self) -> None:
        log.info("%s: %s", self.log_name, self._note(self._socket_error()))
        self._handle_close()

    def _handle_hangup(self) -> None:
        """Both directions are closed and nothing is left to read: an orderly end, or a reset."""
        error = self._socket_error()
        if error.errno:
            self._note(error)
        self._handle_close()

    def _socket_error(self) -> OSError:
        number = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        return OSError(number, os.strerror(number))

    def _note(self, error: OSError) -> OSError:
        """Keep the first error, because it is the cause of later ones. Returns it."""
        if self.error is None:
            self.error = error
        return self.error

    def _give_up(self, reason: OSError) -> None:
        """The TLS handshake has failed. There was no UP, so there is no DOWN."""
        if self._state is not State.CONNECTING:
            return
        log.info("%s: TLS handshake with %s failed: %s", self.log_name, self.peer_address, reason)
        self._note(reason)
        self._go_down(ignore_connection)

    def _handle_close(self) -> None:
        if self._state in (State.CONNECTED, State.DISCONNECTING):
            self.loop.connections -= 1
            self._go_down(self._connection_callback)
        elif self._tls is not None:
            self._give_up(self.error or ConnectionResetError("the peer has gone"))

    def _go_down(self, down_callback: ConnectionCallback[ContextT]) -> None:
        self._become(State.DISCONNECTED)
        self._send_queue.seal()
        self._channel.disable_all()
        if self._tls is not None:
            self._tls.close()
        try:
            self._call(down_callback, self)
            self._close_callback(self)
        finally:
            # After this pass: until then no new connection can get this descriptor's number, and
            # with it an old event. event_loop.py has an example.
            self.loop._queue(self._release)

    def _release(self) -> None:
        self._socket.close()
        self._output.close()
        if self._tls is not None:
            self._tls.release()
        # The channel holds bound methods of this object. Without that cycle, the memory is freed
        # with the last reference, and not only by the garbage collector.
        self._channel = Channel(self.loop, -1)

    def _call(self, callback: Callable[..., object], *args: object) -> None:
        """Run a user's callback. If it raises, this connection is closed and the loop goes on."""
        try:
            callback(*args)
        except BaseException as exc:  # noqa: BLE001 - contained
            self.loop.contain(exc, "%s: callback raised; closing", self.log_name)
            self.force_close()
