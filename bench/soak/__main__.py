"""A server at half its peak for a long time, with users that come and go.

    scripts/soak.sh                            30 minutes, and the plot docs/soak.png
    python -m bench.soak --minutes 1           a short one, without a plot

It measures the peak first: the messages a second of 20 pairs that never pause. Then the same pairs
write at half that rate, other users log in and out, and a witness pair measures the latency. Each
sample has the server's memory, descriptors, threads and loop lag. The exit status is 1 if a message
is lost, and in a run of at least 5 minutes also if a line rises, or if the 99th percentile of the
loop lag is above 50 ms.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import re
import subprocess
import sys
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bench import common
from bench.attacks.accounts import PASSWORD, WITNESSES, insert_users
from bench.attacks.trial import p99
from bench.attacks.witness import Findings
from bench.attacks.witness_process import WitnessProcess
from bench.soak.figures import LAG_AIM, Sample, plot, rising_lines

PAIRS = 20
INFLIGHT = 8
FIRST_LOADER = 101
FIRST_GUEST = 1001
GUESTS = 60
SEED = 1
JUDGED_MINUTES = 5.0  # in a shorter run the memory still grows to its usual size
LINE = re.compile(r'^chat_loop_lag_seconds_bucket\{[^}]*le="([^"]+)"[^}]*\} (\S+)', re.M)

Buckets = dict[float, float]
"""The cumulative counts of the loops' lag, by the upper bound in seconds."""


def parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench.soak",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--interval", type=float, default=10.0, help="seconds of each sample")
    parser.add_argument("--peak-seconds", type=float, default=10.0)
    parser.add_argument("--rate", type=float, help="messages a second, instead of half the peak")
    parser.add_argument("--delivery", choices=["direct", "stored"], default="stored")
    parser.add_argument("--server-python", default=sys.executable, metavar="PROGRAM")
    parser.add_argument("--plot", type=Path, metavar="FILE", help="a PNG; it needs matplotlib")
    parser.add_argument("--json", type=Path, metavar="FILE")
    return parser.parse_args()


def lag_buckets(status_port: int) -> Buckets:
    """The histogram of the status page, all loops together."""
    with urllib.request.urlopen(f"http://{common.HOST}:{status_port}/metrics", timeout=30) as page:
        text = page.read().decode()
    buckets: Buckets = {}
    for bound, count in LINE.findall(text):
        buckets[float(bound)] = buckets.get(float(bound), 0.0) + float(count)
    if not buckets:
        raise common.BenchError("the status page has no chat_loop_lag_seconds")
    return buckets


def lag_ms(before: Buckets, after: Buckets) -> float:
    """The upper bound of the 99th percentile between two moments, in milliseconds."""
    everything = after[float("inf")] - before[float("inf")]
    for bound in sorted(after):
        if after[bound] - before[bound] >= 0.99 * everything:
            return bound * 1000
    return 0.0


def take_sample(pid: int, begun: float, found: Findings, lag: float) -> Sample:
    cuts = sorted(found.deliveries) or [0.0]
    return Sample(
        seconds=time.monotonic() - begun,
        memory=common.rss_bytes(pid) / 2**20,
        descriptors=len(list(Path(f"/proc/{pid}/fd").iterdir())),
        threads=len(list(Path(f"/proc/{pid}/task").iterdir())),
        p50=cuts[len(cuts) // 2],
        p99=p99(found.deliveries),
        login=max(found.logins, default=0.0),
        lag=lag,
    )


@contextlib.contextmanager
def churning(server: common.Server) -> Iterator[Counter[str]]:
    """Users come and go during the `with` block. Afterwards the counter has their steps."""
    counts: Counter[str] = Counter()
    arguments = [str(server.port), PASSWORD, str(FIRST_GUEST), str(GUESTS), str(SEED)]
    with subprocess.Popen(
        [sys.executable, "-m", "bench.soak.churn", *arguments],
        cwd=common.ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        try:
            yield counts
            process.stdin.close()
            counts.update(json.loads(process.stdout.read()))
        except BaseException:
            process.kill()
            raise


@contextlib.contextmanager
def loaded(command: list[str]) -> Iterator[dict[str, Any]]:
    """The pairs write during the `with` block. Afterwards the dictionary has their figures."""
    figures: dict[str, Any] = {}
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        try:
            while (line := process.stderr.readline().strip()) != "MEASURE":
                if not line:
                    raise common.BenchError("the load generator has ended")
            yield figures
            output, complaints = process.communicate()
            if process.returncode not in {0, 1}:
                raise common.BenchError(complaints.strip())
            figures.update(json.loads(output))
        except BaseException:
            process.kill()
            raise


def chat_server(options: argparse.Namespace, folder: Path, status: int) -> common.Server:
    config = folder / "chatserver.toml"
    config.write_text(f'[server]\nstatus = "{status}"\n', encoding="utf-8")
    command = [options.server_python, "-m", "chat.app", common.HOST, "{port}"]
    command += ["--db", f"sqlite:///{folder}/chat.db", "--config", str(config)]
    return common.Server("chatserver", [*command, "--delivery", options.delivery], folder)


def soak(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """The whole run; returns its report."""
    generator = common.LoadGenerator.compile(folder)
    accounts = folder / "accounts"
    loaders = range(FIRST_LOADER, FIRST_LOADER + 2 * PAIRS)
    accounts.write_text("".join(f"{user}\n" for user in loaders))
    status = common.free_port()
    with chat_server(options, folder, status):
        pass  # the start has made the tables
    insert_users(
        folder / "chat.db", [*WITNESSES, *loaders, *range(FIRST_GUEST, FIRST_GUEST + GUESTS)]
    )
    with chat_server(options, folder, status) as server:
        flags = {"accounts": accounts, "pairs": PAIRS, "inflight": INFLIGHT, "dialect": "v2"}
        flags |= {"password": PASSWORD, "login_inflight": 4}
        rate = options.rate
        if rate is None:
            found = generator.measure("chat", server, seconds=options.peak_seconds, **flags)
            rate = found["rate"] / 2
        print(f"{rate:,.0f} messages a second for {options.minutes:g} minutes", flush=True)
        seconds = options.minutes * 60
        # The load begins before the first sample, and ends after the last one.
        flags |= {"rate": rate, "warmup": 0, "seconds": seconds + options.interval}
        command = generator.command("chat", server, flags)
        samples: list[Sample] = []
        windows: list[Findings] = []
        witness = WitnessProcess(server)
        with contextlib.closing(witness), churning(server) as churn, loaded(command) as load:
            first = before = lag_buckets(status)
            begun = time.monotonic()
            while time.monotonic() < begun + seconds:
                windows.append(witness.measure(options.interval))
                after = lag_buckets(status)
                lag = lag_ms(before, after)
                samples.append(take_sample(server.pid, begun, windows[-1], lag))
                before = after
        whole_lag = lag_ms(first, before)
        server.stop()
        log = server.log.read_text(encoding="utf-8", errors="replace")
    return {
        "rate": rate,
        "samples": [asdict(sample) for sample in samples],
        "load": load,
        "churn": churn,
        "lag": whole_lag,
        "problems": [
            *(missed_aims(samples, whole_lag) if options.minutes >= JUDGED_MINUTES else []),
            *problems(windows, load, log),
        ],
    }


def missed_aims(samples: list[Sample], lag: float) -> list[str]:
    """The lines that rise, and a loop lag that is too long."""
    late = [f"the 99th percentile of the loop lag is up to {lag:.0f} ms"] if lag > LAG_AIM else []
    return rising_lines(samples) + late


def problems(windows: list[Findings], load: dict[str, Any], log: str) -> list[str]:
    """What went wrong, at any speed."""
    found = []
    if load["errors"]:
        found.append(f"the load generator counts {load['errors']} errors")
    for name in ("lost", "refused"):
        if count := sum(getattr(window, name) for window in windows):
            found.append(f"{count} messages of the witnesses were {name}")
    failed = Counter(why for window in windows for why in window.failed_logins)
    found += [f"{count} logins of the witness failed: {why}" for why, count in failed.items()]
    bad = [line for line in log.splitlines() if "Traceback" in line or " ERROR " in line]
    return found + [f"log: {line[:200]}" for line in bad[:10]]


def table(samples: list[Sample]) -> str:
    """About ten rows of the samples."""
    chosen = samples[:: max(len(samples) // 10, 1)]
    header = ["minute", "memory", "files", "threads", "p50", "p99", "longest login", "lag p99"]
    rows = [
        [
            f"{sample.seconds / 60:.1f}",
            f"{sample.memory:.1f} MiB",
            str(sample.descriptors),
            str(sample.threads),
            *(f"{value:.1f} ms" for value in (sample.p50, sample.p99, sample.login)),
            f"≤ {sample.lag:.0f} ms",
        ]
        for sample in chosen
    ]
    return common.markdown_table(header, rows)


def main() -> None:
    options = parse_arguments()
    common.allow_many_files()
    with common.work_folder() as folder:
        report = soak(options, Path(folder))
    samples = [Sample(**sample) for sample in report["samples"]]
    machine = common.machine_line(options.server_python)
    print(f"{machine}; {options.delivery}\n\n{table(samples)}\n")
    load, steps = report["load"], sum(report["churn"].values())
    print(f"{load['messages']:,} messages, {steps:,} steps of users that come and go:")
    print(", ".join(f"{count:,} {name}" for name, count in sorted(report["churn"].items())))
    print(f"loop lag p99 ≤ {report['lag']:.0f} ms")
    common.write_json(options.json, report)
    if options.plot is not None:
        title = f"{report['rate']:,.0f} messages/s, {options.delivery}; {machine}"
        plot(samples, title, options.plot)
    print("\n".join(report["problems"] or ["No problem was found."]))
    sys.exit(1 if report["problems"] else 0)


if __name__ == "__main__":
    common.run_main(main)
