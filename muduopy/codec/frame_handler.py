"""FrameHandler: a message callback that cuts the bytes into frames.

The rules of delivery:

* Frames are delivered one at a time, in order, each as soon as it is complete. Incomplete ones
  wait in ``connection.input_buffer``.
* No frame is delivered after ``shutdown`` or ``force_close``, though the peer may go on sending.
  Later bytes are dropped, so that they take no memory. Example: the peer sends "quit" and two more
  lines in one packet, and the callback shuts down at "quit". The two lines are dropped.
* No frame is delivered after a frame callback has set another message callback, to change the
  protocol. The bytes that follow stay in ``connection.input_buffer``. If there may be some, the
  frame callback calls the new message callback.
* No frame is delivered after an error in the stream, as the beginning of the next one is unknown.
* If a frame callback raises, the exception is logged and the connection is closed, as for a
  message callback.

The state of a stream is in a callable that replaces the handler as the message callback of that
connection. So it lives as long as the connection.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING, Generic, TypeAlias

from muduopy.callbacks import ContextT, discard_message
from muduopy.checks import check_callback
from muduopy.codec.codec import FrameT
from muduopy.codec.errors import CodecError
from muduopy.tcp_connection import TcpConnection

if TYPE_CHECKING:
    from muduopy.buffer import Buffer
    from muduopy.codec.codec import Codec

log = logging.getLogger(__name__)

FrameCallback: TypeAlias = "Callable[[TcpConnection[ContextT], FrameT, float], object]"
"""A frame arrived: (connection, frame, when: seconds of time.monotonic)."""

ErrorCallback: TypeAlias = "Callable[[TcpConnection[ContextT], CodecError], object]"
"""The peer's stream is broken: no more frames will be delivered."""


def hang_up(connection: TcpConnection, error: CodecError) -> None:
    """The default error callback: log the error, and shut the connection down.

    The waiting output is sent, then end-of-file. As always after ``shutdown``, the connection
    stays until the peer closes.
    """
    log.info("%s: %s; shutting down", connection.name, error)
    connection.shutdown()


class FrameHandler(Generic[ContextT, FrameT]):
    """A message callback that delivers frames instead of bytes.

    For ``set_message_callback`` of a server, a client or a connection. One handler serves any
    number of connections, in any number of loops. Both callbacks run in the connection's loop.

    Attributes:
        codec: cuts the frames.
    """

    __slots__ = ("_on_error", "_on_frame", "codec")

    def __init__(
        self,
        codec: Codec[FrameT],
        on_frame: FrameCallback[ContextT, FrameT],
        on_error: ErrorCallback[ContextT] = hang_up,
    ) -> None:
        check_callback(on_frame, "the frame callback")
        check_callback(on_error, "the error callback")
        self.codec = codec
        self._on_frame = on_frame
        self._on_error = on_error

    def send(self, connection: TcpConnection[ContextT], frame: FrameT) -> None:
        """Send one frame. Any thread. Raises CodecError.

        For many receivers, encode a frame once with ``codec.encode``, then use
        ``connection.send``.
        """
        connection.send(self.codec.encode(frame))

    def __call__(self, connection: TcpConnection[ContextT], buffer: Buffer, when: float) -> None:
        """Take the first bytes of a connection. Its reader takes all others. Loop thread."""
        reader = _FrameReader(self.codec, self._on_frame, self._on_error)
        connection.set_message_callback(reader)
        reader(connection, buffer, when)


class _FrameReader(Generic[ContextT, FrameT]):
    """The message callback of one connection. It holds no reference to the connection."""

    __slots__ = ("_decode", "_on_error", "_on_frame")

    def __init__(
        self,
        codec: Codec[FrameT],
        on_frame: FrameCallback[ContextT, FrameT],
        on_error: ErrorCallback[ContextT],
    ) -> None:
        self._decode = codec.decoder().decode
        self._on_frame = on_frame
        self._on_error = on_error

    def __call__(self, connection: TcpConnection[ContextT], buffer: Buffer, when: float) -> None:
        decode = self._decode
        # Not connection.connected: that is still True after force_close, until the next pass.
        while not connection.closing:
            try:
                frame = decode(buffer)
            except CodecError as error:
                connection.set_message_callback(discard_message)
                buffer.retrieve_all()
                self._on_error(connection, error)
                return
            if frame is None:
                return
            self._on_frame(connection, frame, when)
            if connection.message_callback is not self:
                return
        buffer.retrieve_all()
