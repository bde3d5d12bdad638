"""FrameHandler: a codec on a connection in the test's own loop."""

from __future__ import annotations

import gc
import logging
import socket
import threading
import weakref
from collections.abc import Callable
from functools import partial

import pytest

from muduopy import Buffer, State, TcpConnection, TcpServer
from muduopy.codec import (
    BadPayloadError,
    CodecError,
    FrameHandler,
    FrameTooLargeError,
    LengthHeaderCodec,
    LineCodec,
)
from tests.muduopy.netkit import ErrorLog, Link, LinkMaker, ServerMaker, read_all, read_exactly

LIMIT = 16


class Lines:
    """Reads lines from a link and records them; ``then`` is called after each."""

    def __init__(self, link: Link) -> None:
        self.link = link
        self.lines: list[bytes] = []
        self.then: Callable[[TcpConnection, bytes], object] = lambda conn, line: None
        self.handler = FrameHandler(LineCodec(LIMIT), self._on_line)
        link.conn.set_message_callback(self.handler)
        link.up()

    def _on_line(self, conn: TcpConnection, line: bytes, when: float) -> None:
        assert when == conn.received_at
        self.lines.append(line)
        self.then(conn, line)

    def after(self, data: bytes) -> list[bytes]:
        """The lines that came with these bytes."""
        self.lines.clear()
        arrived = self.link.conn.received_at
        self.link.peer.sendall(data)
        self.link.passes.until(lambda: self.link.conn.received_at != arrived, "the data")
        return list(self.lines)


@pytest.fixture
def lines(link: Link) -> Lines:
    return Lines(link)


def test_frames_instead_of_bytes(lines: Lines) -> None:
    assert lines.after(b"one\ntwo\r\nth") == [b"one", b"two"]
    assert lines.after(b"r") == []
    assert lines.after(b"ee\n") == [b"three"]
    assert lines.after(b"\n\n") == [b"", b""]


def heard_since(link: Link, time: float) -> bool:
    return link.conn.received_at != time


def test_connections_do_not_mix(make_link: LinkMaker) -> None:
    first, second = make_link(), make_link()
    seen: list[tuple[TcpConnection, bytes]] = []
    handler = FrameHandler(LineCodec(), lambda conn, line, when: seen.append((conn, line)))
    for link in (first, second):
        link.conn.set_message_callback(handler)
        link.up()
    for part in (b"a", b"bc", b"d\n"):
        for link in (first, second):
            before = link.conn.received_at
            link.peer.sendall(part if link is first else part.upper())
            link.passes.until(partial(heard_since, link, before))
    assert seen == [(first.conn, b"abcd"), (second.conn, b"ABCD")]


def test_sending(lines: Lines) -> None:
    lines.handler.send(lines.link.conn, b"hello")
    assert read_exactly(lines.link.peer, 6) == b"hello\n"
    thread = threading.Thread(target=lines.handler.send, args=(lines.link.conn, b"there"))
    thread.start()
    thread.join()
    lines.link.passes.one()
    assert read_exactly(lines.link.peer, 6) == b"there\n"
    with pytest.raises(BadPayloadError):
        lines.handler.send(lines.link.conn, b"a\nb")
    with pytest.raises(FrameTooLargeError):
        lines.handler.send(lines.link.conn, bytes(LIMIT + 1))
    assert lines.link.conn.connected


# ---------------------------------------------------------------------- hanging up


def test_none_after_shutdown(lines: Lines) -> None:
    lines.then = lambda conn, line: conn.shutdown() if line == b"quit" else None
    assert lines.after(b"a\nquit\nb\nc") == [b"a", b"quit"]
    assert lines.link.conn.state is State.DISCONNECTING
    assert len(lines.link.conn.input_buffer) == 0
    for _ in range(3):
        assert lines.after(b"d\ne") == []
        assert len(lines.link.conn.input_buffer) == 0
    lines.link.peer.close()
    lines.link.gone()


def test_none_after_force_close(lines: Lines) -> None:
    lines.then = lambda conn, line: conn.force_close()
    assert lines.after(b"a\nb\nc") == [b"a"]
    lines.link.gone()


def test_none_after_a_close_from_elsewhere(lines: Lines) -> None:
    def close_from_elsewhere(conn: TcpConnection, line: bytes) -> None:
        thread = threading.Thread(target=conn.shutdown)
        thread.start()
        thread.join()

    lines.then = close_from_elsewhere
    assert lines.after(b"a\nb\nc") == [b"a"]


def test_the_first_bytes_may_come_after_shutdown(lines: Lines) -> None:
    lines.link.conn.shutdown()
    assert lines.after(b"a\nb") == []
    assert len(lines.link.conn.input_buffer) == 0


def test_output_of_the_callback_goes_before_the_end(lines: Lines) -> None:
    def bye(conn: TcpConnection, line: bytes) -> None:
        lines.handler.send(conn, b"bye")
        conn.shutdown()

    lines.then = bye
    assert lines.after(b"a\nb\n") == [b"a"]
    assert read_all(lines.link.peer) == b"bye\n"


def test_a_callback_that_raises_costs_the_connection(lines: Lines, errors: ErrorLog) -> None:
    def fail(conn: TcpConnection, line: bytes) -> None:
        raise RuntimeError("no such line")

    lines.then = fail
    assert lines.after(b"a\nb\n") == [b"a"]
    assert errors.exceptions == ["no such line"]
    lines.link.gone()


def test_its_own_codec_errors_are_not_the_peers_fault(lines: Lines, errors: ErrorLog) -> None:
    lines.then = lambda conn, line: lines.handler.send(conn, b"a\nb")
    assert lines.after(b"a\nb\n") == [b"a"]
    assert len(errors.exceptions) == 1
    lines.link.gone()


# ---------------------------------------------------------------------- broken streams


def test_a_broken_stream_is_hung_up_on(lines: Lines, caplog: pytest.LogCaptureFixture) -> None:
    lines.then = lines.handler.send
    with caplog.at_level(logging.INFO, "muduopy"):
        assert lines.after(b"fine\n" + b"x" * (LIMIT + 1) + b"\nlost\n") == [b"fine"]
    assert caplog.messages == ["link#1: a frame of 17 bytes or more, 16 are allowed; shutting down"]
    assert read_all(lines.link.peer) == b"fine\n"
    assert len(lines.link.conn.input_buffer) == 0
    assert lines.after(b"more\n") == []
    assert len(lines.link.conn.input_buffer) == 0
    lines.link.peer.close()
    lines.link.gone()


def test_an_error_callback(link: Link) -> None:
    failed: list[tuple[TcpConnection, CodecError]] = []
    handler = FrameHandler(
        LengthHeaderCodec(),
        lambda conn, frame, when: link.seen.append(frame),
        lambda conn, error: failed.append((conn, error)),
    )
    link.conn.set_message_callback(handler)
    link.up()
    link.peer.sendall(handler.codec.encode(b"hello") + b"\xff" * 100)
    link.passes.until(lambda: failed)
    assert link.seen == ["UP", b"hello"]
    ((conn, error),) = failed
    assert conn is link.conn
    assert str(error) == "a length header of -1"
    # The error callback leaves the connection up, for sending only.
    before = conn.received_at
    link.peer.sendall(b"\xff" * 100)
    link.passes.until(lambda: conn.received_at != before)
    assert len(failed) == 1
    assert len(conn.input_buffer) == 0
    handler.send(conn, b"")
    assert read_exactly(link.peer, 4) == bytes(4)


def test_an_error_callback_that_raises(link: Link, errors: ErrorLog) -> None:
    def fail(conn: TcpConnection, error: CodecError) -> None:
        raise RuntimeError("neither that")

    link.conn.set_message_callback(FrameHandler(LineCodec(1), lambda *args: None, fail))
    link.up()
    link.peer.sendall(b"123\n")
    link.gone()
    assert errors.exceptions == ["neither that"]


# ---------------------------------------------------------------------- changing the protocol


def test_changing_to_raw_bytes(lines: Lines) -> None:
    raw: list[bytes] = []

    def message(conn: TcpConnection, buffer: Buffer, when: float) -> None:
        raw.append(buffer.retrieve_all())

    def change(conn: TcpConnection, line: bytes) -> None:
        if line == b"raw":
            conn.set_message_callback(message)
            message(conn, conn.input_buffer, conn.received_at)

    lines.then = change
    assert lines.after(b"a\nraw\nb\nc") == [b"a", b"raw"]
    assert lines.after(b"d\n") == []
    assert raw == [b"b\nc", b"d\n"]


def test_bytes_after_a_change_of_callback_are_left(lines: Lines) -> None:
    raw: list[bytes] = []
    lines.then = lambda conn, line: conn.set_message_callback(
        lambda conn, buffer, when: raw.append(buffer.retrieve_all())
    )
    assert lines.after(b"raw\na\nb") == [b"raw"]
    assert lines.link.conn.input_buffer.peek() == b"a\nb"
    assert lines.after(b"c") == []
    assert raw == [b"a\nbc"]


def test_changing_the_codec(lines: Lines) -> None:
    frames: list[bytes] = []
    framed = FrameHandler(LengthHeaderCodec(), lambda conn, frame, when: frames.append(frame))

    def change(conn: TcpConnection, line: bytes) -> None:
        conn.set_message_callback(framed)
        framed(conn, conn.input_buffer, conn.received_at)

    lines.then = change
    stream = framed.codec.encode(b"one\n") + framed.codec.encode(b"two")
    assert lines.after(b"frames\n" + stream[:-1]) == [b"frames"]
    assert lines.after(stream[-1:]) == []
    assert frames == [b"one\n", b"two"]


def test_a_callback_may_take_the_following_bytes(lines: Lines) -> None:
    taken: list[bytes] = []
    lines.then = lambda conn, line: taken.append(
        conn.input_buffer.retrieve_as_bytes(int(line)) if line.isdigit() else b""
    )
    assert lines.after(b"3\na\nb4\nwxyzlast\n") == [b"3", b"4", b"last"]
    assert taken == [b"a\nb", b"wxyz", b""]


# ---------------------------------------------------------------------- lifetime, and a server


class TwoBytes:
    """A codec outside the library: frames of two bytes."""

    class Decoder:
        def decode(self, buffer: Buffer) -> bytes | None:
            return buffer.retrieve_as_bytes(2) if len(buffer) >= 2 else None

    def __init__(self) -> None:
        self.decoders: weakref.WeakSet[TwoBytes.Decoder] = weakref.WeakSet()

    def encode(self, payload: bytes) -> bytes:
        return payload

    def decoder(self) -> TwoBytes.Decoder:
        decoder = self.Decoder()
        self.decoders.add(decoder)
        return decoder


def test_the_state_of_a_stream_goes_with_the_connection(make_link: LinkMaker) -> None:
    link = make_link()
    codec = TwoBytes()
    link.conn.set_message_callback(
        FrameHandler(codec, lambda conn, frame, when: link.seen.append(frame))
    )
    link.up()
    for _ in range(2):
        link.peer.sendall(b"abcde")
        link.passes.until(lambda: b"cd" in link.seen)
    assert len(codec.decoders) == 1
    link.peer.close()
    link.gone()
    gc.disable()
    try:
        link.conn = make_link().conn
        link.passes.settle()
        assert not codec.decoders
    finally:
        gc.enable()


@pytest.mark.parametrize("threads", [0, 2])
def test_two_real_ends(run_server: ServerMaker, threads: int) -> None:
    """All frames of a client come back in order, for any division into pieces."""
    lines = FrameHandler(LineCodec(), lambda conn, line, when: lines.send(conn, line.upper()))

    def configure(server: TcpServer) -> None:
        server.set_message_callback(lines)

    running = run_server(threads, configure)
    stream = b"".join(b"line %d of some\n" % number for number in range(500))

    def talk(client: socket.socket, piece: int) -> None:
        for start in range(0, len(stream), piece):
            client.sendall(stream[start : start + piece])
        assert read_exactly(client, len(stream)) == stream.upper()
        done.append(piece)

    done: list[int] = []
    pieces = [7, 100, 4096, 100_000]
    talkers = [threading.Thread(target=talk, args=(running.connect(), n)) for n in pieces]
    for talker in talkers:
        talker.start()
    for talker in talkers:
        talker.join()
    assert sorted(done) == pieces
