"""Sending files: in order with bytes, over TCP and TLS, in little memory."""

from __future__ import annotations

import hashlib
import io
import os
import random
import socket
import ssl
import subprocess
import sys
import threading
import weakref
from pathlib import Path

import pytest

from muduopy import Buffer, TcpConnection
from muduopy.file_output import FileOutput
from muduopy.file_part import FilePart
from tests.muduopy.netkit import WAIT, LinkMaker, Passes, ServerMaker, read_all, read_exactly
from tests.muduopy.test_tls_transport import client_context, server_context

MIB = 1024 * 1024
BIG = 64 * MIB

SERVE = """
import resource, ssl, sys
from muduopy import EventLoop, InetAddress, TcpServer

path, pem = sys.argv[1:]
context = None
if pem:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
with EventLoop() as loop, TcpServer(loop, InetAddress("127.0.0.1", 0), tls=context) as server:
    def changed(connection):
        if connection.connected:
            before.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
            connection.send(b"head")
            with open(path, "rb") as file:
                connection.send_file(file)
            connection.send(b"tail")
            connection.shutdown()
        else:
            loop.quit()
    before = []
    server.set_connection_callback(changed)
    server.start()
    print(server.address.port, flush=True)
    loop.loop()
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before[0])
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "file"
    path.write_bytes(random.Random(1).randbytes(3 * MIB))
    return path


@pytest.mark.parametrize("tls", [False, True])
def test_64_mib_in_little_memory(tmp_path: Path, tls: bool) -> None:
    piece = random.Random(2).randbytes(MIB)
    path = tmp_path / "big"
    with path.open("wb") as file:
        for _ in range(BIG // MIB):
            file.write(piece)
    pem = str(Path(__file__).parent / "certs" / "localhost.pem") if tls else ""
    command = [sys.executable, "-c", SERVE, str(path), pem]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        port = int(server.stdout.readline())
        sock: socket.socket = socket.create_connection(("127.0.0.1", port), WAIT)
        if tls:
            sock = client_context().wrap_socket(sock, server_hostname="localhost")
        with sock:
            found, expected = hashlib.sha256(), hashlib.sha256(b"head")
            while part := sock.recv(MIB):
                found.update(part)
            if isinstance(sock, ssl.SSLSocket):
                sock.unwrap().close()
        for _ in range(BIG // MIB):
            expected.update(piece)
        expected.update(b"tail")
        assert found.digest() == expected.digest()
        grown = int(server.stdout.readline())
    assert grown < 8 * 1024  # KiB


@pytest.mark.parametrize("tls", [False, True])
@pytest.mark.parametrize("threads", [0, 1])
def test_in_order_with_bytes_from_any_thread(
    run_server: ServerMaker, path: Path, tls: bool, threads: int
) -> None:
    running = run_server(threads, tls=server_context() if tls else None)
    client = running.connect()
    if tls:
        client = client_context().wrap_socket(client, server_hostname="localhost")
    data = path.read_bytes()
    with client, path.open("rb") as file:
        connection = running.ups.get(timeout=WAIT)
        received: list[bytes] = []
        reader = threading.Thread(target=lambda: received.append(read_all(client)))
        reader.start()
        expected = b""
        for number in range(5):
            connection.send(b"before")
            connection.send_file(file, number, 2 * MIB)
            connection.send(b"")
            connection.send_file(file, 0, 0)
            connection.send_file(file, 2 * MIB)
            connection.send(b"between")
            connection.send(bytes(400_000))
            expected += b"before" + data[number : number + 2 * MIB] + data[2 * MIB :]
            expected += b"between" + bytes(400_000)
        connection.shutdown()
        connection.send_file(file)  # too late
        reader.join(WAIT)
        assert received == [expected]
        if isinstance(client, ssl.SSLSocket):
            client.unwrap().close()
    assert running.downs.get(timeout=WAIT).error is None


def test_input_while_a_file_goes_out_over_tls(run_server: ServerMaker, path: Path) -> None:
    """Answers wait behind the file."""

    def answer(connection: TcpConnection, buffer: Buffer, when: float) -> None:
        connection.send(buffer.retrieve_all())

    running = run_server(
        0, lambda server: server.set_message_callback(answer), tls=server_context()
    )
    with (
        client_context().wrap_socket(running.connect(), server_hostname="localhost") as client,
        path.open("rb") as file,
    ):
        connection = running.ups.get(timeout=WAIT)
        running.call(lambda: connection.send_file(file))  # before the loop reads the input
        client.sendall(b"x" * 100_000)
        data = b""
        while len(data) < 3 * MIB + 100_000:
            data += client.recv(MIB)
        assert data == path.read_bytes() + b"x" * 100_000
        client.unwrap().close()


def test_water_marks_and_write_complete(make_link: LinkMaker, path: Path) -> None:
    link = make_link()
    link.watch_writes(high=MIB, low=1000)
    link.up()
    with path.open("rb") as file:
        link.conn.send_file(file)
        assert link.conn.output_bytes == 3 * MIB
        link.conn.send(b"more")
        assert link.conn.output_bytes == 3 * MIB + 4
    link.until_seen("high")
    assert link.drain_peer() == 3 * MIB + 4
    link.until_seen("low", "written")
    assert [event for event in link.seen if event != "UP"] == ["high", "low", "written"]
    link.conn.send(b"plain again")
    assert read_exactly(link.peer, 11) == b"plain again"


def test_an_empty_file_is_written_at_once(make_link: LinkMaker, tmp_path: Path) -> None:
    (tmp_path / "empty").touch()
    link = make_link()
    link.watch_writes()
    link.up()
    with (tmp_path / "empty").open("rb") as file:
        link.conn.send_file(file)
    link.until_seen("written")


def test_behind_bytes_that_wait(make_link: LinkMaker, path: Path) -> None:
    link = make_link().up()
    waiting = link.fill(1)
    with path.open("rb") as file:
        link.conn.send_file(file, 0, 100)
    assert link.drain_peer() == waiting + 100


@pytest.mark.parametrize("tls", [False, True])
def test_a_file_that_gets_shorter(run_server: ServerMaker, path: Path, tls: bool) -> None:
    running = run_server(tls=server_context() if tls else None)
    client = running.connect()
    if tls:
        client = client_context().wrap_socket(client, server_hostname="localhost")
    with client, path.open("r+b") as file:
        connection = running.ups.get(timeout=WAIT)

        def send() -> None:
            connection.send_file(file)
            file.truncate(1000)

        running.call(send)
        assert read_exactly(client, 1000) == path.read_bytes()
        assert running.downs.get(timeout=WAIT) is connection
        assert "shorter" in str(connection.error)


@pytest.mark.parametrize("how", ["force_close", "reset", "late", "never up"])
def test_the_descriptor_is_closed(
    make_link: LinkMaker, passes: Passes, path: Path, how: str
) -> None:
    """The fixture no_leaks checks that descriptors are closed; this test checks when."""
    link = make_link()
    if how != "never up":
        link.up()
    if how == "late":
        link.conn.shutdown()
    before = len(os.listdir("/proc/self/fd"))
    with path.open("rb") as file:
        link.conn.send_file(file)
    if how in ("force_close", "reset"):
        assert len(os.listdir("/proc/self/fd")) == before + 1
        link.conn.force_close() if how == "force_close" else link.peer.close()
        link.gone()
        assert len(os.listdir("/proc/self/fd")) < before
    else:
        assert len(os.listdir("/proc/self/fd")) == before


@pytest.mark.parametrize(("offset", "count"), [(-1, 1), (0, 3 * MIB + 1), (0, -1), (4 * MIB, None)])
def test_impossible_parts(path: Path, offset: int, count: int | None) -> None:
    with path.open("rb") as file, pytest.raises(ValueError, match="of a file of"):
        FilePart(file, offset, count)


def test_other_objects_than_files() -> None:
    with pytest.raises(OSError, match="fileno"):
        FilePart(io.BytesIO(b"x"))
    reading, writing = os.pipe()
    with (
        open(reading, "rb") as pipe,
        open(writing, "wb"),
        pytest.raises(ValueError, match="regular"),
    ):
        FilePart(pipe)


def test_without_sendfile(
    path: Path, make_link: LinkMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file system that sendfile cannot read from: the bytes are read and sent."""

    def refuse(*args: object) -> int:
        raise OSError(22, "Invalid argument")

    monkeypatch.setattr(os, "sendfile", refuse)
    link = make_link().up()
    with path.open("rb") as file:
        link.conn.send_file(file)
    assert link.drain_peer() == 3 * MIB


def test_dropped_without_close(path: Path) -> None:
    with path.open("rb") as file:
        part = FilePart(file)
        output = FileOutput(None)
        output.append_file(part)
        gone = weakref.ref(output)
    del part, output
    assert gone() is None  # no_leaks finds no descriptor
