"""The service of three witnesses while a server is attacked.

    python -m bench.attacks --seconds 10
    python -m bench.attacks --kinds ping,logins --sources many

Two users chat, and a third one logs in every second. They do so three times: without an attack,
beside an attack on a second server on this machine, and under the same attack on their own server.
Each trial has two new servers with the default limits. The aims: under an attack the 99th
percentile of the delivery time is at most twice that beside it, and each login takes at most 3 s.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from pathlib import Path

from bench import common
from bench.attacks.kinds import KINDS, SOURCES, Kind
from bench.attacks.trial import Trial, Workshop, p99, run_trial

CHAT_AIM = 2.0  # times the p99 beside the attack
CHAT_FLOOR = 5.0  # milliseconds; a p99 below this is no delay that a user could notice
LOGIN_AIM = 3000.0  # milliseconds


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench.attacks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--kinds", type=common.words, default=list(KINDS), metavar="KIND,...")
    parser.add_argument("--sources", type=common.words, default=list(SOURCES), metavar="S,...")
    parser.add_argument("--seconds", type=float, default=10.0, help="of each of the three windows")
    parser.add_argument(
        "--connections", type=int, default=None, metavar="N", help="of each attack, at most"
    )
    parser.add_argument("--server-python", default=sys.executable, metavar="PROGRAM")
    parser.add_argument("--json", type=Path, metavar="FILE")
    options = parser.parse_args()
    for given, known in ((options.kinds, KINDS), (options.sources, SOURCES)):
        if unknown := set(given) - set(known):
            parser.error(f"no {', '.join(sorted(unknown))}; there are {', '.join(known)}")
    return options


def chosen(name: str, options: argparse.Namespace) -> Kind:
    """The kind of this name, with fewer connections if the command line says so."""
    kind = KINDS[name]
    most = options.connections or kind.connections
    return replace(kind, connections=min(kind.connections, most))


def misses(trial: Trial) -> list[str]:
    """The aims that the server has missed, one text each."""
    found = []
    under, beside = p99(trial.under.deliveries), p99(trial.beside.deliveries)
    where = f"{trial.kind} from {trial.source}"
    if under > CHAT_AIM * beside and under > CHAT_FLOOR:
        found.append(f"{where}: p99 {under:.1f} ms, beside it {beside:.1f} ms")
    if trial.under.lost or trial.under.refused:
        found.append(f"{where}: {trial.under.lost} lost, {trial.under.refused} refused messages")
    if (longest := max(trial.under.logins, default=0.0)) > LOGIN_AIM:
        found.append(f"{where}: a login took {longest / 1000:.1f} s")
    if trial.under.failed_logins:
        failed = sorted(set(trial.under.failed_logins))
        found.append(f"{where}: {len(trial.under.failed_logins)} logins failed: {failed}")
    return found


def row(trial: Trial) -> list[str]:
    chats = [p99(found.deliveries) for found in (trial.before, trial.beside, trial.under)]
    logins = [max(found.logins, default=0.0) for found in (trial.beside, trial.under)]
    times = f"{chats[2] / chats[1]:.1f}" if chats[1] else "-"
    size = f"{trial.memory / 2**20:+.0f}"
    cells = [f"{value:.1f}" for value in chats] + [times]
    cells += [f"{value:.0f}" for value in logins] + [size, f"{trial.log_lines}"]
    return [trial.kind, trial.source, *cells]


def table(trials: list[Trial]) -> str:
    header = ["attack", "from", "alone", "beside", "under", "times", "login beside", "under"]
    return common.markdown_table([*header, "MiB", "log"], [row(trial) for trial in trials])


def run_all(options: argparse.Namespace, folder: Path) -> tuple[list[Trial], list[str]]:
    """All trials; returns those that ran, and the reasons of those that did not.

    The JSON file is written after each one, so that a run that is stopped keeps its figures.
    """
    shop = Workshop(folder, options.server_python)
    shop.prepare()
    trials: list[Trial] = []
    failed: list[str] = []
    for name in options.kinds:
        for source in options.sources:
            if source not in KINDS[name].sources:
                continue
            try:
                trial = run_trial(shop, chosen(name, options), source, options.seconds)
            except (common.BenchError, OSError) as exc:
                failed.append(f"{name} from {source}: {exc}")
                print(failed[-1], file=sys.stderr, flush=True)
                continue
            trials.append(trial)
            print(*row(trial), *misses(trial), sep=" | ", file=sys.stderr, flush=True)
            common.write_json(options.json, {"trials": [trial.report() for trial in trials]})
    return trials, failed


def main() -> None:
    options = parse_arguments()
    common.allow_many_files()
    with common.work_folder() as folder:
        trials, failed = run_all(options, Path(folder))
    print(f"{common.machine_line(options.server_python)}; windows of {options.seconds:g} s\n")
    print(table(trials))
    print("\nMilliseconds: the 99th percentile of the deliveries, and the longest login. MiB: the")
    print("growth of the attacked server. log: the lines that it wrote.")
    missed = [f"- {text}" for trial in trials for text in misses(trial)]
    missed += [f"- not measured: {text}" for text in failed]
    print("\n".join(["", "Aims missed:", "", *missed] if missed else ["", "All aims are met."]))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    common.run_main(main)
