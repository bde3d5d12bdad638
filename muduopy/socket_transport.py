"""SocketTransport: sends a connection's bytes on its socket, and keeps those that must wait."""

from __future__ import annotations

import fcntl
import socket
import sys
from collections.abc import Callable

from muduopy.buffer import Buffer
from muduopy.channel import Channel
from muduopy.event_loop import EventLoop
from muduopy.file_output import FileOutput
from muduopy.file_part import FilePart
from muduopy.transport import TransportOwner

HIGH_WATER_MARK = 1024 * 1024
"""Default of the high-water mark, in bytes waiting to be sent."""

_SIOCOUTQNSD = 0x894B if sys.platform == "linux" else None
"""Linux: the number of bytes in a socket's send queue that were not sent. <linux/sockios.h>."""


class SocketTransport:
    """A Transport without encryption. Loop thread, except where an attribute says otherwise.

    A send goes to the kernel at once. Bytes that the kernel does not take wait in ``waiting``,
    and the channel asks for writability until they are gone. It does not own the socket, which
    the connection closes, nor the channel.

    Attributes:
        waiting: the output that the kernel has not taken; None while there is none.
        bytes_sent: the number of bytes that the kernel has taken. Any thread may read it.
        drained_at: the last time that the kernel took waiting output, in monotonic seconds.
        high_water_mark: the owner gets a report when ``waiting`` rises to so many bytes.
        low_water_mark: the owner gets a report when ``waiting`` falls to so many bytes.
        reports_written: the owner gets a report of each send that the kernel takes at once.
    """

    __slots__ = (
        "_channel",
        "_loop",
        "_owner",
        "_send",
        "_socket",
        "bytes_sent",
        "drained_at",
        "high_water_mark",
        "low_water_mark",
        "reports_written",
        "waiting",
    )

    def __init__(
        self, loop: EventLoop, sock: socket.socket, channel: Channel, owner: TransportOwner
    ) -> None:
        """``channel``: that of ``sock``. Any thread."""
        self._loop = loop
        self._socket = sock
        self._send = sock.send
        self._channel = channel
        self._owner = owner
        self.waiting: Buffer | FileOutput | None = None
        self.bytes_sent = 0
        self.drained_at = loop.poll_return_time
        self.high_water_mark = HIGH_WATER_MARK
        self.low_water_mark = 0
        self.reports_written = False

    def send(self, data: bytes | bytearray | memoryview) -> None:
        """Give the bytes to the kernel at once if nothing waits; append the others."""
        sent = 0
        waiting = self.waiting
        if waiting is None:
            try:
                sent = self._send(data)
            except BlockingIOError:
                pass
            except OSError as exc:
                self._owner._sending_failed(exc)
                return
            self.bytes_sent += sent
            if sent == len(data):
                if self.reports_written:
                    self._owner._output_written()
                return
            waiting = self.waiting = Buffer()
            self.drained_at = self._loop.poll_return_time
        before = len(waiting)
        waiting.append(memoryview(data)[sent:] if sent else data)
        self._channel.enable_writing()
        if before < self.high_water_mark <= len(waiting):
            self._owner._output_rose(len(waiting))

    def send_file(
        self, part: FilePart, make: Callable[[Buffer | None], FileOutput] = FileOutput
    ) -> None:
        """Append a part of a file. ``make``: makes the output that a file can wait in."""
        waiting = self.waiting
        if not isinstance(waiting, FileOutput):
            if waiting is None:
                self.drained_at = self._loop.poll_return_time
            waiting = self.waiting = make(waiting)
        before = len(waiting)
        waiting.append_file(part)
        self._channel.enable_writing()
        if before < self.high_water_mark <= len(waiting):
            self._owner._output_rose(len(waiting))

    def send_end(self) -> None:
        """Do nothing, because in plain TCP the FIN marks the end."""

    def handle_write(self) -> None:
        """Send waiting output on the socket, which is writable. For the channel."""
        waiting = self.waiting
        if waiting is None:
            self._channel.disable_writing()
            return
        before = len(waiting)
        try:
            self.bytes_sent += waiting.write_to(self._socket)
        except BlockingIOError:
            return
        except OSError as exc:
            self._owner._sending_failed(exc)
            return
        self.drained_at = self._loop.poll_return_time
        left = len(waiting)
        if left <= self.low_water_mark < before:
            self._owner._output_fell(left)
        if left:
            return
        self.waiting = None
        self._channel.disable_writing()
        self._owner._output_emptied()

    def unsent_bytes(self) -> int:
        """The waiting output, and the bytes in the kernel's send queue that were not sent.

        The kernel's part is known on Linux, for TCP; elsewhere it counts as 0.
        """
        waiting = len(self.waiting) if self.waiting is not None else 0
        if _SIOCOUTQNSD is None:
            return waiting
        try:
            answer = fcntl.ioctl(self._socket, _SIOCOUTQNSD, b"\0\0\0\0")
        except OSError:  # no TCP
            return waiting
        return waiting + int.from_bytes(answer, sys.byteorder)

    def close(self) -> None:
        """Drop the waiting output, and the reference to the owner. Once, after the last event.

        Owner and channel refer to this object. Without the references back there is no cycle, so
        the memory is freed with the last reference to the connection, and not only by the garbage
        collector.
        """
        if isinstance(self.waiting, FileOutput):
            self.waiting.close()
        self.waiting = None
        del self._owner, self._channel
