"""The inspector's example, run like a user."""

import socket
import subprocess
import sys
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_echo_can_be_looked_into() -> None:
    command = [sys.executable, "-u", "-m", "examples.inspector", "0", "0"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            port = int(server.stdout.readline().rpartition(":")[2])
            url = server.stdout.readline().split()[-1]

            def page(path: str) -> str:
                with urllib.request.urlopen(url + path, timeout=10) as answer:
                    return str(answer.read(), "utf-8")

            with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
                client.sendall(b"hello")
                assert client.recv(100) == b"hello"
                assert page("echo/bytes") == "5 bytes echoed\n"
                assert page("proc/pid") == f"{server.pid}\n"
                loops = {line.split()[0]: line.split()[3] for line in page("loops").splitlines()}
                assert loops["echo-loop0"] == "1"
                assert loops["echo-loop1"] == "0"
            assert "/echo/bytes" in page("")
        finally:
            server.kill()
