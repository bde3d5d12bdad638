"""TcpConnection: one connection in the test's own loop, its peer a plain socket."""

from __future__ import annotations

import array
import contextlib
import gc
import hashlib
import random
import socket
import struct
import threading
import time
import weakref
from collections.abc import Callable, Sequence
from functools import partial

import pytest

from muduopy import (
    Buffer,
    EventLoop,
    InetAddress,
    State,
    StateError,
    TcpConnection,
    WrongThreadError,
)
from tests.muduopy.netkit import (
    WAIT,
    ErrorLog,
    Link,
    LinkMaker,
    PairMaker,
    Passes,
    call_in,
    in_turn,
    read_all,
    read_exactly,
    reset,
)

MIB = 1024 * 1024


# ---------------------------------------------------------------------- coming up


def test_up(link: Link) -> None:
    assert link.conn.state is State.CONNECTING
    assert not link.conn.connected
    link.up()
    assert link.seen == ["UP"]
    assert link.conn.connected
    assert link.conn.is_reading
    assert link.conn.loop.connections == 1
    assert link.conn.name == "link#1"
    assert link.conn.local_address == InetAddress.from_sockaddr(link.peer.getpeername())
    assert link.conn.peer_address == InetAddress.from_sockaddr(link.peer.getsockname())
    assert repr(link.conn) == (f"<TcpConnection link#1 connected peer={link.conn.peer_address}>")


def test_a_second_establish_changes_nothing(link: Link) -> None:
    link.up()
    with pytest.raises(StateError):
        link.conn.establish()
    assert link.seen == ["UP"]
    assert link.conn.loop.connections == 1


def test_establish_only_in_the_loop_thread(other_loop: EventLoop, tcp_pair: PairMaker) -> None:
    server_end, client = tcp_pair()
    peer = InetAddress.from_sockaddr(client.getsockname())
    conn = TcpConnection(other_loop, server_end, "x", peer)
    with pytest.raises(WrongThreadError):
        conn.establish()
    assert conn.state is State.CONNECTING


# ---------------------------------------------------------------------- receiving


def test_messages_arrive_with_their_time(link: Link) -> None:
    times: list[float] = []

    def message(conn: TcpConnection, buffer: Buffer, when: float) -> None:
        assert buffer is conn.input_buffer
        times.append(when)
        link.seen.append(buffer.retrieve_all())

    link.conn.set_message_callback(message)
    link.up()
    before = time.monotonic()
    link.peer.sendall(b"hello")
    link.until_seen(b"hello")
    assert before <= times[0] <= time.monotonic()
    assert times[0] == link.conn.loop.poll_return_time


def ends_with(numbers: list[int], last: int) -> bool:
    return bool(numbers) and numbers[-1] == last


def test_bytes_that_are_not_retrieved_stay(link: Link) -> None:
    lengths: list[int] = []
    link.conn.set_message_callback(lambda conn, buffer, when: lengths.append(len(buffer)))
    link.up()
    for total in (3, 6, 9):
        link.peer.sendall(b"abc")
        link.passes.until(partial(ends_with, lengths, total))
    assert link.conn.input_buffer.retrieve_all() == b"abcabcabc"


def test_a_large_message_arrives_whole(link: Link) -> None:
    data = random.Random(1).randbytes(4 * MIB)
    received = bytearray()

    def message(conn: TcpConnection, buffer: Buffer, when: float) -> None:
        received.extend(buffer.retrieve_all())

    link.conn.set_message_callback(message)
    link.up()
    sender = threading.Thread(target=link.peer.sendall, args=(data,))
    sender.start()
    link.passes.until(lambda: len(received) == len(data), "the message")
    sender.join()
    assert received == data


def test_a_read_takes_no_more_than_its_size(link: Link) -> None:
    sizes: list[int] = []
    link.conn.set_message_callback(
        lambda conn, buffer, when: sizes.append(len(buffer.retrieve_all()))
    )
    link.conn.set_read_size(100)
    link.up()
    link.peer.sendall(b"x" * 1000)
    link.passes.until(lambda: sum(sizes) == 1000)
    assert max(sizes) == 100
    link.conn.set_read_size(1 << 20)
    link.peer.sendall(b"x" * 1000)
    link.passes.until(lambda: sum(sizes) == 2000)
    assert max(sizes) > 100


def test_by_default_messages_are_dropped(passes: Passes, tcp_pair: PairMaker) -> None:
    server_end, client = tcp_pair()
    peer = InetAddress.from_sockaddr(client.getsockname())
    conn = TcpConnection(passes.loop, server_end, "x", peer)
    conn.establish()
    client.sendall(b"dropped")
    passes.settle()
    received: list[bytes] = []
    conn.set_message_callback(lambda conn, buffer, when: received.append(buffer.retrieve_all()))
    client.sendall(b"kept")
    passes.until(lambda: received, "a message")
    assert received == [b"kept"]
    conn.force_close()
    passes.settle()


def test_stop_read_and_start_read(link: Link) -> None:
    link.up()
    link.conn.stop_read()
    link.conn.stop_read()
    assert not link.conn.is_reading
    link.peer.sendall(b"waits")
    link.passes.settle()
    assert link.seen == ["UP"]
    link.conn.start_read()
    assert link.conn.is_reading
    link.until_seen(b"waits")


def test_stop_read_makes_the_peer_wait(link: Link) -> None:
    link.up()
    link.conn.stop_read()
    link.peer.setblocking(False)
    with pytest.raises(BlockingIOError):
        while True:
            link.peer.send(bytes(64 * 1024))
            link.passes.one()
    assert link.seen == ["UP"]
    link.conn.start_read()
    link.passes.until(lambda: len(link.seen) > 1, "a message")


def test_stop_read_inside_the_message_callback(link: Link) -> None:
    def one_at_a_time(conn: TcpConnection, buffer: Buffer, when: float) -> None:
        link.seen.append(buffer.retrieve_all())
        conn.stop_read()

    link.conn.set_message_callback(one_at_a_time)
    link.up()
    link.peer.sendall(b"first")
    link.until_seen(b"first")
    link.peer.sendall(b"second")
    link.passes.settle()
    assert link.seen == ["UP", b"first"]
    link.conn.start_read()
    link.until_seen(b"second")


def test_start_read_after_the_end_is_harmless(link: Link) -> None:
    link.up()
    link.peer.close()
    link.gone()
    link.conn.start_read()
    link.conn.stop_read()
    assert not link.conn.is_reading


# ---------------------------------------------------------------------- sending


@pytest.mark.parametrize("wrap", [bytes, bytearray, memoryview])
def test_send(link: Link, wrap: Callable[[bytes], bytes]) -> None:
    link.up()
    link.conn.send(wrap(b"hello"))
    assert read_exactly(link.peer, 5) == b"hello"


def test_send_keeps_bytes_that_the_kernel_does_not_take(link: Link) -> None:
    """Even if the caller changes its bytearray at once."""
    link.up()
    data = bytearray(random.Random(2).randbytes(8 * MIB))
    expected = hashlib.sha256(data + b"the end").digest()
    link.conn.send(data)
    assert 0 < link.conn.output_bytes < len(data)
    data[:] = bytes(len(data))
    link.conn.send(b"the end")
    received = bytearray()
    reader = threading.Thread(
        target=lambda: received.extend(read_exactly(link.peer, len(data) + len(b"the end")))
    )
    reader.start()
    link.passes.until(lambda: not link.conn.output_bytes, "the output to drain")
    reader.join()
    assert hashlib.sha256(received).digest() == expected


def test_after_the_output_has_drained_all_is_as_before(link: Link) -> None:
    link.up()
    link.fill(MIB)
    link.drain_peer()
    link.conn.send(b"direct")
    assert link.conn.output_bytes == 0
    link.conn.shutdown()
    assert read_all(link.peer) == b"direct"


def test_send_before_it_is_up_is_dropped(link: Link) -> None:
    link.conn.send(b"too early")
    link.up()
    link.conn.send(b"in time")
    assert read_exactly(link.peer, 7) == b"in time"


def test_send_after_shutdown_is_dropped(link: Link) -> None:
    link.up()
    link.conn.send(b"before")
    link.conn.shutdown()
    link.conn.send(b"after")
    link.passes.settle()
    assert read_all(link.peer) == b"before"


def test_send_after_the_end_is_dropped(link: Link) -> None:
    link.watch_writes()
    link.up()
    link.peer.close()
    link.gone()
    link.conn.send(b"late")
    threading_send(link.conn, b"later")
    link.passes.settle()
    assert "written" not in link.seen
    assert link.conn.output_bytes == 0


def threading_send(conn: TcpConnection, *chunks: bytes) -> None:
    """Send in another thread than the loop's."""

    def send() -> None:
        for chunk in chunks:
            conn.send(chunk)

    thread = threading.Thread(target=send)
    thread.start()
    thread.join()


def test_send_from_another_thread(link: Link) -> None:
    link.up()
    mine = bytearray(b"hello")
    thread = threading.Thread(target=in_turn(partial(link.conn.send, mine), mine.clear))
    thread.start()
    thread.join()
    link.passes.one()
    assert read_exactly(link.peer, 5) == b"hello"


def test_a_burst_from_another_thread_is_one_write(link: Link) -> None:
    link.watch_writes()
    link.up()
    threading_send(link.conn, *[b"%03d" % number for number in range(100)])
    link.passes.settle()
    assert read_exactly(link.peer, 300) == b"".join(b"%03d" % number for number in range(100))
    assert link.seen == ["UP", "written"]


def test_sends_then_shutdown_from_another_thread_lose_nothing(link: Link) -> None:
    link.up()
    thread = threading.Thread(
        target=in_turn(
            partial(link.conn.send, b"a"), partial(link.conn.send, b"b"), link.conn.shutdown
        )
    )
    thread.start()
    thread.join()
    threading_send(link.conn, b"dropped")
    link.passes.settle()
    assert read_all(link.peer) == b"ab"


def test_sends_of_other_threads_before_a_shutdown_go_before_the_end(link: Link) -> None:
    link.up()
    threading_send(link.conn, b"a", b"b")  # queued to the loop, where shutdown runs first
    link.conn.shutdown()
    link.passes.settle()
    assert read_all(link.peer) == b"ab"


def test_send_to_a_peer_that_has_reset(link: Link, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO", "muduopy")
    link.watch_writes()
    link.up()
    link.conn.stop_read()  # so that the write meets the reset
    reset(link.peer)
    link.passes.settle()
    assert link.seen == ["UP"]
    link.conn.send(b"x")
    for _ in range(10):
        link.conn.send(b"y")
    assert link.seen == ["UP"]  # queued: the caller may be in the middle of its work
    link.gone()
    assert [": send: " in line for line in caplog.messages].count(True) == 1


# ---------------------------------------------------------------------- write-complete, marks


def test_write_complete_is_queued_never_inline(link: Link) -> None:
    link.watch_writes()
    link.up()
    link.conn.send(b"x")
    link.seen.append("send returned")
    link.passes.one()
    assert link.seen == ["UP", "send returned", "written"]


def test_write_complete_each_time_the_output_becomes_empty(link: Link) -> None:
    link.watch_writes(high=1 << 40)
    link.up()
    link.fill(1)
    link.passes.settle()
    assert link.seen == ["UP"]
    link.drain_peer()
    link.passes.settle()
    assert link.seen == ["UP", "low", "written"]
    link.fill(1)
    link.drain_peer()
    link.passes.settle()
    assert link.seen == ["UP", "low", "written", "low", "written"]


def test_sending_from_write_complete_goes_on_until_it_stops(link: Link) -> None:
    """Each write-complete sends again, without recursion."""
    rounds = 3000
    left = [rounds]

    def more(conn: TcpConnection) -> None:
        if left[0]:
            left[0] -= 1
            conn.send(b"x")

    link.conn.set_write_complete_callback(more)
    link.up()
    link.conn.send(b"x")
    link.passes.until(lambda: not left[0], "the last round")
    link.passes.one()
    assert read_exactly(link.peer, rounds + 1) == b"x" * (rounds + 1)


def test_high_water_on_the_rising_edge_only(link: Link) -> None:
    mark = MIB
    link.watch_writes(high=mark)
    link.up()
    link.fill(mark)
    assert link.seen == ["UP"]  # queued, not inline
    for _ in range(3):
        link.conn.send(bytes(mark))
        link.passes.settle()
    assert link.seen == ["UP", "high"]
    link.drain_peer()
    link.passes.settle()
    assert link.seen == ["UP", "high", "low", "written"]
    link.fill(mark)
    link.passes.settle()
    assert link.seen == ["UP", "high", "low", "written", "high"]


@pytest.mark.parametrize(("extra", "expected"), [(-1, False), (0, True), (1, True)])
def test_high_water_is_reached_at_the_mark_exactly(link: Link, extra: int, expected: bool) -> None:
    link.up()
    link.fill(1)
    waiting: list[int] = []
    mark = link.conn.output_bytes + 1000
    link.conn.set_high_water_callback(lambda conn, size: waiting.append(size), mark)
    link.conn.send(bytes(1000 + extra))
    link.passes.loop._run_pending()
    assert waiting == ([mark + extra] if expected else [])


def test_low_water_on_the_falling_edge(link: Link) -> None:
    link.watch_writes(high=1 << 40, low=MIB)
    sizes: list[int] = []
    link.conn.set_low_water_callback(lambda conn, waiting: sizes.append(waiting), MIB)
    link.up()
    link.fill(4 * MIB)
    link.passes.settle()
    assert sizes == []
    link.drain_peer()
    link.passes.settle()
    assert len(sizes) == 1
    assert 0 < sizes[0] <= MIB
    assert link.seen == ["UP", "written"]


def test_the_marks_bound_the_output_for_a_peer_that_stops_reading(link: Link) -> None:
    """A sender that stops at the marks, and a peer that reads in bursts."""
    high, low, chunk = MIB, MIB // 4, 64 * 1024
    total = 24 * MIB
    sent, largest, flowing = 0, 0, True

    def produce(conn: TcpConnection) -> None:
        nonlocal sent, largest
        if flowing and sent < total and conn.connected:
            conn.send(bytes(chunk))
            sent += chunk
            largest = max(largest, conn.output_bytes)
            conn.loop.queue_in_loop(lambda: produce(conn))

    def stop(conn: TcpConnection, waiting: int) -> None:
        nonlocal flowing
        link.seen.append("high")
        flowing = False

    def go_on(conn: TcpConnection, waiting: int) -> None:
        nonlocal flowing
        link.seen.append("low")
        if not flowing:
            flowing = True
            produce(conn)

    link.conn.set_high_water_callback(stop, high)
    link.conn.set_low_water_callback(go_on, low)
    link.up()
    produce(link.conn)
    link.until_seen("high")
    link.passes.settle()
    assert link.seen == ["UP", "high"]
    stuck_at = sent
    link.passes.settle()
    assert sent == stuck_at < total
    received = 0
    while received < total:
        received += link.drain_peer()
        link.passes.settle()
    assert received == total
    assert largest < high + 2 * chunk
    assert "low" in link.seen


def test_drained_at_tells_since_when_nothing_was_taken(link: Link) -> None:
    link.up()
    link.passes.one()
    link.fill(MIB)
    stuck_since = link.conn.drained_at
    assert stuck_since == link.passes.loop.poll_return_time
    link.passes.settle()
    link.conn.send(b"more")
    assert link.conn.drained_at == stuck_since
    link.drain_peer()
    assert link.conn.drained_at > stuck_since


# ---------------------------------------------------------------------- going down


def test_the_peer_closes(link: Link) -> None:
    link.up()
    link.peer.sendall(b"last words")
    link.peer.close()
    link.gone()
    assert link.seen == ["UP", b"last words", "DOWN", "closed"]
    assert link.conn.state is State.DISCONNECTED
    assert link.conn.loop.connections == 0


def test_the_peer_resets(link: Link) -> None:
    link.up()
    reset(link.peer)
    link.gone()


def test_the_peer_resets_while_output_waits_and_reading_is_stopped(link: Link) -> None:
    link.up()
    link.fill(MIB)
    link.conn.stop_read()
    reset(link.peer)
    link.gone()
    assert link.conn.output_bytes == 0


def test_a_reset_while_reading_is_stopped_shows_when_it_starts_again(link: Link) -> None:
    link.up()
    link.conn.stop_read()
    reset(link.peer)
    link.passes.settle()
    assert link.seen == ["UP"]
    link.conn.start_read()
    link.gone()


def test_the_descriptor_is_closed_in_spite_of_references(link: Link) -> None:
    link.up()
    link.conn.force_close()
    link.passes.settle()
    assert link.conn._socket.fileno() == -1
    assert read_all(link.peer) == b""


def test_memory_goes_with_the_last_reference(passes: Passes, tcp_pair: PairMaker) -> None:
    gc.collect()
    gc.disable()
    try:
        server_end, client = tcp_pair()
        peer = InetAddress.from_sockaddr(client.getsockname())
        conn = TcpConnection(passes.loop, server_end, "x", peer)
        alive = weakref.ref(conn)
        conn.establish()
        del conn
        passes.one()
        assert alive() is not None  # the loop keeps connections that are up
        client.close()
        passes.until(lambda: alive() is None, "the connection to be freed")
    finally:
        gc.enable()


def test_force_close_drops_the_output(link: Link) -> None:
    link.up()
    sent = link.fill(MIB)
    link.conn.force_close()
    link.conn.force_close()
    assert link.seen == ["UP"]  # queued
    link.gone()
    assert len(read_all(link.peer)) < sent
    assert link.conn.output_bytes == 0


def test_force_close_after(link: Link) -> None:
    link.up()
    link.conn.force_close_after(0.01)
    link.passes.one()
    assert link.seen == ["UP"]
    link.gone()


def test_force_close_after_for_one_that_has_gone(link: Link) -> None:
    over: list[bool] = []
    link.up()
    link.conn.force_close_after(0.005)
    link.peer.close()
    link.gone()
    link.passes.loop.run_after(0.01, lambda: over.append(True))
    link.passes.until(lambda: over, "the timer")
    link.gone()


def test_the_timer_of_force_close_after_keeps_no_memory(make_link: Callable[[], Link]) -> None:
    """In a storm of connections, thousands that were down waited for their timers."""
    link, other = make_link(), make_link()
    connection = weakref.ref(link.conn)
    link.up()
    link.conn.force_close_after(3600)
    link.peer.close()
    link.gone()
    link.conn = other.conn
    gc.collect()
    assert connection() is None


def test_shutdown_then_the_peer_closes(link: Link) -> None:
    link.up()
    link.conn.shutdown()
    link.conn.shutdown()
    assert link.conn.state is State.DISCONNECTING
    assert link.peer.recv(1) == b""
    link.peer.sendall(b"still heard")
    link.until_seen(b"still heard")
    link.peer.close()
    link.gone()


def test_shutdown_drains_24_mib_to_a_slow_reader(link: Link) -> None:
    data = random.Random(3).randbytes(24 * MIB)
    link.peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 * 1024)
    link.up()
    link.conn.send(data)
    link.conn.shutdown()
    link.passes.settle()
    assert link.conn.output_bytes > 20 * MIB
    assert link.conn.state is State.DISCONNECTING
    received: list[bytes] = []
    reader = threading.Thread(target=lambda: received.append(read_all(link.peer, 10_000)))
    reader.start()
    link.passes.until(lambda: not link.conn.output_bytes, "the output to drain")
    reader.join()
    assert len(received[0]) == len(data)
    assert received[0] == data
    assert "DOWN" not in link.seen
    link.peer.close()
    link.gone()


def test_shutdown_from_another_thread_while_output_waits(link: Link) -> None:
    link.up()
    sent = link.fill(MIB)
    thread = threading.Thread(target=link.conn.shutdown)
    thread.start()
    thread.join()
    received: list[int] = []

    def read() -> None:
        count = len(read_all(link.peer))
        link.passes.loop.queue_in_loop(lambda: received.append(count))

    reader = threading.Thread(target=read)
    reader.start()
    link.passes.until(lambda: received, "the end of the stream")
    reader.join()
    assert received == [sent]


def test_shutdown_after_the_peer_reset(link: Link) -> None:
    link.up()
    link.conn.stop_read()
    reset(link.peer)
    link.conn.shutdown()
    link.gone()


def test_force_close_while_shutting_down(link: Link) -> None:
    link.up()
    link.fill(MIB)
    link.conn.shutdown()
    link.conn.force_close()
    link.gone()


# ---------------------------------------------------------------------- half-close


def test_without_the_option_the_end_of_input_closes_at_once(link: Link) -> None:
    """As in muduo, the waiting output is dropped."""
    link.up()
    sent = link.fill(4 * MIB)
    link.peer.shutdown(socket.SHUT_WR)
    link.gone()
    assert len(read_all(link.peer)) < sent


def test_half_close_finishes_sending(link: Link) -> None:
    link.conn.set_half_close_callback(TcpConnection.shutdown)
    link.up()
    sent = link.fill(4 * MIB)
    link.peer.shutdown(socket.SHUT_WR)
    received: list[int] = []
    reader = threading.Thread(target=lambda: received.append(len(read_all(link.peer))))
    reader.start()
    link.gone()
    reader.join()
    assert received == [sent]


def test_half_close_with_nothing_to_send_closes(link: Link) -> None:
    link.conn.set_half_close_callback(TcpConnection.shutdown)
    link.up()
    link.peer.shutdown(socket.SHUT_WR)
    link.gone()
    assert link.peer.recv(1) == b""


def test_half_close_answer_later(link: Link) -> None:
    """The connection stays until it is shut down, and does not spin meanwhile."""
    link.conn.set_half_close_callback(lambda conn: link.seen.append("half"))
    link.up()
    link.peer.sendall(b"question")
    link.peer.shutdown(socket.SHUT_WR)
    link.until_seen(b"question", "half")
    link.conn.start_read()  # does not report the end again
    before = link.passes.loop.iterations
    over: list[bool] = []
    link.passes.loop.run_after(0.03, lambda: over.append(True))
    link.passes.until(lambda: over, "the timer")
    assert link.passes.loop.iterations - before < 10
    assert link.seen == ["UP", b"question", "half"]
    link.conn.send(b"answer")
    link.conn.shutdown()
    link.gone()
    assert read_all(link.peer) == b"answer"


def test_half_close_while_shutting_down_with_output(link: Link) -> None:
    link.conn.set_half_close_callback(TcpConnection.shutdown)
    link.up()
    sent = link.fill(4 * MIB)
    link.conn.shutdown()
    link.peer.shutdown(socket.SHUT_WR)
    link.passes.settle()
    assert "DOWN" not in link.seen
    received: list[int] = []
    reader = threading.Thread(target=lambda: received.append(len(read_all(link.peer))))
    reader.start()
    link.gone()
    reader.join()
    assert received == [sent]


def test_half_close_then_reset(link: Link) -> None:
    link.conn.set_half_close_callback(lambda conn: link.seen.append("half"))
    link.up()
    link.fill(4 * MIB)
    link.peer.shutdown(socket.SHUT_WR)
    link.until_seen("half")
    reset(link.peer)
    link.gone()


# ---------------------------------------------------------------------- inside callbacks

CALLBACKS = ["UP", "message", "written", "high", "low", "half", "DOWN"]


def hook(link: Link, where: str, act: Callable[[TcpConnection], object]) -> None:
    """Make ``act`` run once inside the callback ``where``."""
    done: list[bool] = []

    def once(conn: TcpConnection, *_: object) -> None:
        if not done:
            done.append(True)
            link.seen.append("acted")
            act(conn)

    def up_or_down(conn: TcpConnection) -> None:
        link.seen.append("UP" if conn.connected else "DOWN")
        if (where == "UP") == conn.connected and where in ("UP", "DOWN"):
            once(conn)

    link.conn.set_connection_callback(up_or_down)
    if where == "message":
        link.conn.set_message_callback(once)
    elif where == "written":
        link.conn.set_write_complete_callback(once)
    elif where == "high":
        link.conn.set_high_water_callback(once, MIB)
    elif where == "low":
        link.conn.set_low_water_callback(once, MIB // 2)
    elif where == "half":
        link.conn.set_half_close_callback(once)


def provoke(link: Link, where: str) -> None:
    """Cause the callback ``where``."""
    link.up()
    if where == "message":
        link.peer.sendall(b"x")
    elif where == "written":
        link.conn.send(b"x")
    elif where in ("high", "low"):
        link.fill(MIB)
        if where == "low":
            link.drain_peer()
    elif where == "half":
        link.peer.shutdown(socket.SHUT_WR)
    elif where == "DOWN":
        link.peer.close()
    link.until_seen("acted")


@pytest.mark.parametrize("where", CALLBACKS)
def test_force_close_inside(link: Link, where: str) -> None:
    hook(link, where, TcpConnection.force_close)
    provoke(link, where)
    link.gone()
    if where != "DOWN":
        read_all(link.peer)


@pytest.mark.parametrize("where", CALLBACKS)
def test_shutdown_inside(link: Link, where: str) -> None:
    hook(link, where, TcpConnection.shutdown)
    provoke(link, where)
    link.passes.settle()
    if where == "high":
        link.drain_peer()
    if where != "DOWN":
        read_all(link.peer)
    link.peer.close()
    link.gone()


@pytest.mark.parametrize("where", CALLBACKS)
def test_a_callback_that_raises_closes_that_connection(
    make_link: LinkMaker, errors: ErrorLog, where: str
) -> None:
    def fail(conn: TcpConnection) -> None:
        raise RuntimeError(where)

    bystander = make_link().up()
    link = make_link()
    hook(link, where, fail)
    provoke(link, where)
    link.gone()
    assert errors.exceptions == [where]
    bystander.peer.sendall(b"unharmed")
    bystander.until_seen(b"unharmed")


def test_an_owner_that_raises_leaks_nothing(link: Link, errors: ErrorLog) -> None:
    def fail(conn: TcpConnection) -> None:
        raise RuntimeError("owner")

    link.conn.set_close_callback(fail)
    link.up()
    link.peer.close()
    link.until_seen("DOWN")
    link.passes.settle()
    assert link.conn._socket.fileno() == -1
    assert errors.exceptions == ["owner"]


def close_instead(link: Link, connection: TcpConnection, buffer: Buffer, when: float) -> None:
    """A message callback that closes the connection of another link."""
    link.conn.force_close()


def test_one_connection_closes_another_in_the_same_pass(make_link: LinkMaker) -> None:
    left, right = make_link(), make_link()
    for one, other in ((left, right), (right, left)):
        one.conn.set_message_callback(partial(close_instead, other))
        one.up()
    left.peer.sendall(b"x")
    right.peer.sendall(b"x")
    left.gone()
    right.gone()


def test_callbacks_may_be_replaced(link: Link) -> None:
    def first(conn: TcpConnection, buffer: Buffer, when: float) -> None:
        link.seen.append(("first", buffer.retrieve_all()))
        conn.set_message_callback(second)

    def second(conn: TcpConnection, buffer: Buffer, when: float) -> None:
        link.seen.append(("second", buffer.retrieve_all()))

    link.conn.set_message_callback(first)
    link.up()
    link.peer.sendall(b"a")
    link.until_seen(("first", b"a"))
    link.peer.sendall(b"b")
    link.until_seen(("second", b"b"))


# ---------------------------------------------------------------------- threads, options


def test_many_threads_each_keep_their_order(other_loop: EventLoop, tcp_pair: PairMaker) -> None:
    server_end, client = tcp_pair()
    peer = InetAddress.from_sockaddr(client.getsockname())
    conn = TcpConnection(other_loop, server_end, "x", peer)
    call_in(other_loop, conn.establish)
    count = 3000

    def send(thread: int) -> None:
        for number in range(count):
            conn.send(b"%d %d\n" % (thread, number))
        if thread == 0:
            # The loop's own thread sends as well.
            call_in(other_loop, lambda: conn.send(b"4 0\n"))

    threads = [threading.Thread(target=send, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    numbers: dict[int, list[int]] = {thread: [] for thread in range(5)}
    with client.makefile("rb") as lines:
        for _ in range(4 * count + 1):
            who, number = lines.readline().split()
            numbers[int(who)].append(int(number))
    for thread in threads:
        thread.join()
    for sender in range(4):
        assert numbers[sender] == list(range(count))
    call_in(other_loop, conn.force_close)
    assert read_all(client) == b""
    # Twice: the release of the socket is queued behind the close.
    for _ in range(2):
        call_in(other_loop, lambda: None)


def test_every_method_of_any_thread(other_loop: EventLoop, tcp_pair: PairMaker) -> None:
    server_end, client = tcp_pair()
    peer = InetAddress.from_sockaddr(client.getsockname())
    conn = TcpConnection(other_loop, server_end, "x", peer)
    down = threading.Event()
    ran_in: set[int] = set()

    def connection(conn: TcpConnection) -> None:
        ran_in.add(threading.get_ident())
        if not conn.connected:
            down.set()

    conn.set_connection_callback(connection)
    conn.set_message_callback(lambda conn, buffer, when: conn.send(buffer.retrieve_all()))
    other_loop.run_in_loop(conn.establish)
    conn.stop_read()
    conn.start_read()
    client.sendall(b"echo")
    assert read_exactly(client, 4) == b"echo"
    conn.set_tcp_no_delay(True)
    conn.set_keep_alive(60, 10, 3)
    for option, value in (
        ("TCP_NODELAY", 1),
        ("TCP_KEEPIDLE", 60),
        ("TCP_KEEPINTVL", 10),
        ("TCP_KEEPCNT", 3),
    ):
        assert server_end.getsockopt(socket.IPPROTO_TCP, getattr(socket, option)) == value
    assert server_end.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
    conn.send(b"bye")
    conn.shutdown()
    assert read_all(client) == b"bye"
    conn.force_close_after(0)
    assert down.wait(WAIT)
    conn.force_close()
    assert ran_in == {other_loop.thread_id}
    for _ in range(2):
        call_in(other_loop, lambda: None)


def test_context_is_the_users(link: Link) -> None:
    assert link.conn.context is None
    link.conn.context = {"user": 1}
    link.up()
    assert link.conn.context == {"user": 1}


def send_random(rng: random.Random, send: Callable[[bytes], object], sizes: Sequence[int]) -> None:
    send(rng.randbytes(rng.choice(sizes)))


def test_a_random_life_ends_with_one_down(make_link: LinkMaker) -> None:
    """Many short lives, with random actions; the seed is fixed."""
    rng = random.Random(4)
    for _ in range(60):
        link = make_link()
        link.watch_writes(high=MIB, low=1000)
        if rng.random() < 0.5:
            link.conn.set_half_close_callback(TcpConnection.shutdown)
        link.up()
        link.peer.setblocking(False)
        conn, peer = link.conn, link.peer
        actions: list[Callable[[], object]] = [
            partial(send_random, rng, conn.send, [1, 100, MIB]),
            conn.stop_read,
            conn.start_read,
            conn.shutdown,
            conn.force_close,
            link.passes.one,
            partial(send_random, rng, peer.send, [1, 70_000]),
            partial(peer.recv, 1 << 20),
            partial(peer.shutdown, socket.SHUT_WR),
            partial(reset, peer),
        ]
        weights = [4, 1, 1, 1, 1, 8, 4, 4, 1, 1]
        for action in rng.choices(actions, weights, k=rng.randrange(40)):
            with contextlib.suppress(OSError):
                action()
        link.peer.close()
        link.conn.start_read()
        link.conn.force_close()
        link.gone()
        assert link.conn.loop.connections == 0


# ---------------------------------------------------------------------- the error


def test_an_orderly_end_leaves_no_error(link: Link) -> None:
    link.up()
    link.peer.close()
    link.gone()
    assert link.conn.error is None


@pytest.mark.parametrize("reading", [True, False])
def test_a_reset_is_left_in_error(link: Link, reading: bool) -> None:
    link.up()
    if not reading:
        link.conn.stop_read()
        link.fill(1)  # interest in writing alone
    reset(link.peer)
    link.gone()
    assert isinstance(link.conn.error, ConnectionError)


def test_a_failed_send_is_left_in_error(link: Link) -> None:
    link.up()
    link.conn.stop_read()
    reset(link.peer)
    link.conn.send(b"x")
    link.gone()
    assert isinstance(link.conn.error, ConnectionError)


# ---------------------------------------------------------------------- arguments of send


def test_a_buffer_is_emptied_into_the_connection(link: Link) -> None:
    link.up()
    buffer = Buffer(b"hello")
    link.conn.send(buffer)
    assert not buffer
    assert read_exactly(link.peer, 5) == b"hello"
    link.fill(1)
    late = Buffer(b"behind it")
    link.conn.send(late)
    assert not late
    link.drain_peer()
    link.conn.force_close()
    link.passes.settle()
    gone = Buffer(b"too late")
    link.conn.send(gone)
    assert not gone


def test_a_buffer_from_another_thread(link: Link) -> None:
    link.up()
    buffer = Buffer(b"hello")
    thread = threading.Thread(target=link.conn.send, args=(buffer,))
    thread.start()
    thread.join(WAIT)
    assert not buffer
    link.passes.settle()
    assert read_exactly(link.peer, 5) == b"hello"


@pytest.mark.parametrize("data", ["text", 5, [1, 2], None, object()])
@pytest.mark.parametrize("up", [True, False])
def test_other_objects_than_bytes_are_refused(link: Link, data: object, up: bool) -> None:
    if up:
        link.up()
    with pytest.raises(TypeError, match="takes bytes"):
        link.conn.send(data)  # type: ignore[arg-type]
    caught: list[TypeError] = []

    def elsewhere() -> None:
        try:
            link.conn.send(data)  # type: ignore[arg-type]
        except TypeError as exc:
            caught.append(exc)

    thread = threading.Thread(target=elsewhere)
    thread.start()
    thread.join(WAIT)
    assert caught


def test_the_message_for_a_str_names_the_remedy(link: Link) -> None:
    with pytest.raises(TypeError, match="encode"):
        link.conn.send("text")  # type: ignore[arg-type]


def test_all_kinds_of_bytes(link: Link) -> None:
    link.up()
    numbers = array.array("I", range(1000))
    for data in (bytearray(b"ab"), memoryview(b"abcd")[::2], memoryview(b"ef"), numbers):
        link.conn.send(data)  # type: ignore[arg-type]
    expected = b"abacef" + numbers.tobytes()
    assert read_exactly(link.peer, len(expected)) == expected
    waiting = link.fill(1)
    link.conn.send(numbers)  # type: ignore[arg-type]
    assert link.drain_peer() == waiting + 4000


# ---------------------------------------------------------------------- the socket


def test_socket_options(link: Link) -> None:
    link.conn.set_socket_option(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 7))
    found = link.conn.get_socket_option(socket.SOL_SOCKET, socket.SO_LINGER, 8)
    assert isinstance(found, bytes)
    assert struct.unpack("ii", found) == (1, 7)
    link.conn.set_tcp_no_delay(True)
    assert link.conn.get_socket_option(socket.IPPROTO_TCP, socket.TCP_NODELAY)
    with pytest.raises(OSError):
        link.conn.set_socket_option(socket.SOL_SOCKET, 9999, 1)
    link.conn.set_socket_option(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 0, 0))


def test_the_socket_of_a_connection_that_is_gone(link: Link) -> None:
    link.up()
    link.peer.close()
    link.gone()
    with pytest.raises(OSError):
        link.conn.get_socket_option(socket.SOL_SOCKET, socket.SO_RCVBUF)
    with pytest.raises(OSError):
        link.conn.tcp_info  # noqa: B018 - the property raises
