"""The common parts of the benchmarks: servers, the load generator, CPU samples and tables.

All processes listen on 127.0.0.1, on ports below the ephemeral range. A process that is started
here is ended by its id when its `with` block ends. Times are seconds and sizes bytes, except where
a comment names another unit.
"""

import json
import os
import platform
import random
import resource
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

BENCH = Path(__file__).resolve().parent
ROOT = BENCH.parent
HOST = "127.0.0.1"

# Linux gives client sockets the ports from 32768 on, so none of them can occupy these.
FIRST_PORT, LAST_PORT = 20_000, 32_000
START_SECONDS = 15.0
STOP_SECONDS = 40.0  # a server drains for up to 20 s, and may take 10 more to end
POLL_SECONDS = 0.01
QUIET_SHARE = 0.10  # the share of a core that kernel threads and this driver may use
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


class BenchError(Exception):
    """A benchmark could not be run. The text gives the reason on one line."""


def run_main(main: Callable[[], None]) -> None:
    """Run a driver's ``main``. A BenchError becomes one line and the exit code 2.

    SIGTERM raises an exception, as SIGINT does, so that the servers are stopped.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        main()
    except (BenchError, OSError) as exc:
        print(f"{Path(sys.argv[0]).name}: {exc}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)


def allow_many_files() -> None:
    """Raise this process's limit of open files to its maximum. The servers inherit it."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def free_port() -> int:
    """A port that is free at this moment."""
    for port in random.sample(range(FIRST_PORT, LAST_PORT), 100):
        with socket.socket() as probe:
            try:
                probe.bind((HOST, port))
            except OSError:
                continue
            return port
    raise BenchError(f"no free port between {FIRST_PORT} and {LAST_PORT}")


# ---------------------------------------------------------------- sampling


def cpu_seconds(pid: int) -> float:
    """The user and system time that all threads of the process have used."""
    # The name in parentheses may contain spaces. After it, utime and stime are fields 12 and 13.
    stat = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(stat[11]) + int(stat[12])) / TICKS_PER_SECOND


def machine_cpu_seconds() -> float:
    """The time in which the cores were not idle, in total; stolen time included."""
    user, nice, system, _idle, _iowait, irq, softirq, steal = (
        int(part) for part in Path("/proc/stat").read_text().splitlines()[0].split()[1:9]
    )
    return (user + nice + system + irq + softirq + steal) / TICKS_PER_SECOND


def rss_bytes(pid: int) -> int:
    """The resident memory of the process."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) * 1024
    raise BenchError(f"process {pid} has no memory left to measure: it ended")


# ---------------------------------------------------------------- servers


@dataclass
class Server(AbstractContextManager["Server"]):
    """A server process. The end of the `with` block ends it: by SIGTERM, and if necessary SIGKILL.

    Attributes:
        command: the program and its arguments; "{port}" stands for the port.
        folder: its working directory, which also gets its log.
    """

    name: str
    command: Sequence[str]
    folder: Path
    ready_seconds: float = START_SECONDS
    port: int = field(default_factory=free_port)
    stopped: bool = False

    def __enter__(self) -> Self:
        self.log = self.folder / f"{self.name}-{self.port}.log"
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [part.replace("{port}", str(self.port)) for part in self.command],
                cwd=self.folder,
                env={**os.environ, "PYTHONPATH": str(ROOT)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        try:
            self._wait_until_it_accepts()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        return self.process.pid

    def cpu_seconds(self) -> float:
        """The CPU time that the server has used."""
        return cpu_seconds(self.pid)

    def services_cpu_seconds(self) -> float:
        """Zero, because the server uses no other service."""
        return 0.0

    def stop(self) -> None:
        """End the process, and wait for its end. Idempotent."""
        if self.stopped:
            return
        self.stopped = True
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            print(f"{self.name} ignored SIGTERM for {STOP_SECONDS:g} s: killed", file=sys.stderr)
            self.process.kill()
            self.process.wait()

    def last_words(self) -> str:
        """The last lines of the server's log, for error messages."""
        return self.log.read_text(errors="replace")[-1500:].strip() or "(it wrote nothing)"

    def _wait_until_it_accepts(self) -> None:
        # Opening and closing a connection also warms asyncio up. Its recv() buffer has 256 KiB, and
        # malloc maps and unmaps that for each read, until the end of the first connection frees a
        # whole buffer and so raises malloc's mmap threshold. Measured: 31,000 echoes/s before that,
        # and 143,000 after it. A server in production is soon past that point.
        end = time.monotonic() + self.ready_seconds
        while time.monotonic() < end:
            if self.process.poll() is not None:
                break
            try:
                socket.create_connection((HOST, self.port), timeout=1).close()
            except OSError:
                time.sleep(POLL_SECONDS)
            else:
                return
        raise BenchError(f"{self.name} does not accept connections:\n{self.last_words()}")


# ---------------------------------------------------------------- the generator


class Target(Protocol):
    """A server or a cluster of servers that the load generator can measure."""

    name: str
    port: int

    def cpu_seconds(self) -> float:
        """The CPU time that the servers have used."""

    def services_cpu_seconds(self) -> float:
        """The CPU time that database, bus and balancer have used."""

    def last_words(self) -> str:
        """The last lines of the servers' logs, for error messages."""


@dataclass(frozen=True)
class LoadGenerator:
    """The program of bench/loadgen.c, compiled."""

    program: Path

    @classmethod
    def compile(cls, folder: Path) -> Self:
        compiler = shutil.which("cc")
        if compiler is None:
            raise BenchError("no C compiler: the load generator needs `cc` (apt install gcc)")
        program = folder / "loadgen"
        source = BENCH / "loadgen.c"
        built = subprocess.run(
            [compiler, "-O2", "-Wall", "-Wextra", "-o", str(program), str(source)],
            capture_output=True,
            text=True,
            check=False,
        )
        if built.returncode != 0:
            raise BenchError(f"loadgen.c does not compile:\n{built.stderr}")
        return cls(program)

    def command(self, mode: str, server: Target, options: dict[str, Any]) -> list[str]:
        flags: list[str] = []
        for name, value in options.items():
            flag = "--" + name.replace("_", "-")
            if value is True:
                flags.append(flag)
            elif value is not None and value is not False:
                flags += [flag, str(value)]
        return [str(self.program), mode, HOST, str(server.port), *flags]

    def register(self, server: Target, users: int, accounts: Path, **options: Any) -> None:
        """Register users, and write their ids to the file `accounts`, one on each line."""
        done = subprocess.run(
            self.command("register", server, {"users": users, **options}),
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode != 0:
            raise BenchError(f"{done.stderr.strip()}\n{server.name} said:\n{server.last_words()}")
        accounts.write_text(done.stdout)

    def measure(self, mode: str, target: Target, **options: Any) -> dict[str, Any]:
        """One run. Returns the generator's figures, and for the same window `server_cpu_seconds`,

        `services_cpu_seconds` (database, bus, balancer), and `other_cpu_seconds`: the CPU time of
        all other processes on this machine.
        """
        samples: dict[str, tuple[float, float, float]] = {}
        complaints: list[str] = []
        with subprocess.Popen(
            self.command(mode, target, options),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdout is not None and process.stderr is not None
            try:
                for line in process.stderr:
                    if line.strip() in {"MEASURE", "DONE"}:
                        samples[line.strip()] = (
                            target.cpu_seconds(),
                            target.services_cpu_seconds(),
                            machine_cpu_seconds(),
                        )
                    else:
                        complaints.append(line.strip())
                output = process.stdout.read()
            except BaseException:
                process.kill()
                raise
        if process.returncode not in {0, 1} or len(samples) != 2:
            raise BenchError(f"{'; '.join(complaints)}\n{target.name}:\n{target.last_words()}")
        result: dict[str, Any] = json.loads(output)
        server, services, machine = (
            after - before
            for before, after in zip(samples["MEASURE"], samples["DONE"], strict=True)
        )
        result["server_cpu_seconds"] = server
        result["services_cpu_seconds"] = services
        # The kernel counts the two in different ways, so the result may be slightly negative.
        others = machine - server - services - result["cpu_seconds"]
        result["other_cpu_seconds"] = max(0.0, others)
        return result


def work_folder() -> tempfile.TemporaryDirectory[str]:
    """The folder of one run, for program, databases and logs. The `with` block removes it."""
    return tempfile.TemporaryDirectory(prefix="muduopy-bench-")


# ---------------------------------------------------------------- reports


@dataclass(frozen=True)
class Summary:
    """The medians over the repeats of one configuration, and the extremes of its rate."""

    rate: float
    rate_min: float
    rate_max: float
    p50_us: float
    p99_us: float
    max_us: float
    server_us: float  # CPU time of the server, in microseconds for each message
    services_us: float  # the same of database, bus and balancer
    generator_share: float  # the share of a core that the generator used, 0 to 1
    others_share: float  # the same of all other processes, in the worst repeat
    errors: int

    @classmethod
    def of(cls, runs: Sequence[dict[str, Any]]) -> Self:
        rates = [run["rate"] for run in runs]

        def median(values: Iterable[float]) -> float:
            return statistics.median(values)

        return cls(
            rate=median(rates),
            rate_min=min(rates),
            rate_max=max(rates),
            p50_us=median(run["p50_us"] for run in runs),
            p99_us=median(run["p99_us"] for run in runs),
            max_us=max(run["max_us"] for run in runs),
            server_us=median(
                run["server_cpu_seconds"] * 1e6 / max(run["messages"], 1) for run in runs
            ),
            services_us=median(
                run["services_cpu_seconds"] * 1e6 / max(run["messages"], 1) for run in runs
            ),
            generator_share=median(run["cpu_seconds"] / run["seconds"] for run in runs),
            others_share=max(run["other_cpu_seconds"] / run["seconds"] for run in runs),
            errors=sum(run["errors"] for run in runs),
        )


def machine_line(python: str = sys.executable) -> str:
    """One line about the machine and the interpreter of the measurement."""
    model = platform.machine()
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    cores = len(os.sched_getaffinity(0))
    version = python_version(python)
    return f"{model}, {cores} cores, Python {version}, {time.strftime('%Y-%m-%d')}"


def filesystem(path: Path) -> str:
    """The type of the path's file system. It matters, because a commit on a tmpfs is free."""
    mounts = [line.split() for line in Path("/proc/self/mounts").read_text().splitlines()]
    holding = [mount for mount in mounts if path.resolve().is_relative_to(mount[1])]
    return max(holding, key=lambda mount: len(mount[1]))[2]


def python_version(python: str) -> str:
    """The version of an interpreter, and whether it runs without the GIL."""
    program = (
        "import platform, sys; gil = getattr(sys, '_is_gil_enabled', lambda: True)();"
        "print(platform.python_version() + ('' if gil else ' free-threaded'))"
    )
    done = subprocess.run([python, "-c", program], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BenchError(f"{python} does not run: {done.stderr.strip()}")
    return done.stdout.strip()


def microseconds(value: float) -> str:
    """A duration as text, with a suitable unit."""
    return f"{value:.0f} µs" if value < 1000 else f"{value / 1000:.2f} ms"


def markdown_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table. Its columns are aligned, so it is readable as plain text, too."""
    lines = [list(header), ["---"] * len(header), *[list(row) for row in rows]]
    widths = [max(len(line[i]) for line in lines) for i in range(len(header))]
    padded = [[cell.ljust(widths[i]) for i, cell in enumerate(line)] for line in lines]
    return "\n".join(f"| {' | '.join(line)} |" for line in padded)


def disturbance(summaries: Iterable[Summary]) -> str:
    """The line under a table: whether other processes disturbed the measurement."""
    shares = [summary.others_share for summary in summaries]
    disturbed = sum(share > QUIET_SHARE for share in shares)
    worst = f"at worst {max(shares, default=0):.0%} of a core"
    if not disturbed:
        return f"The machine was quiet: other processes took {worst}."
    return (
        f"Disturbed: in {disturbed} of {len(shares)} rows other processes took more than "
        f"{QUIET_SHARE:.0%} of a core, {worst}."
    )


def numbers(text: str) -> list[int]:
    """A command-line list such as `2,20,100`."""
    return [int(part) for part in text.split(",") if part]


def words(text: str) -> list[str]:
    """A command-line list such as `direct,stored`."""
    return [part for part in text.split(",") if part]


def write_json(path: Path | None, report: dict[str, Any]) -> None:
    """Write the raw figures to a file, to compare runs; None writes nothing."""
    if path is not None:
        path.write_text(json.dumps(report, indent=1) + "\n")
