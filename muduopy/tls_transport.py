"""TlsTransport: encrypts the bytes of a connection.

OpenSSL works on two memory buffers, never on the socket:

    send ──▶ SSLObject ──▶ _leaving ──▶ SocketTransport.send
    receive ──▶ _arriving ──▶ SSLObject ──▶ the connection's input buffer

So the waiting output of the SocketTransport is encrypted, and a write never has to wait for a
read. One read from the socket may hold many TLS records; they reach the message callback together.
"""

from __future__ import annotations

import logging
import ssl

from muduopy.buffer import Buffer
from muduopy.event_loop import EventLoop
from muduopy.file_output import FileOutput
from muduopy.file_part import FilePart
from muduopy.socket_transport import SocketTransport
from muduopy.timer_queue import Timer
from muduopy.tls_file_output import TlsFileOutput
from muduopy.tls_settings import TlsSettings
from muduopy.transport import TransportOwner

log = logging.getLogger(__name__)

RECORD = 16 * 1024
"""The most that a TLS record holds, in bytes."""


class TlsTransport:
    """A Transport in TLS: handshake, encryption, close_notify. Loop thread.

    It owns neither the SocketTransport below it nor the connection's input buffer.

    Attributes:
        ssl_object: the TLS machine, with the peer's certificate and the ALPN protocol.
        heard: whether the peer's program has sent bytes.
    """

    __slots__ = (
        "_arriving",
        "_closed",
        "_handshake_seconds",
        "_input_buffer",
        "_is_up",
        "_leaving",
        "_loop",
        "_output",
        "_owner",
        "_timer",
        "heard",
        "ssl_object",
    )

    def __init__(
        self,
        settings: TlsSettings,
        loop: EventLoop,
        output: SocketTransport,
        input_buffer: Buffer,
        owner: TransportOwner,
    ) -> None:
        """Encrypted bytes leave through ``output``; plain ones arrive in ``input_buffer``.

        Any thread.
        """
        self._loop = loop
        self._output = output
        self._input_buffer = input_buffer
        self._owner = owner
        self._arriving = ssl.MemoryBIO()
        self._leaving = ssl.MemoryBIO()
        self.ssl_object = settings.context.wrap_bio(
            self._arriving,
            self._leaving,
            server_side=settings.server_side,
            server_hostname=settings.server_hostname,
        )
        self.heard = False
        self._handshake_seconds = settings.handshake_seconds
        self._timer: Timer | None = None
        self._is_up = False  # the handshake is done
        self._closed = False

    def start(self) -> None:
        """Begin the handshake. The owner comes up when it is done, or gives up."""
        self._timer = self._loop.run_after(self._handshake_seconds, self._handshake_timed_out)
        self._shake_hands()

    def close(self) -> None:
        """The connection is down: no more events. Idempotent."""
        self._closed = True
        if self._timer is not None:
            self._loop.cancel(self._timer)
            self._timer = None

    def release(self) -> None:
        """Drop the reference to the owner, as ``SocketTransport.close`` does. After ``close``."""
        del self._owner

    # ------------------------------------------------------------------ sending

    def send(self, data: bytes | bytearray | memoryview) -> None:
        """Encrypt and send. No bytes make no record."""
        if not data:
            return
        if not isinstance(self._output.waiting, TlsFileOutput):
            try:
                data = self._encrypt(data)
            except ssl.SSLError as exc:
                self._owner._sending_failed(exc)
                return
        # Behind a file they wait unencrypted: records must leave in the order of encryption.
        self._output.send(data)

    def send_file(self, part: FilePart) -> None:
        """Encrypt the file piece by piece, as the socket takes it."""
        self._output.send_file(part, self._make_file_output)

    def send_end(self) -> None:
        """Send close_notify after everything that waits."""
        if isinstance(self._output.waiting, TlsFileOutput):
            self._output.waiting.append_close_notify()
        else:
            self._output.send(self._close_notify())

    def _make_file_output(self, waiting: Buffer | None) -> FileOutput:
        return TlsFileOutput(waiting, self._encrypt, self._close_notify)

    def _encrypt(self, data: bytes | bytearray | memoryview) -> bytes:
        self.ssl_object.write(data)
        return self._leaving.read()

    def _close_notify(self) -> bytes:
        try:
            self.ssl_object.unwrap()
        except ssl.SSLError:  # it also wants the peer's close_notify, which comes with the input
            pass
        return self._leaving.read()

    def _flush(self) -> None:
        """Send the records that OpenSSL has made by itself: handshake, alert, key update."""
        data = self._leaving.read()
        if not data or self._closed:
            return
        if isinstance(self._output.waiting, TlsFileOutput):
            self._output.waiting.append_encrypted(data)
        else:
            self._output.send(data)

    # ------------------------------------------------------------------ receiving

    def receive(self, data: memoryview) -> None:
        """Take bytes that arrived on the socket; none at its end of file."""
        if data:
            self._arriving.write(data)
        else:
            self._arriving.write_eof()
        if self._is_up:
            self._decrypt()
        else:
            self._shake_hands()

    def _shake_hands(self) -> None:
        try:
            self.ssl_object.do_handshake()
        except ssl.SSLWantReadError:
            self._flush()
            return
        except OSError as exc:  # ssl.SSLError is one
            self._flush()  # the alert that tells the peer why
            self._owner._give_up(exc)
            return
        self._flush()
        if self._closed:  # sending has failed
            return
        self._is_up = True
        if self._timer is not None:
            self._loop.cancel(self._timer)
            self._timer = None
        self._owner._come_up()
        if not self._closed:
            self._decrypt()  # data that came in one segment with the end of the handshake

    def _handshake_timed_out(self) -> None:
        self._owner._give_up(TimeoutError("TLS handshake timed out"))

    def _decrypt(self) -> None:
        buffer, owner = self._input_buffer, self._owner
        before = len(buffer)
        ended = False
        try:
            while data := self.ssl_object.read(RECORD):
                buffer.append(data)
            ended = True  # close_notify
        except ssl.SSLWantReadError:
            pass
        except ssl.SSLZeroReturnError:
            ended = True
        except ssl.SSLEOFError as exc:
            log.info("%s: ended without close_notify", owner.log_name)
            owner._note(exc)
            ended = True
        except ssl.SSLError as exc:
            log.info("%s: TLS: %s", owner.log_name, exc)
            owner._note(exc)
            self._flush()
            owner._handle_close()
            return
        self._flush()  # answers to key updates
        if len(buffer) > before:
            self.heard = True
            owner._deliver()
        if ended and not self._closed:
            owner._handle_end_of_file()
