from __future__ import annotations

import contextlib
import queue
import socket
import ssl
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from chat.protocol import MsgType
from client.errors import ConnectError
from client.protocol.connection import open_socket
from client.protocol.events import ChatAnswer, Event, LoggedIn
from client.protocol.requests import LOGIN
from client.protocol.session import Session
from client.protocol.tls import TlsSocket, make_context, wrap
from client.timing import Timing
from client.values import ChatMessage
from tests.client.fake_server import WAIT, FakeServer, one_chat
from tests.client.tlskit import PEM, TlsRelay, server_context


class Echo:
    """A TLS echo by the standard library, for one connection."""

    def __init__(self, context: ssl.SSLContext) -> None:
        self._context = context
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._thread.join(WAIT)
        self._listener.close()
        assert not self._thread.is_alive()

    def _serve(self) -> None:
        raw, _ = self._listener.accept()
        try:
            with self._context.wrap_socket(raw, server_side=True) as peer:
                while data := peer.recv(65536):
                    peer.sendall(data)
                peer.unwrap().close()
        except OSError:
            raw.close()


@pytest.fixture
def echo() -> Iterator[Echo]:
    echo = Echo(server_context())
    yield echo
    echo.close()


def connect(port: int, context: ssl.SSLContext, host: str = "127.0.0.1") -> TlsSocket:
    sock = socket.create_connection(("127.0.0.1", port), WAIT)
    return wrap(sock, host, port, context)


def read_exactly(sock: TlsSocket, count: int) -> bytes:
    data = b""
    while len(data) < count and (part := sock.recv(65536)):
        data += part
    return data


def test_bytes_go_both_ways(echo: Echo) -> None:
    sock = connect(echo.port, make_context(str(PEM)))
    for size in (1, 100, 16384, 16385, 300_000):
        data = bytes(range(256)) * (size // 256 + 1)
        sock.sendall(data[:size])
        assert read_exactly(sock, size) == data[:size]
    sock.shutdown(socket.SHUT_RDWR)
    sock.close()


def test_many_threads_write_while_one_reads(echo: Echo) -> None:
    sock = connect(echo.port, make_context(str(PEM)))
    each, lines = 200, [bytes([65 + number]) * 300 + b"\n" for number in range(4)]

    def write(line: bytes) -> None:
        for _ in range(each):
            sock.sendall(line)

    threads = [threading.Thread(target=write, args=(line,)) for line in lines]
    for thread in threads:
        thread.start()
    back = read_exactly(sock, len(lines) * each * 301)
    for thread in threads:
        thread.join(WAIT)
    assert sorted(back.splitlines(keepends=True)) == sorted(lines * each)
    sock.shutdown(socket.SHUT_RDWR)
    sock.close()


def test_tls_1_2(echo: Echo) -> None:
    context = make_context(str(PEM))
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    sock = connect(echo.port, context)
    sock.sendall(b"hello")
    assert read_exactly(sock, 5) == b"hello"
    sock.shutdown(socket.SHUT_RDWR)
    sock.close()


def test_a_receive_that_waits_ends_with_the_socket(echo: Echo) -> None:
    sock = connect(echo.port, make_context(str(PEM)))
    ended = threading.Event()

    def read() -> None:
        with contextlib.suppress(ConnectionResetError):
            assert sock.recv(10) == b""
        ended.set()

    thread = threading.Thread(target=read)
    thread.start()
    sock.shutdown(socket.SHUT_RDWR)
    assert ended.wait(WAIT)
    thread.join()
    sock.close()


def test_a_receive_has_the_sockets_time_out(echo: Echo) -> None:
    sock = connect(echo.port, make_context(str(PEM)))
    sock.settimeout(0.01)
    with pytest.raises(TimeoutError):
        sock.recv(10)
    sock.shutdown(socket.SHUT_RDWR)
    sock.close()


def test_a_certificate_without_a_known_authority(echo: Echo) -> None:
    with pytest.raises(ConnectError, match="its certificate is not valid: self-signed"):
        connect(echo.port, make_context())


def test_the_certificate_is_for_another_host(echo: Echo) -> None:
    with pytest.raises(ConnectError, match=r"not valid for 'chat\.example'"):
        connect(echo.port, make_context(str(PEM)), host="chat.example")


def test_not_the_same_versions(echo: Echo) -> None:
    context = make_context(str(PEM))
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    old = Echo(server_context())
    old._context.maximum_version = ssl.TLSVersion.TLSv1_2
    with pytest.raises(ConnectError, match="TLS failed: "):
        connect(old.port, context)
    old.close()
    connect(echo.port, context).close()


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n", b'{"msgid":31}\n'])
def test_the_server_does_not_speak_tls(answer: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

        def serve() -> None:
            peer, _ = listener.accept()
            peer.recv(1)
            peer.sendall(answer)
            peer.close()

        thread = threading.Thread(target=serve)
        thread.start()
        with pytest.raises(ConnectError) as caught:
            connect(port, make_context(str(PEM)))
        assert "\n" not in str(caught.value)
        thread.join(WAIT)


def test_a_server_that_says_nothing() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(ConnectError, match="timed out"):
            open_socket("127.0.0.1", port, Timing(connect=0.05), make_context(str(PEM)))


@pytest.mark.parametrize("host", ["", "." * 5, "x" * 300])
def test_no_name_that_a_certificate_could_have(host: str) -> None:
    ours, peer = socket.socketpair()
    with pytest.raises(ConnectError):
        wrap(ours, host, 1, make_context())
    peer.close()


def test_a_file_without_certificates(tmp_path: Path) -> None:
    (tmp_path / "empty").write_text("nothing", encoding="ascii")
    for path in (tmp_path / "empty", tmp_path / "none"):
        with pytest.raises(OSError):
            make_context(str(path))


def test_a_session_through_muduopys_tls(server: FakeServer) -> None:
    with TlsRelay(server.port) as relay:
        sock = open_socket("localhost", relay.port, Timing(), make_context(str(PEM)))
        events: queue.SimpleQueue[Event] = queue.SimpleQueue()

        def put(got: Sequence[Event]) -> None:
            for event in got:
                events.put(event)

        with Session(sock, put, lambda: None, Timing()) as session:
            assert session.ask(LOGIN, id=1, password="secret").name == "alice"
            big = "x" * 16_000
            chat = {"msgid": 6, "id": 1, "toid": 5, "msg": big}
            for number in range(50):
                server.send(one_chat(number + 1, big))
                session.send_chat({**chat, "mid": f"m{number}"})
            for _ in range(50):
                assert server.expect(MsgType.ONE_CHAT_MSG)["msg"] == big
            counts = {LoggedIn: 1, ChatMessage: 50, ChatAnswer: 50}
            got = Counter(type(events.get(timeout=WAIT)) for _ in range(sum(counts.values())))
            assert got == counts
