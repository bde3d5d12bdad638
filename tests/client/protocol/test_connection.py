from __future__ import annotations

import queue
import socket
import threading
from collections.abc import Iterator

import pytest

from chat.protocol import MAX_FRAME, Message
from client.errors import ConnectError, ConnectionLostError, TooLargeError
from client.protocol.connection import MAX_INCOMING, UNANSWERED, Connection, open_socket
from client.timing import Timing
from tests.client.fake_server import WAIT


class Ends:
    """A Connection over a socket pair, the other end, and the calls of its callbacks."""

    def __init__(self, send_seconds: float = WAIT) -> None:
        ours, self.peer = socket.socketpair()
        self.peer.settimeout(WAIT)
        self.messages: queue.Queue[Message] = queue.Queue()
        self.closed: queue.Queue[str] = queue.Queue()
        self.connection = Connection(ours, self.messages.put, self.closed.put, send_seconds)

    def close_reason(self) -> str:
        """The reason, if there is exactly one."""
        reason = self.closed.get(timeout=WAIT)
        self.connection.close()
        assert self.closed.empty()
        return reason


@pytest.fixture
def ends() -> Iterator[Ends]:
    ends = Ends()
    ends.connection.start()
    yield ends
    ends.connection.close()
    ends.peer.close()


def test_sends_one_line_of_json_per_message(ends: Ends) -> None:
    ends.connection.send_message({"msgid": 26, "x": "ñ\n"})
    assert ends.peer.recv(1000) == '{"msgid":26,"x":"ñ\\n"}\n'.encode()


def test_receives_however_the_stream_is_cut(ends: Ends) -> None:
    stream = b'{"msgid":1}\n{"msgid":2}\r\n\n{"msgid":3}\0'
    for byte in stream:
        ends.peer.sendall(bytes([byte]))
    ends.peer.sendall(stream)
    received = [ends.messages.get(timeout=WAIT)["msgid"] for _ in range(6)]
    assert received == [1, 2, 3, 1, 2, 3]


def test_a_large_frame_is_taken(ends: Ends) -> None:
    text = "x" * (4 * 1024 * 1024)
    ends.peer.sendall(b'{"msgid":2,"t":"' + text.encode() + b'"}\n')
    assert ends.messages.get(timeout=WAIT)["t"] == text


def test_the_server_closes(ends: Ends) -> None:
    ends.peer.sendall(b'{"msgid":32}\n')
    ends.peer.close()
    assert ends.close_reason() == "closed by the server"
    assert ends.messages.get_nowait() == {"msgid": 32}


def test_this_side_closes(ends: Ends) -> None:
    ends.connection.close()
    ends.connection.close()
    assert ends.close_reason() == "closed by this side"
    assert ends.peer.recv(1) == b""


def test_close_before_start_closes_the_socket() -> None:
    ends = Ends()
    ends.connection.close()
    assert ends.peer.recv(1) == b""
    ends.peer.close()


def test_close_from_a_callback() -> None:
    ours, peer = socket.socketpair()
    closed: queue.Queue[str] = queue.Queue()
    connection = Connection(ours, lambda message: connection.close(), closed.put, WAIT)
    connection.start()
    peer.sendall(b"{}\n")
    assert closed.get(timeout=WAIT) == "closed by this side"
    peer.close()


@pytest.mark.parametrize("data", [b"HTTP/1.1 400 Bad Request\r\n", b"[]\n", b"\xff\n", b"{\n"])
def test_not_the_protocol(ends: Ends, data: bytes) -> None:
    ends.peer.sendall(data)
    assert ends.close_reason() == "the server does not speak the chat protocol"


def test_a_frame_without_end(ends: Ends) -> None:
    try:
        ends.peer.sendall(b"x" * (MAX_INCOMING + 100_000))
    except OSError:
        pass  # hung up on before the end
    assert ends.close_reason() == "the server sent a frame that is too large"


def test_too_large_to_send_harms_nothing(ends: Ends) -> None:
    with pytest.raises(TooLargeError, match="too long"):
        ends.connection.send_message({"msgid": 6, "msg": "x" * MAX_FRAME})
    ends.connection.send_message({})
    assert ends.peer.recv(100) == b"{}\n"


def test_send_after_the_end(ends: Ends) -> None:
    ends.peer.close()
    ends.close_reason()
    with pytest.raises(ConnectionLostError) as caught:
        ends.connection.send_message({})
    assert caught.value.reason == "closed by the server"


def test_a_port_that_wants_tls(ends: Ends) -> None:
    """A TLS port closes without an answer to plain text."""
    ends.connection.send_message({"msgid": 1})
    ends.peer.recv(100)
    ends.peer.close()
    assert ends.close_reason() == UNANSWERED
    assert "TLS" in UNANSWERED


def test_a_server_that_reads_nothing() -> None:
    ends = Ends(send_seconds=0.05)
    ends.connection.start()
    with pytest.raises(ConnectionLostError, match="takes no data"):
        for _ in range(1000):
            ends.connection.send_message({"msg": "x" * 60_000})
    assert ends.close_reason() == "the server takes no data"
    ends.peer.close()


def test_a_send_that_waits_ends_with_the_connection() -> None:
    ends = Ends(send_seconds=1000)
    ends.connection.start()
    failed = threading.Event()

    def flood() -> None:
        try:
            while True:
                ends.connection.send_message({"msg": "x" * 60_000})
        except ConnectionLostError:
            failed.set()

    thread = threading.Thread(target=flood)
    thread.start()
    ends.peer.recv(1)
    ends.peer.shutdown(socket.SHUT_WR)
    assert failed.wait(WAIT)
    thread.join(WAIT)
    ends.close_reason()
    ends.peer.close()


def test_frames_of_many_threads_do_not_mix(ends: Ends) -> None:
    def send(number: int) -> None:
        for _ in range(20):
            ends.connection.send_message({"msg": str(number) * 5000})

    threads = [threading.Thread(target=send, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    with ends.peer.makefile("rb") as stream:
        lines = [stream.readline() for _ in range(80)]
    for thread in threads:
        thread.join(WAIT)
    assert all(len(set(line)) == len(set(b'{"msg":"0"}\n')) for line in lines)


def test_an_unknown_host(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*args: object) -> None:  # a test must not ask real name servers
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(ConnectError, match=r"^cannot connect to nowhere:1: Name or service"):
        open_socket("nowhere", 1, Timing())


def test_reasons_why_there_is_no_connection() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(ConnectError, match=f"^cannot connect to 127.0.0.1:{port}: .*refused"):
        open_socket("127.0.0.1", port, Timing())
    with pytest.raises(ConnectError, match="not a host name"):
        open_socket("x" * 70 + ".invalid", 6000, Timing())
