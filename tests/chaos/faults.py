"""Faults: failures of the servers during a run, drawn from a seed."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.chaos.database_proxy import Trap
from tests.chaos.servers import Servers

LEASE_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Fault:
    """A failure. ``at`` and ``seconds``: its begin and its length. ``target``: a chat server.

    Attributes:
        kind: a key of ACTIONS.
    """

    at: float
    kind: str
    target: str
    seconds: float

    def __str__(self) -> str:
        return f"{self.at:5.1f} s: {self.kind} {self.target} for {self.seconds:.1f} s"


def draw(
    seed: int, names: list[str], seconds: float, kinds: Sequence[str] | None = None
) -> list[Fault]:
    """The schedule of a run of ``seconds``: one or two faults at a time.

    ``kinds``: of ACTIONS; None: all.
    """
    kinds = sorted(kinds or ACTIONS)
    chance = random.Random(seed)
    faults = []
    at = chance.uniform(1.0, 2.0)
    while at < seconds - 1.0:
        kind = chance.choice(kinds)
        longest = 14.0 if kind == "freeze server" and seconds >= 30 else 3.0
        lasts = chance.uniform(0.2, longest)
        faults.append(Fault(at, kind, chance.choice(names), min(lasts, seconds - at)))
        # The next one begins after this one, or, once in three times, in the middle of it.
        at += lasts * chance.choice((1.0, 1.0, 0.5)) + chance.uniform(0.5, 2.5)
    return faults


def inflict(servers: Servers, fault: Fault, wait: Callable[[float], object]) -> None:
    """Cause the failure, wait, and end it. Blocks."""
    ACTIONS[fault.kind](servers, fault.target, lambda: wait(fault.seconds))


Wait = Callable[[], object]


def _kill_server(servers: Servers, name: str, wait: Wait) -> None:
    servers.kill(name)
    wait()
    servers.start(name)


def _freeze_server(servers: Servers, name: str, wait: Wait) -> None:
    servers.freeze(name)
    wait()
    servers.thaw(name)


def _restart_server(servers: Servers, name: str, wait: Wait) -> None:
    servers.stop(name)
    servers.start(name)


def _kill_redis(servers: Servers, name: str, wait: Wait) -> None:
    servers.kill("redis")
    wait()
    servers.start("redis")


def _pause_redis(servers: Servers, name: str, wait: Wait) -> None:
    servers.freeze("redis")
    wait()
    servers.thaw("redis")


def _flush_redis(servers: Servers, name: str, wait: Wait) -> None:
    servers.redis("FLUSHALL")
    servers.redis("CLIENT", "KILL", "TYPE", "pubsub")
    wait()
    servers.redis("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")


def _kill_mariadb(servers: Servers, name: str, wait: Wait) -> None:
    servers.kill("mariadb")
    wait()
    servers.start("mariadb")


def _restart_mariadb(servers: Servers, name: str, wait: Wait) -> None:
    servers.stop("mariadb")
    servers.start("mariadb")


def _freeze_mariadb(servers: Servers, name: str, wait: Wait) -> None:
    servers.freeze("mariadb")
    wait()
    servers.thaw("mariadb")


def _reload_nginx(servers: Servers, name: str, wait: Wait) -> None:
    servers.reload_nginx()


def _restart_nginx(servers: Servers, name: str, wait: Wait) -> None:
    servers.kill("nginx")
    servers.start("nginx")


def _stop_at(statement: bytes) -> Callable[[Servers, str, Wait], None]:
    """A server freezes inside a transaction, before this statement, while it holds its locks."""

    def stop(servers: Servers, name: str, wait: Wait) -> None:
        frozen = threading.Event()

        def freeze() -> None:
            servers.freeze(name)
            frozen.set()

        servers.proxies[name].arm(Trap(statement, "stop", freeze))
        if frozen.wait(3.0):
            wait()
        servers.proxies[name].heal()
        servers.thaw(name)

    return stop


def _lose_commit(statement: bytes) -> Callable[[Servers, str, Wait], None]:
    """The answer to a COMMIT is lost, with the connection."""

    def lose(servers: Servers, name: str, wait: Wait) -> None:
        cut = threading.Event()
        servers.proxies[name].arm(Trap(statement, "cut", cut.set))
        cut.wait(3.0)
        servers.proxies[name].heal()

    return lose


ACTIONS: dict[str, Callable[[Servers, str, Wait], None]] = {
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
    "stop inside a transaction of": _stop_at(b"INSERT INTO offlinemessage"),
    "stop inside the opening of a device at": _stop_at(b"INSERT INTO device "),
    "stop inside a change of a group at": _stop_at(b"INSERT INTO groupuser "),
    "lose the commit of a change of a group at": _lose_commit(b"INSERT INTO groupuser "),
    "lose the commit of a send of": _lose_commit(b"INSERT INTO message"),
    "lose the commit of a login of": _lose_commit(b"UPDATE user SET state = 'online'"),
    "lose the commit of a new device at": _lose_commit(b"INSERT INTO device "),
    "lose the commit of a device's end at": _lose_commit(b"DELETE FROM device "),
}

OF_ONE_SERVER = ("kill server", "freeze server", "restart server")
"""The faults of a server with SQLite."""
