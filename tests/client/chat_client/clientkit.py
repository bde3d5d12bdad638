"""A quick ChatClient, rules of the scripted server, and a recorder of states."""

from __future__ import annotations

import queue
from collections.abc import Callable
from typing import Any

from chat.protocol import Message, MsgType
from client import ChatClient, State, Status, Timing
from tests.client.fake_server import WAIT, FakeServer, Rule, ack, login_ack, one_chat

QUICK = Timing(
    connect=WAIT,
    answer=WAIT,
    login=WAIT,
    patience=2 * WAIT,
    chat_acks=WAIT,
    first_backoff=0.01,
    longest_backoff=0.02,
    retry=0.01,
)

Make = Callable[..., ChatClient]


class States:
    """The calls of ``on_state``, and a way to wait for one."""

    def __init__(self) -> None:
        self.queue: queue.SimpleQueue[Status] = queue.SimpleQueue()

    def __call__(self, status: Status) -> None:
        self.queue.put(status)

    def wait_for(self, state: State) -> Status:
        while True:
            status = self.queue.get(timeout=WAIT)
            if status.state is state:
                return status


def times(rules: list[Rule], then: Rule) -> Rule:
    """One rule after the other, and the last one from then on."""
    left = list(rules)
    return lambda request: (left.pop(0) if left else then)(request)


def silence(request: Message) -> list[Message]:
    return []


def chat_ack(request: Message, errno: int = 0, **fields: Any) -> list[Message]:
    return [ack(MsgType.CHAT_ACK, request, errno, mid=request["mid"], **fields)]


def answers_login(**fields: Any) -> Rule:
    return lambda request: [login_ack(request, **fields)]


def own_chat(seq: int, msg: str, to: int) -> Message:
    """A message that user 1 has sent from another device."""
    return {**one_chat(seq, msg, sender=1, name="alice"), "toid": to}


def say_goodbye(server: FakeServer, reason: str, *, reconnect: bool) -> None:
    server.send({"msgid": 32, "reason": reason, "reconnect": reconnect})
    server.hang_up()
