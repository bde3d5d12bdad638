"""A rolling restart under load: each server of a cluster is drained and started again, in turn.

    python -m tests.chaos.rolling                         two servers, three rounds
    python -m tests.chaos.rolling --rounds 10 --clients 60
    python -m tests.chaos.rolling --bug close-before-commit

Exit status: 0 if no send has failed, and no message was lost, repeated or out of order. The clients
are those of the SDK, so they keep what they send until it is acknowledged, and reconnect by
themselves. They connect through nginx.
"""

from __future__ import annotations

import argparse
import contextlib
import itertools
import random
import sys
import threading
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from functools import partial

from client import ChatClient, ChatMessage, Sending, State, Status
from tests.chaos.servers import Servers
from tests.e2e.chatkit import Wire

PASSWORD = "secret-1"

SETTLE_SECONDS = 1.0
"""Between two restarts: nginx notices that the server is back."""

END_SECONDS = 30.0
"""For the last messages."""

SILENT_SECONDS = 12.0
"""Without any message, until a missing one counts as lost."""


@dataclass(slots=True)
class Post:
    """A message as its sender remembers it. Times: monotonic seconds."""

    sender: int
    target: int
    sending: Sending
    sent_at: float = field(default_factory=time.monotonic)
    acked_at: float | None = None


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message as its receiver got it."""

    receiver: int
    sender: int
    seq: int
    text: str


@dataclass(slots=True)
class Result:
    """The result of a run. ``drains``: seconds from SIGTERM to the end of a server."""

    posts: list[Post] = field(default_factory=list)
    arrivals: list[Arrival] = field(default_factory=list)
    drains: list[float] = field(default_factory=list)
    reconnects: int = 0
    problems: list[str] = field(default_factory=list)

    @property
    def slowest(self) -> float:
        """The longest time from a send to its acknowledgement, in seconds."""
        return max((p.acked_at - p.sent_at for p in self.posts if p.acked_at), default=0.0)

    def line(self) -> str:
        verdict = "ok" if not self.problems else f"{len(self.problems)} PROBLEMS"
        return (
            f"{verdict}: {len(self.drains)} restarts, {max(self.drains, default=0):.1f} s for the "
            f"longest drain; {len(self.posts)} messages, {len(self.arrivals)} deliveries, "
            f"{self.reconnects} reconnects; the slowest acknowledgement took {self.slowest:.2f} s"
        )


def check(posts: list[Post], arrivals: list[Arrival]) -> list[str]:
    """Every violation, in words. Pure."""
    got = Counter((a.receiver, a.text) for a in arrivals)
    problems = [
        f"a send of {post.sender} failed: {error}"
        for post in posts
        if (error := _failure(post)) is not None
    ]
    problems += [
        f"lost: {post.sending.text!r} to {post.target}"
        for post in posts
        if _failure(post) is None and not got[post.target, post.sending.text]
    ]
    problems += [
        f"{count} times: {text!r} to {to}" for (to, text), count in got.items() if count > 1
    ]
    order: defaultdict[tuple[int, int], list[tuple[int, int]]] = defaultdict(list)
    for arrival in arrivals:
        number = int(arrival.text.rpartition(" ")[2])
        order[arrival.sender, arrival.receiver].append((arrival.seq, number))
    for (sender, receiver), pairs in order.items():
        numbers = [number for _, number in sorted(pairs)]
        if numbers != sorted(numbers):
            problems.append(f"out of order: {sender} to {receiver}")
    return problems


def _failure(post: Post) -> str | None:
    if not post.sending.done():
        return "no acknowledgement"
    error = post.sending.exception()
    return None if error is None else repr(error)


class Crowd:
    """SDK clients that write to each other. Its lock guards the result and the random numbers."""

    def __init__(
        self, port: int, count: int, rate: float, *, device: str | None = None, seed: int = 1
    ) -> None:
        """``rate``: messages a second of each client. ``device``: the name of each user's device;
        None: the unnamed one."""
        self.result = Result()
        self._port = port
        self._device = device
        self._pause = 1 / rate
        self._random = random.Random(seed)
        self._lock = threading.Lock()
        self._stop = threading.Event()
        with Wire(port) as wire:
            self._users = [wire.register(f"user-{number}", PASSWORD) for number in range(count)]
        self._clients: dict[int, ChatClient] = {}
        self._threads: list[threading.Thread] = []

    def start(self) -> None:
        """Log all in, and begin to write."""
        for user in self._users:
            client = ChatClient(
                "127.0.0.1",
                self._port,
                device=self._device,
                on_message=partial(self._arrived, user),
                on_state=self._changed,
            )
            self._clients[user] = client
            client.connect(20.0)
            client.login(user, PASSWORD)
            self._threads.append(threading.Thread(target=self._write, args=(user,), daemon=True))
        for thread in self._threads:
            thread.start()

    def has_named_devices(self) -> bool:
        """Does each client use a named device now? It waits for clients that reconnect."""
        return all(
            any(device.this and device.id for device in client.devices())
            for client in self._clients.values()
        )

    def finish(self, patience: float) -> None:
        """Stop writing, and wait for what is under way.

        A message counts as lost when for ``patience`` seconds none has arrived.
        """
        self._stop.set()
        for thread in self._threads:
            thread.join()
        end = time.monotonic() + END_SECONDS
        for post in self.result.posts:
            with contextlib.suppress(Exception):  # check() reports it
                post.sending.result(max(0.0, end - time.monotonic()))
        pause = threading.Event()
        missing, changed = self._missing(), time.monotonic()
        while missing and time.monotonic() < min(end, changed + patience):
            pause.wait(0.05)
            before, missing = missing, self._missing()
            if missing != before:
                changed = time.monotonic()
        for client in self._clients.values():
            client.close()

    def _missing(self) -> int:
        with self._lock:
            return len(self.result.posts) - len(self.result.arrivals)

    def _write(self, user: int) -> None:
        client = self._clients[user]
        for number in itertools.count(1):
            with self._lock:
                target = self._random.choice([other for other in self._users if other != user])
                pause = self._pause * self._random.uniform(0.5, 1.5)
            post = Post(user, target, client.send(target, f"from {user} no. {number}"))
            post.sending.add_done_callback(partial(_note_time, post))
            with self._lock:
                self.result.posts.append(post)
            if self._stop.wait(pause):
                return

    def _arrived(self, user: int, message: ChatMessage) -> None:
        assert message.seq is not None
        with self._lock:
            self.result.arrivals.append(Arrival(user, message.sender_id, message.seq, message.text))

    def _changed(self, status: Status) -> None:
        if status.state is State.WAITING:
            with self._lock:
                self.result.reconnects += 1


def _note_time(post: Post, sending: object) -> None:
    post.acked_at = time.monotonic()


def run(
    clients: int,
    rate: float,
    rounds: int,
    *,
    bug: str | None = None,
    patience: float = SILENT_SECONDS,
) -> Result:
    """One run, with real servers. ``patience``: as in ``Crowd.finish``."""
    servers = Servers(bug=bug)
    try:
        servers.up()
        crowd = Crowd(servers.listen, clients, rate)
        result = crowd.result
        crowd.start()
        pause = threading.Event()
        for name in servers.names * rounds:
            pause.wait(SETTLE_SECONDS)
            begun = time.monotonic()
            servers.stop(name)
            result.drains.append(time.monotonic() - begun)
            servers.start(name)
        pause.wait(SETTLE_SECONDS)
        crowd.finish(patience)
        result.problems = check(result.posts, result.arrivals)
        result.problems += [
            f"{name} logged a traceback"
            for name in servers.names
            if "Traceback" in servers.log(name)
        ]
    finally:
        servers.down()
    return result


def main() -> int:
    parser = argparse.ArgumentParser(prog="rolling", description="A rolling restart under load.")
    parser.add_argument("--clients", type=int, default=40)
    parser.add_argument("--rate", type=float, default=10.0, help="messages a second of each client")
    parser.add_argument("--rounds", type=int, default=3, help="restarts of each server")
    parser.add_argument("--bug", help="a deliberate bug: tests/chaos/buggy_server.py")
    options = parser.parse_args()
    result = run(options.clients, options.rate, options.rounds, bug=options.bug)
    print(result.line())
    for problem in result.problems[:20]:
        print(f"  {problem}")
    return 1 if result.problems else 0


if __name__ == "__main__":
    sys.exit(main())
