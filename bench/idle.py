"""Resident memory of the chat server for each idle, logged-in connection.

    python -m bench.idle --connections 5000 --dialect classic,v2,device

It puts the users into an SQLite database, and starts the server on it. A few users log in first, so
that memory for one-time initialisation is not counted. Then the requested number of users logs in,
and the figure is the increase of VmRSS. It does not contain the kernel's memory for a socket. The
dialect `device` is v2 with `"devices": true` in the login: each user has one device, with its own
mailbox.

The password hash has its least cost, for two reasons: 5,000 logins then take seconds, and the hash
needs little memory (at the default cost, 19 MiB for each worker thread). It needs argon2-cffi in
this interpreter.
"""

import argparse
import contextlib
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench import common

PASSWORD = "secret-1"
FIRST_LOGINS = 100
SETTLE_SECONDS = 1.0  # the time in which the server finishes the work that the logins have queued
CHEAP_HASH = {"time_cost": 1, "memory_kib": 8, "parallelism": 1}  # the least that argon2 accepts

DIALECTS: dict[str, dict[str, Any]] = {  # each with its options of the load generator
    "classic": {"dialect": "classic"},
    "v2": {"dialect": "v2"},
    "device": {"dialect": "v2", "devices": 1},
}


@dataclass(frozen=True)
class Figures:
    """The resident memory of one server process at three times, in bytes."""

    dialect: str
    connections: int  # without the first few
    at_start: int
    after_first: int
    at_the_end: int
    login_seconds: float

    @property
    def each(self) -> float:
        return (self.at_the_end - self.after_first) / self.connections


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--connections", type=int, default=5000, metavar="N")
    parser.add_argument("--dialect", type=common.words, default=["classic", "v2"], metavar="D,...")
    parser.add_argument("--delivery", choices=["stored", "direct"], default="stored")
    parser.add_argument("--threads", type=int, default=None, help="the server's I/O threads")
    parser.add_argument("--workers", type=int, default=4, help="the server's worker threads")
    parser.add_argument("--server-python", default=sys.executable, metavar="PROGRAM")
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    if unknown := set(options.dialect) - DIALECTS.keys():
        parser.error(f"no dialect {', '.join(sorted(unknown))}")
    if "device" in options.dialect and options.delivery == "direct":
        parser.error("--dialect device needs --delivery stored")
    return options


def chat_server(options: argparse.Namespace, folder: Path) -> common.Server:
    """The real server, with the database in this folder and the cheap hash."""
    config = folder / "chatserver.toml"
    keys = "\n".join(f"{key} = {value}" for key, value in CHEAP_HASH.items())
    config.write_text(f"[password]\n{keys}\n")
    command = [options.server_python, "-m", "chat.app", common.HOST, "{port}"]
    command += ["--db", f"sqlite:///{folder}/chat.db", "--config", str(config)]
    command += ["--delivery", options.delivery, "--workers", str(options.workers)]
    if options.threads is not None:
        command += ["--threads", str(options.threads)]
    return common.Server("chatserver", command, folder)


def seed(database: Path, users: int, accounts: Path) -> None:
    """Insert the users, all with the same hash, and write their ids to `accounts`."""
    try:
        import argon2
    except ImportError as exc:
        raise common.BenchError("argon2-cffi is needed to seed the users") from exc
    hasher = argon2.PasswordHasher(
        time_cost=CHEAP_HASH["time_cost"],
        memory_cost=CHEAP_HASH["memory_kib"],
        parallelism=CHEAP_HASH["parallelism"],
    )
    hashed = hasher.hash(PASSWORD)
    with contextlib.closing(sqlite3.connect(database)) as connection, connection:
        rows = [(f"idle{number:06d}", hashed) for number in range(users)]
        connection.executemany("INSERT INTO user (name, password) VALUES (?, ?)", rows)
        ids = connection.execute("SELECT id FROM user WHERE name LIKE 'idle%' ORDER BY id")
        accounts.write_text("".join(f"{row[0]}\n" for row in ids))


@contextlib.contextmanager
def logged_in(
    generator: common.LoadGenerator, server: common.Server, accounts: Path, dialect: str
) -> Iterator[None]:
    """Keep all users of the file logged in and idle during the `with` block."""
    users = len(accounts.read_text().split())
    options = {"accounts": accounts, "users": users, "password": PASSWORD, **DIALECTS[dialect]}
    with subprocess.Popen(
        generator.command("idle", server, options),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdin and process.stdout and process.stderr
            if process.stdout.readline().strip() != "READY":
                complaint = process.stderr.read().strip()
                raise common.BenchError(f"{complaint}\n{server.name}:\n{server.last_words()}")
            yield
            if process.poll() is not None:
                raise common.BenchError(f"while idle: {process.stderr.read().strip()}")
            process.stdin.close()
            process.wait(common.STOP_SECONDS)
        finally:
            process.kill()


def measure(options: argparse.Namespace, dialect: str, folder: Path) -> Figures:
    """Start a server, log the first users in, then all others; returns its figures."""
    generator = common.LoadGenerator(folder / "loadgen")
    accounts = (folder / "accounts").read_text().splitlines(keepends=True)
    few, many = folder / "few", folder / "many"
    few.write_text("".join(accounts[:FIRST_LOGINS]))
    many.write_text("".join(accounts[FIRST_LOGINS:]))
    with chat_server(options, folder) as server:
        at_start = common.rss_bytes(server.pid)
        with logged_in(generator, server, few, dialect):
            time.sleep(SETTLE_SECONDS)
            after_first = common.rss_bytes(server.pid)
            began = time.monotonic()
            with logged_in(generator, server, many, dialect):
                took = time.monotonic() - began
                time.sleep(SETTLE_SECONDS)
                at_the_end = common.rss_bytes(server.pid)
    connections = len(accounts) - FIRST_LOGINS
    return Figures(dialect, connections, at_start, after_first, at_the_end, took)


def run(options: argparse.Namespace, folder: Path) -> list[Figures]:
    common.LoadGenerator.compile(folder)
    with chat_server(options, folder):
        pass  # the start has made the database and its tables
    seed(folder / "chat.db", options.connections + FIRST_LOGINS, folder / "accounts")
    return [measure(options, dialect, folder) for dialect in options.dialect]


def table(found: list[Figures]) -> str:
    header = ["dialect", "connections", "RSS at start", f"after {FIRST_LOGINS} logins"]
    header += ["with all", "each connection", "logins/s"]
    rows = []
    for figures in found:
        row = [figures.dialect, f"{figures.connections:,}"]
        for size in (figures.at_start, figures.after_first, figures.at_the_end):
            row.append(f"{size / 2**20:.1f} MiB")
        row.append(f"{figures.each / 1024:.2f} KiB")
        row.append(f"{figures.connections / figures.login_seconds:,.0f}")
        rows.append(row)
    return common.markdown_table(header, rows)


def main() -> None:
    options = parse_arguments()
    common.allow_many_files()
    with common.work_folder() as folder:
        found = run(options, Path(folder))
    machine = common.machine_line(options.server_python)
    print(f"{machine}; {options.delivery}, idle logged-in connections, least-cost password hash\n")
    print(table(found))
    report = [{**asdict(figures), "bytes_each": figures.each} for figures in found]
    common.write_json(options.json, {"machine": machine, "runs": report})


if __name__ == "__main__":
    common.run_main(main)
