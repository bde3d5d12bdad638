"""The time of searches in a log of a million messages, and the size and speed of the index.

    python -m bench.search --messages 1000000
    python -m bench.search --keep /tmp/log     # the second run uses the log of the first
    python -m bench.search --mariadb --messages 100000

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
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench import common
from bench.chat_cluster import ChatCluster
from bench.chat_users import befriend, make_groups, put_users
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
    parser.add_argument("--mariadb", action="store_true", help="instead of SQLite")
    parser.add_argument(
        "--keep", type=Path, metavar="FOLDER", help="keep the log there, or use the one there"
    )
    parser.add_argument("--searches", type=int, default=100, metavar="N", help="of each kind")
    parser.add_argument("--server-python", default=sys.executable, metavar="PROGRAM")
    parser.add_argument("--json", type=Path, metavar="FILE")
    return parser.parse_args()


@dataclass
class Log:
    """What the searches need to know of the log.

    Attributes:
        ids, tokens: of the users; the first one searches.
        group: the large group.
        samples: texts of conversations of the user.
    """

    ids: list[int]
    tokens: list[str]
    group: int
    samples: list[str]


class Filling:
    """Makes the messages of a log."""

    def __init__(self, database: Database, log: Log) -> None:
        self._texts = Texts()
        self._log = log
        self._database = database
        self._ids = log.ids
        self._group = log.group
        self._random = random.Random(2)

    def fill(self, count: int) -> None:
        columns = ("sender", "mid", "kind", "target", "text", "time")
        for start in range(0, count, BATCH):
            rows = [self._row(number) for number in range(start, min(start + BATCH, count))]

            def insert(tx: Transaction, rows: list[Any] = rows) -> None:
                tx.insert_rows("message", columns, rows)

            self._database.write(insert)

    def _row(self, number: int) -> tuple[Any, ...]:
        text, place, ids = self._texts.next(), self._random.random(), self._ids
        kind, target = 6, ids[1 + FRIENDS + int(self._random.random() * OTHERS)]
        sender = ids[1 + FRIENDS + int(self._random.random() ** 2 * OTHERS)]
        if place < 0.2:
            sender, kind, target = ids[number % (1 + FRIENDS)], 10, self._group
        elif place < 0.4:
            friend = ids[1 + min(int(self._random.expovariate(1 / 25)), FRIENDS - 1)]
            sender, target = (ids[0], friend) if number % 2 else (friend, ids[0])
        if place < 0.4 and self._random.random() < 0.02:
            self._log.samples.append(text)
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


def kinds(log: Log) -> dict[str, Callable[[], tuple[str, Any]]]:
    """The kinds of searches: each gives a query, and the part of the log."""
    choose = random.Random(3)
    group, smallest = log.group, log.ids[FRIENDS]
    common_words = Texts().chinese[:10]
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
    """Index the whole log; returns the CPU seconds, and the number of new blocks."""
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
                "WHERE table_schema = DATABASE() AND table_name IN ('message', 'searchblock')"
            )
        )
        return tuple(int(size) for _, size in sorted(rows))  # type: ignore[return-value]
    found = []
    for table in ("message", "searchblock"):
        sql = f"SELECT SUM(pgsize) FROM dbstat WHERE name LIKE '%{table}%'"
        ((size,),) = database.read(lambda tx, sql=sql: tx.query(sql))  # type: ignore[misc]
        found.append(int(size))
    return found[0], found[1]


@contextlib.contextmanager
def serving(
    options: argparse.Namespace, folder: Path
) -> Iterator[tuple[Callable[[], contextlib.AbstractContextManager[Database]], Callable[[], Any]]]:
    """How to open the database, and how to start a server on it."""
    settings = folder / "chat.toml"
    settings.write_text(SETTINGS)
    if options.mariadb:
        flags = ["--config", str(settings)]
        with ChatCluster("chatserver", folder / "cluster", options.server_python, flags) as cluster:
            yield cluster.database, lambda: contextlib.nullcontext(cluster)
        return
    path = (options.keep or folder) / "chat.db"
    schema = common.ROOT / "db" / "schema.sqlite.sql"
    command = [options.server_python, "-m", "chat.app", common.HOST, "{port}"]
    command += ["--config", str(settings), "--db", f"sqlite:///{path}"]
    yield (
        lambda: contextlib.closing(SqliteDatabase.open(path, schema)),
        lambda: common.Server("chatserver", command, folder),
    )


def fill(database: Database, messages: int) -> Log:
    """Put users and messages into an empty database."""
    crowd = put_users(database, 1 + FRIENDS + OTHERS, "user")
    befriend(database, crowd.ids, 1)
    for friend in crowd.ids[2 : 1 + FRIENDS]:
        database.write(
            lambda tx, friend=friend: tx.execute(  # type: ignore[misc]
                "INSERT INTO friend (userid, friendid) VALUES (?, ?)", (crowd.ids[0], friend)
            )
        )
    (group,) = make_groups(database, crowd.ids[: 1 + FRIENDS], 1 + FRIENDS, "group")
    log = Log(crowd.ids, crowd.tokens, group, [])
    Filling(database, log).fill(messages)
    return log


def prepare(options: argparse.Namespace, database: Database) -> Log:
    """Fill and index the database, unless an earlier run has done it."""
    notes = options.keep / "log.json" if options.keep else None
    if notes is not None and notes.exists():
        kept = json.loads(notes.read_text())
        if kept.pop("messages") != options.messages:
            raise common.BenchError(f"{notes}: the log has another number of messages")
        return Log(**kept)
    log = fill(database, options.messages)
    seconds, blocks = index(database)
    log_bytes, index_bytes = sizes(database)
    print(
        f"log {log_bytes / options.messages:.0f} bytes a message, "
        f"index {index_bytes / options.messages:.0f}; "
        f"{blocks:,} new blocks; {seconds / options.messages * 1e6:.0f} µs of CPU a message"
    )
    if notes is not None:
        notes.write_text(json.dumps({"messages": options.messages, **asdict(log)}))
    return log


def run(options: argparse.Namespace, folder: Path) -> None:
    rows, report = [], {}
    with serving(options, folder) as (open_database, serve):
        with open_database() as database:
            log = prepare(options, database)
        where = "MariaDB" if options.mariadb else "SQLite"
        machine = common.machine_line(options.server_python)
        print(f"{machine}; {where}; {options.messages:,} messages\n")
        with serve() as server:
            searcher = Searcher(server.port, log.ids[0], log.tokens[0])
            for name, make in kinds(log).items():
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
    if options.keep and options.mariadb:
        raise common.BenchError("--keep and --mariadb: only SQLite can be kept")
    if options.keep:
        options.keep.mkdir(parents=True, exist_ok=True)
    with common.work_folder() as folder:
        run(options, Path(folder))


if __name__ == "__main__":
    common.run_main(main)
