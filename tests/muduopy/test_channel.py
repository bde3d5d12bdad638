"""Channel: the callback for each event, and its life in the loop."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator

import pytest

from muduopy import Channel, EventLoop, WrongThreadError
from muduopy.poller import ERROR, HANGUP, READ, WRITE
from tests.muduopy.netkit import ErrorLog, Passes


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    left, right = socket.socketpair()
    left.setblocking(False)
    with left, right:
        yield left, right


def record(channel: Channel) -> list[str]:
    seen: list[str] = []
    channel.read_callback = lambda: seen.append("read")
    channel.write_callback = lambda: seen.append("write")
    channel.close_callback = lambda: seen.append("close")
    channel.error_callback = lambda: seen.append("error")
    return seen


@pytest.mark.parametrize(
    ("mask", "expected"),
    [
        (READ, ["read"]),
        (WRITE, ["write"]),
        (READ | WRITE, ["read", "write"]),
        (HANGUP, ["close"]),
        (HANGUP | WRITE, ["close"]),
        (HANGUP | ERROR, ["close"]),
        (HANGUP | READ, ["read"]),  # arrived bytes are read first; reading finds the end
        (HANGUP | READ | ERROR, ["read"]),
        (ERROR, ["error"]),
        (ERROR | WRITE, ["error"]),
        (ERROR | READ, ["read"]),
        (HANGUP | READ | WRITE | ERROR, ["read", "write"]),
    ],
)
def test_dispatch(loop: EventLoop, mask: int, expected: list[str]) -> None:
    channel = Channel(loop, 99)
    channel.events = READ | WRITE
    seen = record(channel)
    channel.handle_event(mask)
    assert seen == expected


def test_no_write_after_reading_has_lost_the_interest(loop: EventLoop) -> None:
    channel = Channel(loop, 99)
    channel.events = READ | WRITE
    seen = record(channel)

    def stop_writing() -> None:
        channel.events = READ

    channel.read_callback = stop_writing
    channel.handle_event(READ | WRITE)
    assert seen == []


def test_callbacks_are_optional(loop: EventLoop) -> None:
    channel = Channel(loop, 99)
    for mask in (READ, WRITE, HANGUP, ERROR):
        channel.handle_event(mask)


def test_interest(loop: EventLoop, ends: tuple[socket.socket, socket.socket]) -> None:
    channel = Channel(loop, ends[0].fileno())
    assert not channel.is_reading
    assert not channel.is_writing
    channel.enable_reading()
    channel.enable_reading()
    channel.enable_writing()
    assert channel.is_reading
    assert channel.is_writing
    assert repr(channel) == f"<Channel fd={ends[0].fileno()} events=0x5>"
    channel.disable_reading()
    assert not channel.is_reading
    assert channel.is_writing
    channel.disable_writing()
    channel.disable_all()
    assert channel.events == 0


def test_events_come_while_there_is_interest(
    passes: Passes, ends: tuple[socket.socket, socket.socket]
) -> None:
    channel = Channel(passes.loop, ends[0].fileno())
    seen = record(channel)
    ends[1].send(b"x")
    passes.one()
    assert seen == []
    channel.enable_reading()
    passes.one()
    passes.one()
    assert seen == ["read", "read"]  # level-triggered: it was not read
    channel.disable_reading()
    passes.one()
    assert seen == ["read", "read"]
    channel.enable_writing()
    passes.one()
    assert seen == ["read", "read", "write"]
    channel.disable_all()


def test_a_hang_up_does_not_reach_a_channel_without_interest(
    passes: Passes, ends: tuple[socket.socket, socket.socket]
) -> None:
    channel = Channel(passes.loop, ends[0].fileno())
    seen = record(channel)
    channel.enable_reading()
    channel.disable_reading()
    ends[1].close()
    passes.settle()
    assert seen == []


def test_no_event_after_it_was_withdrawn_in_the_same_pass(passes: Passes) -> None:
    pipes = [os.pipe() for _ in range(2)]
    channels = [Channel(passes.loop, read_end) for read_end, _ in pipes]
    called: list[int] = []

    def read(number: int) -> Callable[[], object]:
        def callback() -> None:
            called.append(number)
            for channel in channels:
                channel.disable_all()

        return callback

    for number, channel in enumerate(channels):
        channel.read_callback = read(number)
        channel.enable_reading()
        os.write(pipes[number][1], b"x")
    passes.settle()
    assert len(called) == 1
    for pipe in pipes:
        for fd in pipe:
            os.close(fd)


def test_a_callback_that_raises_harms_no_other(passes: Passes, errors: ErrorLog) -> None:
    pipes = [os.pipe() for _ in range(2)]
    channels = [Channel(passes.loop, read_end) for read_end, _ in pipes]
    called: list[int] = []

    def read(number: int) -> Callable[[], object]:
        def callback() -> None:
            called.append(number)
            channels[number].disable_all()
            raise RuntimeError(f"pipe {number}")

        return callback

    for number, channel in enumerate(channels):
        channel.read_callback = read(number)
        channel.enable_reading()
        os.write(pipes[number][1], b"x")
    passes.one()
    assert sorted(called) == [0, 1]
    assert sorted(errors.exceptions) == ["pipe 0", "pipe 1"]
    for pipe in pipes:
        for fd in pipe:
            os.close(fd)


def test_only_in_the_loop_thread(
    other_loop: EventLoop, ends: tuple[socket.socket, socket.socket]
) -> None:
    channel = Channel(other_loop, ends[0].fileno())
    for method in (channel.enable_reading, channel.enable_writing):
        with pytest.raises(WrongThreadError):
            method()
    assert channel.events == 0


def test_a_descriptor_that_cannot_be_polled_leaves_no_trace(loop: EventLoop) -> None:
    with open(__file__, "rb") as file:  # epoll refuses plain files
        channel = Channel(loop, file.fileno())
        with pytest.raises(PermissionError):
            channel.enable_reading()
        assert channel.events == 0
    assert "channels=1 " in repr(loop)  # that of the wake-up


@pytest.mark.parametrize("mask", [HANGUP, ERROR, HANGUP | ERROR])
@pytest.mark.parametrize(("events", "expected"), [(READ, "read"), (WRITE, "write")])
def test_an_end_without_a_callback_goes_to_the_reader_or_the_writer(
    loop: EventLoop,
    ends: tuple[socket.socket, socket.socket],
    mask: int,
    events: int,
    expected: str,
) -> None:
    channel = Channel(loop, ends[0].fileno())
    seen: list[str] = []
    channel.read_callback = lambda: seen.append("read")
    channel.write_callback = lambda: seen.append("write")
    if events == READ:
        channel.enable_reading()
    else:
        channel.enable_writing()
    channel.handle_event(mask)
    channel.disable_all()
    assert seen == [expected]


def test_a_refused_datagram_does_not_spin_the_loop(loop: EventLoop) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as closed:
        closed.bind(("127.0.0.1", 0))
        address = closed.getsockname()
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.setblocking(False)
        sock.connect(address)
        channel = Channel(loop, sock.fileno())

        def read() -> None:
            with pytest.raises(ConnectionRefusedError):
                sock.recv(1)
            loop.quit()

        channel.read_callback = read
        channel.enable_reading()
        sock.send(b"hello")
        loop.loop()
        channel.disable_all()


def test_the_end_of_a_pipe_reaches_a_plain_reader(loop: EventLoop) -> None:
    read_end, write_end = os.pipe()
    channel = Channel(loop, read_end)

    def read() -> None:
        assert os.read(read_end, 1) == b""
        loop.quit()

    channel.read_callback = read
    channel.enable_reading()
    os.close(write_end)
    loop.loop()
    channel.disable_all()
    os.close(read_end)
