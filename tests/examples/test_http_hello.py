"""The HTTP example, run like a user."""

import http.client
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def client() -> Iterator[http.client.HTTPConnection]:
    command = [sys.executable, "-u", "-m", "examples.http_hello", "0"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            port = int(server.stdout.readline().rpartition(":")[2])
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            yield connection
            connection.close()
        finally:
            server.kill()


def test_its_pages(client: http.client.HTTPConnection) -> None:
    def ask(method: str, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        client.request(method, path, body)
        answer = client.getresponse()
        return answer.status, answer.read()

    status, text = ask("GET", "/")
    assert status == 200
    assert text.startswith(b"Hello!")
    assert ask("POST", "/echo", b"what is sent") == (200, b"what is sent")
    assert ask("GET", "/slow") == (200, b"333332833333500000\n")
    assert len(ask("GET", "/time")[1]) == len("2026-01-31 23:59:59\n")
    assert ask("GET", "/other") == (404, b"there is no /other\n")
