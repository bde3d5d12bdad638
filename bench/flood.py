"""The round-trip time of a chat during a flood from connections without a login.

    python -m bench.flood --sockets 100 --kinds ping,lf,junk

It starts one real server. Two users write to each other in turn, one message at a time. They do so
three times: alone, then while another process floods the server on many connections, then after
the flood has ended. When the server closes a connection of the flood, the flood opens a new one.
The figures are round trips: a message to the other user, and one back. With `--logged-in` the users
of the flood have logged in.
"""

import argparse
import contextlib
import json
import multiprocessing
import select
import socket
import statistics
import sys
import time
from collections.abc import Iterator
from multiprocessing.synchronize import Event
from pathlib import Path
from typing import Any

from bench import common

KINDS = {
    "ping": b'{"msgid":26}\n',
    "lf": b"\n",
    "junk": b"x\n",
    "long": b'{"msgid":26,"x":"' + b"y" * 5000 + b'"}\n',
}
CHUNK = 64 * 1024
PASSWORD = "secret-1"
PAUSE = 0.002  # seconds between two messages of the pair, so that they alone are no load


class User:
    """A v2 client that sends one request, and waits for its answer."""

    def __init__(self, port: int, name: str) -> None:
        self.sock = socket.create_connection((common.HOST, port), timeout=60)
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.lines = self.sock.makefile("rb")
        self.send(msgid=4, v=2, name=name, password=PASSWORD)
        self.id = self.expect(5)["id"]
        self.send(msgid=1, v=2, id=self.id, password=PASSWORD)
        self.expect(2)

    def send(self, **message: Any) -> None:
        self.sock.sendall(json.dumps(message).encode() + b"\n")

    def expect(self, msgid: int) -> dict[str, Any]:
        """Receive until a message with this ``msgid`` comes; returns it."""
        for line in self.lines:
            message: dict[str, Any] = json.loads(line)
            if message["msgid"] == msgid:
                if message.get("errno"):
                    raise common.BenchError(f"{message}")
                return message
        raise common.BenchError("the server has closed a user's connection")

    def take(self) -> None:
        """Receive the next chat message, and acknowledge it."""
        self.send(msgid=21, seqs=[self.expect(6)["seq"]])


def chat(ann: User, bob: User, seconds: float) -> list[float]:
    """Let two users write to each other in turn. Returns the round-trip times in seconds."""
    trips, end = [], time.monotonic() + seconds
    while time.monotonic() < end:
        begun = time.monotonic()
        for sender, receiver in ((ann, bob), (bob, ann)):
            sender.send(msgid=6, id=sender.id, toid=receiver.id, msg="hello")
            receiver.take()
        trips.append(time.monotonic() - begun)
        time.sleep(PAUSE)
    return trips


def open_socket(port: int, number: int, logged_in: bool) -> socket.socket:
    if logged_in:
        sock = User(port, f"flooder-{time.monotonic_ns()}-{number}").sock
    else:
        sock = socket.create_connection((common.HOST, port), timeout=5)
    sock.setblocking(False)
    return sock


def flood(port: int, kind: str, sockets: int, logged_in: bool, begun: Event, end: Event) -> None:
    """The process of the flood: writes to each socket that is writable, and never reads."""
    chunk = KINDS[kind] * (CHUNK // len(KINDS[kind]))
    poll = select.epoll()
    opened: dict[int, socket.socket] = {}

    def open_one(number: int) -> None:
        with contextlib.suppress(OSError):
            sock = open_socket(port, number, logged_in)
            opened[sock.fileno()] = sock
            poll.register(sock, select.EPOLLIN | select.EPOLLOUT)

    for number in range(sockets):
        open_one(number)
    begun.set()
    while not end.is_set():
        for fd, _ in poll.poll(0.1):
            sock = opened[fd]
            try:
                with contextlib.suppress(BlockingIOError):
                    if not sock.recv(CHUNK):
                        raise ConnectionError
                with contextlib.suppress(BlockingIOError):
                    sock.send(chunk)
            except OSError:
                poll.unregister(fd)
                opened.pop(fd).close()
                open_one(fd)


@contextlib.contextmanager
def flooded(port: int, kind: str, options: argparse.Namespace) -> Iterator[None]:
    """Flood the server during the `with` block."""
    begun, end = multiprocessing.Event(), multiprocessing.Event()
    process = multiprocessing.Process(
        target=flood, args=(port, kind, options.sockets, options.logged_in, begun, end)
    )
    process.start()
    try:
        if not begun.wait(60):
            raise common.BenchError("the flood did not begin")
        yield
    finally:
        end.set()
        process.join()


def row(when: str, trips: list[float], alone: list[float] | None) -> list[str]:
    cuts = statistics.quantiles(trips, n=100) if len(trips) > 1 else trips * 99
    base = statistics.quantiles(alone or trips, n=100)[98] if len(alone or trips) > 1 else 0.0
    p50, p99, worst = (
        common.microseconds(value * 1e6) for value in (cuts[49], cuts[98], max(trips))
    )
    return [when, str(len(trips)), p50, p99, worst, f"{cuts[98] / base:.1f}" if base else "-"]


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sockets", type=int, default=100, metavar="N")
    parser.add_argument("--kinds", type=common.words, default=list(KINDS), metavar="KIND,...")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--logged-in", action="store_true", help="users flood, not strangers")
    parser.add_argument("--delivery", choices=["direct", "stored"], default="stored")
    parser.add_argument("--server-python", default=sys.executable, metavar="PROGRAM")
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    if unknown := set(options.kinds) - KINDS.keys():
        parser.error(f"no kind {', '.join(sorted(unknown))}; there are {', '.join(KINDS)}")
    return options


def main() -> None:
    options = parse_arguments()
    rows, report = [], {}
    with common.work_folder() as work:
        folder = Path(work)
        command = [options.server_python, "-m", "chat.app", common.HOST, "{port}"]
        command += ["--db", f"sqlite:///{folder}/chat.db", "--delivery", options.delivery]
        with common.Server("chatserver", command, folder) as server:
            ann, bob = User(server.port, "ann"), User(server.port, "bob")
            chat(ann, bob, min(1.0, options.seconds))
            for kind in options.kinds:
                alone = chat(ann, bob, options.seconds)
                memory = common.rss_bytes(server.pid)
                with flooded(server.port, kind, options):
                    during = chat(ann, bob, options.seconds)
                    memory = common.rss_bytes(server.pid) - memory
                after = chat(ann, bob, options.seconds)
                rows.append(row(f"before {kind}", alone, None))
                rows.append(row(f"during {kind} (+{memory >> 20} MiB)", during, alone))
                rows.append(row(f"after {kind}", after, alone))
                report[kind] = {"alone": alone, "during": during, "after": after}
    print(f"{common.machine_line(options.server_python)}; {options.sockets} flooding sockets\n")
    header = ["when", "round trips", "p50", "p99", "longest", "p99 of before"]
    print(common.markdown_table(header, rows))
    common.write_json(options.json, report)


if __name__ == "__main__":
    common.run_main(main)
