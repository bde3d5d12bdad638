"""AdminServer: real sockets, and peers that send anything."""

from __future__ import annotations

import json
import os
import random
import socket
import stat
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import chat.admin.server
from chat.admin.errors import AdminError
from chat.admin.operators import Operators
from chat.admin.request import failure, parse_request, success
from chat.admin.server import MAX_CONNECTIONS, MAX_LINE, MAX_WAITING, AdminServer
from muduopy import EventLoop, EventLoopThread, PeerCredentials
from tests.chat.loopkit import WAIT

REQUEST = b'{"command": "echo", "arguments": {"n": 1}}\n'


def echo(line: bytes, uid: int) -> bytes:
    return success({"uid": uid, "arguments": dict(parse_request(line).arguments)})


class Running:
    """An AdminServer in a thread."""

    def __init__(self, path: Path, serve: Callable[[bytes, int], bytes], **options: Any) -> None:
        self.path = path
        self.thread = EventLoopThread("admin-test")
        self.loop: EventLoop = self.thread.start_loop()
        operators = options.pop("operators", Operators(os.geteuid()))
        shared = options.pop("shared", False)

        def make() -> AdminServer:
            server = AdminServer(self.loop, path, operators, serve, shared=shared)
            server.start()
            return server

        try:
            self.server = self.loop.submit(make).result(WAIT)
        except BaseException:
            self.thread.stop()
            raise

    def connect(self) -> socket.socket:
        sock = socket.socket(socket.AF_UNIX)
        sock.settimeout(WAIT)
        sock.connect(str(self.path))
        return sock

    def close(self) -> None:
        self.loop.submit(self.server.close).result(WAIT)
        self.thread.stop()


MakeServer = Callable[..., Running]


@pytest.fixture
def make_server(folder: Path) -> Iterator[MakeServer]:
    running: list[Running] = []

    def make(serve: Callable[[bytes, int], bytes] = echo, **options: Any) -> Running:
        running.append(Running(folder / "a.sock", serve, **options))
        return running[-1]

    yield make
    for server in running:
        server.close()


def answers(sock: socket.socket) -> list[Any]:
    """All answers until the end of the connection."""
    data = b""
    while True:
        try:
            part = sock.recv(1 << 16)
        except ConnectionResetError:
            break
        if not part:
            break
        data += part
    return [json.loads(line) for line in data.splitlines()]


def ask(sock: socket.socket, data: bytes = REQUEST) -> Any:
    sock.sendall(data)
    with sock.makefile("rb") as lines:
        return json.loads(lines.readline())


def test_a_request_of_the_own_account(make_server: MakeServer) -> None:
    running = make_server()
    assert stat.S_IMODE(running.path.stat().st_mode) == 0o600
    with running.connect() as sock:
        for _ in range(2):
            assert ask(sock)["result"] == {"uid": os.geteuid(), "arguments": {"n": 1}}
    running.loop.submit(running.server.close).result(WAIT)
    assert not running.path.exists()


def test_another_account_is_refused(
    make_server: MakeServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Forged here, so that the test needs no second account."""
    stranger = PeerCredentials(os.getpid(), os.geteuid() + 1, 0)
    monkeypatch.setattr(PeerCredentials, "of", lambda sock: stranger)
    served: list[bytes] = []
    running = make_server(lambda line, uid: served.append(line) or b"{}")  # type: ignore[func-returns-value]
    with running.connect() as sock:
        sock.sendall(REQUEST)
        (answer,) = answers(sock)
    assert not answer["ok"]
    assert "may not operate" in answer["error"]
    assert not served
    assert f"uid {os.geteuid() + 1} was refused" in caplog.text


def test_a_file_for_several_accounts(make_server: MakeServer) -> None:
    """Operators decide then, because a file has one owner only."""
    assert stat.S_IMODE(make_server(shared=True).path.stat().st_mode) == 0o666


def test_the_socket_of_a_dead_server_is_replaced_and_that_of_a_live_one_is_not(
    make_server: MakeServer, folder: Path
) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(folder / "a.sock"))
    running = make_server()
    with pytest.raises(OSError, match="in use"):
        make_server()
    with running.connect() as sock:
        assert ask(sock)["ok"]


def test_a_folder_that_all_users_may_change(make_server: MakeServer, folder: Path) -> None:
    folder.chmod(0o777)
    with pytest.raises(PermissionError, match="chmod o-w"):
        make_server()


def test_a_path_that_is_too_long(folder: Path) -> None:
    with EventLoop() as loop, pytest.raises(OSError, match="too long"):
        AdminServer(loop, folder / ("x" * 200), Operators(0), echo, shared=False)


def test_requests_in_one_packet_are_answered_in_order(make_server: MakeServer) -> None:
    lines = [b'{"command": "c", "arguments": {"n": %d}}\n' % number for number in range(10)]
    with make_server().connect() as sock:
        sock.sendall(b"".join(lines))
        sock.shutdown(socket.SHUT_WR)
        numbers = [answer["result"]["arguments"]["n"] for answer in answers(sock)]
    assert numbers[0] == 0
    assert numbers == list(range(len(numbers)))


def test_the_last_answer_is_sent_after_the_peer_has_ended_its_sending(
    make_server: MakeServer,
) -> None:
    go_on = threading.Event()

    def slow(line: bytes, uid: int) -> bytes:
        assert go_on.wait(WAIT)
        return success(None)

    with make_server(slow).connect() as sock:
        sock.sendall(REQUEST)
        sock.shutdown(socket.SHUT_WR)
        go_on.set()
        assert answers(sock) == [{"ok": True, "result": None}]


def test_too_many_requests_at_once(make_server: MakeServer) -> None:
    go_on = threading.Event()

    def slow(line: bytes, uid: int) -> bytes:
        go_on.wait(WAIT)
        return success(None)

    with make_server(slow).connect() as sock:
        sock.sendall(REQUEST * (MAX_WAITING + 2))
        found = answers(sock)
        go_on.set()
    assert "requests wait" in found[-1]["error"]


def test_too_many_connections(make_server: MakeServer) -> None:
    running = make_server()
    held = [running.connect() for _ in range(MAX_CONNECTIONS)]
    for sock in held:
        assert ask(sock)["ok"]
    with running.connect() as one_more:
        assert answers(one_more) == []
    for sock in held:
        sock.close()


def test_a_slow_command_does_not_hold_up_others(make_server: MakeServer) -> None:
    go_on = threading.Event()

    def serve(line: bytes, uid: int) -> bytes:
        if b"slow" in line:
            assert go_on.wait(WAIT)
        return success(None)

    running = make_server(serve)
    with running.connect() as slow, running.connect() as quick:
        slow.sendall(b'{"command": "slow"}\n')
        assert ask(quick)["ok"]
        go_on.set()
        assert ask(slow, b"")["ok"]


def test_a_line_of_a_mebibyte(make_server: MakeServer) -> None:
    running = make_server()
    with running.connect() as sock:
        try:
            sock.sendall(b"x" * (1 << 20))
        except OSError:
            pass  # closed meanwhile
        found = answers(sock)
    assert found == [] or f"{MAX_LINE} are allowed" in found[0]["error"]
    with running.connect() as sock:
        assert ask(sock)["ok"]


def test_a_line_that_is_too_long_is_refused(make_server: MakeServer) -> None:
    with make_server().connect() as sock:
        sock.sendall(b"x" * (MAX_LINE + 1) + b"\n")
        (answer,) = answers(sock)
    assert "the line is too long" in answer["error"]


def test_half_a_line_and_the_end(make_server: MakeServer) -> None:
    with make_server().connect() as sock:
        sock.sendall(REQUEST[:10])
        sock.shutdown(socket.SHUT_WR)
        assert answers(sock) == []


def test_a_silent_peer_is_closed(make_server: MakeServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chat.admin.server, "IDLE_SECONDS", 0.05)
    with make_server().connect() as sock:
        assert answers(sock) == []


def test_garbage(make_server: MakeServer) -> None:
    """Each line gets one answer, and the server goes on."""

    def serve(line: bytes, uid: int) -> bytes:
        try:
            return success(parse_request(line).command)
        except AdminError as exc:
            return failure(str(exc))

    running = make_server(serve)
    chance = random.Random(14)
    for _ in range(50):
        with running.connect() as sock:
            lines = [
                bytes(chance.choices(b'\x00\xff{}[]":,ab1 \t', k=chance.randrange(40)))
                for _ in range(chance.randrange(1, MAX_WAITING))
            ]
            sock.sendall(b"".join(line + b"\n" for line in lines))
            sock.shutdown(socket.SHUT_WR)
            assert len(answers(sock)) == len(lines)
