"""TLS: the same callbacks as plain TCP, with encrypted bytes.

``certs/localhost.pem`` is a key and its self-signed certificate for localhost, made for these
tests only (``openssl req -x509 -newkey ec … -addext subjectAltName=DNS:localhost,IP:127.0.0.1``).
"""

from __future__ import annotations

import queue
import socket
import ssl
from collections.abc import Callable
from pathlib import Path

import pytest

from muduopy import (
    Address,
    EventLoop,
    HostAddress,
    InetAddress,
    StateError,
    TcpClient,
    TcpConnection,
    TcpServer,
)
from muduopy.handshakes import network_of
from tests.muduopy.netkit import (
    WAIT,
    RunningServer,
    ServerMaker,
    call_in,
    echo,
    eventually,
    port_of,
    read_all,
    reset,
)

PEM = Path(__file__).parent / "certs" / "localhost.pem"


def server_context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(PEM)
    context.set_alpn_protocols(["chat", "http/1.1"])
    return context


def client_context() -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(PEM))
    context.set_alpn_protocols(["chat"])
    return context


Start = Callable[..., RunningServer]


@pytest.fixture
def start(run_server: ServerMaker) -> Start:
    """An echo server that speaks TLS."""

    def make(threads: int = 0, **options: object) -> RunningServer:
        return run_server(
            threads,
            lambda server: server.set_message_callback(echo),
            tls=server_context(),
            **options,
        )

    return make


def wrap(sock: socket.socket) -> ssl.SSLSocket:
    """The client's end, from the standard library."""
    return client_context().wrap_socket(sock, server_hostname="localhost")


def read_exactly(sock: ssl.SSLSocket, count: int) -> bytes:
    data = b""
    while len(data) < count and (part := sock.recv(count - len(data))):
        data += part
    return data


@pytest.mark.parametrize("threads", [0, 2])
def test_bytes_go_both_ways(start: Start, threads: int) -> None:
    running = start(threads)
    with wrap(running.connect()) as client:
        connection = running.ups.get(timeout=WAIT)
        assert connection.tls is not None
        assert connection.tls.selected_alpn_protocol() == "chat"
        assert connection.tls.version() == "TLSv1.3"
        for size in (1, 100, 16384, 16385, 300_000):
            data = bytes(range(256)) * (size // 256 + 1)
            client.sendall(data[:size])  # the server buffers the answer meanwhile
            assert read_exactly(client, size) == data[:size]
        connection.send(b"from another thread")
        assert read_exactly(client, 19) == b"from another thread"


def test_another_context_for_new_connections(start: Start, tmp_path: Path) -> None:
    """As after a reload of the certificate: established connections go on."""
    running = start()
    old = wrap(running.connect())
    running.ups.get(timeout=WAIT)
    new_context = server_context()
    new_context.set_alpn_protocols(["new"])
    call_in(running.loop, lambda: running.server.set_tls(new_context))
    context = ssl.create_default_context(cafile=str(PEM))
    context.set_alpn_protocols(["new"])
    with (
        old,
        context.wrap_socket(running.connect(), server_hostname="localhost") as new,
    ):
        assert new.selected_alpn_protocol() == "new"
        for client in (old, new):
            client.sendall(b"hello")
            assert client.recv(100) == b"hello"


def test_a_server_without_tls_gets_none(run_server: ServerMaker) -> None:
    running = run_server(0, lambda server: None)
    with pytest.raises(StateError, match="made without TLS"):
        call_in(running.loop, lambda: running.server.set_tls(server_context()))


def test_older_versions_and_client_certificates(run_server: ServerMaker) -> None:
    context = server_context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(PEM)
    running = run_server(0, lambda server: server.set_message_callback(echo), tls=context)
    mine = client_context()
    mine.load_cert_chain(PEM)
    with mine.wrap_socket(running.connect(), server_hostname="localhost") as client:
        connection = running.ups.get(timeout=WAIT)
        assert connection.tls is not None
        assert connection.tls.version() == "TLSv1.2"
        certificate = connection.tls.getpeercert()
        assert certificate is not None
        assert ("DNS", "localhost") in certificate["subjectAltName"]
        client.sendall(b"hello")
        assert client.recv(100) == b"hello"


def test_shutdown_drains_and_says_goodbye(start: Start) -> None:
    running = start()
    with wrap(running.connect()) as client:
        connection = running.ups.get(timeout=WAIT)
        # Not in typeshed: an end without close_notify raises.
        setattr(client, "suppress_ragged_eofs", False)  # noqa: B010
        connection.send(b"x" * 3_000_000)
        connection.shutdown()
        connection.send(b"too late")
        assert len(read_all(client)) == 3_000_000
    assert running.downs.get(timeout=WAIT) is connection


def test_a_peer_that_says_goodbye(start: Start) -> None:
    running = start()
    with wrap(running.connect()) as client:
        running.ups.get(timeout=WAIT)
        client.sendall(b"last words")
        assert client.recv(100) == b"last words"
        client.unwrap().close()
    running.downs.get(timeout=WAIT)


def test_half_close_gets_the_waiting_output(start: Start) -> None:
    running = start(half_close=True)
    with wrap(running.connect()) as client:
        data = b"y" * 2_000_000
        client.sendall(data)
        assert read_exactly(client, len(data)) == data
        client.unwrap().close()
    running.downs.get(timeout=WAIT)


@pytest.mark.parametrize(
    "data", [b"GET / HTTP/1.0\r\n\r\n", b"\x16\x03\x01\x00\x05hello", b"\0" * 100, b""]
)
def test_a_client_without_tls_is_no_connection(start: Start, data: bytes) -> None:
    running = start()
    client = running.connect()
    client.sendall(data)
    client.shutdown(socket.SHUT_WR)
    read_all(client)  # possibly an alert, then the end
    with wrap(running.connect()) as good:
        good.sendall(b"hello")
        assert good.recv(10) == b"hello"
    assert running.ups.get(timeout=WAIT) is running.downs.get(timeout=WAIT)
    assert running.ups.empty()
    assert not running.call(lambda: dict(running.server.connections))


def test_a_handshake_that_takes_too_long(start: Start) -> None:
    running = start(handshake_seconds=0.05)
    client = running.connect()
    assert client.recv(100) == b""
    assert running.ups.empty()


def test_stopping_does_not_wait_for_a_handshake(start: Start) -> None:
    running = start(handshake_seconds=600.0)
    client = running.connect()
    while not running.call(lambda: len(running.server.connections)):
        pass
    running.stop(drain_seconds=600.0)
    assert client.recv(100) == b""


def test_a_reset_in_the_middle(start: Start) -> None:
    running = start()
    for _ in range(10):
        reset(running.connect())
        client = wrap(running.connect())
        running.ups.get(timeout=WAIT)
        client.sendall(b"x" * 100_000)
        reset(client)
        running.downs.get(timeout=WAIT)
        reset(wrap(running.connect()))  # the server may have reported UP before
    running.stop()
    assert running.ups.qsize() == running.downs.qsize()


@pytest.mark.parametrize("what", ["raise", "force_close", "shutdown"])
def test_ending_inside_callbacks(run_server: ServerMaker, errors: object, what: str) -> None:
    def end(conn: TcpConnection, *_: object) -> None:
        if what == "raise":
            raise RuntimeError("meant")
        getattr(conn, what)()

    for where in ("connection", "message"):

        def configure(server: TcpServer, where: str = where) -> None:
            if where == "message":
                server.set_message_callback(end)

        running = run_server(0, configure, tls=server_context())
        if where == "connection":
            running.on_up = end
        client = wrap(running.connect())
        with client:
            try:
                client.sendall(b"x")
                read_all(client)
            except (ssl.SSLError, ConnectionError):
                pass
        assert running.ups.get(timeout=WAIT) is running.downs.get(timeout=WAIT)


# ---------------------------------------------------------------------- TcpClient


def test_two_of_ours(start: Start, other_loop: EventLoop) -> None:
    running = start(2)
    events: queue.SimpleQueue[object] = queue.SimpleQueue()
    client = TcpClient(
        other_loop, running.server.address, tls=client_context(), server_hostname="localhost"
    )
    client.set_connection_callback(lambda conn: events.put(conn.connected))
    client.set_message_callback(lambda conn, buffer, when: events.put(buffer.retrieve_all()))
    client.connect()
    assert events.get(timeout=WAIT) is True
    connection = client.connection
    assert connection is not None
    assert connection.tls is not None
    assert connection.tls.selected_alpn_protocol() == "chat"
    connection.send(b"hello")
    assert events.get(timeout=WAIT) == b"hello"
    client.disconnect()
    assert events.get(timeout=WAIT) is False


def test_a_certificate_that_does_not_fit(start: Start, other_loop: EventLoop) -> None:
    running = start()
    failures: queue.SimpleQueue[tuple[OSError, float | None]] = queue.SimpleQueue()
    client = TcpClient(
        other_loop,
        running.server.address,
        tls=client_context(),
        server_hostname="example.org",
        first_delay=0.001,
    )
    client.set_connect_failed_callback(lambda error, delay: failures.put((error, delay)))
    client.connect()
    found = [failures.get(timeout=WAIT) for _ in range(3)]
    client.close()
    assert all(isinstance(error, ssl.SSLCertVerificationError) for error, _ in found)
    assert [delay for _, delay in found] == [0.001, 0.002, 0.004]
    assert client.connection is None
    assert running.ups.empty() or running.downs.get(timeout=WAIT)


def test_the_name_of_a_host_address_is_checked(start: Start, other_loop: EventLoop) -> None:
    running = start()
    events: queue.SimpleQueue[object] = queue.SimpleQueue()
    for host in ("localhost", "127.1"):  # one machine; the certificate has one of its names
        address = HostAddress(host, port_of(running.server.address))
        client = TcpClient(other_loop, address, tls=client_context())
        client.set_connection_callback(lambda conn: events.put(conn.connected))
        client.set_connect_failed_callback(lambda error, delay: events.put(error))
        client.connect()
        first = events.get(timeout=WAIT)
        client.close()
        if host == "localhost":
            assert first is True
            assert events.get(timeout=WAIT) is False
        else:
            assert isinstance(first, ssl.SSLCertVerificationError)


@pytest.mark.parametrize("retry", [False, True])
def test_a_client_certificate_that_the_server_misses(
    run_server: ServerMaker, other_loop: EventLoop, retry: bool
) -> None:
    """In TLS 1.3 the refusal comes after the client's handshake, so there is an UP before it."""
    context = server_context()
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(PEM)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    running = run_server(tls=context)
    failures: queue.SimpleQueue[tuple[OSError, float | None]] = queue.SimpleQueue()
    events: queue.SimpleQueue[bool] = queue.SimpleQueue()
    client = TcpClient(
        other_loop,
        running.server.address,
        tls=client_context(),
        server_hostname="localhost",
        first_delay=0.001,
    )
    client.set_connection_callback(lambda conn: events.put(conn.connected))
    client.set_connect_failed_callback(lambda error, delay: failures.put((error, delay)))
    if retry:
        client.enable_retry()
    client.connect()
    found = [failures.get(timeout=WAIT) for _ in range(4)]
    client.close()
    call_in(other_loop, lambda: None)
    assert [delay for _, delay in found] == [0.001, 0.002, 0.004, 0.008]
    assert all(isinstance(error, OSError) for error, _ in found)
    assert any("certificate required" in str(error).lower() for error, _ in found)
    ups_and_downs = [events.get_nowait() for _ in range(events.qsize())]
    assert ups_and_downs == [True, False] * (len(ups_and_downs) // 2)
    assert running.ups.empty()


# ---------------------------------------------------------------------- being cut off


def test_an_end_without_close_notify_is_an_error(start: Start) -> None:
    running = start()
    client = wrap(running.connect())
    connection = running.ups.get(timeout=WAIT)
    client.sendall(b"x")
    # This also reads the session tickets. Unread bytes would cause a reset.
    assert client.recv(1) == b"x"
    client.close()  # without close_notify
    assert running.downs.get(timeout=WAIT) is connection
    assert isinstance(connection.error, ssl.SSLEOFError)


def test_a_goodbye_is_no_error(start: Start) -> None:
    running = start()
    with wrap(running.connect()) as client:
        connection = running.ups.get(timeout=WAIT)
        client.unwrap().close()
    assert running.downs.get(timeout=WAIT) is connection
    assert connection.error is None


@pytest.mark.parametrize("goodbye", [False, True])
def test_the_half_close_callback_can_tell(start: Start, goodbye: bool) -> None:
    running = start(half_close=True)
    told: queue.SimpleQueue[OSError | None] = queue.SimpleQueue()

    def ended(conn: TcpConnection) -> None:
        told.put(conn.error)
        conn.shutdown()

    running.on_up = lambda conn: conn.set_half_close_callback(ended)
    client = wrap(running.connect())
    running.ups.get(timeout=WAIT)
    client.sendall(b"x")
    assert client.recv(1) == b"x"
    if goodbye:
        client.unwrap().close()
    client.close()
    assert isinstance(told.get(timeout=WAIT), type(None) if goodbye else ssl.SSLEOFError)
    running.downs.get(timeout=WAIT)


def test_a_failed_handshake_leaves_its_reason(start: Start) -> None:
    running = start()
    client = running.connect()
    eventually(lambda: running.call(lambda: len(running.server.connections)), "the connection")
    (connection,) = running.call(lambda: list(running.server.connections.values()))
    client.sendall(b"GET / HTTP/1.0\r\n\r\n")
    read_all(client)
    assert isinstance(connection.error, ssl.SSLError)


# ---------------------------------------------------------------------- many handshakes


@pytest.mark.parametrize("threads", [0, 2])
def test_one_handshake_too_many_ends_the_oldest(start: Start, threads: int) -> None:
    """Silent peers cannot keep others out: each newcomer takes the place of the oldest."""
    running = start(threads, max_handshakes=2)
    with wrap(running.connect()) as up:
        running.ups.get(timeout=WAIT)  # the client's handshake ends before the server's
        silent = [running.connect() for _ in range(3)]
        assert silent[0].recv(1) == b""
        assert running.call(lambda: running.server.handshakes_ended) == 1
        with wrap(running.connect()) as client:
            for other in (up, client):
                other.sendall(b"here")
                assert read_exactly(other, 4) == b"here"
        assert silent[1].recv(1) == b""


def test_the_host_with_most_handshakes_pays(start: Start) -> None:
    """A silent peer does not end the handshake of another host, although that is older."""
    running = start(max_handshakes=3)
    with connect_from("127.0.0.2", running.server.address) as honest:
        eventually(lambda: running.call(lambda: running.server.connections))
        silent = [running.connect() for _ in range(4)]
        for ended in silent[:2]:
            assert ended.recv(1) == b""
        with wrap(honest) as client:
            client.sendall(b"here")
            assert read_exactly(client, 4) == b"here"


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("2001:db8:0:1::1", "2001:db8:0:1:ffff::2", True),
        ("2001:db8:0:1::1", "2001:db8:0:2::1", False),
        ("fe80::1%lo", "fe80::2%lo", True),
    ],
)
def test_an_ipv6_network_counts_as_one_host(one: str, other: str, same: bool) -> None:
    networks = [network_of(InetAddress(host, 1)) for host in (one, other)]
    assert (networks[0] == networks[1]) is same


def connect_from(host: str, address: Address) -> socket.socket:
    assert isinstance(address, InetAddress)
    place = (address.ip, address.port)
    return socket.create_connection(place, WAIT, source_address=(host, 0))


def test_a_handshake_can_be_ended(start: Start) -> None:
    running = start()
    assert not running.call(running.server.end_handshake)
    silent = running.connect()
    eventually(lambda: running.call(lambda: running.server.connections))
    assert running.call(running.server.end_handshake)
    assert silent.recv(1) == b""
    assert not running.call(running.server.end_handshake)


def test_a_failed_handshake_departs_without_having_been_up(run_server: ServerMaker) -> None:
    departed: queue.SimpleQueue[bool] = queue.SimpleQueue()
    running = run_server(
        0,
        lambda server: server.set_departure_callback(lambda conn: departed.put(conn.was_up)),
        tls=server_context(),
    )
    running.connect().close()
    assert not departed.get(timeout=WAIT)
    with wrap(running.connect()):
        pass
    assert departed.get(timeout=WAIT)


def test_a_peer_that_is_refused_before_its_handshake(run_server: ServerMaker) -> None:
    """It gets no bytes, as it expects a handshake."""
    running = run_server(
        0, lambda server: server.set_admission_callback(lambda peer: b"full"), tls=server_context()
    )
    assert running.connect().recv(1) == b""


@pytest.mark.parametrize("bound", [0, -1])
def test_an_impossible_number_of_handshakes(loop: EventLoop, bound: int) -> None:
    with pytest.raises(ValueError, match="max_handshakes"):
        TcpServer(loop, InetAddress.loopback(0), max_handshakes=bound)
