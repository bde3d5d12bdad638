"""Starting, stopping, and what the command line says to mistakes."""

from __future__ import annotations

import contextlib
import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from chat.config import ServerConfig
from tests.e2e.chatkit import PROJECT, WAIT, ServerProcess, Wire, free_port

Connect = Callable[..., Wire]
Make = Callable[..., ServerProcess]


def run(*args: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "chat.app", *args]
    return subprocess.run(
        command, cwd=PROJECT, capture_output=True, text=True, timeout=30, check=False
    )


def complaint(*args: str) -> tuple[int, str]:
    """The exit status and the one line that a run that cannot work ends with."""
    done = run(*args)
    assert done.stderr.count("\n") == 1, done.stderr
    assert done.stdout == ""
    assert done.stderr.startswith("chatserver: ")
    return done.returncode, done.stderr


DRAIN_SECONDS = ServerConfig().drain_seconds
"""An earlier end shows that the server waited for no client that does not leave or read."""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("threads", ["0", "2"])
def test_a_signal_drains(
    make_server: Make, member: Connect, connect: Connect, number: int, threads: str
) -> None:
    server = make_server("", "--threads", threads)
    ann, bob, old = member(server, "ann"), member(server, "bob"), member(server, "old", v2=False)
    for n in range(100):
        ann.chat(bob.id, str(n), mid=str(n))
    ann.find(20, mid="99", errno=0)
    begun = time.monotonic()
    server.send_signal(number)
    for wire in (ann, bob):
        wire.find(32, reason="draining", reconnect=True)
    assert server.wait() == 0
    assert time.monotonic() - begun < DRAIN_SECONDS
    old.expect_end()
    assert "Traceback" not in "".join(server.log)
    assert server.query("SELECT COUNT(*) FROM user WHERE state = 'online'") == [(0,)]
    assert server.query("SELECT COUNT(*) FROM message") == [(100,)]
    with socket.socket() as again:  # the port is free
        again.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        again.bind(("127.0.0.1", server.port))


def test_stopping_does_not_wait_for_who_does_not_read(
    make_server: Make, member: Connect, connect: Connect
) -> None:
    server = make_server()
    ann, stuck = member(server, "ann"), member(server, "stuck", v2=False)
    for number in range(500):
        ann.chat(stuck.id, f"{number} " + "x" * 16000)
        ann.expect(20, errno=0)
    begun = time.monotonic()
    server.send_signal()
    assert server.wait() == 0
    assert time.monotonic() - begun < DRAIN_SECONDS
    while stuck.fill():
        pass
    *frames, _ = stuck.rest.split(b"\n")  # the last one may be cut off
    arrived = {_number(json.loads(frame)) for frame in frames}
    server.start()
    again = connect(server, v2=False)
    kept = {_number(json.loads(message)) for message in again.login(stuck.id)["offlinemsg"]}
    while 499 not in kept:  # the answer to a login has its limit; the rest follows
        kept.add(_number(again.expect(6)))
    assert arrived | kept == set(range(500))
    assert len(arrived & kept) < 50  # messages under way when the line was cut


def _number(message: dict[str, str]) -> int:
    return int(message["msg"].split()[0])


def test_a_second_signal_exits_at_once(make_server: Make, member: Connect) -> None:
    server = make_server("[server]\ndrain_seconds = 600.0\n")
    ann = member(server, "ann", v2=False)  # stays, and so would the server
    server.send_signal(signal.SIGTERM)
    server.wait_for_log("stopping")
    server.send_signal(signal.SIGINT)
    assert server.wait() == 128 + signal.SIGINT
    ann.close()


def test_a_taken_port(server: ServerProcess, tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path}/other.db"
    status, line = complaint("127.0.0.1", str(server.port), "--db", database)
    assert status == 1
    assert f"127.0.0.1:{server.port}: Address already in use" in line


def test_a_database_in_use(server: ServerProcess) -> None:
    database = f"sqlite:///{server.database}"
    status, line = complaint("127.0.0.1", str(free_port()), "--db", database)
    assert status == 1
    assert "another server is using this database" in line


def test_a_database_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("these are not the bytes of a database " * 100)
    (tmp_path / "dir").mkdir()
    for path, expected in (("text", 1), ("dir", 2), ("text/x.db", 1)):
        status, _ = complaint("127.0.0.1", str(free_port()), "--db", f"sqlite:///{tmp_path}/{path}")
        assert status == expected, path
    status, line = complaint("127.0.0.1", "6000", "--db", "sqlite:////proc/x/y.db")
    assert status == 1
    for url in ("postgres://x", "sqlite://", "x", ""):
        status, line = complaint("127.0.0.1", "6000", "--db", url)
        assert (status, "database.url" in line) == (2, True)


@pytest.mark.parametrize(
    ("args", "named"),
    [
        ([], "HOST"),
        (["127.0.0.1"], "PORT"),
        (["127.0.0.1", "x"], "PORT"),
        (["127.0.0.1", "0"], "PORT"),
        (["127.0.0.1", "65536"], "PORT"),
        (["no.such.host.invalid", "6000"], "HOST"),
        (["127.0.0.1", "6000", "--threads", "x"], "--threads"),
        (["127.0.0.1", "6000", "--threads", "-1"], "server.threads"),
        (["127.0.0.1", "6000", "--workers", "0"], "server.workers"),
        (["127.0.0.1", "6000", "--workers", "100000"], "server.workers: must be at most 64"),
        (
            ["127.0.0.1", "6000", "--db", "sqlite:var/chat.db"],
            "write sqlite:///var/chat.db",
        ),
        (["127.0.0.1", "6000", "--db", "sqlite:///:memory:"], "name a file"),
        (["127.0.0.1", "6000", "--delivery", "x"], "chat.delivery"),
        (["127.0.0.1", "6000", "--log-level", "x"], "server.log_level"),
        (["127.0.0.1", "6000", "--nonsense"], "--nonsense"),
        (["127.0.0.1", "6000", "--config", "/no/such/file"], "/no/such/file"),
        (["127.0.0.1", "6000", "more"], "more"),
    ],
)
def test_wrong_arguments(args: list[str], named: str) -> None:
    status, line = complaint(*args)
    assert (status, named in line) == (2, True), line


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[server]\nthread = 1\n", "server.thread"),
        ("[sever]\n", "sever"),
        ('[server]\nthreads = "1"\n', "server.threads"),
        ("[server]\nthreads = true\n", "server.threads"),
        ("[chat]\nregistration = 1\n", "chat.registration"),
        ('[chat]\non_duplicate_login = "x"\n', "chat.on_duplicate_login"),
        ("server = 1\n", "server"),
        ("[server\n", "TOML|line 1|Expected"),
        ("\0", "config"),
    ],
)
def test_a_wrong_config(tmp_path: Path, text: str, named: str) -> None:
    config = tmp_path / "config.toml"
    config.write_text(text, encoding="utf-8")
    status, line = complaint("127.0.0.1", "6000", "--config", str(config))
    assert status == 2
    assert any(name in line for name in named.split("|")), line


def test_help_and_version() -> None:
    assert run("--version").stdout.startswith("chatserver 0.")
    text = run("--help").stdout
    for flag in ("--config", "--db", "--threads", "--workers", "--delivery", "--log-level"):
        assert flag in text


def test_the_database_is_made_under_the_current_directory(tmp_path: Path) -> None:
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", "chat.app", "127.0.0.1", str(port)],
        cwd=tmp_path,
        env={"PYTHONPATH": str(PROJECT), "PATH": "/usr/bin:/bin"},
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stderr is not None
        while "listening on" not in process.stderr.readline():
            assert process.poll() is None
        assert (tmp_path / "var" / "chat.db").exists()
        process.terminate()
        process.stderr.read()
    assert process.returncode == 0


def test_the_log_is_not_flooded(make_server: Callable[..., ServerProcess]) -> None:
    """Ten lines of a kind a minute, whatever comes."""
    server = make_server("[server]\nproxy_protocol = true\n")
    for _ in range(50):
        with socket.create_connection(("127.0.0.1", server.port)) as sock:
            sock.sendall(b"junk\r\n")
            sock.settimeout(10)
            assert not sock.recv(1)
    lines = [line for line in server.log if "no line of the PROXY protocol" in line]
    assert len(lines) == 10


def test_only_balancers_may_announce_addresses(make_server: Callable[..., ServerProcess]) -> None:
    server = make_server('[server]\nproxy_protocol = true\nproxy_from = ["127.0.0.2"]\n')
    place = ("127.0.0.1", server.port)
    ping = b"PROXY TCP4 192.0.2.7 127.0.0.1 1 2\r\n" + b'{"msgid":26}\n'
    with socket.create_connection(place, WAIT, ("127.0.0.2", 0)) as balancer:
        balancer.sendall(ping)
        assert b'"msgid":27' in balancer.recv(4096)
    for _ in range(50):
        liar = socket.create_connection(place, WAIT, ("127.0.0.3", 0))
        with liar, contextlib.suppress(ConnectionError):
            liar.sendall(ping)
            assert not liar.recv(1)
    (line, *more) = [line for line in server.log if "server.proxy_from" in line]
    assert "127.0.0.3: is no balancer, refused" in line
    assert len(more) < 10
