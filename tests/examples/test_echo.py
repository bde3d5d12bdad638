"""The example in the README, run like a user."""

import socket
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_echo_sends_the_bytes_back() -> None:
    command = [sys.executable, "-u", "-m", "examples.echo", "0"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            port = int(server.stdout.readline().rpartition(":")[2])
            with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
                client.sendall(b"hello")
                assert client.recv(100) == b"hello"
                assert "up" in server.stdout.readline()
            assert "down" in server.stdout.readline()
        finally:
            server.kill()
