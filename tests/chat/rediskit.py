"""A private Redis for the tests, and an ear that keeps what a bus says."""

from __future__ import annotations

import shutil
import signal
import tempfile
import threading
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import redis
from loopkit import WAIT

from chat.bus import Bus, Notice, Wake
from chat.bus.redis import RedisBus
from chat.cluster import services
from chat.cluster.processes import Process
from chat.delivery.message import Channel, ChatMessage
from chat.protocol import GROUP_CHAT, ONE_CHAT

PASSWORD = "p%/:@ word"
"""With what URLs must escape."""


class RedisServer:
    """One server; killed, frozen and started again on the same port."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="chat-redis-"))
        self.port = services.free_port()
        self.process: Process
        self.start()

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        self.process = services.start_redis(self.folder, self.port, f'"{PASSWORD}"')

    def kill(self) -> None:
        self.process.send(signal.SIGKILL)
        assert self.process.wait(WAIT)

    def freeze(self) -> None:
        self.process.send(signal.SIGSTOP)

    def thaw(self) -> None:
        self.process.send(signal.SIGCONT)

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


class Ear:
    """Hears a bus. Any thread."""

    def __init__(self, bus: Bus) -> None:
        self.bus = bus
        self._changed = threading.Condition()
        self.wakes: list[Wake] = []
        self.notices: list[Notice] = []
        self.doubts = 0
        bus.on_notices = self._on_notices
        bus.start(self._on_wakes, self._on_doubt)

    def _on_wakes(self, wakes: Sequence[Wake]) -> None:
        with self._changed:
            self.wakes += wakes
            self._changed.notify_all()

    def _on_notices(self, notices: Sequence[Notice]) -> None:
        with self._changed:
            self.notices += notices
            self._changed.notify_all()

    def _on_doubt(self) -> None:
        with self._changed:
            self.doubts += 1
            self._changed.notify_all()

    def until(self, condition: Callable[[], object]) -> None:
        with self._changed:
            assert self._changed.wait_for(condition, WAIT), (self.wakes, self.notices)

    def take(self, count: int) -> list[Wake]:
        """The next wakes, so many at the least; forgotten here."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.wakes) >= count, WAIT), self.wakes
            taken, self.wakes = self.wakes, []
            return taken


def new_bus(server: RedisServer, node: str = "node-1") -> RedisBus:
    return RedisBus(server.url, PASSWORD, node)


def until(condition: Callable[[], object], what: str = "the condition") -> None:
    """Wait for what no event tells of."""
    pause = threading.Event()
    for _ in range(int(WAIT / 0.01)):
        if condition():
            return
        pause.wait(0.01)
    raise AssertionError(f"waited in vain for {what}")


def to_user(user_id: int, seq: int = 1, text: str = "hi") -> ChatMessage:
    message = ChatMessage(seq, ONE_CHAT, 99, "ann", user_id, text, "now", {"x": [1]})
    message.receivers = frozenset((user_id,))
    return message


def to_group(group_id: int, seq: int, *receivers: int) -> ChatMessage:
    message = ChatMessage(seq, GROUP_CHAT, 99, "ann", group_id, "hi", "now")
    message.receivers = frozenset(receivers)
    return message


def user(user_id: int) -> Channel:
    return (ONE_CHAT, user_id)


def group(group_id: int) -> Channel:
    return (GROUP_CHAT, group_id)
