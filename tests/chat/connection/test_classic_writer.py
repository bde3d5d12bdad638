"""ClassicWriter on real sockets: one frame at a time, and done means written."""

from __future__ import annotations

import socket
import struct
import time
from collections.abc import Iterator
from typing import Any

import pytest

from chat.connection import classic_writer
from chat.connection.classic_writer import (
    FULL,
    LIVE_QUEUE,
    MAIL_CHARACTERS,
    MAIL_QUEUE,
    ClassicWriter,
)
from chat.connection.framing import pack_for_original
from chat.message import ChatMessage
from chat.protocol import ONE_CHAT
from muduopy import InetAddress, TcpConnection
from tests.chat.loopkit import Passes

GAP = 0.02


def message(text: str) -> ChatMessage:
    return ChatMessage(0, ONE_CHAT, 1, "ann", 2, text, "now")


class SlowToSend(TcpConnection):
    """Its thread waits for the processor before each send."""

    def send(self, data: Any) -> None:
        sent = self.context
        sent.append(("begin", time.monotonic()))
        time.sleep(2 * GAP)
        super().send(data)
        sent.append(("end", time.monotonic()))


class Desk:
    """A writer on a socket; a message's frames are the words of its text."""

    def __init__(
        self,
        passes: Passes,
        gap: float = GAP,
        connection_type: type[TcpConnection] = TcpConnection,
    ) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.peer = socket.socket()
            self.peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 * 1024)
            self.peer.connect(listener.getsockname())
            ours, address = listener.accept()
        ours.setblocking(False)
        ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 16 * 1024)
        self.passes = passes
        self.connection = connection_type(
            passes.loop, ours, "test#1", InetAddress.from_sockaddr(address)
        )
        self.connection.set_tcp_no_delay(True)
        self.connection.establish()
        self.full: list[bool] = []
        self.outcomes: list[tuple[str, bool]] = []
        self.reads: list[tuple[float, bytes]] = []
        self.writer = ClassicWriter(
            self.connection,
            gap,
            pack_for_original,
            lambda message: [word.encode() for word in message.text.split()],
            self.full.append,
        )

    def hand_over(self, text: str, *, live: bool = False) -> None:
        self.writer.hand_over(
            message(text), lambda written: self.outcomes.append((text, written)), live=live
        )

    def read(self) -> bytes:
        """What one recv of the client brings, if there is something."""
        self.peer.setblocking(False)
        try:
            data = self.peer.recv(1 << 20)
        except BlockingIOError:
            return b""
        if data:
            self.reads.append((time.monotonic(), data))
        return data

    def until_read(self, count: int) -> list[bytes]:
        self.passes.until(lambda: self.read() and len(self.reads) == count, f"{count} reads")
        return [data for _, data in self.reads]

    def until_done(self, count: int) -> list[tuple[str, bool]]:
        self.passes.until(lambda: len(self.outcomes) == count, f"{count} outcomes")
        return self.outcomes

    def stuff(self) -> int:
        """More than the kernels take while the peer does not read; returns how much."""
        self.connection.send(b"x" * 200_000)
        assert self.connection.unsent_bytes
        return 200_000

    def drain(self, count: int) -> bytes:
        """Read so many bytes."""
        data = bytearray()

        def enough() -> bool:
            data.extend(self.read())
            return len(data) >= count

        # The kernel does not report that it has sent: look again and again.
        heartbeat = self.passes.loop.run_every(0.001, lambda: None)
        self.passes.until(enough, f"{count} bytes")
        self.passes.loop.cancel(heartbeat)
        return bytes(data)


@pytest.fixture
def desk(passes: Passes) -> Iterator[Desk]:
    desk = Desk(passes)
    yield desk
    desk.writer.stop()
    desk.connection.force_close()
    passes.settle()
    desk.peer.close()


@pytest.fixture(autouse=True)
def busy_loop(passes: Passes) -> Iterator[None]:
    """What the peer reads wakes no loop of ours."""
    heartbeat = passes.loop.run_every(0.001, lambda: None)
    yield
    passes.loop.cancel(heartbeat)


# ---------------------------------------------------------------------- one at a time


def test_a_single_frame_goes_out_at_once(desk: Desk) -> None:
    desk.hand_over("one")
    assert desk.outcomes == [("one", True)]
    assert desk.writer.idle
    assert desk.until_read(1) == [b"one\0"]


def test_frames_are_kept_apart_and_in_order(desk: Desk) -> None:
    desk.writer.send(b"answer")
    desk.hand_over("mail")
    desk.hand_over("live", live=True)
    desk.writer.send(b"error")
    assert desk.outcomes == []
    assert desk.until_read(4) == [b"answer\0", b"mail\0", b"live\0", b"error\0"]
    times = [when for when, _ in desk.reads]
    assert times[-1] - times[0] > 2 * GAP, "three gaps, but for when we looked"
    assert desk.outcomes == [("mail", True), ("live", True)]


def test_the_gap_begins_when_the_frame_is_out(passes: Passes) -> None:
    desk = Desk(passes, connection_type=SlowToSend)
    sent = desk.connection.context = []
    desk.hand_over("one")
    desk.hand_over("two")
    desk.until_done(2)
    assert [what for what, _ in sent] == ["begin", "end", "begin", "end"]
    assert sent[2][1] - sent[1][1] > 0.9 * GAP
    desk.connection.force_close()
    passes.settle()
    desk.peer.close()


def test_after_a_pause_there_is_no_gap(desk: Desk) -> None:
    desk.hand_over("one")
    due = time.monotonic() + GAP
    desk.passes.until(lambda: time.monotonic() > due)
    desk.hand_over("two")
    assert desk.outcomes == [("one", True), ("two", True)]


def test_a_message_is_done_when_its_last_frame_is_out(desk: Desk) -> None:
    desk.hand_over("a b c")
    desk.until_read(2)
    assert desk.outcomes == []
    desk.until_read(3)
    assert desk.outcomes == [("a b c", True)]


def test_a_mark_is_done_when_what_was_before_it_is_out(desk: Desk) -> None:
    marks: list[bool] = []
    desk.writer.mark(marks.append)
    assert marks == [True]
    desk.writer.send(b"one")
    desk.writer.send(b"two")
    desk.writer.mark(marks.append)
    assert marks == [True]
    desk.until_read(2)
    assert marks == [True, True]


# ---------------------------------------------------------------------- bounds


def test_so_much_mail_is_taken(desk: Desk) -> None:
    for number in range(MAIL_QUEUE + 1):
        assert desk.writer.room == MAIL_QUEUE - max(0, number - 1), "the first is out at once"
        desk.hand_over("x")
    assert desk.writer.room == 0


def test_so_much_text_is_taken(desk: Desk) -> None:
    desk.hand_over("first")
    desk.hand_over("x" * MAIL_CHARACTERS)
    assert desk.writer.room == 0
    assert not desk.writer.takes_live
    desk.writer.drop_messages()
    assert desk.writer.room == MAIL_QUEUE


def test_so_many_live_messages_are_taken(desk: Desk) -> None:
    desk.hand_over("first", live=True)
    for _ in range(LIVE_QUEUE):
        assert desk.writer.takes_live
        desk.hand_over("x", live=True)
    assert not desk.writer.takes_live


def test_requests_wait_while_many_answers_do(desk: Desk) -> None:
    for _ in range(FULL + 5):
        desk.writer.send(b"x")
    assert desk.full.count(True) == 1
    assert desk.full[-1]
    desk.passes.until(lambda: desk.read() and desk.writer.idle, "all answers")
    assert desk.full[-1] is False


# ---------------------------------------------------------------------- a slow kernel


def test_nothing_joins_what_the_kernel_has_not_sent(desk: Desk) -> None:
    size = desk.stuff()
    desk.hand_over("one")
    desk.hand_over("two", live=True)
    desk.passes.until(lambda: desk.writer.stalled_at, "the stall")
    assert not desk.writer.takes_live
    assert desk.outcomes == []
    assert desk.drain(size) == b"x" * size
    desk.reads.clear()
    assert desk.until_read(2) == [b"one\0", b"two\0"]
    assert desk.outcomes == [("one", True), ("two", True)]
    assert desk.writer.stalled_at is None


def test_live_messages_do_not_wait_for_long(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(classic_writer, "LIVE_PATIENCE", 0.01)
    size = desk.stuff()
    desk.hand_over("live", live=True)
    desk.hand_over("mail")
    desk.hand_over("more", live=True)
    assert desk.until_done(2) == [("live", False), ("more", False)]
    desk.drain(size)
    assert desk.until_done(3)[2] == ("mail", True)


def test_half_a_live_message_is_not_done(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(classic_writer, "LIVE_PATIENCE", 0.01)
    desk.hand_over("a b", live=True)
    assert desk.until_read(1) == [b"a\0"]
    size = desk.stuff()
    assert desk.until_done(1) == [("a b", False)]
    desk.hand_over("next")
    desk.drain(size)
    desk.reads.clear()
    assert desk.until_read(1) == [b"next\0"]


# ---------------------------------------------------------------------- the end


def test_what_was_not_written_when_the_connection_ends_is_not_done(desk: Desk) -> None:
    desk.hand_over("one")
    desk.hand_over("two three")
    desk.hand_over("four", live=True)
    desk.connection.force_close()
    desk.passes.settle()
    desk.writer.stop()
    desk.writer.stop()
    assert desk.outcomes == [("one", True), ("two three", False), ("four", False)]


def test_what_the_kernel_refused_is_not_done(desk: Desk) -> None:
    """The peer has reset; the loop finds out only when it sends."""
    desk.hand_over("one")
    desk.hand_over("two")
    desk.hand_over("three")
    desk.peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    desk.peer.close()
    desk.until_done(3)
    assert ("three", False) in desk.outcomes
    assert ("one", True) in desk.outcomes


def test_a_closing_connection_takes_nothing(desk: Desk) -> None:
    desk.connection.shutdown()
    desk.hand_over("one")
    assert desk.outcomes == [("one", False)]


def test_messages_are_dropped_and_answers_stay(desk: Desk) -> None:
    desk.hand_over("a b c")
    desk.writer.send(b"answer")
    desk.hand_over("d", live=True)
    assert desk.until_read(1) == [b"a\0"]
    desk.writer.drop_messages()
    assert desk.outcomes == [("a b c", False), ("d", False)]
    assert desk.until_read(2) == [b"a\0", b"answer\0"]


def test_at_the_end_answers_go_out_and_messages_do_not(desk: Desk) -> None:
    """Who has sent its end may have gone: the kernel would take messages and lose them."""
    ended: list[bool] = []
    desk.hand_over("a b")
    desk.hand_over("stored")
    desk.hand_over("live", live=True)
    desk.writer.send(b"answer")
    desk.writer.finish(lambda: ended.append(True))
    assert desk.writer.room == 0
    assert not desk.writer.takes_live
    assert sorted(desk.outcomes) == [("a b", False), ("live", False), ("stored", False)]
    assert desk.until_read(2) == [b"a\0", b"answer\0"]
    assert ended == [True]


def test_an_idle_writer_ends_at_once(desk: Desk) -> None:
    ended: list[bool] = []
    desk.writer.send(b"one")
    desk.writer.finish(lambda: ended.append(True))
    assert ended == [True]


def test_a_client_that_turns_out_to_read_all(desk: Desk) -> None:
    desk.hand_over("one")
    desk.hand_over("two three")
    desk.writer.send(b"answer")
    desk.writer.flush()
    assert desk.outcomes == [("one", True), ("two three", True)]
    assert desk.drain(len(b"one0two0three0answer0")) == b"one\0two\0three\0answer\0"


def test_repr(desk: Desk) -> None:
    desk.hand_over("one")
    desk.hand_over("two")
    assert repr(desk.writer) == "<ClassicWriter test#1 1 waiting>"
