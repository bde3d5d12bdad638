"""muduopy's WebSocket echo server beside other libraries, in one run.

    pip install -r bench/websocket_servers/requirements.txt   (missing peers are left out)
    python -m bench.websocket --sizes 64,16384 --connections 100

Each server (a file in bench/websocket_servers/) is a process of its own, and none compresses.
bench/loadgen.c sends it text messages, one in flight on each connection, and checks every byte that
comes back. All servers run from the start and are measured in turn, so that noise affects them
equally. The figures are medians over the repeats.

The rate to compare is messages per second of the server's CPU time: on a small machine the
generator competes for the cores. The memory for each connection is the growth of the resident
memory by idle connections that have echoed one message. It is measured first, in fresh processes.
"""

import argparse
import contextlib
import importlib.util
import itertools
import shutil
import socket
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench import common

OURS = "muduopy"

SERVERS = {  # name: (the modules that it needs, the program, its arguments)
    OURS: (("websockets",), "muduopy_websocket.py", ()),
    "uvloop + websockets": (("websockets", "uvloop"), "websockets_asyncio.py", ("uvloop",)),
    "websockets, asyncio": (("websockets",), "websockets_asyncio.py", ()),
    "websockets, threads": (("websockets",), "websockets_threads.py", ()),
    "aiohttp": (("aiohttp",), "aiohttp_server.py", ()),
    "wsproto, asyncio": (("wsproto",), "wsproto_asyncio.py", ()),
    "ws (Node.js)": ((), "ws_node.mjs", ()),
}

NODE_PACKAGE = common.ROOT / "tests" / "node" / "node_modules" / "ws"

REQUEST = (
    b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)
HELLO = b"\x81\x85\0\0\0\0hello"
ECHO = b"\x81\x05hello"

WARM_UP_CONNECTIONS = 20
"""Opened before the memory is read: what the first connections load is not theirs."""


@dataclass(frozen=True)
class Case:
    """One row of a table."""

    size: int  # bytes
    connections: int
    server: str


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", type=common.numbers, default=[64, 16384], metavar="BYTES,...")
    parser.add_argument("--connections", type=common.numbers, default=[100], metavar="N,...")
    parser.add_argument("--idle", type=int, default=1000, metavar="N", help="for the memory")
    parser.add_argument("--servers", type=names, default=list(SERVERS), metavar="NAME;...")
    parser.add_argument("--warmup", type=float, default=1, metavar="SECONDS")
    parser.add_argument("--seconds", type=float, default=3, help="the measured window")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--json", type=Path, metavar="FILE", help="all figures of all repeats")
    return parser.parse_args()


def names(text: str) -> list[str]:
    """Parse a list of servers, separated by semicolons. Raises ValueError."""
    found = [part.strip() for part in text.split(";") if part.strip()]
    if unknown := [name for name in found if name not in SERVERS]:
        raise ValueError(f"unknown: {unknown}")
    return found


def servers(chosen: list[str], folder: Path) -> dict[str, common.Server]:
    """The servers to compare, not started yet."""
    found = {}
    for name in chosen:
        modules, program, arguments = SERVERS[name]
        missing = [module for module in modules if importlib.util.find_spec(module) is None]
        interpreter = sys.executable
        if program.endswith(".mjs"):
            interpreter = shutil.which("node") or ""
            missing += [] if interpreter and NODE_PACKAGE.exists() else ["ws"]
        if missing:
            print(f"{', '.join(missing)}: not installed; {name} is left out", file=sys.stderr)
            continue
        path = common.BENCH / "websocket_servers" / program
        command = [interpreter, str(path), common.HOST, "{port}", *arguments]
        log_name = "".join(sign if sign.isalnum() else "-" for sign in name)
        found[name] = common.Server(log_name, command, folder)
    return found


# ---------------------------------------------------------------- memory


@contextlib.contextmanager
def open_connections(port: int, count: int) -> Iterator[None]:
    """Connections that have echoed a message."""
    with contextlib.ExitStack() as stack:
        for _ in range(count):
            sock = stack.enter_context(socket.create_connection((common.HOST, port), timeout=10))
            sock.sendall(REQUEST)
            head = b""
            while not head.endswith(b"\r\n\r\n"):
                head += sock.recv(4096)
            sock.sendall(HELLO)
            answer = b""
            while len(answer) < len(ECHO):
                answer += sock.recv(len(ECHO))
            if answer != ECHO:
                raise common.BenchError(f"an echo of {answer!r}")
        yield


def memory_of_a_connection(server: common.Server, count: int) -> float:
    """Bytes of resident memory for each idle connection."""
    with open_connections(server.port, WARM_UP_CONNECTIONS):
        before = common.rss_bytes(server.pid)
        with open_connections(server.port, count):
            return (common.rss_bytes(server.pid) - before) / count


# ---------------------------------------------------------------- messages


def run_cases(
    options: argparse.Namespace, running: dict[str, common.Server], folder: Path
) -> dict[Case, list[dict[str, Any]]]:
    generator = common.LoadGenerator.compile(folder)
    grid = itertools.product(options.sizes, options.connections, running)
    runs: dict[Case, list[dict[str, Any]]] = {Case(*point): [] for point in grid}
    for turn, case in itertools.product(range(options.repeat), runs):
        result = generator.measure(
            "echo",
            running[case.server],
            bytes=case.size,
            connections=case.connections,
            websocket=True,
            warmup=options.warmup,
            seconds=options.seconds,
        )
        print(f"{turn + 1}/{options.repeat} {case}: {result['rate']:,.0f}/s", file=sys.stderr)
        runs[case].append(result)
    return runs


def table(size: int, summaries: dict[Case, common.Summary], memory: dict[str, float]) -> str:
    header = ["connections", "server", "messages/s", "p50", "p99", "server CPU/message"]
    header += ["of muduopy's", "memory/connection"]
    rows: list[list[str]] = []
    for case, found in summaries.items():
        if case.size != size:
            continue
        ours = summaries.get(Case(size, case.connections, OURS))
        row = [str(case.connections), case.server, f"{found.rate:,.0f}"]
        row += [common.microseconds(found.p50_us), common.microseconds(found.p99_us)]
        row += [f"{found.server_us:.2f} µs"]
        row += [f"{found.server_us / ours.server_us:.2f} x" if ours else "–"]
        row += [f"{memory[case.server] / 1024:.1f} KiB"]
        rows.append(row)
    return common.markdown_table(header, rows)


def main() -> None:
    options = parse_arguments()
    common.allow_many_files()
    with common.work_folder() as name, contextlib.ExitStack() as stack:
        folder = Path(name)
        running = servers(options.servers, folder)
        for server in running.values():
            stack.enter_context(server)
        memory = {
            name: memory_of_a_connection(server, options.idle) for name, server in running.items()
        }
        runs = run_cases(options, running, folder)
    summaries = {case: common.Summary.of(found) for case, found in runs.items()}
    machine = common.machine_line()
    print(f"{machine}; {options.seconds:g} s × {options.repeat}, median")
    for size in options.sizes:
        print(f"\n{size} bytes\n\n{table(size, summaries, memory)}")
    print(f"\n{common.disturbance(summaries.values())}")
    cases = [{**asdict(case), "runs": found} for case, found in runs.items()]
    common.write_json(options.json, {"machine": machine, "memory": memory, "cases": cases})
    if any(found.errors for found in summaries.values()):
        print("a server returned other bytes than it got", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    common.run_main(main)
