"""TlsConnection: a TcpConnection whose bytes are encrypted.

    CONNECTING ──handshake──▶ CONNECTED …                (as in TcpConnection from here on)
        └── handshake failed or took too long ──▶ DISCONNECTED, without UP and DOWN

OpenSSL works on two memory buffers, never on the socket. So nothing of the plain connection
changes: what is waiting to be sent is ciphertext, and there is no "want read" in the middle of a
write. One read from the socket may hold many TLS records; they reach the callback together.
"""

from __future__ import annotations

import logging
import socket
import ssl
from collections.abc import Callable

from muduopy.address import Address
from muduopy.buffer import Buffer
from muduopy.callbacks import ContextT
from muduopy.event_loop import EventLoop
from muduopy.file_output import FileOutput
from muduopy.tcp_connection import State, TcpConnection
from muduopy.timer_queue import Timer
from muduopy.tls_file_output import TlsFileOutput

log = logging.getLogger(__name__)

RECORD = 16 * 1024
"""The most that a TLS record holds, in bytes."""

HandshakeFailed = Callable[["TlsConnection", OSError], object]


def check_context(
    context: ssl.SSLContext, *, server_side: bool, server_hostname: str | None = None
) -> None:
    """Raise TypeError or ValueError for arguments with which every handshake would fail.

    The first connection would be too late: a server would only log it. Any thread.
    """
    if not isinstance(context, ssl.SSLContext):
        raise TypeError(f"tls takes an ssl.SSLContext, not {type(context).__name__}")
    if server_hostname is not None and not isinstance(server_hostname, str):
        raise TypeError(f"server_hostname is a str, not {type(server_hostname).__name__}")
    # wrap_socket() refuses this, but wrap_bio() takes it and then checks no name at all.
    if context.check_hostname and server_hostname is None and not server_side:
        raise ValueError(
            "the TLS context checks the name in the certificate: say server_hostname=NAME, or "
            "connect to a HostAddress"
        )
    try:
        context.wrap_bio(
            ssl.MemoryBIO(),
            ssl.MemoryBIO(),
            server_side=server_side,
            server_hostname=server_hostname,
        )
    except ssl.SSLError as exc:
        purpose = "CLIENT_AUTH" if server_side else "SERVER_AUTH"
        raise ValueError(
            f"{exc.reason or exc}: use ssl.create_default_context(ssl.Purpose.{purpose})"
        ) from exc
    except ValueError as exc:
        raise ValueError(f"server_hostname={server_hostname!r}: {exc}") from exc


class TlsConnection(TcpConnection[ContextT]):
    """Made by TcpServer and TcpClient when they are given an ``ssl.SSLContext``.

    UP is reported once the handshake is done; until then ``tls`` tells nothing. Water marks
    count encrypted bytes. ``shutdown`` says so in TLS, too (close_notify). A peer that ends the
    TCP connection without that may have been cut off: ``error`` is an ``ssl.SSLEOFError`` then,
    in the half-close callback and at DOWN.
    """

    __slots__ = ("_failed", "_heard", "_incoming", "_outgoing", "_timer", "_tls")

    def __init__(
        self,
        loop: EventLoop,
        sock: socket.socket,
        name: str,
        peer: Address,
        context: ssl.SSLContext,
        *,
        server_side: bool,
        server_hostname: str | None = None,
        handshake_seconds: float,
    ) -> None:
        """Takes over a connected, non-blocking socket. Any thread."""
        super().__init__(loop, sock, name, peer)
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls = context.wrap_bio(
            self._incoming, self._outgoing, server_side=server_side, server_hostname=server_hostname
        )
        self._failed: HandshakeFailed = _ignore
        self._heard = False  # bytes of the peer's program have come
        self._timer: Timer | None = loop.run_after(handshake_seconds, self._handshake_timed_out)

    @property
    def tls(self) -> ssl.SSLObject | None:
        return self._tls

    @property
    def refused(self) -> bool:
        """It failed before the peer's program sent a byte: as good as a failed handshake.

        In TLS 1.3 a client's handshake is over before the server looks at its certificate, so a
        refusal comes after UP. Loop thread.
        """
        return self.error is not None and not self._heard

    def set_handshake_failed_callback(self, callback: HandshakeFailed) -> None:
        """For the owner: there will be no UP. Runs before the close callback. Before establish."""
        self._failed = callback

    # ------------------------------------------------------------------ handshake

    def establish(self) -> None:
        """Begin the handshake; UP is reported when it is done. Loop thread."""
        self.loop.assert_in_loop_thread()
        self._channel.enable_reading()
        self._shake_hands()

    def _shake_hands(self) -> None:
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            self._flush()
            return
        except OSError as exc:  # ssl.SSLError is one
            self._flush()  # the alert that tells the peer why
            self._give_up(exc)
            return
        self._flush()
        if self._state is not State.CONNECTING:  # sending has failed
            return
        self._cancel_timer()
        super().establish()
        if self.connected:
            self._receive()  # what came in one segment with the end of the handshake

    def _flush(self) -> None:
        """Send what OpenSSL has produced by itself."""
        data = self._outgoing.read()
        if not data or self._state is State.DISCONNECTED:
            return
        if self._output is None:
            self._output = Buffer()
        if isinstance(self._output, TlsFileOutput):
            self._output.append_encrypted(data)
        else:
            self._output.append(data)
        self._channel.enable_writing()
        self._handle_write()

    def _queue_write_complete(self) -> None:
        if self._state is not State.CONNECTING:  # the handshake is none of the user's writes
            super()._queue_write_complete()

    def _write_failed(self, exc: OSError) -> None:
        if self._state is State.CONNECTING:
            self._give_up(exc)
        else:
            super()._write_failed(exc)

    def _handshake_timed_out(self) -> None:
        self._give_up(TimeoutError("TLS handshake timed out"))

    def _give_up(self, reason: OSError) -> None:
        if self._state is not State.CONNECTING:
            return
        log.info("%s: TLS handshake with %s failed: %s", self.name, self.peer_address, reason)
        self._note(reason)
        self._become(State.DISCONNECTED)
        self._seal()
        self._cancel_timer()
        self._channel.disable_all()
        try:
            self._failed(self, reason)
            self._close_callback(self)
        finally:
            self.loop._queue(self._release)

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self.loop.cancel(self._timer)
            self._timer = None

    # ------------------------------------------------------------------ bytes

    def _send_in_loop(self, data: bytes | bytearray | memoryview) -> None:
        if self._state is not State.CONNECTED or not data:
            return
        if isinstance(self._output, TlsFileOutput):  # behind a file: encrypted when its turn comes
            super()._send_in_loop(data)
            return
        try:
            encrypted = self._encrypt(data)
        except ssl.SSLError as exc:
            self._write_failed(exc)
            return
        super()._send_in_loop(encrypted)

    def _make_file_output(self, waiting: Buffer | None) -> FileOutput:
        return TlsFileOutput(waiting, self._encrypt, self._goodbye)

    def _encrypt(self, data: bytes | bytearray | memoryview) -> bytes:
        self._tls.write(data)
        return self._outgoing.read()

    def _handle_read(self) -> None:
        try:
            count = self._recv_into(self._scratch)
        except BlockingIOError:
            return
        except OSError as exc:
            log.info("%s: recv: %s", self.name, exc)
            self._note(exc)
            self._lost(exc)
            return
        if count:
            self.bytes_received += count
            self._incoming.write(self._scratch[:count])
        else:
            self._incoming.write_eof()
        if self._state is State.CONNECTING:
            self._shake_hands()
        else:
            self._receive()

    def _receive(self) -> None:
        buffer = self.input_buffer
        before = len(buffer)
        ended = False
        try:
            while data := self._tls.read(RECORD):
                buffer.append(data)
            ended = True  # close_notify
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            ended = True
        except ssl.SSLEOFError as exc:
            log.info("%s: ended without close_notify", self.name)
            self._note(exc)
            ended = True
        except ssl.SSLError as exc:
            log.info("%s: TLS: %s", self.name, exc)
            self._note(exc)
            self._flush()
            self._handle_close()
            return
        self._flush()  # answers to key updates
        if len(buffer) > before:
            self._hand_over(buffer)
        if ended and self._state in (State.CONNECTED, State.DISCONNECTING):
            if self._half_close_callback is None and self._state is State.CONNECTED:
                self._say_goodbye()  # in answer; what the kernel does not take at once is lost
            self._handle_end_of_file()

    def _hand_over(self, buffer: Buffer) -> None:
        self._heard = True
        self.received_at = when = self.loop.poll_return_time
        try:
            self._message_callback(self, buffer, when)
        except BaseException as exc:  # noqa: BLE001 - contained
            self.loop.contain(exc, "%s: message callback raised; closing", self.name)
            self._handle_close()

    # ------------------------------------------------------------------ going

    def _shutdown_in_loop(self) -> None:
        if self._state is State.CONNECTING:
            self._give_up(ConnectionAbortedError("closed during the handshake"))
            return
        self._drain_inbox()
        if self._state is State.CONNECTED:
            self._say_goodbye()
        super()._shutdown_in_loop()

    def _say_goodbye(self) -> None:
        if isinstance(self._output, TlsFileOutput):
            self._output.append_goodbye()
        else:
            super()._send_in_loop(self._goodbye())

    def _goodbye(self) -> bytes:
        try:
            self._tls.unwrap()
        except ssl.SSLError:  # wants to read the peer's goodbye: we do that as always
            pass
        return self._outgoing.read()

    def _lost(self, reason: OSError) -> None:
        if self._state is State.CONNECTING:
            self._give_up(reason)
        else:
            super()._handle_close()

    def _handle_close(self) -> None:
        self._lost(ConnectionResetError("the peer has gone"))

    def _handle_error(self) -> None:
        if self._state is State.CONNECTING:
            self._give_up(self._socket_error())
        else:
            super()._handle_error()


def _ignore(connection: TlsConnection, reason: OSError) -> None:
    pass
