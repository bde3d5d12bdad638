"""SocketTransport on a real socket, with an owner that records its reports."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from muduopy import Channel
from muduopy.file_part import FilePart
from muduopy.socket_transport import SocketTransport
from tests.muduopy.netkit import KERNEL_TAKES, PairMaker, Passes, read_exactly, reset


class Owner:
    """Records the reports of a transport, in order."""

    log_name = "owner"

    def __init__(self) -> None:
        self.seen: list[str] = []

    def _output_written(self) -> None:
        self.seen.append("written")

    def _output_emptied(self) -> None:
        self.seen.append("emptied")

    def _output_rose(self, waiting: int) -> None:
        self.seen.append("rose")

    def _output_fell(self, waiting: int) -> None:
        self.seen.append("fell")

    def _sending_failed(self, error: OSError) -> None:
        self.seen.append(type(error).__name__)

    def _come_up(self) -> None:
        self.seen.append("up")

    def _give_up(self, reason: OSError) -> None:
        self.seen.append(f"gave up: {type(reason).__name__}")

    def _deliver(self) -> None:
        self.seen.append("data")

    def _handle_end_of_file(self) -> None:
        self.seen.append("end")

    def _note(self, error: OSError) -> OSError:
        self.seen.append(type(error).__name__)
        return error

    def _handle_close(self) -> None:
        self.seen.append("close")


class Sender:
    """A transport in the test's own loop. Its peer is a plain socket."""

    def __init__(self, passes: Passes, pair: tuple[socket.socket, socket.socket]) -> None:
        server_end, self.peer = pair
        self.passes = passes
        self.owner = Owner()
        self.channel = Channel(passes.loop, server_end.fileno())
        self.transport = SocketTransport(passes.loop, server_end, self.channel, self.owner)
        self.channel.write_callback = self.transport.handle_write

    def read(self, count: int) -> bytes:
        """Read at the peer while the loop writes."""
        found = bytearray()
        while len(found) < count:
            self.passes.one()  # fills the kernel's buffers, so there is something to read
            found += self.peer.recv(1 << 20)
        return bytes(found)


@pytest.fixture
def sender(passes: Passes, tcp_pair: PairMaker) -> Iterator[Sender]:
    sender = Sender(passes, tcp_pair())
    yield sender
    sender.channel.disable_all()
    sender.transport.close()


def test_bytes_that_the_kernel_takes_at_once(sender: Sender) -> None:
    sender.transport.send(b"hello")
    assert read_exactly(sender.peer, 5) == b"hello"
    assert sender.transport.waiting is None
    assert sender.transport.bytes_sent == 5
    assert sender.owner.seen == []
    sender.transport.reports_written = True
    sender.transport.send(b"hello")
    assert sender.owner.seen == ["written"]


def test_bytes_that_wait(sender: Sender) -> None:
    transport = sender.transport
    transport.high_water_mark, transport.low_water_mark = 100_000, 1000
    data = bytes(range(256)) * (2 * KERNEL_TAKES // 256)
    transport.send(data)
    assert transport.waiting is not None
    assert len(transport.waiting) == len(data) - transport.bytes_sent
    assert transport.unsent_bytes() >= len(transport.waiting)
    assert sender.channel.is_writing
    transport.send(b"the end")
    assert sender.owner.seen == ["rose"]
    assert sender.read(len(data) + 7) == data + b"the end"
    sender.passes.until(lambda: transport.waiting is None, "the output to drain")
    assert sender.owner.seen == ["rose", "fell", "emptied"]
    assert not sender.channel.is_writing
    assert transport.bytes_sent == len(data) + 7


def test_a_file_between_bytes(sender: Sender, tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"file" * 1000)
    with path.open("rb") as file:
        sender.transport.send(b"before ")
        sender.transport.send_file(FilePart(file))
        sender.transport.send(b" after")
    assert sender.read(4013) == b"before " + b"file" * 1000 + b" after"


def test_a_peer_that_resets(sender: Sender) -> None:
    reset(sender.peer)
    sender.transport.send(b"x")
    assert sender.owner.seen == ["ConnectionResetError"]
    assert sender.transport.waiting is None


def test_a_reset_while_bytes_wait(sender: Sender) -> None:
    sender.transport.send(bytes(2 * KERNEL_TAKES))
    reset(sender.peer)
    sender.passes.until(lambda: sender.owner.seen, "the error")
    assert sender.owner.seen[0] in ("ConnectionResetError", "BrokenPipeError")
