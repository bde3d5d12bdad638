"""One trial: two equal servers, a witness at the first one, and an attack on either."""

from __future__ import annotations

import contextlib
import json
import shutil
import statistics
import subprocess
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench import common
from bench.attacks.accounts import seed
from bench.attacks.kinds import MANY, Kind
from bench.attacks.witness import Findings
from bench.attacks.witness_process import WitnessProcess

WITNESS_ADDRESS = "198.51.100.7"  # that its PROXY lines announce
FIRST_ATTACKER = {"one": "203.0.113.5", "many": "10.0.0.0", "loopback": "127.0.0.1"}
SETTLE_SECONDS = 1.0  # from the start of an attack to the measurement


class Workshop:
    """The files that all trials of a run share. Used by one thread.

    Attributes:
        folder: the attacker, the certificate, and the template of the databases.
    """

    def __init__(self, folder: Path, python: str) -> None:
        self.folder = folder
        self.python = python
        self.attacker = folder / "attacker"
        self.template = folder / "template.db"
        self.certificate = folder / "certificate.pem"

    def prepare(self) -> None:
        """Compile the attacker, make a certificate, and fill the template."""
        source = Path(__file__).with_name("attacker.c")
        run("cc", "-O2", "-Wall", "-Wextra", "-o", str(self.attacker), str(source))
        key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        files = ["-keyout", str(self.certificate), "-out", str(self.folder / "public.pem")]
        run("openssl", "req", "-x509", *key, "-subj", "/CN=localhost", *files)
        with self.certificate.open("a") as both:
            both.write((self.folder / "public.pem").read_text())
        command = self.server_command(self.template, None)
        with common.Server("template", command, self.folder):
            pass  # the start has made the tables
        seed(self.template)
        with common.Server("template", command, self.folder):
            time.sleep(SETTLE_SECONDS)  # in which it hashes the names that were inserted

    def server_command(self, database: Path, config: Path | None) -> list[str]:
        command = [self.python, "-m", "chat.app", common.HOST, "{port}"]
        command += ["--db", f"sqlite:///{database}"]
        return command + (["--config", str(config)] if config is not None else [])

    @contextlib.contextmanager
    def server(self, name: str, kind: Kind, source: str) -> Iterator[common.Server]:
        """A server with a fresh copy of the template, for one trial."""
        folder = self.folder / name
        shutil.rmtree(folder, ignore_errors=True)  # left by a trial that failed
        folder.mkdir()
        lines = [f"max_connections = {kind.max_connections}"]
        if source != "loopback":
            lines.append("proxy_protocol = true")
        if kind.tls:
            lines.append(f'tls_certificate = "{self.certificate}"')
        config = folder / "chatserver.toml"
        config.write_text("[server]\n" + "\n".join(lines) + "\n")
        database = folder / "chat.db"
        shutil.copy(self.template, database)
        with common.Server(name, self.server_command(database, config), folder) as server:
            yield server
        shutil.rmtree(folder)


def run(*command: str) -> None:
    """Run a tool, and raise BenchError with its complaint if it fails."""
    if shutil.which(command[0]) is None:
        raise common.BenchError(f"needs the program {command[0]}")
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise common.BenchError(f"{command[0]}: {done.stderr.strip()}")


# ---------------------------------------------------------------- the attacker


@contextlib.contextmanager
def attacked(
    shop: Workshop, server: common.Server, kind: Kind, source: str, seconds: float
) -> Iterator[dict[str, Any]]:
    """Attack the server during the `with` block. Afterwards the dictionary has the counts."""
    addresses = {"one": 1, "many": MANY, "loopback": 0}[source]
    command = [str(shop.attacker), str(server.port), kind.mode, str(kind.connections)]
    command += [str(seconds), str(kind.interval_ms), FIRST_ATTACKER[source]]
    command.append("0" if kind.lies else str(addresses))
    scripts = [" ".join(part.hex() or "-" for part in script) for script in kind.scripts()]
    counts: dict[str, Any] = {}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None and process.stdout is not None
        try:
            process.stdin.write("\n".join(scripts) + "\n")
            process.stdin.close()
            if process.stdout.readline().strip() != "READY":
                raise common.BenchError("the attacker did not begin")
            yield counts
            process.terminate()
            counts.update(json.loads(process.stdout.read()))
        finally:
            process.kill()


# ---------------------------------------------------------------- one trial


@dataclass(frozen=True)
class Trial:
    """The effect of one attack from one kind of source. Times are milliseconds, sizes bytes."""

    kind: str
    source: str
    before: Findings
    beside: Findings
    under: Findings
    attack: dict[str, Any]
    memory: int  # by which the attacked server has grown
    log_lines: int  # that it wrote during the attack
    server_cpu: float  # the share of a core that the attacked server used

    def report(self) -> dict[str, Any]:
        return asdict(self)


def p99(values: list[float]) -> float:
    return statistics.quantiles(values, n=100)[98] if len(values) > 1 else max(values, default=0.0)


def log_lines(server: common.Server) -> int:
    return server.log.read_bytes().count(b"\n")


def run_trial(shop: Workshop, kind: Kind, source: str, seconds: float) -> Trial:
    """Measure the witnesses at the first server three times: alone, beside an attack, and under it.

    "Beside" is an attack on the second server, which shows the cost of the load alone on this
    machine. "Under" is the same attack on the first one.
    """
    announced = None if source == "loopback" else WITNESS_ADDRESS
    with (
        shop.server("first", kind, source) as first,
        shop.server("second", kind, source) as second,
        contextlib.closing(WitnessProcess(first, announced, tls=kind.tls)) as witness,
    ):
        limit = 3 * seconds + 60  # an attacker ends by itself, even if this process is killed
        witness.measure(min(1.0, seconds))  # the first messages of a new server are slower
        before = witness.measure(seconds)
        with attacked(shop, second, kind, source, limit):
            time.sleep(min(SETTLE_SECONDS, seconds))
            beside = witness.measure(seconds)
        memory, lines, cpu = common.rss_bytes(first.pid), log_lines(first), first.cpu_seconds()
        begun = time.monotonic()
        with attacked(shop, first, kind, source, limit) as counts:
            time.sleep(min(SETTLE_SECONDS, seconds))
            under = witness.measure(seconds)
            share = (first.cpu_seconds() - cpu) / (time.monotonic() - begun)
            memory = common.rss_bytes(first.pid) - memory
        lines = log_lines(first) - lines
        return Trial(kind.name, source, before, beside, under, counts, memory, lines, share)
