"""A private Redis for the tests, and a listener that keeps what a bus receives."""

from __future__ import annotations

import shutil
import signal
import tempfile
import threading
from collections.abc import Callable, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any

import redis

from chat.bus import Answer, BusListener, Count, Received
from chat.bus.redis.redis_bus import RedisBus
from chat.bus.redis.url import parse_redis_url
from chat.chatcluster import services
from chat.chatcluster.processes import Process, start
from chat.delivery.codec import LiveMessage, Payload, PayloadCodec
from chat.message import ChatMessage, Topic
from chat.notice import Notice
from chat.protocol import GROUP_CHAT, ONE_CHAT
from muduopy import EventLoopThread, ThreadPool
from tests.chat.loopkit import WAIT

PASSWORD = "p%/:@ word"
"""With what URLs must escape."""

CLUSTER_PASSWORD = "of-the-cluster"
SLOTS = 16_384


class RedisServer:
    """One server; killed, frozen and started again on the same port."""

    def __init__(self, tls: Path | None = None) -> None:
        """``tls``: also with this key and certificate, on ``tls_port``."""
        self.folder = Path(tempfile.mkdtemp(prefix="chat-redis-"))
        self.port = services.free_port()
        self.tls_port = services.free_port()
        self._more = ""
        if tls is not None:
            self._more = (
                f"\ntls-port {self.tls_port}\ntls-cert-file {tls}\ntls-key-file {tls}\n"
                f"tls-ca-cert-file {tls}\ntls-auth-clients no"
            )
        self.process: Process
        self.start()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        self.process = services.start_redis(self.folder, self.port, f'"{PASSWORD}"{self._more}')

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        assert self.process.wait(WAIT)

    def freeze(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def client(self) -> redis.Redis:
        """To do something behind the back of the code under test."""
        return redis.Redis(port=self.port, password=PASSWORD)

    def stop(self) -> None:
        self.process.stop(WAIT)
        shutil.rmtree(self.folder)


@cache
def redis_server() -> RedisServer:
    """Shared by tests that do it no harm."""
    return RedisServer()


class BusNode(BusListener[Payload]):
    """A bus on a loop of its own, and everything that it has received. Any thread; close it."""

    def __init__(self, url: str, password: str = PASSWORD, node: str = "node-1") -> None:
        self._thread = EventLoopThread("bus")
        self._workers = ThreadPool(1)
        self._changed = threading.Condition()
        self.wakes: list[Received[ChatMessage]] = []
        self.lives: list[Received[LiveMessage]] = []
        self.notices: list[Notice] = []
        self.order: list[str] = []  # the texts of messages, live or not
        self.counts: list[Count] = []
        self.answers: list[Answer] = []
        self.doubts = 0
        self.loop = self._thread.start_loop()
        self.bus: RedisBus[Payload] = RedisBus(
            self.loop, self._workers, parse_redis_url(url, password), node, PayloadCodec()
        )

    def start(self) -> BusNode:
        self.bus.start(self)
        return self

    def close(self) -> None:
        self.bus.close()
        self._thread.stop()
        self._workers.stop()

    def on_received(self, received: Sequence[Received[Payload]]) -> None:
        with self._changed:
            for item in received:
                self._keep(item)
            self._changed.notify_all()

    def _keep(self, item: Received[Any]) -> None:
        if isinstance(item.payload, Notice):
            self.notices.append(item.payload)
        elif isinstance(item.payload, LiveMessage):
            self.lives.append(item)
            self.order.append(item.payload.message.text)
        else:
            self.wakes.append(item)
            self.order.append(item.payload.text)

    def on_counts(self, counts: Sequence[Count]) -> None:
        with self._changed:
            self.counts += counts
            self._changed.notify_all()

    def on_answers(self, answers: Sequence[Answer]) -> None:
        with self._changed:
            self.answers += answers
            self._changed.notify_all()

    def on_doubt(self) -> None:
        with self._changed:
            self.doubts += 1
            self._changed.notify_all()

    def until(self, condition: Callable[[], object]) -> None:
        with self._changed:
            assert self._changed.wait_for(condition, WAIT), (self.wakes, self.notices)

    def take(self, count: int) -> list[Received[ChatMessage]]:
        """The next wakes, so many at the least; forgotten here."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.wakes) >= count, WAIT), self.wakes
            taken, self.wakes = self.wakes, []
            return taken


def until(condition: Callable[[], object], what: str = "the condition") -> None:
    """Wait for what no event tells of."""
    pause = threading.Event()
    for _ in range(int(WAIT / 0.01)):
        if condition():
            return
        pause.wait(0.01)
    raise AssertionError(f"waited in vain for {what}")


def until_healthy(node: BusNode) -> None:
    until(lambda: node.bus.healthy, "a healthy bus")


def seqs(wakes: Sequence[Received[ChatMessage]]) -> list[tuple[int, bool]]:
    return [(wake.payload.seq, wake.contiguous) for wake in wakes]


def to_user(user_id: int, seq: int = 1, text: str = "hi") -> ChatMessage:
    message = ChatMessage(seq, ONE_CHAT, 99, "ann", user_id, text, "now", {"x": [1]})
    message.receivers = frozenset((user_id,))
    return message


def to_group(group_id: int, seq: int, *receivers: int) -> ChatMessage:
    message = ChatMessage(seq, GROUP_CHAT, 99, "ann", group_id, "hi", "now")
    message.receivers = frozenset(receivers)
    return message


def user(user_id: int) -> Topic:
    return (ONE_CHAT, user_id)


def group(group_id: int) -> Topic:
    return (GROUP_CHAT, group_id)


class RedisClusterServers:
    """A Redis Cluster of three primaries without replicas, in folders of their own."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="chat-redis-cluster-"))
        self.ports = [services.free_port() for _ in range(3)]
        self._buses = [services.free_port() for _ in range(3)]
        self.processes: list[Process] = []
        for number in range(3):
            self.processes.append(self._start(number))
        third = SLOTS // 3
        for number, port in enumerate(self.ports):
            client = self.client(number)
            last = SLOTS - 1 if number == 2 else (number + 1) * third - 1
            client.execute_command("CLUSTER", "ADDSLOTSRANGE", number * third, last)
            for other, bus in zip(self.ports, self._buses, strict=True):
                if other != port:
                    client.execute_command("CLUSTER", "MEET", "127.0.0.1", other, bus)
            client.close()
        self.wait_until_whole()

    @property
    def url(self) -> str:
        return "redis+cluster://" + ",".join(f"127.0.0.1:{port}" for port in self.ports)

    def client(self, number: int) -> redis.Redis:
        return redis.Redis(port=self.ports[number], password=CLUSTER_PASSWORD)

    def wait_until_whole(self) -> None:
        for number in range(3):
            client = self.client(number)
            until(partial(self._whole, client), "a whole cluster")
            client.close()

    @staticmethod
    def _whole(client: redis.Redis) -> bool:
        info = client.execute_command("CLUSTER INFO")
        return info["cluster_state"] == "ok" and int(info["cluster_known_nodes"]) == 3

    def _start(self, number: int) -> Process:
        folder = self.folder / str(number)
        folder.mkdir(exist_ok=True)
        port = self.ports[number]
        (folder / "redis.conf").write_text(
            f'bind 127.0.0.1\nport {port}\ndir "{folder}"\nsave ""\nappendonly no\n'
            f"cluster-enabled yes\ncluster-port {self._buses[number]}\n"
            f"cluster-node-timeout 1000\nrequirepass {CLUSTER_PASSWORD}\n"
            f"masterauth {CLUSTER_PASSWORD}\nprotected-mode yes\ndaemonize no\n",
            encoding="utf-8",
        )
        return start(
            ["redis-server", str(folder / "redis.conf")],
            folder / "redis.log",
            lambda: services.accepts(port),
            lambda process: None,
        )

    def kill(self, number: int) -> None:
        self.processes[number].send_signal(signal.SIGKILL)
        assert self.processes[number].wait(WAIT)

    def start(self, number: int) -> None:
        self.processes[number] = self._start(number)

    def move_slot(self, slot: int, source: int, target: int) -> None:
        """An empty slot changes hands, as an administrator would do it."""
        clients = [self.client(number) for number in range(3)]
        ids = [client.execute_command("CLUSTER MYID").decode() for client in clients]
        for client in (clients[target], clients[source], *clients):
            client.execute_command("CLUSTER", "SETSLOT", slot, "NODE", ids[target])
        for client in clients:
            client.close()

    def stop(self) -> None:
        for process in self.processes:
            process.stop(WAIT)
        shutil.rmtree(self.folder)
