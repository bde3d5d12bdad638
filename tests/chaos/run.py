"""Runs chaos: seeded clients and faults on real servers, then the checker.

    python -m tests.chaos.run --seed 1                  one run, its schedule and its result
    python -m tests.chaos.run --runs 200 --seed 1000    many, a line each
    python -m tests.chaos.run --seed 1 --bug forget-mids    with a deliberate bug

Exit status: 0 without violations. A seed determines the clients and the schedule of faults, but
not the order in which threads and processes run.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import sys
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos.checker import History, check
from tests.chaos.client import Client
from tests.chaos.faults import Fault, draw, inflict
from tests.chaos.servers import Servers
from tests.e2e.chatkit import Wire

CLIENTS = 24
GROUPS = 4
QUIET_SECONDS = 3.0
"""Without any message, before a run ends: longer than the servers' poll of the mailboxes takes."""

SILENT_SECONDS = 12.0
"""Without any message, until a missing one counts as lost."""

END_SECONDS = 90.0
"""Within which healed servers must deliver everything."""

SMALL_MAILBOX = 60
"""Messages, in each second seed. A client gets about 50 a second, so the mailboxes of clients that
go away become full: there are refusals (errno 12), and gaps of groups."""

LONG_SECONDS, SHORT_SECONDS = 40.0, 12.0
"""Of faults. Each fifth seed is a long run, in which servers may be frozen beyond their lease."""


@dataclass(slots=True)
class Result:
    """The result of a run."""

    seed: int
    faults: list[Fault]
    problems: list[str]
    sent: int = 0
    acked: int = 0
    deliveries: int = 0
    logins: int = 0
    traps: int = 0
    refused: int = 0
    gaps: int = 0
    seconds: float = 0.0
    notes: list[str] = field(default_factory=list)

    def line(self) -> str:
        verdict = "ok" if not self.problems else f"{len(self.problems)} PROBLEMS"
        return (
            f"seed {self.seed}: {verdict}; {len(self.faults)} faults, {self.traps} of them inside "
            f"a transaction, {self.sent} sent, "
            f"{self.acked} acknowledged, {self.deliveries} deliveries, {self.logins} logins, "
            f"{self.refused} refused by a full mailbox, {self.gaps} gaps, "
            f"{self.seconds:.0f} s"
        )


def run(
    seed: int,
    seconds: float | None = None,
    *,
    bug: str | None = None,
    faults: list[Fault] | None = None,
    patience: float = SILENT_SECONDS,
    mailbox_rows: int = SMALL_MAILBOX,
) -> Result:
    """One run. ``seconds`` and ``faults``: instead of the seed's. ``patience``: seconds without any
    message until a missing one counts as lost. ``mailbox_rows``: the limit, if the seed is even."""
    if seconds is None:
        seconds = SHORT_SECONDS if seed % 5 else LONG_SECONDS
    begun = time.monotonic()
    small = seed % 2 == 0
    servers = Servers(bug=bug, mailbox_rows=mailbox_rows if small else None)
    schedule = draw(seed, servers.names, seconds) if faults is None else faults
    history = History()
    try:
        servers.up()
        clients = _register(servers, seed, history)
        for client in clients:
            client.goes_away = small
        asyncio.run(_run_clients(servers, clients, history, schedule, seconds, patience))
        tracebacks = [name for name in servers.names if "Traceback" in servers.log(name)]
        history.surprises += [f"{name} logged a traceback" for name in tracebacks]
        problems = check(history)
        gaps = sum(_gaps(servers.log(name)) for name in servers.names)
        notes = [servers.log(name) for name in servers.names] if problems else []
    finally:
        servers.down()
    return Result(
        seed,
        schedule,
        problems,
        len(history.sent),
        sum(sent.acked is not None for sent in history.sent),
        len(history.received),
        sum(client.logins for client in clients),
        sum(proxy.sprung for proxy in servers.proxies.values()),
        sum(client.refused for client in clients),
        gaps,
        time.monotonic() - begun,
        notes,
    )


def _gaps(log: str) -> int:
    """The gaps that a server has begun, by its log."""
    return sum(int(count) for count in re.findall(r"too full for .*: (\d+) mailboxes", log))


def _register(servers: Servers, seed: int, history: History) -> list[Client]:
    """Register the users, and make the groups."""
    clients = []
    with Wire(servers.listen) as wire:
        for number in range(CLIENTS):
            name = f"user {number}"
            user_id = wire.register(name)
            clients.append(Client(servers.listen, user_id, name, seed * 1000 + number, history))
    ids = [client.user_id for client in clients]
    for client in clients:
        client.peers = [user_id for user_id in ids if user_id != client.user_id]
    for number in range(GROUPS):
        members = clients[number :: GROUPS - 1][:8]
        group_id = _make_group(servers, f"group {number}", [client.user_id for client in members])
        for client in clients:
            if client in members:
                client.groups[group_id] = frozenset(member.user_id for member in members)
            else:
                client.foreign_groups.append(group_id)
    return clients


def _make_group(servers: Servers, name: str, members: list[int]) -> int:
    group_id = 0
    for user_id in members:
        with Wire(servers.listen) as wire:
            wire.login(user_id)
            if not group_id:
                wire.send(msgid=8, id=user_id, groupname=name, groupdesc="")
                group_id = wire.expect(23, errno=0)["groupid"]
            else:
                wire.send(msgid=9, id=user_id, groupid=group_id)
                wire.expect(24, errno=0)
            wire.send(msgid=3, id=user_id)
            wire.expect(25, errno=0)
    return group_id


async def _run_clients(
    servers: Servers,
    clients: list[Client],
    history: History,
    faults: list[Fault],
    seconds: float,
    patience: float,
) -> None:
    tasks = [asyncio.create_task(client.run()) for client in clients]
    over = threading.Event()
    loop = asyncio.get_running_loop()
    begun = loop.time()
    mending: list[asyncio.Future[None]] = []
    try:
        for fault in faults:
            await asyncio.sleep(max(0.0, begun + fault.at - loop.time()))
            mending = [m for m in mending if not m.done()]
            mending.append(asyncio.create_task(_inflict(servers, fault, over)))
        await asyncio.sleep(max(0.0, begun + seconds - loop.time()))
        over.set()
        await asyncio.gather(*mending)
        await asyncio.to_thread(servers.heal)
        for client in clients:
            client.sends = False
            client.disconnects = False
        await _until_quiet(clients, history, patience)
    finally:
        over.set()
        for task in tasks:
            task.cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
    for result in results:
        if isinstance(result, Exception):
            raise result


_busy: set[str] = set()


async def _inflict(servers: Servers, fault: Fault, over: threading.Event) -> None:
    """Faults of the same process do not overlap: a dead process cannot be frozen."""
    subject = next((name for name in ("redis", "mariadb", "nginx") if name in fault.kind), None)
    subject = subject or fault.target
    if subject in _busy:
        return
    _busy.add(subject)
    try:
        await asyncio.to_thread(inflict, servers, fault, over.wait)
    finally:
        _busy.discard(subject)


async def _until_quiet(clients: list[Client], history: History, patience: float) -> None:
    """Until every message is acknowledged, and none has arrived for a while."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + END_SECONDS
    while loop.time() < deadline:
        await asyncio.sleep(0.1)
        unacked = sum(len(client.outbox) for client in clients)
        last = max(client.idle_since for client in clients)
        silent = loop.time() - last
        if not unacked and silent > (patience if _missing(history) else QUIET_SECONDS):
            return
    if any(client.outbox for client in clients):
        history.surprises.append(
            f"not acknowledged at the end: {[c.name for c in clients if c.outbox]}"
        )


def _missing(history: History) -> int:
    got = {(item.receiver, item.text) for item in history.received}
    return sum(
        (receiver, sent.text) not in got
        for sent in history.sent
        if sent.acked is not None
        for receiver in sent.receivers
    )


def main() -> int:
    parser = argparse.ArgumentParser(description="Chaos runs.")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--seconds", type=float, help="of faults, in each run")
    parser.add_argument("--bug", help="a deliberate bug: see buggy_server.py")
    arguments = parser.parse_args()
    bad = 0
    inflicted: Counter[str] = Counter()
    for seed in range(arguments.seed, arguments.seed + arguments.runs):
        result = run(seed, arguments.seconds, bug=arguments.bug)
        print(result.line(), flush=True)
        if arguments.runs == 1 or result.problems:
            for line in (*result.faults, *result.problems[:20]):
                print(f"    {line}", flush=True)
        if result.problems:
            folder = Path("var/chaos")
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"seed-{seed}.log").write_text("\n".join(result.problems + result.notes))
        bad += bool(result.problems)
        inflicted.update(fault.kind for fault in result.faults)
    if arguments.runs > 1:
        print(f"{arguments.runs} runs, {bad} with problems; faults:")
        for kind, count in sorted(inflicted.items()):
            print(f"    {count:5} {kind}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
