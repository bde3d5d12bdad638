"""A large body down and up: muduopy.http beside a server that is written by hand with asyncio.

    python -m bench.http_streams --mib 1024 --repeat 3

The client sends and receives as fast as it can. Beside it, another client asks for a small answer
every 5 ms, and notes the longest time that it waited. Memory is the peak of the server's resident
memory (VmHWM), and its memory before the body. Each body has a new server process.
"""

import argparse
import socket
import statistics
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from bench import common

SERVERS = {"muduopy.http": "muduopy_http.py", "asyncio by hand": "asyncio_streams.py"}
DIRECTIONS = ("down", "up")
MIB = 1024 * 1024
TIMEOUT = 120.0
ASK_SECONDS = 0.005


@dataclass(frozen=True)
class Run:
    seconds: float
    cpu_seconds: float  # of the server
    before_mib: float  # the server's memory
    peak_mib: float
    longest_ms: float  # the longest wait of the other client


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--mib", type=int, default=1024, help="the length of the body")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--json", type=Path, metavar="FILE", help="all figures of all repeats")
    return parser.parse_args()


def peak_bytes(pid: int) -> int:
    """The peak of the resident memory of a process."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise common.BenchError(f"process {pid} has no memory left to measure: it ended")


class Bystander(threading.Thread):
    """Asks for a small answer every few milliseconds."""

    def __init__(self, port: int) -> None:
        super().__init__(name="bystander")
        self._socket = socket.create_connection((common.HOST, port), TIMEOUT)
        self._over = threading.Event()
        self.longest = 0.0

    def run(self) -> None:
        while not self._over.is_set():
            begin = time.monotonic()
            self._socket.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            if not self._socket.recv(4096):
                raise common.BenchError("the server closed the other client's connection")
            self.longest = max(self.longest, time.monotonic() - begin)
            self._over.wait(ASK_SECONDS)
        self._socket.close()

    def end(self) -> float:
        self._over.set()
        self.join()
        return self.longest


def read_head(sock: socket.socket) -> bytes:
    """Read up to the empty line; returns the bytes after it."""
    data = b""
    while b"\r\n\r\n" not in data:
        part = sock.recv(4096)
        if not part:
            raise common.BenchError(f"no answer, only {data!r}")
        data += part
    return data.partition(b"\r\n\r\n")[2]


def move(direction: str, sock: socket.socket, size: int) -> None:
    """Transfer one body."""
    if direction == "down":
        sock.sendall(b"GET /down?%d HTTP/1.1\r\nHost: x\r\n\r\n" % size)
        received = len(read_head(sock))
        buffer = bytearray(MIB)
        while received < size:
            count = sock.recv_into(buffer)
            if not count:
                raise common.BenchError(f"the body ended after {received} bytes")
            received += count
        return
    sock.sendall(b"PUT /up HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % size)
    part = bytes(MIB)
    for _ in range(size // MIB):
        sock.sendall(part)
    answer = read_head(sock) or sock.recv(4096)
    if answer != str(size).encode():
        raise common.BenchError(f"the server got {answer!r} of {size} bytes")


def measure(program: str, direction: str, size: int, folder: Path) -> Run:
    path = common.BENCH / "http_servers" / program
    command = [sys.executable, str(path), common.HOST, "{port}"]
    with common.Server(f"{path.stem}-{direction}", command, folder) as server:
        bystander = Bystander(server.port)
        bystander.start()
        try:
            with socket.create_connection((common.HOST, server.port), TIMEOUT) as sock:
                before, cpu = peak_bytes(server.pid), server.cpu_seconds()
                begin = time.monotonic()
                move(direction, sock, size)
                seconds = time.monotonic() - begin
        finally:
            longest = bystander.end()
        return Run(
            seconds,
            server.cpu_seconds() - cpu,
            before / MIB,
            peak_bytes(server.pid) / MIB,
            longest * 1000,
        )


def table(runs: dict[tuple[str, str], list[Run]]) -> str:
    rows = []
    for (direction, name), found in runs.items():
        rows.append(
            [
                direction,
                name,
                f"{statistics.median(run.seconds for run in found):.2f} s",
                f"{statistics.median(run.cpu_seconds for run in found):.2f} s",
                f"{statistics.median(run.before_mib for run in found):.0f} MiB",
                f"{max(run.peak_mib for run in found):.0f} MiB",
                f"{statistics.median(run.longest_ms for run in found):.1f} ms",
            ]
        )
    header = ["body", "server", "time", "server CPU", "memory before", "peak", "longest wait"]
    return common.markdown_table(header, rows)


def main() -> None:
    options = parse_arguments()
    runs: dict[tuple[str, str], list[Run]] = {
        (direction, name): [] for direction in DIRECTIONS for name in SERVERS
    }
    with common.work_folder() as folder:
        for turn in range(options.repeat):
            for (direction, name), found in runs.items():
                found.append(measure(SERVERS[name], direction, options.mib * MIB, Path(folder)))
                print(f"{turn + 1} {direction} {name}: {found[-1]}", file=sys.stderr)
    machine = common.machine_line()
    print(f"{machine}; {options.mib} MiB, median of {options.repeat}, memory: the largest\n")
    print(table(runs))
    report = [
        {"direction": direction, "server": name, "runs": [vars(run) for run in found]}
        for (direction, name), found in runs.items()
    ]
    common.write_json(options.json, {"machine": machine, "cases": report})


if __name__ == "__main__":
    common.run_main(main)
