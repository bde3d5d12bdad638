"""The fuzzer: frames from a seed, correct and damaged, to a server with a witness pair.

Run it with scripts/fuzz.sh. A run fails if the server ends, logs an error or a traceback, answers
with something that is not JSON, loses a message of the witnesses, keeps threads or descriptors, or
grows without an end.
"""

from __future__ import annotations

import argparse
import contextlib
import random
import selectors
import sqlite3
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from bench import common
from bench.attacks.witness import Findings
from bench.attacks.witness_process import WitnessProcess
from chat.config import ClassicConfig
from chat.dialect_files import load_dialects
from chat.protocol import Limits
from chat.protocol.dialects import Table
from tests.fuzz.connection import Account, Connection, Style, styles
from tests.fuzz.frames import FrameMaker

PASSWORD = "fuzz-secret-1"
WITNESSES = (900_001, 900_002, 900_003)
"""Frames of the fuzzer do not name these users by chance."""

SLOTS = 24  # connections at the same time
LIFE = (5, 400)  # frames of a connection
WINDOW = 5.0  # seconds of one measurement of the witnesses
SAMPLES = 40  # of memory, threads and descriptors in a run
SETTLE_SECONDS = 20.0
GROWTH_SHARE = 0.15  # by which the memory may grow in the second half of a long run
LONG = 200_000  # frames; a shorter run says nothing about the memory

CONFIG = """\
[server]
log_level = "warning"
[password]
time_cost = 1
memory_kib = 64
[classic]
gap = 0.001
[limits]
guest_rate = 100000
"""
"""Cheap hashes and a small gap, so that the frames are not slowed down."""


@dataclass
class Sample:
    """The server at one moment. ``memory``: bytes."""

    frames: int
    memory: int
    threads: int
    descriptors: int


@dataclass
class Result:
    """What a run has found."""

    frames: int = 0
    answers: int = 0
    connections: int = 0
    seconds: float = 0.0
    samples: list[Sample] = field(default_factory=list)
    windows: list[Findings] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def line(self) -> str:
        """The run in one line."""
        sent = sum(window.sent for window in self.windows)
        longest = max((max(w.deliveries, default=0.0) for w in self.windows), default=0.0)
        first, last = self.samples[len(self.samples) // 2], self.samples[-1]
        return (
            f"{self.frames:,} frames on {self.connections:,} connections, {self.answers:,} answers,"
            f" {self.seconds:.0f} s; memory {first.memory / 2**20:.0f} MiB at half time and"
            f" {last.memory / 2**20:.0f} MiB at the end, {last.threads} threads,"
            f" {last.descriptors} descriptors; witnesses sent {sent:,}, the longest delivery took"
            f" {longest:.0f} ms; {len(self.problems)} problems"
        )


def sample(pid: int, frames: int) -> Sample:
    threads = len(list(Path(f"/proc/{pid}/task").iterdir()))
    descriptors = len(list(Path(f"/proc/{pid}/fd").iterdir()))
    return Sample(frames, common.rss_bytes(pid), threads, descriptors)


@contextlib.contextmanager
def serving(
    folder: Path, delivery: str, tables: list[Table]
) -> Iterator[tuple[common.Server, dict[int, Table]]]:
    """A server with the witnesses' accounts, and with a port for each dialect."""
    ports = {common.free_port(): table for table in tables}
    config = folder / "chatserver.toml"
    config.write_text(CONFIG, encoding="utf-8")
    database = folder / "chat.db"
    command = [sys.executable, "-m", "chat.app", common.HOST, "{port}"]
    command += ["--db", f"sqlite:///{database}", "--config", str(config), "--delivery", delivery]
    for port, table in ports.items():
        command += ["--listen", f"{common.HOST}:{port}={table.name}"]
    with common.Server("template", command, folder):
        pass  # the start has made the tables
    add_witnesses(database)
    with common.Server("chatserver", command, folder) as server:
        yield server, ports


def add_witnesses(database: Path) -> None:
    import argon2

    from bench.attacks.accounts import PASSWORD as WITNESS_PASSWORD

    hashed = argon2.PasswordHasher(1, 64, 1).hash(WITNESS_PASSWORD)
    with contextlib.closing(sqlite3.connect(database)) as connection, connection:
        connection.executemany(
            "INSERT INTO user (id, name, password) VALUES (?, ?, ?)",
            [(user, f"witness {user}", hashed) for user in WITNESSES],
        )
        # New accounts get small ids, which the frames name.
        connection.execute("UPDATE sqlite_sequence SET seq = 0 WHERE name = 'user'")


class Fuzzer:
    """The connections of one run. Used by one thread."""

    def __init__(self, seed: int, server: common.Server, ports: dict[int, Table]) -> None:
        self.result = Result()
        self._choose = random.Random(seed)
        self._maker = FrameMaker(self._choose, Limits(), PASSWORD)
        self._server = server
        self._styles: list[Style] = styles(server.port, ports)
        self._accounts = [Account(server.port, self._choose, PASSWORD) for _ in range(SLOTS)]
        self._poll = selectors.DefaultSelector()

    def run(self, frames: int) -> None:
        """Send this many frames."""
        next_sample = 0
        for account in self._accounts:
            self._open(account)
        while self.result.frames < frames:
            if self.result.frames >= next_sample:
                self.result.samples.append(sample(self._server.pid, self.result.frames))
                next_sample += max(frames // SAMPLES, 1)
            for key, events in self._poll.select(1.0):
                self._serve(key.data[0], key.data[1], events)
        for key in list(self._poll.get_map().values()):
            self._close(key.data[0])
        self._poll.close()

    def _open(self, account: Account) -> None:
        account.ensure()
        style = self._choose.choice(self._styles)
        life = self._choose.randint(*LIFE)
        connection = Connection(style, account, self._maker, life)
        self.result.connections += 1
        both = selectors.EVENT_READ | selectors.EVENT_WRITE
        self._poll.register(connection.socket, both, (connection, account))

    def _serve(self, connection: Connection, account: Account, events: int) -> None:
        before = connection.frames, connection.answers
        alive = True
        if events & selectors.EVENT_READ:
            alive = connection.read()
        if alive and events & selectors.EVENT_WRITE:
            alive = not connection.done and connection.write()
        self.result.frames += connection.frames - before[0]
        self.result.answers += connection.answers - before[1]
        if not alive:
            self._close(connection)
            self._open(account)

    def _close(self, connection: Connection) -> None:
        self._poll.unregister(connection.socket)
        connection.end()


class Watch:
    """A thread that keeps the witnesses measuring."""

    def __init__(self, witness: WitnessProcess, window: float) -> None:
        self.windows: list[Findings] = []
        self.problem: str | None = None
        self._witness = witness
        self._window = window
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, name="watch")

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._end.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._end.is_set():
            try:
                self.windows.append(self._witness.measure(self._window))
            except common.BenchError as exc:
                self.problem = str(exc)
                return


def run(seed: int, frames: int, delivery: str, window: float = WINDOW) -> Result:
    """One run with a server of its own."""
    tables = list(load_dialects(ClassicConfig().dialects).by_name)
    with tempfile.TemporaryDirectory(prefix="chat-fuzz-") as name:
        folder = Path(name)
        with serving(folder, delivery, tables) as (server, ports):
            witness = WitnessProcess(server, users=WITNESSES)
            with contextlib.closing(witness):
                idle = sample(server.pid, 0)
                fuzzer, watch = Fuzzer(seed, server, ports), Watch(witness, window)
                result, begun = fuzzer.result, time.monotonic()
                watch.start()
                try:
                    fuzzer.run(frames)
                finally:
                    watch.stop()
                result.seconds = time.monotonic() - begun
                result.windows = watch.windows
                if watch.problem is not None:
                    result.problems.append(watch.problem)
                wait_until_closed(server, idle, result)
            if server.process.poll() is not None:
                result.problems.append(f"the server has ended: {server.process.returncode}")
            server.stop()
            judge(server, result)
    return result


def wait_until_closed(server: common.Server, idle: Sample, result: Result) -> None:
    """Wait until the server has as many descriptors as before, or report that it has not."""
    end = time.monotonic() + SETTLE_SECONDS
    while True:
        last = sample(server.pid, result.frames)
        if last.descriptors <= idle.descriptors:
            break
        if time.monotonic() > end:
            kept = last.descriptors - idle.descriptors
            result.problems.append(f"{kept} descriptors are open after the last connection")
            break
        time.sleep(common.POLL_SECONDS)
    result.samples.append(last)


def judge(server: common.Server, result: Result) -> None:
    """Add what is wrong with the server's end, its log, its memory and its witnesses."""
    if server.process.returncode != 0:
        result.problems.append(f"exit status {server.process.returncode}")
    log = server.log.read_text(encoding="utf-8", errors="replace")
    bad = [line for line in log.splitlines() if "Traceback" in line or " ERROR " in line]
    result.problems += [f"log: {line[:200]}" for line in bad[:10]]
    for window in result.windows:
        if window.lost:
            result.problems.append(f"the witnesses lost {window.lost} messages")
        if window.refused:
            result.problems.append(f"{window.refused} messages of the witnesses were refused")
        result.problems += [f"a witness could not log in: {why}" for why in window.failed_logins]
    half, last = result.samples[len(result.samples) // 2], result.samples[-1]
    if last.threads > half.threads:
        result.problems.append(f"{last.threads - half.threads} more threads than at half time")
    if result.frames >= LONG and last.memory > half.memory * (1 + GROWTH_SHARE):
        grown = (last.memory - half.memory) / 2**20
        result.problems.append(f"the memory grew by {grown:.0f} MiB in the second half")


def main() -> None:
    parser = argparse.ArgumentParser(prog="scripts/fuzz.sh", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--runs", type=int, default=1, help="with the following seeds")
    parser.add_argument("--frames", type=int, default=100_000, help="of each run")
    parser.add_argument("--delivery", choices=["stored", "direct"], help="default: in turn")
    options = parser.parse_args()
    total = failed = 0
    for seed in range(options.seed, options.seed + options.runs):
        delivery = options.delivery or ("stored", "direct")[seed % 2]
        result = run(seed, options.frames, delivery)
        print(f"seed {seed}, {delivery}: {result.line()}", flush=True)
        for problem in result.problems:
            print(f"  {problem}", flush=True)
        total += result.frames
        failed += bool(result.problems)
    print(f"{total:,} frames in {options.runs} runs; {failed} runs with problems")
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    common.run_main(main)
