"""The cost of muduopy's parts: sends across threads, timers, connections, slow reader, import.

    python -m bench.library --repeat 5

Each part runs in a process of its own (bench/library_parts.py). The clients are in this process.
The figures are medians over the repeats, with the extremes. It prints a Markdown table.
"""

import argparse
import contextlib
import json
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench import common

IDLE_CONNECTIONS = 10_000
ACCEPTED = 10_000
TRANSFER_BYTES = 1 << 30
READ_BYTES = 64 * 1024
SLOW_READER_SECONDS = 0.0001  # its pause after each read, which limits it to about 250 MB/s
IMPORTS = 15

Figures = dict[str, float]


class Part:
    """The process of a part. It prints its port when it is ready, and its figures at the end."""

    def __init__(self, name: str) -> None:
        program = str(common.BENCH / "library_parts.py")
        self.process = subprocess.Popen(
            [sys.executable, program, name],
            env={**os.environ, "PYTHONPATH": str(common.ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def line(self) -> Any:
        assert self.process.stdout is not None
        text = self.process.stdout.readline()
        if not text:
            raise common.BenchError(f"a part ended early, with status {self.process.wait()}")
        return json.loads(text)

    def ask(self) -> Any:
        """Tell the part that the client has finished; returns its figures."""
        assert self.process.stdin is not None
        self.process.stdin.write("done\n")
        self.process.stdin.flush()
        return self.line()

    def end(self) -> None:
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()


@contextlib.contextmanager
def part(name: str) -> Any:
    running = Part(name)
    try:
        yield running
    finally:
        running.end()


def connect(port: int) -> socket.socket:
    return socket.create_connection((common.HOST, port), timeout=30)


def cross_thread_sends() -> Figures:
    with part("sends") as sends, connect(sends.line()) as client:
        received, buffer = 0, memoryview(bytearray(1 << 20))
        expected = sends.line()  # the number of bytes that it begins to send now
        while received < expected and (count := client.recv_into(buffer)):
            received += count
        return dict(sends.ask())


def timers() -> Figures:
    with part("timers") as running:
        return dict(running.line())


def idle() -> Figures:
    with part("idle") as server, contextlib.ExitStack() as stack:
        port = server.line()
        for _ in range(100):  # warm up: memory that is allocated once is not counted
            stack.enter_context(connect(port))
        before = server.ask()
        for _ in range(IDLE_CONNECTIONS):
            stack.enter_context(connect(port))
        after = server.ask()
        count = after["connections"] - before["connections"]
        each = (after["rss"] - before["rss"]) / count / 1024
        return {"KiB each": each, "connections": count}


def accepts() -> Figures:
    with part("accepts") as server:
        port = server.line()
        clients = []
        for _ in range(ACCEPTED):
            client = socket.socket()
            client.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                client.connect((common.HOST, port))
            clients.append(client)
        figures = server.line()
        for client in clients:
            client.close()
        return dict(figures)


def slow_reader() -> Figures:
    with part("transfer") as server, connect(server.line()) as client:
        received, peak, reads = 0, 0, 0
        begun = time.monotonic()
        buffer = memoryview(bytearray(READ_BYTES))
        while count := client.recv_into(buffer):
            received += count
            reads += 1
            time.sleep(SLOW_READER_SECONDS)
            if reads % 256 == 0:
                peak = max(peak, common.rss_bytes(server.process.pid))
        if received != TRANSFER_BYTES:
            raise common.BenchError(f"{received} bytes of {TRANSFER_BYTES} arrived")
        return {"peak RSS, MiB": peak / (1 << 20), "seconds": time.monotonic() - begun}


def import_cost() -> Figures:
    def run(code: str) -> float:
        begun = time.perf_counter()
        subprocess.run([sys.executable, "-c", code], cwd=common.ROOT, check=True)
        return time.perf_counter() - begun

    run("import muduopy")  # compiles the modules, which is not part of the figure
    pairs = [(run("import muduopy"), run("pass")) for _ in range(IMPORTS)]
    return {"ms": statistics.median((full - bare) * 1000 for full, bare in pairs)}


PARTS: dict[str, tuple[str, str, Callable[[], Figures]]] = {
    "sends": ("4 threads send 64 bytes to one connection", "messages/s", cross_thread_sends),
    "timers": ("10,000 timers added, then cancelled", "ms", timers),
    "idle": ("an idle connection, of 10,000", "KiB each", idle),
    "accepts": ("connections accepted, until UP", "connections/s", accepts),
    "transfer": ("1 GiB to a slow reader", "peak RSS, MiB", slow_reader),
    "import": ("`import muduopy`, more than bare Python", "ms", import_cost),
}


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--parts", type=common.words, default=list(PARTS), metavar="NAME,...")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--json", type=Path, metavar="FILE", help="all figures of all repeats")
    return parser.parse_args()


def main() -> None:
    options = parse_arguments()
    common.allow_many_files()
    rows, report = [], {}
    for name in options.parts:
        if name not in PARTS:
            raise common.BenchError(f"unknown part {name!r}: {', '.join(PARTS)}")
        title, unit, measure = PARTS[name]
        runs = [measure() for _ in range(options.repeat)]
        values = [run[unit] for run in runs]
        shown = [f"{value:,.1f}" if value < 1000 else f"{value:,.0f}" for value in values]
        median = statistics.median(values)
        text = f"{median:,.1f}" if median < 1000 else f"{median:,.0f}"
        low, high = shown[values.index(min(values))], shown[values.index(max(values))]
        rows.append([title, f"{text} {unit}", f"{low}–{high}"])
        report[name] = runs
    print(common.machine_line() + "\n")
    print(common.markdown_table(["what", "median", "min–max"], rows))
    common.write_json(options.json, report)


if __name__ == "__main__":
    common.run_main(main)
