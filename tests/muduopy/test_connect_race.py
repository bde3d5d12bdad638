"""ConnectRace: the winner among several addresses, and the time of each attempt."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterator, Sequence

import pytest

from muduopy import Address, EventLoop, InetAddress
from muduopy.connect_race import ConnectRace, alternate, most_hopeful
from tests.muduopy.netkit import Passes, ServerMaker

V4 = [InetAddress(f"127.0.0.{n}", 1) for n in range(1, 5)]
V6 = [InetAddress(f"::{n}", 1) for n in range(1, 5)]


class Race:
    """A race in the test's own loop, and its result."""

    def __init__(self, passes: Passes, addresses: Sequence[Address]) -> None:
        self.passes = passes
        self.won: list[socket.socket] = []
        self.lost: list[OSError] = []
        self.race = ConnectRace(passes.loop, addresses, self.won.append, self.lost.append)

    def run(self) -> None:
        self.race.start()
        self.passes.until(lambda: self.won or self.lost, "the end of the race")
        self.passes.settle()
        assert len(self.won) + len(self.lost) == 1
        for sock in self.won:
            sock.close()


@pytest.fixture
def refusing() -> InetAddress:
    """An address on which no socket listens: the one that had the port is closed."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return InetAddress(*listener.getsockname())


@pytest.fixture
def silent() -> Iterator[InetAddress]:
    """A full backlog: the kernel does not answer."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        held = []
        for _ in range(4):
            sock = socket.socket()
            sock.setblocking(False)
            sock.connect_ex(listener.getsockname())
            held.append(sock)
        yield InetAddress(*listener.getsockname())
        for sock in held:
            sock.close()


def test_the_families_take_turns() -> None:
    assert alternate([*V6[:3], *V4[:2]]) == [V6[0], V4[0], V6[1], V4[1], V6[2]]
    assert alternate([V4[0], *V6[:3]]) == [V4[0], V6[0], V6[1], V6[2]]
    assert alternate(V4) == V4
    assert alternate([]) == []


def test_which_error_is_told() -> None:
    refused, denied = OSError(errno.ECONNREFUSED, "refused"), OSError(errno.EACCES, "denied")
    assert most_hopeful([refused, denied]) is refused
    assert most_hopeful([denied, denied]) is denied


def test_the_second_address_after_a_refusal_at_once(
    run_server: ServerMaker,
    passes: Passes,
    refusing: InetAddress,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("muduopy.connect_race.ATTEMPT_DELAY", 3600.0)
    running = run_server()
    race = Race(passes, [refusing, refusing, running.server.address])
    race.run()
    assert race.won


def test_the_second_address_beside_a_silent_one(
    run_server: ServerMaker, passes: Passes, silent: InetAddress
) -> None:
    running = run_server()
    race = Race(passes, [silent, running.server.address])
    race.run()
    assert race.won
    assert not race.race._running  # no_leaks checks that the silent attempt's socket is closed


def test_a_first_address_that_answers_stays_alone(run_server: ServerMaker, passes: Passes) -> None:
    first, second = run_server(), run_server()
    race = Race(passes, [first.server.address, second.server.address])
    race.run()
    assert race.won
    assert second.ups.empty()


def test_all_refuse(passes: Passes, refusing: InetAddress) -> None:
    race = Race(passes, [refusing] * 500)  # without recursion
    race.run()
    assert race.lost[0].errno == errno.ECONNREFUSED


def test_cancelled(passes: Passes, silent: InetAddress, refusing: InetAddress) -> None:
    race = Race(passes, [silent, refusing])
    race.race.start()
    race.race.cancel()
    race.race.cancel()
    passes.settle()
    assert not race.won
    assert not race.lost


def test_two_that_answer_in_one_pass(
    run_server: ServerMaker, loop: EventLoop, passes: Passes, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both sockets may be writable in one pass: one wins, the other is closed."""
    monkeypatch.setattr("muduopy.connect_race.ATTEMPT_DELAY", 0.0)
    servers = [run_server() for _ in range(4)]
    race = Race(passes, [server.server.address for server in servers])
    race.run()
    assert race.won
