"""The time until all clients of a killed server are logged in at the other server.

    python -m bench.reconnect --clients 2000
    python -m bench.reconnect --clients 2000 --devices

There are two servers on MariaDB and Redis, with nginx in front. The clients log in at the first
server by their tokens, each with a `device`. With `--devices` that device has a mailbox of its own.
The server is ended by SIGKILL. Then all clients connect again through nginx, after a random delay
of up to `--jitter` seconds before each attempt. The run also compares the number of database
connections with the limit of the servers' pools.
"""

import argparse
import asyncio
import contextlib
import json
import random
import statistics
import sys
import threading
import time
from pathlib import Path
from typing import Any

from bench import common
from bench.chat_cluster import ChatCluster
from bench.chat_users import Crowd, put_users

LOGIN_SECONDS = 5.0
RETRY = {2, 6, 8}  # "online" by the killed server's login, "too many requests", "try again"
POOL = 8


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--clients", type=int, default=2000, metavar="N")
    parser.add_argument(
        "--devices", action="store_true", help="log in with `devices`, for a mailbox of its own"
    )
    parser.add_argument("--jitter", type=float, default=1.0, metavar="SECONDS")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--server-python", default=sys.executable, metavar="PROGRAM")
    parser.add_argument("--json", type=Path, metavar="FILE")
    return parser.parse_args()


class Clients:
    """All clients of the run, in one event loop."""

    def __init__(self, crowd: Crowd, *, devices: bool, jitter: float) -> None:
        self.crowd = crowd
        self.devices = devices
        self.jitter = jitter
        self.back: list[float] = []  # each client's login, in seconds after the kill
        self.attempts = 0
        self.died_at = 0.0
        self.all_in = asyncio.Event()
        self.all_back = asyncio.Event()
        self._in = 0

    async def run(self, number: int, first_port: int, port: int) -> None:
        """Log one client in at ``first_port``, and after the kill at ``port``."""
        reader, writer = await self._log_in(number, first_port, 0.0)
        self._in += 1
        if self._in == len(self.crowd.ids):
            self.all_in.set()
        while await reader.read(65536):
            pass
        writer.close()
        _, writer = await self._log_in(number, port, self.jitter)
        self.back.append(time.monotonic() - self.died_at)
        if len(self.back) == len(self.crowd.ids):
            self.all_back.set()
        await self.all_back.wait()
        writer.close()

    async def _log_in(
        self, number: int, port: int, jitter: float
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        pause = jitter
        while True:
            await asyncio.sleep(random.uniform(0, pause))
            pause = min(2 * pause, 4.0) if pause else 0.2
            self.attempts += 1
            with contextlib.suppress(OSError, TimeoutError, ValueError):
                async with asyncio.timeout(LOGIN_SECONDS):
                    reader, writer = await asyncio.open_connection(common.HOST, port)
                    request = {
                        "msgid": 1,
                        "v": 2,
                        "id": self.crowd.ids[number],
                        "token": self.crowd.tokens[number],
                        "device": f"device {number}",
                        "devices": self.devices,
                    }
                    writer.write(json.dumps(request).encode() + b"\n")
                    answer = json.loads(await reader.readline())
                if answer["msgid"] == 2 and not answer["errno"]:
                    if self.devices and not answer.get("devices"):
                        raise common.BenchError("a login has opened no device")
                    return reader, writer
                if answer.get("errno") not in RETRY:
                    raise common.BenchError(f"login refused: {answer}")
                writer.close()


class Watch:
    """Counts the servers' connections to the database, ten times a second."""

    def __init__(self, cluster: ChatCluster) -> None:
        self.most = 0
        self._cluster = cluster
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        sql = "SELECT COUNT(*) FROM information_schema.processlist"
        with self._cluster.database(pool=1) as database:
            while not self._over.wait(0.1):
                ((count,),) = database.read(lambda tx: tx.query(sql))
                self.most = max(self.most, int(count) - 1)  # without the connection of this query


def once(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Kill one server of a new cluster; returns the figures."""
    with ChatCluster("chatserver", folder, options.server_python, [], 2, nginx=True) as cluster:
        with cluster.database() as database:
            crowd = put_users(database, options.clients, "client")
        return asyncio.run(_once(options, cluster, crowd))


async def _once(options: argparse.Namespace, cluster: ChatCluster, crowd: Crowd) -> dict[str, Any]:
    clients = Clients(crowd, devices=options.devices, jitter=options.jitter)
    tasks = [
        asyncio.create_task(clients.run(number, cluster.ports[0], cluster.port))
        for number in range(options.clients)
    ]
    watching = asyncio.gather(*tasks)
    first: list[asyncio.Future[Any]] = [watching, asyncio.create_task(clients.all_in.wait())]
    await asyncio.wait(first, return_when=asyncio.FIRST_COMPLETED)
    with Watch(cluster) as watch:
        clients.attempts = 0
        clients.died_at = time.monotonic()
        cluster.kill(0)
        await watching
    clients.back.sort()
    return {
        "p50": statistics.median(clients.back),
        "p99": clients.back[int(len(clients.back) * 0.99) - 1],
        "all": clients.back[-1],
        "attempts": clients.attempts,
        "connections": watch.most,
    }


def main() -> None:
    options = parse_arguments()
    common.allow_many_files()
    runs = []
    with common.work_folder() as folder:
        for turn in range(options.repeat):
            runs.append(once(options, Path(folder) / str(turn)))
            print(f"{turn + 1}/{options.repeat}: {runs[-1]}", file=sys.stderr)
    rows = [
        [
            *(f"{options.clients:,}", f"{run['p50']:.1f} s", f"{run['p99']:.1f} s"),
            *(f"{run['all']:.1f} s", str(run["attempts"]), str(run["connections"])),
        ]
        for run in runs
    ]
    header = ["clients", "half are back", "99 %", "all", "attempts", "database connections"]
    mailbox = "a mailbox of its own" if options.devices else "the unnamed device"
    print(
        f"{common.machine_line(options.server_python)}; {mailbox}; jitter {options.jitter:g} s; "
        f"pool {POOL} and one writer a server\n"
    )
    print(common.markdown_table(header, rows))
    common.write_json(options.json, {"runs": runs})


if __name__ == "__main__":
    common.run_main(main)
