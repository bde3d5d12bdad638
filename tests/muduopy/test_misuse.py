"""Mistakes of users raise at the call, with a message that names the remedy."""

from __future__ import annotations

import math
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from muduopy import (
    Acceptor,
    Buffer,
    Channel,
    Connector,
    EventLoop,
    EventLoopThread,
    EventLoopThreadPool,
    HostAddress,
    InetAddress,
    LoopError,
    StateError,
    TcpClient,
    TcpConnection,
    TcpServer,
    ThreadPool,
    TimingWheel,
    UnixAddress,
    WrongThreadError,
)
from muduopy.codec import FrameHandler, LineCodec
from muduopy.event_loop import escalate_to_main_thread
from tests.muduopy.netkit import (
    LOOPBACK,
    WAIT,
    LinkMaker,
    Passes,
    ServerMaker,
    call_in,
    connect_to,
    port_of,
    reset,
)


async def coroutine(*arguments: object) -> None:
    pytest.fail("this must not run")


def generator(*arguments: object) -> Iterator[None]:
    yield


async def async_generator(*arguments: object) -> AsyncIterator[None]:
    yield


class Handler:
    async def method(self, *arguments: object) -> None: ...

    async def __call__(self, *arguments: object) -> None: ...


NO_CALLBACKS: list[Any] = [
    None,
    5,
    "name",
    coroutine,
    generator,
    async_generator,
    partial(partial(coroutine, 1), 2),
    Handler().method,
    Handler(),
]


def takers(loop: EventLoop, connection: TcpConnection) -> dict[str, Callable[[Any], object]]:
    """All methods that take a callback."""
    pool = ThreadPool(1)
    server = TcpServer(loop, LOOPBACK)
    client = TcpClient(loop, LOOPBACK)
    loop.queue_in_loop(server.close)
    return {
        "queue_in_loop": loop.queue_in_loop,
        "run_in_loop": loop.run_in_loop,
        "run_at": lambda callback: loop.run_at(0.0, callback),
        "run_after": lambda callback: loop.run_after(0.0, callback),
        "run_every": lambda callback: loop.run_every(1.0, callback),
        "add_signal_handler": lambda callback: loop.add_signal_handler(10, callback),
        "ThreadPool.run": pool.run,
        "ThreadPool.try_run": pool.try_run,
        "work": lambda callback: pool.try_run_for(loop, callback, lambda result, error: None),
        "done": lambda callback: pool.try_run_for(loop, lambda: None, callback),
        "TimingWheel": lambda callback: TimingWheel(loop, 1.0, callback),
        "FrameHandler": lambda callback: FrameHandler(LineCodec(), callback),
        "FrameHandler error": lambda callback: FrameHandler(LineCodec(), print, callback),
        "server connection": server.set_connection_callback,
        "server message": server.set_message_callback,
        "server write complete": server.set_write_complete_callback,
        "server thread init": server.set_thread_init_callback,
        "server farewell": lambda callback: server.stop(0.0, farewell=callback),
        "client connection": client.set_connection_callback,
        "client message": client.set_message_callback,
        "client write complete": client.set_write_complete_callback,
        "client failed": client.set_connect_failed_callback,
        "connection": connection.set_connection_callback,
        "connection message": connection.set_message_callback,
    }


def test_only_functions_are_accepted(passes: Passes, make_link: LinkMaker) -> None:
    link = make_link()
    for name, take in takers(passes.loop, link.conn).items():
        for callback in NO_CALLBACKS:
            with pytest.raises(TypeError, match=r"function|generator") as raised:
                take(callback)
            if callback is coroutine:
                assert "asyncio.run_coroutine_threadsafe" in str(raised.value), name
    passes.settle()
    assert passes.loop.queue_size == 0


@pytest.mark.parametrize("setter", ["write_complete", "high_water", "low_water", "half_close"])
def test_optional_callbacks_may_be_none(make_link: LinkMaker, setter: str) -> None:
    set_callback = getattr(make_link().conn, f"set_{setter}_callback")
    set_callback(None)
    with pytest.raises(TypeError):
        set_callback(coroutine)
    with pytest.raises(TypeError):
        set_callback("name")


def test_all_that_can_be_called_is_taken(passes: Passes) -> None:
    class Object:
        def __call__(self) -> None:
            ran.append("object")

    ran: list[str] = []
    passes.loop.queue_in_loop(Object())
    passes.loop.queue_in_loop(partial(ran.append, "partial"))
    passes.loop.queue_in_loop(Buffer)
    passes.loop.run_after(0.0, ran.copy)
    passes.one()
    assert ran == ["object", "partial"]


# ---------------------------------------------------------------------- threads and life cycles


def test_a_connection_that_is_up_belongs_to_its_loop(run_server: ServerMaker) -> None:
    running = run_server(1)
    _, connection = running.accept()
    setters: tuple[Callable[[Any], None], ...] = (
        connection.set_connection_callback,
        connection.set_message_callback,
        connection.set_write_complete_callback,
        connection.set_high_water_callback,
        connection.set_low_water_callback,
        connection.set_half_close_callback,
    )
    for setter in setters:
        with pytest.raises(WrongThreadError, match="queue_in_loop"):
            setter(Handler)
    with pytest.raises(WrongThreadError):
        len(connection.input_buffer)
    assert call_in(connection.loop, lambda: len(connection.input_buffer)) == 0


def test_before_it_is_up_any_thread_may_prepare_it(
    other_loop: EventLoop, make_link: LinkMaker
) -> None:
    connection = make_link().conn
    call_in(other_loop, lambda: connection.set_message_callback(lambda *arguments: None))
    assert call_in(other_loop, lambda: len(connection.input_buffer)) == 0


def test_the_close_callback_is_the_owners(make_link: LinkMaker) -> None:
    link = make_link().up()
    with pytest.raises(StateError, match="connection callback"):
        link.conn.set_close_callback(lambda connection: None)


def test_set_up_comes_before_start_and_start_before_stop(loop: EventLoop) -> None:
    with TcpServer(loop, LOOPBACK) as server:
        server.start()
        for setter in (
            server.set_connection_callback,
            server.set_message_callback,
            server.set_write_complete_callback,
            server.set_thread_init_callback,
        ):
            with pytest.raises(StateError, match=r"before start\(\)"):
                setter(lambda *arguments: None)
    with pytest.raises(StateError, match="make a new one"):
        server.start()


def test_set_up_comes_before_connect(loop: EventLoop) -> None:
    client = TcpClient(loop, LOOPBACK)
    client.connect()
    for setter in (
        client.set_connection_callback,
        client.set_message_callback,
        client.set_write_complete_callback,
        client.set_connect_failed_callback,
    ):
        with pytest.raises(StateError, match=r"before connect\(\)"):
            setter(lambda *arguments: None)
    client.close()
    loop.run_queued()


def test_a_server_whose_loops_do_not_start_can_be_closed(loop: EventLoop) -> None:
    def init(sub_loop: EventLoop) -> None:
        raise RuntimeError("init")

    with TcpServer(loop, LOOPBACK) as server:
        server.set_thread_num(2)
        server.set_thread_init_callback(init)
        with pytest.raises(RuntimeError, match="init"):
            server.start()


@pytest.mark.parametrize("where", ["own thread", "other thread"])
def test_timers_of_a_closed_loop(where: str) -> None:
    if where == "own thread":
        loop = EventLoop()
        loop.close()
    else:
        thread = EventLoopThread()
        loop = thread.start_loop()
        assert thread.stop()
    for schedule in (loop.run_at, loop.run_after, loop.run_every):
        with pytest.raises(LoopError, match="closed"):
            schedule(1.0, lambda: None)


def test_close_inside_loop_changes_nothing(passes: Passes) -> None:
    loop = passes.loop

    def close() -> None:
        with pytest.raises(LoopError, match=r"quit\(\)"):
            loop.close()
        loop.submit(lambda: None)  # the loop is still open
        escalate_to_main_thread(SystemExit(3))  # and still registered

    loop.queue_in_loop(close)
    with pytest.raises(SystemExit):
        loop.loop()


def test_other_objects_than_loops(loop: EventLoop) -> None:
    def nothing(*arguments: object) -> None: ...

    pool = ThreadPool(1)
    no_loop: Any
    for no_loop in (None, LOOPBACK, "loop"):
        for make in (
            lambda no_loop: TcpServer(no_loop, LOOPBACK),
            lambda no_loop: TcpClient(no_loop, LOOPBACK),
            lambda no_loop: EventLoopThreadPool(no_loop),
            lambda no_loop: pool.try_run_for(no_loop, nothing, nothing),
        ):
            with pytest.raises(TypeError, match="a loop is an EventLoop, not"):
                make(no_loop)


def test_a_stop_that_is_refused_leaves_the_server_as_it_was(
    run_server: ServerMaker,
) -> None:
    running = run_server()
    peer, _ = running.accept()
    wrong: Any
    for wrong, error in ((None, TypeError), (peer.close, TypeError), (math.nan, ValueError)):
        with pytest.raises(error, match="drain_seconds is a number of seconds"):
            running.server.stop(wrong)
    stopped = threading.Event()
    running.server.stop(0.0, stopped.set)
    assert stopped.wait(WAIT)
    assert peer.recv(1) == b""
    assert not running.server.connections


@pytest.mark.parametrize("kind", ["high", "low"])
def test_water_marks_are_numbers(loop: EventLoop, make_link: LinkMaker, kind: str) -> None:
    def ignore(*arguments: object) -> None: ...

    with TcpServer(loop, LOOPBACK) as server:
        for owner in (server, make_link().conn):
            set_callback = getattr(owner, f"set_{kind}_water_callback")
            with pytest.raises(TypeError, match="a number of bytes"):
                set_callback(ignore, "64K")
            with pytest.raises(ValueError, match="-1 bytes"):
                set_callback(ignore, -1)


def test_time_limits_are_positive(loop: EventLoop) -> None:
    for seconds in (0, -1, math.nan):
        with pytest.raises(ValueError, match="connect_seconds"):
            TcpClient(loop, LOOPBACK, connect_seconds=seconds)
        with pytest.raises(ValueError, match="handshake_seconds"):
            TcpServer(loop, LOOPBACK, handshake_seconds=seconds)


def test_a_file_to_send_is_open(make_link: LinkMaker) -> None:
    path: Any = __file__
    with pytest.raises(TypeError, match=r"not str: open\(path"):
        make_link().up().conn.send_file(path)


# ---------------------------------------------------------------------- channels


def test_a_channel_takes_a_descriptor(loop: EventLoop) -> None:
    with socket.socket() as sock:
        no_fd: Any
        for no_fd in (sock, None, "3"):
            with pytest.raises(TypeError, match=r"use its fileno\(\)"):
                Channel(loop, no_fd)


@pytest.mark.parametrize("kind", ["read", "write", "close", "error"])
def test_a_channel_calls_functions(loop: EventLoop, kind: str) -> None:
    left, right = socket.socketpair()
    with left, right:
        channel = Channel(loop, left.fileno())
        for callback in NO_CALLBACKS:
            setattr(channel, f"{kind}_callback", callback)
            with pytest.raises(TypeError, match=f"a channel's {kind} callback"):
                channel.enable_reading()
        assert not channel.is_reading


# ---------------------------------------------------------------------- TLS


def test_a_tls_context_that_cannot_work(loop: EventLoop) -> None:
    server_side = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    client_side = ssl.create_default_context()
    no_context: Any = True
    with pytest.raises(TypeError, match="SSLContext, not bool"):
        TcpServer(loop, LOOPBACK, tls=no_context)
    with pytest.raises(TypeError, match="SSLContext, not bool"):
        TcpClient(loop, LOOPBACK, tls=no_context)
    with pytest.raises(ValueError, match=r"Purpose\.CLIENT_AUTH"):
        TcpServer(loop, LOOPBACK, tls=client_side)
    with pytest.raises(ValueError, match=r"Purpose\.SERVER_AUTH"):
        TcpClient(loop, LOOPBACK, tls=server_side, server_hostname="localhost")
    for name in ("", "x..y"):
        with pytest.raises(ValueError, match="server_hostname"):
            TcpClient(loop, LOOPBACK, tls=client_side, server_hostname=name)


def test_a_context_that_checks_names_needs_one(loop: EventLoop) -> None:
    """Without this check the certificate of any name would be accepted."""
    context = ssl.create_default_context()
    with pytest.raises(ValueError, match="server_hostname=NAME"):
        TcpClient(loop, LOOPBACK, tls=context)
    TcpClient(loop, HostAddress("localhost", 1), tls=context)
    context.check_hostname = False
    TcpClient(loop, LOOPBACK, tls=context)


def test_a_closed_loop_stops_no_server_and_watches_nothing() -> None:
    with EventLoop() as loop, TcpServer(loop, LOOPBACK) as server:
        pass
    with pytest.raises(LoopError, match="closed: stop before"):
        server.stop(0.0)
    with pytest.raises(LoopError, match="warn_of_slow_callbacks"):
        loop.warn_of_slow_callbacks(0.1)


@pytest.mark.parametrize("when", ["soon", None])
def test_times_are_numbers(loop: EventLoop, when: Any) -> None:
    for schedule in (loop.run_at, loop.run_after, loop.run_every):
        with pytest.raises(TypeError):
            schedule(when, lambda: None)


# ---------------------------------------------------------------------- addresses


@pytest.mark.parametrize("address", [("127.0.0.1", 1), "127.0.0.1:1", 2007, None])
def test_the_remedy_for_a_wrong_address(loop: EventLoop, address: Any) -> None:
    for make in (TcpServer, TcpClient, Acceptor, Connector):
        with pytest.raises(TypeError, match=r"InetAddress\.resolve"):
            make(loop, address)


def test_a_bind_error_names_the_address(loop: EventLoop, tmp_path: Path) -> None:
    with TcpServer(loop, LOOPBACK) as server:
        server.start()
        with pytest.raises(OSError, match=str(port_of(server.address))):
            TcpServer(loop, server.address)
    with pytest.raises(OSError, match=r"192\.0\.2\.1:80"):
        TcpServer(loop, InetAddress("192.0.2.1", 80))
    with pytest.raises(OSError, match="no/such/folder"):
        TcpServer(loop, UnixAddress(str(tmp_path / "no/such/folder")))


@pytest.mark.parametrize("kind", ["tcp", "unix"])
def test_the_second_of_two_servers_that_have_not_started(
    loop: EventLoop, tmp_path: Path, kind: str
) -> None:
    address = LOOPBACK if kind == "tcp" else UnixAddress(str(tmp_path / "socket"))
    with TcpServer(loop, address) as first:
        with pytest.raises(OSError, match="in use"):
            TcpServer(loop, first.address)
        first.start()
        with socket.socket(first.address.family) as client:
            client.connect(first.address.sockaddr)


def test_a_port_with_connections_in_time_wait_can_be_bound(
    passes: Passes,
) -> None:
    """The server closes first, so that its end is in TIME_WAIT."""
    with TcpServer(passes.loop, LOOPBACK) as server:
        server.set_connection_callback(TcpConnection.shutdown)
        server.start()
        with connect_to(server.address) as client:
            passes.until(lambda: server.connections)
            assert client.recv(1) == b""
        passes.until(lambda: not server.connections)
    for _ in range(2):
        with TcpServer(passes.loop, server.address) as again:
            with pytest.raises(OSError, match="in use"):
                TcpServer(passes.loop, server.address)
            again.start()
            reset(connect_to(server.address))
