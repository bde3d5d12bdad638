"""Pump with a classic client: what the kernel has taken counts as received. Real sockets."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest

from chat.config import ClassicConfig
from chat.connection.connection import AnyConnection, ClientConnection
from chat.connection.framing import LineFramer
from chat.connection.loop_counters import LoopCounters
from chat.connection.token_bucket import Allowances
from chat.mailbox.pump import Pump
from chat.protocol import MAX_FRAME, Limits
from muduopy import InetAddress, TcpConnection
from tests.chat.loopkit import Passes
from tests.chat.mailbox.pumpkit import USER, FakeMailbox, message

BIG = "x" * 16_000


@dataclass
class Line:
    """A classic connection on a socket, with a fake mailbox."""

    connection: AnyConnection
    pump: Pump
    peer: socket.socket
    mailbox: FakeMailbox = field(default_factory=FakeMailbox)

    def send(self, *seqs: int, text: str = "hi") -> None:
        """Store, wake and write, as the router does."""
        self.mailbox.rows.update(seqs)
        out: list[bytes] = []
        for seq in seqs:
            self.pump.push(message(seq, text), True, out)
        if out:
            self.connection.send_mail(out)

    @property
    def deleted(self) -> set[int]:
        return {seq for deletion in self.mailbox.deletions for seq in deletion.seqs}


@pytest.fixture
def line(passes: Passes) -> Iterator[Line]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        peer = socket.create_connection(listener.getsockname())
        ours, address = listener.accept()
    ours.setblocking(False)
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 32 * 1024)
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32 * 1024)
    tcp = TcpConnection(passes.loop, ours, "test#1", InetAddress.from_sockaddr(address))
    mailbox = FakeMailbox()
    connection: AnyConnection = ClientConnection(
        tcp,
        LineFramer(),
        Allowances.of(MAX_FRAME, Limits()),
        lambda connection: None,
        ClassicConfig(),
        LoopCounters("test"),
        1,
    )
    pump = Pump(connection, mailbox, USER)  # type: ignore[arg-type]
    tcp.establish()
    connection.attach("a login", pump)
    pump.start([], more=False, newest=0)
    yield Line(connection, pump, peer, mailbox)
    tcp.force_close()
    passes.settle()
    peer.close()


def test_what_was_taken_at_once_is_received_at_once(line: Line) -> None:
    line.send(1, 2)
    assert line.deleted == {1, 2}


def test_what_waits_in_memory_is_not_received_yet(line: Line, passes: Passes) -> None:
    line.send(*range(1, 101), text=BIG)
    assert line.connection.tcp.output_bytes
    assert not line.deleted
    line.peer.setblocking(False)

    def drained() -> bool:
        try:
            while line.peer.recv(1 << 20):
                pass
        except BlockingIOError:
            pass
        return not line.connection.tcp.output_bytes

    passes.until(drained)
    passes.until(lambda: line.deleted)
    assert line.deleted == set(range(1, 101))


def test_what_waits_when_the_line_breaks_is_kept(line: Line, passes: Passes) -> None:
    line.send(*range(1, 101), text=BIG)
    line.connection.tcp.force_close()
    passes.settle()
    assert not line.deleted


def test_what_was_written_to_a_closed_line_is_kept(line: Line, passes: Passes) -> None:
    line.connection.tcp.force_close()
    passes.settle()
    line.send(1)
    assert not line.deleted


def test_what_was_written_after_our_end_is_kept(line: Line, passes: Passes) -> None:
    line.connection.tcp.shutdown()
    line.send(1)
    assert not line.deleted


def test_what_the_kernel_refused_is_kept(line: Line, passes: Passes) -> None:
    """The peer has reset; the loop finds out only when it sends."""
    line.peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    line.peer.close()
    line.send(1)
    passes.settle()
    assert not line.connection.tcp.connected
    assert not line.deleted
