"""Messages per second, latency and CPU of the chat server.

    python -m bench.chat --pairs 2,20,100 --delivery direct,stored --inflight 1,8 --baseline
    python -m bench.chat --across               the two of a pair at two servers
    python -m bench.chat --across --group 100   a group instead of pairs
    python -m bench.chat --delivery stored --devices 1,2    users with one and with two devices

It starts one real server for each delivery mode, with an SQLite database of its own. `--mariadb`
replaces SQLite by MariaDB. `--across` starts two servers with MariaDB and Redis, and `--nginx` puts
nginx in front of them.

It registers users, and bench/loadgen.c makes pairs of them. In each pair the first user writes to
the second, with a fixed number of messages in flight. A message counts when the second user has
received it, and in v2 when the first has its CHAT_ACK, too.

With `--devices` each user logs in with so many devices. A message counts once: when all devices of
the second user have it, and the other devices of the first have their copies. Each number of
devices has users of its own, and is compared with the first number.

`--baseline` measures bench/prototype.py in the same run, as the upper limit. The repeats are
interleaved: each configuration is measured once, then each a second time, and so on.
"""

import argparse
import contextlib
import itertools
import sys
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from bench import common
from bench.chat_cluster import ChatCluster, make_group

DEFAULT_DIALECT = {"direct": "classic", "stored": "v2"}
PROTOTYPE = "prototype"


@dataclass(frozen=True)
class Case:
    """One row of the table."""

    delivery: str  # a delivery mode, or PROTOTYPE
    dialect: str
    inflight: int
    pairs: int
    devices: int  # of each user; 0: clients that use the unnamed device

    @property
    def prefix(self) -> str:
        """The names of the users, without their numbers."""
        return f"bench{self.devices}-" if self.devices else "bench"

    def accounts(self, folder: Path) -> Path:
        return folder / f"{self.delivery}-{self.devices}.accounts"


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pairs", type=common.numbers, default=[2, 20, 100], metavar="N,...")
    parser.add_argument(
        "--delivery", type=common.words, default=["direct", "stored"], metavar="MODE,..."
    )
    parser.add_argument(
        "--dialect", choices=["classic", "v2"], help="default: classic for direct, v2 for stored"
    )
    parser.add_argument("--inflight", type=common.numbers, default=[1, 8], metavar="K,...")
    parser.add_argument(
        "--devices",
        type=common.numbers,
        default=[0],
        metavar="N,...",
        help="of each user, with a mailbox each; 0, the default: clients without devices",
    )
    parser.add_argument("--mariadb", action="store_true", help="instead of SQLite")
    parser.add_argument("--across", action="store_true", help="two servers; implies --mariadb")
    parser.add_argument("--nginx", action="store_true", help="before the servers")
    parser.add_argument("--group", type=int, metavar="N", help="a group of N instead of pairs")
    parser.add_argument("--senders", type=int, default=10, help="members that write to it")
    parser.add_argument(
        "--original", action="store_true", help="clients that end frames with NUL, as its do"
    )
    parser.add_argument(
        "--gap", type=float, default=0, metavar="SECONDS", help="between two frames to such a one"
    )
    parser.add_argument("--text-bytes", type=int, default=32)
    parser.add_argument("--write-each", action="store_true", help="one write for each message")
    parser.add_argument("--alternate", action="store_true", help="the two of a pair take turns")
    parser.add_argument("--warmup", type=float, default=2, metavar="SECONDS")
    parser.add_argument("--seconds", type=float, default=5, help="the measured window")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--threads", type=int, default=None, help="the server's I/O threads")
    parser.add_argument("--workers", type=int, default=4, help="the server's worker threads")
    parser.add_argument("--config", type=Path, help="a configuration file for the server")
    parser.add_argument("--server-python", default=sys.executable, metavar="PROGRAM")
    parser.add_argument("--baseline", action="store_true", help="measure the prototype too")
    parser.add_argument("--json", type=Path, metavar="FILE", help="all figures of all repeats")
    options = parser.parse_args()
    if options.group is not None:
        options.pairs = [0]
    if unknown := set(options.delivery) - DEFAULT_DIALECT.keys():
        parser.error(f"no delivery mode {', '.join(sorted(unknown))}")
    if any(options.devices):
        if options.delivery != ["stored"] or options.dialect == "classic":
            parser.error("--devices needs --delivery stored, and v2")
        if options.group is not None or options.baseline:
            parser.error("--devices cannot be combined with --group or --baseline")
    if options.gap and options.config is not None:
        parser.error("--gap: write it into the configuration file instead")
    return options


def chat_server(
    options: argparse.Namespace, delivery: str, folder: Path
) -> common.Server | ChatCluster:
    """One or two real servers in one delivery mode, with a new database; not started yet."""
    flags = ["--delivery", delivery, "--workers", str(options.workers)]
    if options.threads is not None:
        flags += ["--threads", str(options.threads)]
    config = options.config
    if config is None:
        config = folder / "chat.toml"
        config.write_text(f"[classic]\ngap = {options.gap}\n", encoding="utf-8")
    flags += ["--config", str(config.resolve())]
    name, python = f"chatserver-{delivery}", options.server_python
    if options.across or options.mariadb or options.nginx:
        servers = 2 if options.across else 1
        return ChatCluster(name, folder / name, python, flags, servers, options.nginx)
    command = [python, "-m", "chat.app", common.HOST, "{port}"]
    command += ["--db", f"sqlite:///{folder / delivery}.db", *flags]
    return common.Server(name, command, folder)


def prototype(options: argparse.Namespace, folder: Path) -> common.Server:
    command = [options.server_python, str(common.BENCH / "prototype.py"), common.HOST, "{port}"]
    return common.Server(PROTOTYPE, command, folder)


def cases(options: argparse.Namespace) -> list[Case]:
    """The requested configurations; that of the prototype comes first."""
    modes = [(mode, options.dialect or DEFAULT_DIALECT[mode]) for mode in options.delivery]
    if options.baseline:
        modes.insert(0, (PROTOTYPE, "classic"))
    grid = itertools.product(modes, options.inflight, options.pairs, options.devices)
    return [
        Case(delivery, dialect, inflight, pairs, devices)
        for (delivery, dialect), inflight, pairs, devices in grid
    ]


def run_cases(options: argparse.Namespace, folder: Path) -> dict[Case, list[dict[str, Any]]]:
    """Start the servers, register users, and measure each case `repeat` times."""
    generator = common.LoadGenerator.compile(folder)
    runs: dict[Case, list[dict[str, Any]]] = {case: [] for case in cases(options)}
    with contextlib.ExitStack() as stack:
        servers: dict[str, common.Server | ChatCluster] = {
            mode: chat_server(options, mode, folder) for mode in options.delivery
        }
        groups: dict[str, int] = {}
        if options.baseline:
            servers[PROTOTYPE] = prototype(options, folder)
        for server in servers.values():
            stack.enter_context(server)
        users = options.group or 2 * max(options.pairs)
        for case in runs:
            server, accounts = servers[case.delivery], case.accounts(folder)
            if accounts.exists():
                continue
            generator.register(server, users, accounts, prefix=case.prefix)
            if options.group:
                groups[case.delivery] = make_group(server.port, accounts, options.group)
        for turn, case in itertools.product(range(options.repeat), runs):
            server = servers[case.delivery]
            common_flags = {
                "accounts": case.accounts(folder),
                "prefix": case.prefix,
                "dialect": case.dialect,
                "inflight": case.inflight,
                "text_bytes": options.text_bytes,
                "warmup": options.warmup,
                "seconds": options.seconds,
                "second_port": getattr(server, "second_port", None),
                "nul": options.original,
            }
            if options.group:
                result = generator.measure(
                    "group",
                    server,
                    group=groups[case.delivery],
                    users=options.group,
                    senders=options.senders,
                    **common_flags,
                )
            else:
                result = generator.measure(
                    "chat",
                    server,
                    pairs=case.pairs,
                    devices=case.devices,
                    write_each=options.write_each,
                    alternate=options.alternate,
                    **common_flags,
                )
            print(f"{turn + 1}/{options.repeat} {case}: {result['rate']:,.0f}/s", file=sys.stderr)
            runs[case].append(result)
    return runs


def table(summaries: dict[Case, common.Summary], group: int | None) -> str:
    has_baseline = any(case.delivery == PROTOTYPE for case in summaries)
    has_devices = any(case.devices for case in summaries)
    has_services = any(found.services_us for found in summaries.values())
    load, what = ("pairs", "message") if group is None else ("group of", "arrival")
    header = [load, "delivery", "dialect"] + ["devices"] * has_devices
    header += ["in flight", f"{what}s/s", "min–max", "p50", "p99"]
    header += [f"server CPU/{what}"] + ["other servers' CPU"] * has_services
    header += ["generator CPU", "errors"]
    rows: list[list[str]] = []
    for case, found in summaries.items():
        row = [str(case.pairs if group is None else group), case.delivery, case.dialect]
        row += [str(case.devices)] * has_devices + [str(case.inflight)]
        row += [f"{found.rate:,.0f}", f"{found.rate_min:,.0f}–{found.rate_max:,.0f}"]
        row += [common.microseconds(found.p50_us), common.microseconds(found.p99_us)]
        row += [f"{found.server_us:.1f} µs"]
        row += [f"{found.services_us:.1f} µs"] * has_services
        row += [f"{found.generator_share:.0%}", str(found.errors)]
        if has_baseline:
            ceiling = summaries[Case(PROTOTYPE, "classic", case.inflight, case.pairs, 0)]
            row.append(f"{found.rate / ceiling.rate:.2f}")
        if has_devices:
            first = summaries[replace(case, devices=next(iter(summaries)).devices)]
            row.append(f"{found.rate / first.rate:.2f}")
        rows.append(row)
    header += ["of prototype"] * has_baseline + ["of the first"] * has_devices
    return common.markdown_table(header, rows)


def main() -> None:
    options = parse_arguments()
    common.allow_many_files()
    with common.work_folder() as folder:
        runs = run_cases(options, Path(folder))
        storage = common.filesystem(Path(folder))
    summaries = {case: common.Summary.of(found) for case, found in runs.items()}
    machine = common.machine_line(options.server_python)
    order = "the two of a pair in turn" if options.alternate else "one of each pair sends"
    if options.group is not None:
        order = f"{options.senders} members send"
    print(
        f"{machine}; {options.text_bytes}-character texts, {options.seconds:g} s × "
        f"{options.repeat}, median; {order}; database on {storage}; generator on the "
        "same machine\n"
    )
    print(f"{table(summaries, options.group)}\n\n{common.disturbance(summaries.values())}")
    report = [{**asdict(case), "runs": found} for case, found in runs.items()]
    common.write_json(options.json, {"machine": machine, "cases": report})
    if errors := sum(found.errors for found in summaries.values()):
        print(f"{errors} messages lost, duplicated, reordered or wrong", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    common.run_main(main)
