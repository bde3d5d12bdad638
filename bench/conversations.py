"""The time of a login by token with a list of conversations, in a log of a million messages.

    python -m bench.conversations --messages 1000000
    python -m bench.conversations --mariadb

One user has friends, each with a conversation, and a group. It logs in by its token again and
again: in turns without the list, as a client that does not say `"devices": true`, and with it. The
list is measured with all messages read, with ten unread conversations, and with all unread.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import socket
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from bench import common
from bench.chat_cluster import ChatCluster
from bench.chat_users import Crowd, befriend, make_groups, put_users
from chat.storage import Database
from chat.storage.sqlite.database import SqliteDatabase
from chat.storage.tables import ConversationModel

OTHERS = 1000
BATCH = 5000
UNREAD = 10
TEXT = "a message of some forty characters, or so"


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--messages", type=int, default=1_000_000, metavar="N")
    parser.add_argument("--conversations", type=int, default=100, metavar="N")
    parser.add_argument("--logins", type=int, default=200, metavar="N", help="of each kind")
    parser.add_argument("--mariadb", action="store_true", help="instead of SQLite")
    parser.add_argument("--server-python", default=sys.executable, metavar="PROGRAM")
    parser.add_argument("--json", type=Path, metavar="FILE")
    return parser.parse_args()


def fill(database: Database, crowd: Crowd, friends: int, group: int, count: int) -> None:
    """A fifth of the messages in the group, a fifth between the user and its friends."""
    chance, ids = random.Random(1), crowd.ids
    columns = ("sender", "mid", "kind", "target", "text", "time")

    def row(number: int) -> tuple[Any, ...]:
        place = chance.random()
        kind, sender, target = 6, *chance.sample(ids[1 + friends :], 2)
        if place < 0.2:
            kind, sender, target = 10, ids[number % (1 + friends)], group
        elif place < 0.4:
            pair = [ids[0], ids[1 + chance.randrange(friends)]]
            sender, target = chance.sample(pair, 2)
        return sender, f"m{number}", kind, target, TEXT, "2026-11-23 12:00:00"

    for start in range(0, count, BATCH):
        rows = [row(number) for number in range(start, min(start + BATCH, count))]
        database.write(lambda tx, rows=rows: tx.insert_rows("message", columns, rows))  # type: ignore[misc]
    database.write(lambda tx: ConversationModel(tx).fill())


def set_unread(database: Database, user_id: int, most: int) -> None:
    """So many conversations of the user are unread as a whole, the others read."""
    newest = "(SELECT MAX(seq) FROM message)"
    sql = f"UPDATE conversation SET readmark = {newest} WHERE userid = ?"
    database.write(lambda tx: tx.execute(sql, (user_id,)))
    sql = "SELECT conversation FROM conversation WHERE userid = ? ORDER BY conversation LIMIT ?"
    numbers = [number for (number,) in database.read(lambda tx: tx.query(sql, (user_id, most)))]
    sql = "UPDATE conversation SET readmark = 0 WHERE userid = ? AND conversation IN :ids"
    database.write(lambda tx: tx.execute_in(sql, numbers, before=(user_id,)))


def log_in(port: int, crowd: Crowd, *, listed: bool) -> tuple[float, dict[str, Any]]:
    """One login on a new connection; returns its seconds, and its answer.

    The connection is closed without a logout, which would revoke the token.
    """
    with socket.create_connection((common.HOST, port), 10) as sock:
        file = sock.makefile("rwb")
        request = {"msgid": 1, "v": 2, "id": crowd.ids[0], "token": crowd.tokens[0], "device": "d"}
        if listed:
            request["devices"] = True
        begun = time.perf_counter()
        file.write(json.dumps(request).encode() + b"\n")
        file.flush()
        line = file.readline()
        seconds = time.perf_counter() - begun
    answer = json.loads(line)
    if answer["errno"]:
        raise common.BenchError(f"login refused: {answer}")
    return seconds, answer


def measure(port: int, crowd: Crowd, logins: int) -> tuple[float, float, int]:
    """The median seconds without and with the list, and the bytes of the longer answer."""
    times: dict[bool, list[float]] = {False: [], True: []}
    size = 0
    for _ in range(logins):
        for listed, found in times.items():
            seconds, answer = log_in(port, crowd, listed=listed)
            found.append(seconds)
            size = max(size, len(json.dumps(answer, ensure_ascii=False).encode()))
    return statistics.median(times[False]), statistics.median(times[True]), size


@contextlib.contextmanager
def serving(
    options: argparse.Namespace, folder: Path
) -> Iterator[tuple[Callable[[], contextlib.AbstractContextManager[Database]], Callable[[], Any]]]:
    """How to open the database, and how to start a server on it."""
    settings = folder / "chat.toml"
    settings.write_text("[limits]\nanswer_kib = 1048576\nconnect_rate = 100000\n")
    if options.mariadb:
        flags = ["--config", str(settings)]
        with ChatCluster("chatserver", folder / "cluster", options.server_python, flags) as cluster:
            yield cluster.database, lambda: contextlib.nullcontext(cluster)
        return
    path = folder / "chat.db"
    schema = common.ROOT / "db" / "schema.sqlite.sql"
    command = [options.server_python, "-m", "chat.app", common.HOST, "{port}"]
    command += ["--config", str(settings), "--db", f"sqlite:///{path}"]
    yield (
        lambda: contextlib.closing(SqliteDatabase.open(path, schema)),
        lambda: common.Server("chatserver", command, folder),
    )


def run(options: argparse.Namespace, folder: Path) -> None:
    friends, rows, report = options.conversations - 1, [], {}
    with serving(options, folder) as (open_database, serve):
        with open_database() as database:
            crowd = put_users(database, 1 + friends + OTHERS, "user")
            befriend(database, crowd.ids[: 1 + friends], friends)
            (group,) = make_groups(database, crowd.ids[: 1 + friends], 1 + friends, "group")
            fill(database, crowd, friends, group, options.messages)
        for name, unread in (("none", 0), (str(UNREAD), UNREAD), ("all", options.conversations)):
            with open_database() as database:
                set_unread(database, crowd.ids[0], unread)
            with serve() as running:
                without, listed, size = measure(running.port, crowd, options.logins)
            report[name] = {"without": without, "listed": listed, "bytes": size}
            rows.append(
                [
                    *(name, f"{without * 1e3:.2f} ms", f"{listed * 1e3:.2f} ms"),
                    *(f"{listed / without:.2f}", f"{size / 1024:.0f} KiB"),
                ]
            )
    where = "MariaDB" if options.mariadb else "SQLite"
    print(
        f"{common.machine_line(options.server_python)}; {where}; {options.messages:,} messages; "
        f"{options.conversations} conversations\n"
    )
    header = ["unread conversations", "without the list", "with it", "ratio", "answer"]
    print(common.markdown_table(header, rows))
    common.write_json(options.json, report)


def main() -> None:
    options = parse_arguments()
    with common.work_folder() as folder:
        run(options, Path(folder))


if __name__ == "__main__":
    common.run_main(main)
