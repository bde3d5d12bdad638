"""Faults: what is done to the servers during a run, drawn from a seed."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass

from tests.chaos.cutproxy import Trap
from tests.chaos.stage import Stage

LEASE_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Fault:
    """``what`` happens to ``target`` at ``at`` seconds, for ``seconds``."""

    at: float
    what: str
    target: str
    seconds: float

    def __str__(self) -> str:
        return f"{self.at:5.1f} s: {self.what} {self.target} for {self.seconds:.1f} s"


def draw(seed: int, names: list[str], seconds: float) -> list[Fault]:
    """The schedule of a run: one fault at a time or two, until ``seconds``."""
    chance = random.Random(seed)
    faults = []
    at = chance.uniform(1.0, 2.0)
    while at < seconds - 1.0:
        what = chance.choice(sorted(ACTIONS))
        longest = 14.0 if what == "freeze server" and seconds >= 30 else 3.0
        lasts = chance.uniform(0.2, longest)
        faults.append(Fault(at, what, chance.choice(names), min(lasts, seconds - at)))
        # Mostly after the last one is over, sometimes in the middle of it.
        at += lasts * chance.choice((1.0, 1.0, 0.5)) + chance.uniform(0.5, 2.5)
    return faults


def inflict(stage: Stage, fault: Fault, wait: Callable[[float], object]) -> None:
    """Do it, wait, and mend it. Blocks."""
    ACTIONS[fault.what](stage, fault.target, lambda: wait(fault.seconds))


Wait = Callable[[], object]


def _kill_server(stage: Stage, name: str, wait: Wait) -> None:
    stage.kill(name)
    wait()
    stage.start(name)


def _freeze_server(stage: Stage, name: str, wait: Wait) -> None:
    stage.freeze(name)
    wait()
    stage.thaw(name)


def _restart_server(stage: Stage, name: str, wait: Wait) -> None:
    stage.stop(name)
    stage.start(name)


def _kill_redis(stage: Stage, name: str, wait: Wait) -> None:
    stage.kill("redis")
    wait()
    stage.start("redis")


def _pause_redis(stage: Stage, name: str, wait: Wait) -> None:
    stage.freeze("redis")
    wait()
    stage.thaw("redis")


def _flush_redis(stage: Stage, name: str, wait: Wait) -> None:
    stage.redis("FLUSHALL")
    stage.redis("CLIENT", "KILL", "TYPE", "pubsub")
    wait()
    stage.redis("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")


def _kill_mariadb(stage: Stage, name: str, wait: Wait) -> None:
    stage.kill("mariadb")
    wait()
    stage.start("mariadb")


def _restart_mariadb(stage: Stage, name: str, wait: Wait) -> None:
    stage.stop("mariadb")
    stage.start("mariadb")


def _freeze_mariadb(stage: Stage, name: str, wait: Wait) -> None:
    stage.freeze("mariadb")
    wait()
    stage.thaw("mariadb")


def _reload_nginx(stage: Stage, name: str, wait: Wait) -> None:
    stage.reload_nginx()


def _restart_nginx(stage: Stage, name: str, wait: Wait) -> None:
    stage.kill("nginx")
    stage.start("nginx")


def _stop_in_transaction(stage: Stage, name: str, wait: Wait) -> None:
    """A server freezes while it holds the locks of a half-written batch."""
    frozen = threading.Event()

    def freeze() -> None:
        stage.freeze(name)
        frozen.set()

    stage.proxies[name].arm(Trap(b"INSERT INTO offlinemessage", "stop", freeze))
    if frozen.wait(3.0):
        wait()
    stage.proxies[name].heal()
    stage.thaw(name)


def _lose_commit(statement: bytes) -> Callable[[Stage, str, Wait], None]:
    """The answer to a COMMIT gets lost, with the connection."""

    def lose(stage: Stage, name: str, wait: Wait) -> None:
        cut = threading.Event()
        stage.proxies[name].arm(Trap(statement, "cut", cut.set))
        cut.wait(3.0)
        stage.proxies[name].heal()

    return lose


ACTIONS: dict[str, Callable[[Stage, str, Wait], None]] = {
    "kill server": _kill_server,
    "freeze server": _freeze_server,
    "restart server": _restart_server,
    "kill redis": _kill_redis,
    "pause redis": _pause_redis,
    "flush redis": _flush_redis,
    "kill mariadb": _kill_mariadb,
    "restart mariadb": _restart_mariadb,
    "freeze mariadb": _freeze_mariadb,
    "reload nginx": _reload_nginx,
    "restart nginx": _restart_nginx,
    "stop inside a transaction of": _stop_in_transaction,
    "lose the commit of a send of": _lose_commit(b"INSERT INTO message"),
    "lose the commit of a login of": _lose_commit(b"UPDATE user SET state = 'online'"),
}
