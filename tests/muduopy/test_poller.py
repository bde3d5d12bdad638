"""The pollers: the same masks from epoll and from ``selectors``."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

import pytest

from muduopy.poller import (
    HANGUP,
    READ,
    WRITE,
    EpollPoller,
    Poller,
    SelectorPoller,
    new_default_poller,
)


@pytest.fixture(params=[EpollPoller, SelectorPoller])
def poller(request: pytest.FixtureRequest) -> Iterator[Poller]:
    poller: Poller = request.param()
    yield poller
    poller.close()


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    left, right = socket.socketpair()
    with left, right:
        yield left, right


def test_the_default_on_linux_is_epoll() -> None:
    poller = new_default_poller()
    poller.close()
    assert isinstance(poller, EpollPoller)


def test_readable_is_reported_until_it_is_read(
    poller: Poller, pair: tuple[socket.socket, socket.socket]
) -> None:
    left, right = pair
    poller.add(left.fileno(), READ)
    assert poller.poll(0) == []
    right.send(b"x")
    assert poller.poll(10) == [(left.fileno(), READ)]
    assert poller.poll(10) == [(left.fileno(), READ)]
    left.recv(1)
    assert poller.poll(0) == []


def test_interest_can_be_changed_and_withdrawn(
    poller: Poller, pair: tuple[socket.socket, socket.socket]
) -> None:
    left, right = pair
    right.send(b"x")
    poller.add(left.fileno(), READ | WRITE)
    assert poller.poll(10) == [(left.fileno(), READ | WRITE)]
    poller.modify(left.fileno(), WRITE)
    assert poller.poll(10) == [(left.fileno(), WRITE)]
    poller.remove(left.fileno())
    assert poller.poll(0) == []
    poller.add(left.fileno(), READ)
    assert poller.poll(10) == [(left.fileno(), READ)]


def test_only_ready_descriptors_are_reported(poller: Poller) -> None:
    pipes = [os.pipe() for _ in range(10)]
    try:
        for read_end, _ in pipes:
            poller.add(read_end, READ)
        for number in (3, 7):
            os.write(pipes[number][1], b"x")
        assert sorted(poller.poll(10)) == sorted((pipes[number][0], READ) for number in (3, 7))
    finally:
        for ends in pipes:
            for fd in ends:
                os.close(fd)


def test_epoll_reports_a_hang_up_unasked() -> None:
    left, right = socket.socketpair()
    poller = EpollPoller()
    try:
        with left:
            poller.add(left.fileno(), WRITE)
            right.close()
            [(fd, mask)] = poller.poll(10)
            assert fd == left.fileno()
            assert mask & HANGUP
    finally:
        poller.close()


def test_selectors_make_a_hang_up_readable() -> None:
    left, right = socket.socketpair()
    poller = SelectorPoller()
    try:
        with left:
            poller.add(left.fileno(), READ)
            right.close()
            assert poller.poll(10) == [(left.fileno(), READ)]
    finally:
        poller.close()


def test_a_time_out_is_in_seconds(poller: Poller) -> None:
    # It would be 10 ms in the wrong unit; and a ready descriptor ends the wait at once.
    left, right = socket.socketpair()
    with left, right:
        poller.add(left.fileno(), WRITE)
        assert poller.poll(3600) == [(left.fileno(), WRITE)]
