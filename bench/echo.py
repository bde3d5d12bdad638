"""muduopy's echo server beside a bare epoll loop and other libraries, in one run.

    pip install uvloop gevent twisted tornado     (libraries that are missing are left out)
    python -m bench.echo --sizes 64,16384 --connections 1,100,1000 --threads 0,2

Each server (a file in bench/echo_servers/) is a process of its own. bench/loadgen.c sends it
messages, one in flight on each connection, and checks every byte that comes back. All servers run
from the start and are measured in turn, so that noise affects them equally. The figures are medians
over the repeats.

There are two rates: messages per second of wall time, and messages per second of the server's CPU
time. The second is needed because on a small machine the generator competes for the cores. The
ratio to the bare loop compares the second rate. With one connection both sides sleep most of the
time, so that row shows how fast the machine wakes a process up. It prints a Markdown table for each
message size.
"""

import argparse
import contextlib
import importlib.util
import itertools
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench import common

CEILING = "bare epoll"

PEERS = {  # name: (the module that it needs, the program)
    "uvloop": ("uvloop", "uvloop_protocol.py"),
    "asyncio": ("asyncio", "asyncio_protocol.py"),
    "gevent": ("gevent", "gevent_server.py"),
    "Twisted": ("twisted", "twisted_protocol.py"),
    "Tornado": ("tornado", "tornado_server.py"),
    "threads": ("socketserver", "socketserver_threads.py"),
}


@dataclass(frozen=True)
class Case:
    """One row of the table."""

    size: int  # bytes
    connections: int
    server: str


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--sizes", type=common.numbers, default=[64, 16384], metavar="BYTES,...")
    parser.add_argument(
        "--connections", type=common.numbers, default=[1, 100, 1000], metavar="N,..."
    )
    parser.add_argument(
        "--threads", type=common.numbers, default=[0], metavar="N,...", help="muduopy's sub-loops"
    )
    parser.add_argument(
        "--peers", type=peer_names, default=list(PEERS), metavar="NAME,...", help=", ".join(PEERS)
    )
    parser.add_argument("--warmup", type=float, default=0.5, metavar="SECONDS")
    parser.add_argument("--seconds", type=float, default=3, help="the measured window")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--json", type=Path, metavar="FILE", help="all figures of all repeats")
    return parser.parse_args()


def peer_names(text: str) -> list[str]:
    """Parse a list of peers from the command line. Raises ValueError, which argparse reports."""
    names = common.words(text)
    if unknown := [name for name in names if name not in PEERS]:
        raise ValueError(f"unknown: {unknown}")
    return names


def servers(threads: list[int], peers: list[str], folder: Path) -> dict[str, common.Server]:
    """The servers to compare, not started yet. The bare loop comes first."""

    def server(name: str, program: str, *arguments: str) -> common.Server:
        path = common.BENCH / "echo_servers" / program
        command = [sys.executable, str(path), common.HOST, "{port}", *arguments]
        return common.Server(name.replace(" ", "-"), command, folder)

    found = {CEILING: server(CEILING, "bare_epoll.py")}
    for count in threads:
        name = f"muduopy, {count} sub-loops" if count else "muduopy"
        found[name] = server(name, "muduopy_echo.py", str(count))
        if count > 1:
            name = f"muduopy, {count} taking turns"
            found[name] = server(name, "muduopy_echo.py", str(count), "turns")
    for name in peers:
        module, program = PEERS[name]
        if importlib.util.find_spec(module):
            found[name] = server(name, program)
        else:
            print(f"{module} is not installed: {name} is left out", file=sys.stderr)
    return found


def run_cases(options: argparse.Namespace, folder: Path) -> dict[Case, list[dict[str, Any]]]:
    generator = common.LoadGenerator.compile(folder)
    with contextlib.ExitStack() as stack:
        running = servers(options.threads, options.peers, folder)
        for server in running.values():
            stack.enter_context(server)
        grid = itertools.product(options.sizes, options.connections, running)
        runs: dict[Case, list[dict[str, Any]]] = {Case(*point): [] for point in grid}
        for turn, case in itertools.product(range(options.repeat), runs):
            result = generator.measure(
                "echo",
                running[case.server],
                bytes=case.size,
                connections=case.connections,
                warmup=options.warmup,
                seconds=options.seconds,
            )
            print(f"{turn + 1}/{options.repeat} {case}: {result['rate']:,.0f}/s", file=sys.stderr)
            runs[case].append(result)
    return runs


def table(size: int, summaries: dict[Case, common.Summary]) -> str:
    header = ["connections", "server", "messages/s", "min–max", "p50", "p99", "server CPU/message"]
    header += ["messages/server CPU s", f"of {CEILING}", "generator CPU"]
    rows: list[list[str]] = []
    for case, found in summaries.items():
        if case.size != size:
            continue
        ceiling = summaries[Case(size, case.connections, CEILING)]
        row = [str(case.connections), case.server]
        row += [f"{found.rate:,.0f}", f"{found.rate_min:,.0f}–{found.rate_max:,.0f}"]
        row += [common.microseconds(found.p50_us), common.microseconds(found.p99_us)]
        row += [f"{found.server_us:.2f} µs", f"{1e6 / found.server_us:,.0f}"]
        row += [f"{ceiling.server_us / found.server_us:.2f}", f"{found.generator_share:.0%}"]
        rows.append(row)
    return common.markdown_table(header, rows)


def main() -> None:
    options = parse_arguments()
    common.allow_many_files()
    with common.work_folder() as folder:
        runs = run_cases(options, Path(folder))
    summaries = {case: common.Summary.of(found) for case, found in runs.items()}
    machine = common.machine_line()
    print(f"{machine}; {options.seconds:g} s × {options.repeat}, median")
    for size in options.sizes:
        print(f"\n{size} bytes\n\n{table(size, summaries)}")
    print(f"\n{common.disturbance(summaries.values())}")
    report = [{**asdict(case), "runs": found} for case, found in runs.items()]
    common.write_json(options.json, {"machine": machine, "cases": report})
    if any(found.errors for found in summaries.values()):
        print("a server returned other bytes than it got", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    common.run_main(main)
