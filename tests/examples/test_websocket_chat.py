"""The WebSocket example, run like a user."""

import http.client
import subprocess
import sys
from pathlib import Path

from websockets.sync.client import connect

ROOT = Path(__file__).resolve().parents[2]


def test_its_page_and_its_room() -> None:
    command = [sys.executable, "-u", "-m", "examples.websocket_chat", "0"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout is not None
            port = int(server.stdout.readline().rpartition(":")[2])
            page = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
            page.request("GET", "/")
            assert b"new WebSocket" in page.getresponse().read()
            page.close()
            url = f"ws://127.0.0.1:{port}/chat"
            with connect(url, proxy=None) as one, connect(url, proxy=None) as other:
                assert str(one.recv(10)).endswith("1 here")
                assert str(one.recv(10)).endswith("2 here")
                assert str(other.recv(10)).endswith("2 here")
                other.send("hello")
                assert str(one.recv(10)).endswith(": hello")
                other.close(4000)
                assert str(one.recv(10)).endswith("has left with 4000")
        finally:
            server.kill()
