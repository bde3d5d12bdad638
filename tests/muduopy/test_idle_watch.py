"""IdleWatch: which connections are closed as idle."""

from __future__ import annotations

import math

import pytest

from muduopy import EventLoop, TcpConnection, TcpServer
from muduopy.idle_watch import IdleWatch
from tests.muduopy.netkit import (
    KERNEL_TAKES,
    LOOPBACK,
    WAIT,
    Link,
    LinkMaker,
    Passes,
    ServerMaker,
    call_in,
)

SOON = 0.05


def never_idle(conn: TcpConnection) -> None:
    conn.received_at += 3600.0  # no bytes arrive, so this stays


@pytest.mark.parametrize("threads", [0, 2])
def test_the_idle_are_closed_and_the_others_are_not(run_server: ServerMaker, threads: int) -> None:
    running = run_server(threads, idle_timeout=SOON)
    running.on_up = lambda conn: never_idle(conn) if conn.name.endswith(("1", "2")) else None
    busy = [running.accept()[1] for _ in range(2)]
    idle = [running.accept() for _ in range(2)]
    for client, _ in idle:
        assert client.recv(1) == b""
        client.close()
    gone = {running.downs.get(timeout=WAIT) for _ in idle}
    assert gone == {conn for _, conn in idle}
    assert all(conn.connected for conn in busy)


def test_a_peer_that_takes_waiting_output_is_not_idle(loop: EventLoop, link: Link) -> None:
    watch = IdleWatch(loop, 60.0)
    watch.establish(link.conn)
    wheel = watch._wheel
    assert wheel is not None
    link.conn.received_at = 0.0
    link.conn._output.drained_at = start = loop.poll_return_time
    wheel._wheel.turn(start + 59.0)
    assert link.conn in wheel
    assert not link.conn.closing
    wheel._wheel.turn(start + 60.0 + wheel._wheel.step)
    assert link.conn not in wheel
    assert link.conn.closing
    link.conn.force_close()
    link.gone()
    watch.close()


@pytest.mark.parametrize("linger", [0.0, SOON])
def test_an_idle_peer_that_does_not_close_is_closed_by_force(
    run_server: ServerMaker, linger: float
) -> None:
    running = run_server(0, idle_timeout=SOON, idle_linger=linger)
    # The waiting output keeps shutdown() from sending the end.
    running.on_up = lambda conn: conn.send(bytes(8 * KERNEL_TAKES))
    _, conn = running.accept()
    assert running.downs.get(timeout=WAIT) is conn


def test_forgets_connections_that_are_down(run_server: ServerMaker) -> None:
    running = run_server(1, idle_timeout=3600.0)
    client, conn = running.accept()
    (watch,) = running.call(lambda: list(running.server._watches.values()))
    assert call_in(conn.loop, lambda: watch._wheel is not None and len(watch._wheel)) == 1
    client.close()
    running.downs.get(timeout=WAIT)
    assert call_in(conn.loop, lambda: watch._wheel is not None and len(watch._wheel)) == 0


def test_a_connection_that_ends_at_once_is_not_watched(
    passes: Passes, loop: EventLoop, make_link: LinkMaker
) -> None:
    watch = IdleWatch(loop, 60.0)
    link = make_link()
    link.conn.set_connection_callback(lambda conn: conn._handle_close())
    watch.establish(link.conn)
    assert watch._wheel is None
    watch.forget(link.conn)
    watch.close()
    late = make_link()
    watch.establish(late.conn)  # the server has stopped meanwhile
    assert watch._wheel is None


@pytest.mark.parametrize("seconds", [0.0, -1.0, math.inf, math.nan])
def test_impossible_timeouts(loop: EventLoop, seconds: float) -> None:
    with pytest.raises(ValueError, match="idle_timeout"):
        TcpServer(loop, LOOPBACK, idle_timeout=seconds)


@pytest.mark.parametrize("seconds", [-1.0, math.inf, math.nan])
def test_impossible_lingers(loop: EventLoop, seconds: float) -> None:
    with pytest.raises(ValueError, match="idle_linger"):
        TcpServer(loop, LOOPBACK, idle_timeout=1.0, idle_linger=seconds)
