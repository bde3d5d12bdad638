"""Data, rules of the scripted server, and helpers for tests of the whole terminal."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from chat.protocol import Message, MsgType
from client.account.records import Credentials
from client.account.store import Store
from client.ui.model.room import Room
from tests.client.fake_server import ack, one_chat
from tests.client.ui.apprun import AppRun

FRIENDS = [
    {"id": 2, "name": "bob", "state": "online"},
    {"id": 3, "name": "安妮", "state": "offline"},
]


GROUPS: list[dict[str, Any]] = [
    {
        "id": 7,
        "groupname": "tea",
        "groupdesc": "four o'clock",
        "users": [
            {"id": 1, "name": "alice", "state": "online", "role": "creator"},
            {"id": 2, "name": "bob", "state": "online", "role": "normal"},
        ],
    }
]


Start = Callable[..., AppRun]


def silence(request: Message) -> list[Message]:
    """A rule that does not answer."""
    return []


def keep_unanswered(held: list[Message]) -> Callable[[Message], list[Message]]:
    """A rule that stores requests, to be answered later in the test."""

    def keep(request: Message) -> list[Message]:
        held.append(request)
        return []

    return keep


def current_room(app: AppRun) -> Room:
    """The open room. The terminal's thread, or while it does nothing."""
    room = app.app.state.rooms.current
    assert room is not None
    return room


def history(*pages: tuple[int, int]) -> Callable[[Message], list[Message]]:
    """A rule that answers with these pages (first and last seq), the newest first."""
    left = list(pages)

    def answer(request: Message) -> list[Message]:
        first, last = left.pop(0)
        messages = [one_chat(seq, f"message {seq}") for seq in range(first, last + 1)]
        return [ack(MsgType.HISTORY_ACK, request, messages=messages, more=bool(left))]

    return answer


def messages_on(screen: str) -> list[str]:
    """The visible messages, from the top."""
    lines = [line.partition("│")[2] for line in screen.splitlines() if "│" in line]
    return [line.partition("bob: ")[2] for line in lines if "bob: " in line]


def save_login(folder: Path, port: int, user_id: int, name: str, token: str = "tt") -> None:
    with Store(folder, "127.0.0.1", port, user_id) as store:
        store.save_credentials(Credentials(name, "laptop", token))
