"""The cost of a message for different numbers of users, friends and groups. It must not grow.

    python -m bench.users --registered 100,10000,100000

It inserts each number of users into one database through the models, with friends and groups. Then
it measures the same load: pairs of users, and one group of ten. The load uses a single server, or
with `--across` two servers with Redis between them. Its users are among the last that were
inserted. The repeats for one number follow each other, because users are only ever added.
"""

import argparse
import sys
from pathlib import Path
from typing import Any

from bench import common
from bench.chat_cluster import ChatCluster
from bench.chat_users import befriend, make_groups, put_users

FRIENDS = 5
GROUP = 10


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--registered", type=common.numbers, default=[100, 10_000, 100_000], metavar="N,..."
    )
    parser.add_argument("--pairs", type=int, default=20, metavar="N")
    parser.add_argument("--inflight", type=int, default=4, metavar="K")
    parser.add_argument("--delivery", choices=["stored", "direct"], default="stored")
    parser.add_argument("--across", action="store_true", help="two servers with Redis between them")
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--warmup", type=float, default=1.0)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--server-python", default=sys.executable, metavar="PROGRAM")
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    options.registered = sorted(options.registered)
    if options.registered[0] < 2 * options.pairs:
        parser.error("--registered begins with the users of the --pairs at the least")
    return options


def measure(
    options: argparse.Namespace, generator: common.LoadGenerator, cluster: ChatCluster, folder: Path
) -> dict[tuple[int, str], list[dict[str, Any]]]:
    """The runs for each number of users."""
    runs: dict[tuple[int, str], list[dict[str, Any]]] = {}
    accounts, there = folder / "accounts", 0
    flags = {
        "accounts": accounts,
        "dialect": "v2",
        "token": True,
        "inflight": options.inflight,
        "warmup": options.warmup,
        "seconds": options.seconds,
        "second_port": cluster.second_port,
    }
    with cluster.database() as database:
        for size in options.registered:
            print(f"growing to {size:,} users", file=sys.stderr)
            crowd = put_users(database, size - there, f"of-{size}-")
            befriend(database, crowd.ids, min(FRIENDS, len(crowd.ids) - 1))
            group = make_groups(database, crowd.ids, GROUP, f"of-{size}-")[0]
            crowd.write_accounts(accounts, 2 * options.pairs)
            there = size
            for _ in range(options.repeat):
                found = generator.measure("chat", cluster, pairs=options.pairs, **flags)
                runs.setdefault((size, "pairs"), []).append(found)
                found = generator.measure(
                    "group", cluster, group=group, users=GROUP, senders=2, **flags
                )
                runs.setdefault((size, "group"), []).append(found)
    return runs


def main() -> None:
    options = parse_arguments()
    common.allow_many_files()
    with common.work_folder() as work:
        folder = Path(work)
        generator = common.LoadGenerator.compile(folder)
        servers = 2 if options.across else 1
        flags = ["--delivery", options.delivery]
        with ChatCluster(
            "chatserver", folder / "cluster", options.server_python, flags, servers
        ) as cluster:
            runs = measure(options, generator, cluster, folder)
    summaries = {case: common.Summary.of(found) for case, found in runs.items()}
    rows = [
        [
            *(f"{size:,}", load, f"{found.rate:,.0f}"),
            *(f"{found.rate_min:,.0f}–{found.rate_max:,.0f}", common.microseconds(found.p50_us)),
            f"{found.server_us:.1f} µs",
            f"{found.server_us / summaries[options.registered[0], load].server_us:.2f}",
        ]
        for (size, load), found in summaries.items()
    ]
    header = ["users", "load", "arrivals/s", "min–max", "p50", "server CPU each", "of the first"]
    print(f"{common.machine_line(options.server_python)}; {options.delivery}, MariaDB\n")
    print(f"{common.markdown_table(header, rows)}\n\n{common.disturbance(summaries.values())}")
    common.write_json(
        options.json, {f"{size} {load}": found for (size, load), found in runs.items()}
    )


if __name__ == "__main__":
    common.run_main(main)
