"""The programs of the tutorial and of the README, each run and talked to."""

from __future__ import annotations

import random
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "docs" / "muduopy" / name for name in ("README.md", "tutorial.md")]
WAIT = 20.0


def programs() -> dict[str, str]:
    found = {}
    for page in reversed(PAGES):
        for code in re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.S):
            name = re.match(r"# (\w+)\.py\n", code)
            if name and page.name == "README.md":
                found["readme"] = code
            elif name:
                found[name[1]] = code
    return found


def free_port() -> int:
    """Below the ephemeral range, so that no outgoing connection takes it meanwhile."""
    while True:
        port = random.randrange(10_000, 32_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


@contextmanager
def running(code: str, port: int, *args: object) -> Iterator[None]:
    command = [sys.executable, "-c", code, str(port), *map(str, args)]
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield
        finally:
            process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=WAIT)
        # Ctrl-C raises out of loop(), and nothing else was complained about.
        assert errors.count("Traceback") == 1, errors
        assert errors.rstrip().endswith("KeyboardInterrupt"), errors


def connect(port: int) -> socket.socket:
    end = time.monotonic() + WAIT
    while True:
        try:
            return socket.create_connection(("127.0.0.1", port), WAIT)
        except ConnectionRefusedError:
            assert time.monotonic() < end, "the program does not listen"


def ask(client: socket.socket, words: bytes, count: int) -> bytes:
    client.sendall(words)
    answer = b""
    while len(answer) < count and (part := client.recv(count - len(answer))):
        answer += part
    return answer


def test_all_are_tested() -> None:
    assert set(programs()) == {"readme", "echo", "chat", "chat_loops", "proxy", "primes"}


def test_echo() -> None:
    port = free_port()
    with running(programs()["echo"], port), connect(port) as client:
        assert ask(client, b"hello", 5) == b"hello"


def test_readme() -> None:
    port = free_port()
    code = programs()["readme"].replace("2007", str(port))
    with running(code, port), connect(port) as client:
        assert ask(client, b"hello", 5) == b"hello"


def test_chat() -> None:
    port = free_port()
    with running(programs()["chat"], port), connect(port) as one, connect(port) as two:
        me = f"127.0.0.1:{two.getsockname()[1]}: "
        said = f"{me}hi\n".encode()
        assert ask(two, b"hi\r\n", len(said)) == said
        assert ask(one, b"", len(said)) == said


def test_chat_loops() -> None:
    port = free_port()
    with running(programs()["chat_loops"], port), connect(port) as one, connect(port) as two:
        assert ask(one, b"first\n", 6) == b"first\n"
        heard = ask(two, b"second\n", 7)
        assert heard in (b"second\n", b"first\ns")
        assert ask(one, b"", 7) == b"second\n"


def test_proxy() -> None:
    behind, port = free_port(), free_port()
    with running(programs()["echo"], behind), connect(behind):
        while port == behind:
            port = free_port()
        with running(programs()["proxy"], port, behind), connect(port) as client:
            big = bytes(range(256)) * 20_000
            feeding = threading.Thread(target=client.sendall, args=(big,))
            feeding.start()
            assert ask(client, b"", len(big)) == big
            feeding.join()
            client.shutdown(socket.SHUT_WR)
            assert client.recv(1) == b""


def test_primes() -> None:
    port = free_port()
    with running(programs()["primes"], port), connect(port) as client:
        assert ask(client, b"1000003\n", 6) == b"prime\n"
        assert ask(client, b"1000001\n", 10) == b"not prime\n"
        assert ask(client, b"ten\n", 13) == b"not a number\n"
