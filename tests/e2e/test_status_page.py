"""The status page of a real server: metrics, health, and a look inside."""

from __future__ import annotations

import json
import resource
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.chatkit import PASSWORD, WAIT, ServerProcess, Wire, free_port


class Page:
    """The status page of a server."""

    def __init__(self, port: int) -> None:
        self.port = port

    def get(self, path: str, method: str = "GET") -> tuple[int, str]:
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}", method=method)
        try:
            with urllib.request.urlopen(request, timeout=WAIT) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, refused.read().decode()

    def metrics(self) -> dict[str, float]:
        """Values by the name with its labels."""
        status, text = self.get("/metrics")
        assert status == 200
        lines = [line for line in text.splitlines() if not line.startswith("#")]
        return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}

    def inspect(self) -> dict[str, Any]:
        found = json.loads(self.get("/inspect")[1])
        assert isinstance(found, dict)
        return found

    def until(self, condition: Callable[[dict[str, float]], object]) -> dict[str, float]:
        """The metrics, as soon as they meet the condition."""
        end = time.monotonic() + WAIT
        while not condition(found := self.metrics()):
            assert time.monotonic() < end, found
        return found


@pytest.fixture
def page(tmp_path: Path) -> Iterator[tuple[ServerProcess, Page]]:
    port = free_port()
    server = ServerProcess(
        tmp_path, f'[server]\nthreads = 1\ndrain_seconds = 30\nstatus = "{port}"\n'
    )
    server.start()
    yield server, Page(port)
    server.stop()


def test_a_page_of_an_attacker_gets_no_answer(make_server: Callable[..., ServerProcess]) -> None:
    """A name that leads to this machine is refused, unless a setting has it."""
    port = free_port()
    make_server(f'[server]\nstatus = "{port}"\nstatus_names = ["Chat-1"]\n')

    def ask(host: str) -> tuple[int, str]:
        url = f"http://127.0.0.1:{port}/inspect"
        request = urllib.request.Request(url, headers={"Host": host})
        try:
            with urllib.request.urlopen(request, timeout=WAIT) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code, refused.read().decode()

    for host in ("127.0.0.1", "localhost:9600", "chat-1"):
        assert ask(host)[0] == 200
    status, text = ask("evil.example")
    assert status == 421
    assert text.startswith("421: use the address")


def test_a_message_shows_in_the_metrics(page: tuple[ServerProcess, Page]) -> None:
    server, status = page
    with Wire(server.port) as ann, Wire(server.port) as bob:
        ann.login(ann.register("ann"))
        bob.login(bob.register("bob"))
        ann.chat(bob.id, "a secret")
        ann.expect(20, errno=0)
        bob.acknowledge(bob.expect(6, msg="a secret")["seq"])
        found = status.until(
            lambda now: (
                now["chat_mailbox_rows_deleted_total"] == 1
                and now['chat_connections{kind="v2"}'] == 2
                and now["chat_received_bytes_total"] > 100
            )
        )
        assert found["chat_ready"] == found["chat_alive"] == 1
        assert found["chat_users_online"] == 2
        assert found["chat_logins_total"] == found["chat_registrations_total"] == 2
        assert found['chat_requests_total{request="ONE_CHAT_MSG"}'] == 1
        assert found["chat_messages_stored_total"] == found["chat_mailbox_rows_added_total"] == 1
        assert found['chat_deliveries_total{way="wake"}'] == 1
        assert found["chat_hash_seconds_count"] >= 4
        assert found['chat_loop_lag_seconds_count{loop="chat-loop0"}'] > 0
        assert found["process_open_fds"] > 5

        inside = status.inspect()
        assert inside["troubles"] == {}
        assert inside["users_online"] == 2
        assert set(inside["loops"]) == {"main", "chat-loop0"}
        shown = {one["user"]: one for one in inside["connections"]}
        assert shown[ann.id]["peer"] == "127.0.0.1"
        assert shown[ann.id]["received"] > 0
        text = json.dumps(inside)
        assert "a secret" not in text
        assert PASSWORD not in text


def test_health_and_readiness(page: tuple[ServerProcess, Page]) -> None:
    server, status = page
    assert status.get("/healthz") == status.get("/readyz") == (200, "ok\n")
    assert status.get("/") == (200, "/metrics\n/healthz\n/readyz\n/inspect\n")
    assert status.get("/nothing")[0] == 404
    assert status.get("/metrics", "POST")[0] == 405
    with Wire(server.port) as client:
        client.login(client.register("ann"))
        server.send_signal(signal.SIGTERM)
        # The client does not close its side, so the server goes on draining.
        answer = status.get("/readyz")
        while answer == (200, "ok\n"):
            answer = status.get("/readyz")
        assert answer == (503, "serving: the server is draining\n")
        assert status.get("/healthz") == (200, "ok\n")
    assert server.wait() == 0


def test_a_full_disk(page: tuple[ServerProcess, Page]) -> None:
    """``ulimit -f`` stands for the disk: no file of the server may grow."""
    server, status = page
    with Wire(server.port) as ann:
        ann.login(ann.register("ann"))
        bob = ann.register("bob")
        before = resource.prlimit(server.pid, resource.RLIMIT_FSIZE, (1, resource.RLIM_INFINITY))
        ann.chat(bob, "x" * 8000)
        ann.expect(20, errno=8)
        code, text = status.get("/readyz")
        assert code == 503
        assert text.startswith("database: the disk is full or broken: ")
        resource.prlimit(server.pid, resource.RLIMIT_FSIZE, before)
        status.until(lambda now: now["chat_ready"] == 1)
        ann.chat(bob, "there is room again")
        ann.expect(20, errno=0)


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        server = ServerProcess(tmp_path, f'[server]\nstatus = "127.0.0.1:{port}"\n')
        done = subprocess.run(
            server.command(), capture_output=True, text=True, timeout=WAIT, check=False
        )
    assert done.returncode == 1
    assert done.stderr == (f"chatserver: server.status: 127.0.0.1:{port}: Address already in use\n")
