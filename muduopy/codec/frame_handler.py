"""FrameHandler: a codec as message callback.

Which frames are delivered, exactly:

* Frames come one at a time, in order, each as soon as it is complete. The rest waits in
  ``connection.input_buffer``.
* None after ``shutdown`` or ``force_close``, by whomever, though the peer may go on sending:
  who has hung up does not listen. That holds within one read, too: "quit" and what came with
  it in one packet ends at "quit". What arrives then is dropped, so that it takes no memory.
* None after a frame callback has set another message callback, to change the protocol. What
  follows is left in ``connection.input_buffer``; call the new callback if it may be there.
* None after an error in the stream: nobody knows where the next frame begins.
* A frame callback that raises is treated as a message callback that raises: it is logged, and
  the connection is closed.

What is remembered of a stream lives in a callable that takes the handler's place as message
callback of that connection, and so lives and dies with it.
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
"""The peer's stream is broken; nothing of it will be delivered any more."""


def hang_up(connection: TcpConnection, error: CodecError) -> None:
    """The error callback of who sets none: log, and shut the connection down.

    Answers that wait are sent, then end-of-file. As always after ``shutdown``, the connection
    is there until the peer closes, too.
    """
    log.info("%s: %s; shutting down", connection.name, error)
    connection.shutdown()


class FrameHandler(Generic[ContextT, FrameT]):
    """A message callback that delivers frames instead of bytes.

    For ``set_message_callback`` of a server, a client or a connection; one handler serves any
    number of them, in any number of loops. Both callbacks run in the connection's loop.

    Attributes:
        codec: how frames are cut.
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

        To send the same to many, encode once: ``codec.encode``, then ``connection.send``.
        """
        connection.send(self.codec.encode(frame))

    def __call__(self, connection: TcpConnection[ContextT], buffer: Buffer, when: float) -> None:
        """The first bytes of a connection; all others go to its reader. Loop thread."""
        reader = _FrameReader(self.codec, self._on_frame, self._on_error)
        connection.set_message_callback(reader)
        reader(connection, buffer, when)


class _FrameReader(Generic[ContextT, FrameT]):
    """The message callback of one connection. It does not own or know the connection."""

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
        # The state alone does not tell of force_close, which takes effect after the pass.
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
