"""The time of searches in a log of a million messages, and the size and speed of the index.

    python -m bench.search --messages 1000000

One user searches. It has a large group with a fifth of all messages, and 98 conversations with
other users, most of them small, with another fifth; the rest is said by others. A search ends with
its first hits, or at the beginning of the log: pages without hits count to the search that they
belong to. The texts are invented words with the frequencies of Zipf's law (search_texts.py).
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import socket
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from bench import common
from bench.chat_users import Crowd, befriend, make_groups, put_users
from bench.search_texts import Texts
from chat.process.clock import Clock
from chat.search.indexer import Indexer
from chat.storage import Database, Transaction
from chat.storage.sqlite.database import SqliteDatabase

FRIENDS = 98
OTHERS = 1000
BATCH = 2000
SETTINGS = "[limits]\nsearches = 1000000\nanswer_kib = 1048576\n"


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--messages", type=int, default=1_000_000, metavar="N")
    parser.add_argument("--searches", type=int, default=100, metavar="N", help="of each kind")
    parser.add_argument("--server-python", default=sys.executable, metavar="PROGRAM")
    parser.add_argument("--json", type=Path, metavar="FILE")
    return parser.parse_args()


class Log:
    """The messages of the run.

    Attributes:
        samples: texts of conversations of the user, for the searches.
    """

    def __init__(self, database: Database, crowd: Crowd, group: int) -> None:
        self.texts = Texts()
        self.samples: list[str] = []
        self._database = database
        self._ids = crowd.ids
        self._group = group
        self._random = random.Random(2)

    def fill(self, count: int) -> None:
        columns = ("sender", "mid", "kind", "target", "text", "time")
        for start in range(0, count, BATCH):
            rows = [self._row(number) for number in range(start, min(start + BATCH, count))]

            def insert(tx: Transaction, rows: list[Any] = rows) -> None:
                tx.insert_rows("message", columns, rows)

            self._database.write(insert)

    def _row(self, number: int) -> tuple[Any, ...]:
        text, place, ids = self.texts.next(), self._random.random(), self._ids
        kind, target = 6, ids[1 + FRIENDS + int(self._random.random() * OTHERS)]
        sender = ids[1 + FRIENDS + int(self._random.random() ** 2 * OTHERS)]
        if place < 0.2:
            sender, kind, target = ids[number % (1 + FRIENDS)], 10, self._group
        elif place < 0.4:
            friend = ids[1 + min(int(self._random.expovariate(1 / 25)), FRIENDS - 1)]
            sender, target = (ids[0], friend) if number % 2 else (friend, ids[0])
        if place < 0.4 and self._random.random() < 0.02:
            self.samples.append(text)
        return sender, f"m{number}", kind, target, text, "2026-11-23 12:00:00"


class Searcher:
    """The connection of the user that searches."""

    def __init__(self, port: int, user_id: int, token: str) -> None:
        self._file = socket.create_connection((common.HOST, port)).makefile("rwb")
        self._id = user_id
        self._ask(msgid=1, v=2, token=token)

    def seconds(self, query: str, **fields: int) -> float:
        """The time until the first hits, or the end of the log."""
        begun = time.perf_counter()
        before: dict[str, int] = {}
        while True:
            answer = self._ask(msgid=114, query=query, **fields, **before)
            if answer["messages"] or not answer["more"]:
                return time.perf_counter() - begun
            before = {"before": answer["before"]}

    def _ask(self, **fields: Any) -> dict[str, Any]:
        self._file.write(json.dumps({"id": self._id, **fields}).encode() + b"\n")
        self._file.flush()
        answer: dict[str, Any] = json.loads(self._file.readline())
        if answer["errno"]:
            raise common.BenchError(f"refused: {answer}")
        return answer


def kinds(log: Log, group: int, smallest: int) -> dict[str, Callable[[], tuple[str, Any]]]:
    """The kinds of searches: each gives a query, and the part of the log."""
    choose = random.Random(3)
    common_words = log.texts.chinese[:10]
    pairs = [text for text in log.samples if text.endswith("。") and len(text) > 8]
    phrases = [text for text in log.samples if " " in text]

    def part_of(size: int) -> str:
        text = choose.choice(pairs)
        start = choose.randrange(0, len(text) - 1 - size, 2)
        return text[start : start + size]

    def two_words() -> str:
        return " ".join(choose.sample(choose.choice(phrases).split(), 2))

    everywhere: dict[str, int] = {}
    return {
        "ten commonest words, group": lambda: (choose.choice(common_words), {"groupid": group}),
        "ten commonest words, everywhere": lambda: (choose.choice(common_words), everywhere),
        "ten commonest words, small conversation": lambda: (
            choose.choice(common_words),
            {"with": smallest},
        ),
        "two common words, group": lambda: (
            " ".join(choose.sample(common_words, 2)),
            {"groupid": group},
        ),
        "two characters of a text, everywhere": lambda: (part_of(2), everywhere),
        "four characters of a text, everywhere": lambda: (part_of(4), everywhere),
        "two words of a text, everywhere": lambda: (two_words(), everywhere),
        "beginning of a word, everywhere": lambda: (
            choose.choice(choose.choice(phrases).split())[:4],
            everywhere,
        ),
        "two characters that are nowhere": lambda: (
            chr(choose.randrange(0x8000, 0x9000)) + chr(choose.randrange(0x8000, 0x9000)),
            everywhere,
        ),
        "a word that is nowhere": lambda: (f"q{choose.randrange(10**9)}", everywhere),
    }


def index(database: Database) -> tuple[float, int]:
    """Index the whole log; returns the CPU seconds, and the number of chunks."""
    indexer = Indexer(database, Clock(), work_seconds=1.0, settled_seconds=0.0)
    begun = time.process_time()
    while indexer.work():
        pass
    return time.process_time() - begun, indexer.indexed


def sizes(database: Database) -> tuple[int, int]:
    """Bytes of the log and of the index."""
    with contextlib.suppress(Exception):
        rows = database.read(
            lambda tx: tx.query(
                "SELECT table_name, data_length + index_length FROM information_schema.tables "
                "WHERE table_schema = DATABASE() AND table_name IN ('message', 'searchchunk')"
            )
        )
        return tuple(int(size) for _, size in sorted(rows))  # type: ignore[return-value]
    found = []
    for table in ("message", "searchchunk"):
        sql = f"SELECT SUM(pgsize) FROM dbstat WHERE name LIKE '%{table}%'"
        ((size,),) = database.read(lambda tx, sql=sql: tx.query(sql))  # type: ignore[misc]
        found.append(int(size))
    return found[0], found[1]


@contextlib.contextmanager
def sqlite(
    options: argparse.Namespace, folder: Path
) -> Iterator[tuple[Database, Callable[..., Any]]]:
    """A database, and the start of a server on it, after which the database is closed."""
    path = folder / "chat.db"
    database = SqliteDatabase.open(path, common.ROOT / "db" / "schema.sqlite.sql")

    def serve() -> common.Server:
        database.close()
        (folder / "chat.toml").write_text(SETTINGS)
        command = [options.server_python, "-m", "chat.app", common.HOST, "{port}"]
        command += ["--config", str(folder / "chat.toml"), "--db", f"sqlite:///{path}"]
        return common.Server("chatserver", command, folder)

    try:
        yield database, serve
    finally:
        database.close()


def run(options: argparse.Namespace, database: Database, serve: Callable[..., Any]) -> None:
    crowd = put_users(database, 1 + FRIENDS + OTHERS, "user")
    befriend(database, crowd.ids, 1)
    for friend in crowd.ids[2 : 1 + FRIENDS]:
        database.write(
            lambda tx, friend=friend: tx.execute(  # type: ignore[misc]
                "INSERT INTO friend (userid, friendid) VALUES (?, ?)", (crowd.ids[0], friend)
            )
        )
    (group,) = make_groups(database, crowd.ids[: 1 + FRIENDS], 1 + FRIENDS, "group")
    log = Log(database, crowd, group)
    log.fill(options.messages)
    seconds, chunks = index(database)
    log_bytes, index_bytes = sizes(database)
    print(
        f"{common.machine_line(options.server_python)}; {options.messages:,} messages; "
        f"log {log_bytes / options.messages:.0f} bytes a message, "
        f"index {index_bytes / options.messages:.0f}; "
        f"{chunks:,} chunks; {seconds / options.messages * 1e6:.0f} µs of CPU a message\n"
    )
    searches = kinds(log, group, crowd.ids[FRIENDS])
    rows, report = [], {}
    with serve() as server:
        searcher = Searcher(server.port, crowd.ids[0], crowd.tokens[0])
        for name, make in searches.items():
            times = []
            for _ in range(options.searches):
                query, part = make()
                times.append(searcher.seconds(query, **part))
            times.sort()
            report[name] = times
            rows.append([name, *(f"{time_ * 1e3:.1f} ms" for time_ in percentiles(times))])
    every = sorted(time_ for times in report.values() for time_ in times)
    rows.append(["all", *(f"{time_ * 1e3:.1f} ms" for time_ in percentiles(every))])
    print(common.markdown_table(["search", "p50", "p95", "longest"], rows))
    common.write_json(options.json, report)


def percentiles(times: list[float]) -> tuple[float, float, float]:
    """The 50th and the 95th percentile, and the longest. ``times`` are in order."""
    return times[len(times) // 2], times[min(int(len(times) * 0.95), len(times) - 1)], times[-1]


def main() -> None:
    options = parse_arguments()
    with common.work_folder() as folder, sqlite(options, Path(folder)) as (database, serve):
        run(options, database, serve)


if __name__ == "__main__":
    common.run_main(main)
