"""Small JSON answers: muduopy.http beside other Python servers, in one run. Needs wrk.

    pip install uvicorn h11 httptools aiohttp     (libraries that are missing are left out)
    python -m bench.http_answers --connections 50 --seconds 5 --repeat 3

Each server (a file in bench/http_servers/) is a process of its own, with one thread. All run from
the start and are measured in turn, so that noise affects them equally. The figures are medians over
the repeats. On a small machine wrk competes for the cores, so there are two rates: answers per
second of wall time, and answers per second of the server's CPU time.
"""

import argparse
import contextlib
import importlib.util
import re
import shutil
import statistics
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from bench import common

PEERS = {  # name: (the module that it needs, the program, its argument)
    "asyncio by hand": ("asyncio", "asyncio_streams.py", ""),
    "uvicorn, h11": ("uvicorn", "uvicorn_asgi.py", "h11"),
    "uvicorn, httptools": ("httptools", "uvicorn_asgi.py", "httptools"),
    "aiohttp": ("aiohttp", "aiohttp_web.py", ""),
}

OURS = "muduopy.http"
COMPARED = "uvicorn, h11"


@dataclass(frozen=True)
class Run:
    rate: float  # answers per second of wall time
    cpu_rate: float  # answers per second of the server's CPU time
    p99: str


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--connections", type=int, default=50, metavar="N")
    parser.add_argument("--seconds", type=float, default=5, help="of each measurement")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--json", type=Path, metavar="FILE", help="all figures of all repeats")
    return parser.parse_args()


def servers(folder: Path) -> dict[str, common.Server]:
    """The servers to compare, not started yet."""
    found = {}
    peers = {OURS: ("muduopy", "muduopy_http.py", ""), **PEERS}
    for name, (module, program, argument) in peers.items():
        if not importlib.util.find_spec(module):
            print(f"{module} is not installed: {name} is left out", file=sys.stderr)
            continue
        path = common.BENCH / "http_servers" / program
        command = [sys.executable, str(path), common.HOST, "{port}", *argument.split()]
        found[name] = common.Server(re.sub(r"\W+", "-", name), command, folder)
    return found


def measure(server: common.Server, options: argparse.Namespace) -> Run:
    """One run of wrk."""
    before = server.cpu_seconds()
    done = subprocess.run(
        [
            *("wrk", "-t1", f"-c{options.connections}", f"-d{options.seconds:g}s", "--latency"),
            f"http://{common.HOST}:{server.port}/",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    cpu = server.cpu_seconds() - before
    rate = re.search(r"Requests/sec: +([\d.]+)", done.stdout)
    count = re.search(r"(\d+) requests in", done.stdout)
    p99 = re.search(r"99% +(\S+)", done.stdout)
    errors = re.search(r"Non-2xx.*|Socket errors.*", done.stdout)
    if done.returncode or not (rate and count and p99) or errors:
        raise common.BenchError(f"wrk: {done.stdout}{done.stderr}\n{server.last_words()}")
    return Run(float(rate[1]), int(count[1]) / max(cpu, 0.01), p99[1])


def table(runs: dict[str, list[Run]]) -> str:
    rates = {name: statistics.median(run.rate for run in found) for name, found in runs.items()}
    base = rates.get(COMPARED)
    rows = []
    for name, found in runs.items():
        cpu_rate = statistics.median(run.cpu_rate for run in found)
        low, high = min(run.rate for run in found), max(run.rate for run in found)
        rows.append(
            [
                name,
                f"{rates[name]:,.0f}",
                f"{low:,.0f}–{high:,.0f}",
                sorted(run.p99 for run in found)[len(found) // 2],
                f"{cpu_rate:,.0f}",
                f"{rates[name] / base:.2f}" if base else "-",
            ]
        )
    header = ["server", "answers/s", "min–max", "p99", "answers/server CPU s", f"of {COMPARED}"]
    return common.markdown_table(header, rows)


def main() -> None:
    options = parse_arguments()
    if shutil.which("wrk") is None:
        raise common.BenchError("needs wrk (apt install wrk)")
    with common.work_folder() as folder, contextlib.ExitStack() as stack:
        running = servers(Path(folder))
        for server in running.values():
            stack.enter_context(server)
        runs: dict[str, list[Run]] = {name: [] for name in running}
        for turn in range(options.repeat):
            for name, server in running.items():
                runs[name].append(measure(server, options))
                print(f"{turn + 1}/{options.repeat} {name}: {runs[name][-1]}", file=sys.stderr)
    machine = common.machine_line()
    print(f"{machine}; {options.connections} connections, {options.seconds:g} s × {options.repeat}")
    print(f"\n{table(runs)}")
    report = {name: [vars(run) for run in found] for name, found in runs.items()}
    common.write_json(options.json, {"machine": machine, "servers": report})


if __name__ == "__main__":
    common.run_main(main)
