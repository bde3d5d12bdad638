"""What a message and a change of its group's members do not do at the same time.

A message that is being stored while a user joins would be shown to them in the history, though
they were none of its receivers. Databases with one writer at a time have no such problem.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from chat.protocol import MsgType
from chat.storage.mysql.connection import Busy
from chat.storage.tables import GroupModel
from tests.chat.databasekit import SHARED_LOCK
from tests.chat.mariadbkit import mariadb
from tests.chat.nodekit import Client, Node

pytestmark = pytest.mark.parametrize("database", ["mysql"], indirect=True)

STORES = "LOCK IN SHARE MODE"
CHANGES = "FOR UPDATE"
"""How groups are locked by who stores messages to them, and by who changes their members."""


def is_held_off(group_id: int, mode: str) -> bool:
    """Would another transaction have to wait if it locked the group in that way?"""
    connection = mariadb().connect()
    try:
        mode = SHARED_LOCK if mode == STORES else mode
        connection.rows(f"SELECT id FROM allgroup WHERE id = %s {mode} NOWAIT", [group_id])
    except Busy:
        return True
    finally:
        connection.close()
    return False


class Watched:
    """A method of GroupModel; before each call it is seen who is held off."""

    def __init__(self, patch: pytest.MonkeyPatch, name: str) -> None:
        self.group_id = 0
        self.held_off: list[list[str]] = []
        self._real: Callable[..., Any] = getattr(GroupModel, name)
        patch.setattr(GroupModel, name, lambda *args, **options: self._call(*args, **options))

    def _call(self, *args: Any, **options: Any) -> Any:
        if self.group_id:
            modes = [mode for mode in (STORES, CHANGES) if is_held_off(self.group_id, mode)]
            self.held_off.append(modes)
        return self._real(*args, **options)


@pytest.fixture
def ann(node: Node) -> Client:
    return node.online("ann")


@pytest.fixture
def bob(node: Node) -> Client:
    return node.online("bob")


def test_while_a_message_is_stored_no_user_joins_or_leaves(
    ann: Client, bob: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """But others store theirs."""
    group = ann.make_group("tea", bob)
    watched = Watched(monkeypatch, "member_ids")
    watched.group_id = group
    ann.tell(group)
    assert ann.expect(MsgType.CHAT_ACK)["errno"] == 0
    assert watched.held_off == [[CHANGES]]


@pytest.mark.parametrize(
    ("msgid", "method"),
    [
        (MsgType.ADD_GROUP_MSG, "add_member"),
        (MsgType.LEAVE_GROUP_MSG, "remove_member"),
        (MsgType.REMOVE_MEMBER_MSG, "remove_member"),
        (MsgType.DISSOLVE_GROUP_MSG, "delete"),
    ],
)
def test_while_a_user_joins_or_leaves_no_message_is_stored(
    ann: Client, bob: Client, monkeypatch: pytest.MonkeyPatch, msgid: MsgType, method: str
) -> None:
    joins = msgid == MsgType.ADD_GROUP_MSG
    group = ann.make_group("tea") if joins else ann.make_group("tea", bob)
    watched = Watched(monkeypatch, method)
    watched.group_id = group
    who, other = (bob, ann) if joins else (ann, bob)
    fields = {"userid": other.user_id} if msgid == MsgType.REMOVE_MEMBER_MSG else {}
    assert who.ask(msgid, groupid=group, **fields)["errno"] == 0
    assert watched.held_off == [[STORES, CHANGES]]


@pytest.mark.parametrize(
    "msgid",
    [
        MsgType.ADD_GROUP_MSG,
        MsgType.LEAVE_GROUP_MSG,
        MsgType.REMOVE_MEMBER_MSG,
        MsgType.DISSOLVE_GROUP_MSG,
    ],
)
def test_a_group_that_is_not_there(ann: Client, msgid: MsgType) -> None:
    fields = {"userid": 99} if msgid == MsgType.REMOVE_MEMBER_MSG else {}
    assert ann.ask(msgid, groupid=99, **fields)["errno"] == 5
