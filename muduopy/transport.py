"""Transport: the layer between a TcpConnection and its socket.

    TcpConnection ──▶ SocketTransport ──▶ socket              plain TCP
    TcpConnection ──▶ TlsTransport ──▶ SocketTransport ──▶ socket

A connection sends through its transport. Arriving bytes it reads from the socket itself: plain
bytes go straight to the message callback, which saves a call for each read, and encrypted bytes go
to ``TlsTransport.receive``. A transport reports to the connection through TransportOwner.
"""

from __future__ import annotations

from typing import Protocol

from muduopy.file_part import FilePart


class Transport(Protocol):
    """The sending half of a connection. Loop thread."""

    def send(self, data: bytes | bytearray | memoryview) -> None:
        """Send after everything that waits."""

    def send_file(self, part: FilePart) -> None:
        """Send a part of a file, which is not empty, after everything that waits. Takes it over."""

    def send_end(self) -> None:
        """Mark the end of the stream: close_notify in TLS, nothing in plain TCP."""


class TransportOwner(Protocol):
    """What a transport reports to its connection. Loop thread."""

    log_name: str

    def _output_written(self) -> None:
        """The kernel has taken the bytes of a ``send`` at once."""

    def _output_emptied(self) -> None:
        """The kernel has taken the last of the bytes that waited."""

    def _output_rose(self, waiting: int) -> None:
        """The waiting output has reached the high-water mark, with so many bytes."""

    def _output_fell(self, waiting: int) -> None:
        """The waiting output is down to the low-water mark, with so many bytes."""

    def _sending_failed(self, error: OSError) -> None:
        """Nothing more can be sent."""

    def _come_up(self) -> None:
        """The handshake is done."""

    def _give_up(self, reason: OSError) -> None:
        """The handshake has failed."""

    def _deliver(self) -> None:
        """The input buffer has more bytes."""

    def _handle_end_of_file(self) -> None:
        """The peer has finished sending."""

    def _note(self, error: OSError) -> OSError:
        """Keep the first error as the cause."""

    def _handle_close(self) -> None:
        """The connection is of no more use."""
