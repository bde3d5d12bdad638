"""Runs chaos: seeded clients and faults on real servers, then the checker.

    python -m tests.chaos.run --seed 1                  one run, its schedule and its result
    python -m tests.chaos.run --runs 200 --seed 1000    many, a line each
    python -m tests.chaos.run --runs 20 --servers 3     with three servers
    python -m tests.chaos.run --runs 20 --sqlite        one server, with SQLite
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
from dataclasses import dataclass, field, fields
from pathlib import Path

from tests.chaos.checker import Check, check
from tests.chaos.client import Client
from tests.chaos.faults import OF_ONE_SERVER, Fault, draw, inflict
from tests.chaos.group_changer import ChangingGroups, GroupChanger
from tests.chaos.history import UNNAMED, History
from tests.chaos.person import OBSERVER, PEOPLE, Person
from tests.chaos.servers import Servers
from tests.chaos.sqlite_server import SqliteServer
from tests.e2e.chatkit import Wire

GROUPS = 3
MEMBERS = 5
RATE = 10.0
"""Messages a second of each client."""

SLEEPER = 2
"""A user's device with this number sleeps: it logs in once, and again at the end of the run."""

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
    devices: int = 0
    ended: int = 0
    copies: int = 0
    changes: int = 0
    events: int = 0
    traps: int = 0
    refused: int = 0
    gaps: int = 0
    seconds: float = 0.0
    notes: list[str] = field(default_factory=list)

    def line(self) -> str:
        verdict = "ok" if not self.problems else f"{len(self.problems)} PROBLEMS"
        return f"seed {self.seed}: {verdict}; {self.figures()}"

    def add(self, other: Result) -> None:
        """Add the figures of another run. Its log stays out."""
        for name in (item.name for item in fields(Result) if item.name not in ("seed", "notes")):
            setattr(self, name, getattr(self, name) + getattr(other, name))

    def figures(self) -> str:
        """What has happened, in words."""
        return (
            f"{len(self.faults)} faults, {self.traps} of them inside a transaction, "
            f"{self.sent} sent, {self.acked} acknowledged, {self.deliveries} deliveries, "
            f"{self.copies} of them copies, {self.logins} logins, {self.devices} devices, "
            f"{self.ended} of them ended, "
            f"{self.changes} changes of groups, {self.events} deliveries of their events, "
            f"{self.refused} refused by a full mailbox, {self.gaps} gaps, {self.seconds:.0f} s"
        )


def run(
    seed: int,
    seconds: float | None = None,
    *,
    bug: str | None = None,
    faults: list[Fault] | None = None,
    patience: float = SILENT_SECONDS,
    mailbox_rows: int = SMALL_MAILBOX,
    servers: int = 2,
    sqlite: bool = False,
) -> Result:
    """One run. ``seconds`` and ``faults``: instead of the seed's. ``patience``: seconds without any
    message until a missing one counts as lost. ``mailbox_rows``: the limit, if the seed is even.
    ``servers``: their number; with ``sqlite`` it is one."""
    if seconds is None:
        seconds = SHORT_SECONDS if seed % 5 else LONG_SECONDS
    begun = time.monotonic()
    small = seed % 2 == 0
    rows = mailbox_rows if small else None
    cluster = SqliteServer(bug, rows) if sqlite else Servers(servers, bug, rows)
    kinds = OF_ONE_SERVER if sqlite else None
    schedule = draw(seed, cluster.names, seconds, kinds) if faults is None else faults
    history = History(has_gaps=small)
    try:
        cluster.up()
        people = _register(cluster, history)
        users = [person.user_id for person in people]
        groups = ChangingGroups(users[-1], users[:-1])
        clients = _clients(cluster, people, seed, history, groups)
        asyncio.run(_run_clients(cluster, clients, history, schedule, seconds, patience))
        tracebacks = [name for name in cluster.names if "Traceback" in cluster.log(name)]
        history.surprises += [f"{name} logged a traceback" for name in tracebacks]
        problems = check(history)
        gaps = sum(_gaps(cluster.log(name)) for name in cluster.names)
        notes = [cluster.log(name) for name in cluster.names] if problems else []
    finally:
        cluster.down()
    return Result(
        seed,
        schedule,
        problems,
        sent=len(history.sent),
        acked=sum(sent.acked is not None for sent in history.sent),
        deliveries=len(history.received),
        logins=sum(client.logins for client in clients),
        devices=len(history.devices),
        ended=sum(device.ended is not None for device in history.devices.values()),
        copies=sum(got.receiver == got.sender for got in history.received),
        changes=sum(change.acked is not None for change in history.changes),
        events=len(history.events),
        traps=sum(proxy.sprung for proxy in cluster.proxies.values()),
        refused=sum(client.refused for client in clients),
        gaps=gaps,
        seconds=time.monotonic() - begun,
        notes=notes,
    )


def _gaps(log: str) -> int:
    """The gaps that a server has begun, by its log."""
    return sum(int(count) for count in re.findall(r"too full for .*: (\d+) mailboxes", log))


def _register(servers: Servers, history: History) -> list[Person]:
    """Register the users, the observer last, and make the groups whose members stay."""
    people = []
    with Wire(servers.listen) as wire:
        for number, (kind, devices) in enumerate((*PEOPLE, OBSERVER)):
            name = f"user {number}"
            people.append(Person(wire.register(name), name, kind, devices))
    for person in people:
        person.peers = [other.user_id for other in people if other is not person]
    for number in range(GROUPS):
        members = (people[:-1] * 2)[number * 3 :][:MEMBERS]
        group_id = _make_group(servers, f"group {number}", members, history)
        for person in people:
            if person in members:
                person.groups[group_id] = frozenset(member.user_id for member in members)
            else:
                person.foreign_groups.append(group_id)
    return people


def _make_group(servers: Servers, name: str, members: list[Person], history: History) -> int:
    group_id = 0
    for person in members:
        with Wire(servers.listen) as wire:
            _log_in(wire, person, history)
            if not group_id:
                wire.send(msgid=8, id=person.user_id, groupname=name, groupdesc="")
                group_id = wire.find(23, errno=0)["groupid"]
            else:
                wire.send(msgid=9, id=person.user_id, groupid=group_id)
                wire.find(24, errno=0)
            wire.send(msgid=3, id=person.user_id)
            wire.find(25, errno=0)
    return group_id


def _log_in(wire: Wire, person: Person, history: History) -> None:
    """With the first device of the user."""
    if not person.begins_named(0):
        wire.login(person.user_id)
        return
    answer = wire.login(person.user_id, v=2, device=person.device_name(0), devices=True)
    number, since = answer.get("deviceid", UNNAMED), answer.get("since", 0)
    person.heir = number
    history.open(person.user_id, number, since, took=True)


def _clients(
    servers: Servers, people: list[Person], seed: int, history: History, groups: ChangingGroups
) -> list[Client]:
    clients: list[Client] = []
    for person in people:
        for seat in range(person.count):
            number = seed * 1000 + len(clients)
            client = Client(servers.listen, person, seat, number, history, RATE, groups)
            client.goes_away = history.has_gaps
            if not seat:
                client.changer = GroupChanger(person.user_id, groups, number, history)
            clients.append(client)
    return clients


def _drawer(
    servers: Servers, people: list[Person], history: History, groups: ChangingGroups
) -> list[Client]:
    """Clients for the devices that no client uses any more: they get what is waiting there."""
    clients: list[Client] = []
    for person in people:
        for seat, (name, number) in enumerate(person.lost, 100):
            device = history.devices[person.user_id, number]
            if device.ended is None and not device.ending:
                client = Client(servers.listen, person, seat, number, history, RATE, groups)
                client.own.name, client.own.named, client.own.number = name, True, number
                client.sends = client.disconnects = False
                clients.append(client)
    return clients


async def _run_clients(
    servers: Servers,
    clients: list[Client],
    history: History,
    faults: list[Fault],
    seconds: float,
    patience: float,
) -> None:
    over, awake = threading.Event(), asyncio.Event()
    for client in clients:
        if client.seat == SLEEPER:
            client.sleeps = awake
    tasks = [asyncio.create_task(client.run()) for client in clients]
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
        awake.set()
        people = list({client.user_id: client.person for client in clients}.values())
        drawer = _drawer(servers, people, history, clients[0].groups)
        clients += drawer
        tasks += [asyncio.create_task(client.run()) for client in drawer]
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
        busy = any(client.busy for client in clients)
        last = max(client.idle_since for client in clients)
        silent = loop.time() - last
        if (
            not busy
            and silent > QUIET_SECONDS
            and (silent > patience or not Check(history).missing())
        ):
            return
    for client in clients:
        if client.busy:
            history.surprises.append(f"not acknowledged at the end: {client.name}")


def main() -> int:
    parser = argparse.ArgumentParser(description="Chaos runs.")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--seconds", type=float, help="of faults, in each run")
    parser.add_argument("--no-faults", action="store_true")
    parser.add_argument("--servers", type=int, default=2)
    parser.add_argument("--sqlite", action="store_true", help="one server, with SQLite")
    parser.add_argument("--bug", help="a deliberate bug: see buggy_server.py")
    arguments = parser.parse_args()
    bad = 0
    whole = Result(0, [], [])
    for seed in range(arguments.seed, arguments.seed + arguments.runs):
        result = run(
            seed,
            arguments.seconds,
            bug=arguments.bug,
            faults=[] if arguments.no_faults else None,
            servers=arguments.servers,
            sqlite=arguments.sqlite,
        )
        print(result.line(), flush=True)
        if arguments.runs == 1 or result.problems:
            for line in (*result.faults, *result.problems[:20]):
                print(f"    {line}", flush=True)
        if result.problems:
            folder = Path("var/chaos")
            folder.mkdir(parents=True, exist_ok=True)
            (folder / f"seed-{seed}.log").write_text("\n".join(result.problems + result.notes))
        bad += bool(result.problems)
        whole.add(result)
    if arguments.runs > 1:
        print(f"{arguments.runs} runs, {bad} with problems; {whole.figures()}; faults:")
        inflicted = Counter(fault.kind for fault in whole.faults)
        for kind, count in sorted(inflicted.items()):
            print(f"    {count:5} {kind}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
