"""A login that was replaced at another node changes nothing, before its own node learns of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from chat.protocol import MsgType
from chat.storage import Transaction
from tests.chat.nodekit import Client, Node

NOT_YOU = {"errno": 3, "errmsg": "this session has been replaced"}

TABLES = ("friend", "friendrequest", "blocked", "allgroup", "groupuser", "groupban", "groupinvite")


class Stage:
    """eve has a group with bob, is in ann's group, and blocks dan; cat has asked eve."""

    def __init__(self, node: Node) -> None:
        ann, bob, _, dan, eve = clients = [
            node.online(name) for name in ("ann", "bob", "cat", "dan", "eve")
        ]
        self.eve = eve
        self.ids = {client.login.name: client.user_id for client in clients}
        self.own = eve.make_group("own", bob)
        self.other = ann.make_group("other", eve)
        self.open = ann.make_group("open")
        assert eve.ask(MsgType.BLOCK_MSG, userid=dan.user_id)["errno"] == 0
        assert eve.ask(MsgType.ADD_FRIEND_MSG, friendid=bob.user_id)["errno"] == 0


def replace_login(client: Client) -> None:
    """As another node does it, whose notice is lost."""
    sql = "UPDATE user SET generation = generation + 1 WHERE id = ?"
    client.node.database.write(lambda tx: tx.execute(sql, (client.user_id,)))


def rows(node: Node) -> list[Any]:
    """All rows that requests of users change."""

    def read(tx: Transaction) -> list[Any]:
        return [sorted(tx.query(f"SELECT * FROM {table}"), key=repr) for table in TABLES]

    return node.database.read(read)


Fields = Callable[[Stage], dict[str, Any]]

CHANGES: dict[str, tuple[MsgType, Fields]] = {
    "add": (MsgType.ADD_FRIEND_MSG, lambda s: {"friendid": s.ids["cat"]}),
    "remove": (MsgType.REMOVE_FRIEND_MSG, lambda s: {"friendid": s.ids["bob"]}),
    "block": (MsgType.BLOCK_MSG, lambda s: {"userid": s.ids["cat"]}),
    "unblock": (MsgType.UNBLOCK_MSG, lambda s: {"userid": s.ids["dan"]}),
    "create": (MsgType.CREATE_GROUP_MSG, lambda s: {"groupname": "new", "groupdesc": ""}),
    "join": (MsgType.ADD_GROUP_MSG, lambda s: {"groupid": s.open}),
    "leave": (MsgType.LEAVE_GROUP_MSG, lambda s: {"groupid": s.other}),
    "invite": (MsgType.INVITE_MSG, lambda s: {"groupid": s.own, "userid": s.ids["cat"]}),
    "change": (MsgType.CHANGE_GROUP_MSG, lambda s: {"groupid": s.own, "groupname": "mine"}),
    "role": (
        MsgType.SET_ROLE_MSG,
        lambda s: {"groupid": s.own, "userid": s.ids["bob"], "role": "admin"},
    ),
    "expel": (MsgType.REMOVE_MEMBER_MSG, lambda s: {"groupid": s.own, "userid": s.ids["bob"]}),
    "ban": (MsgType.BAN_MEMBER_MSG, lambda s: {"groupid": s.own, "userid": s.ids["bob"]}),
    "unban": (MsgType.UNBAN_MEMBER_MSG, lambda s: {"groupid": s.own, "userid": s.ids["bob"]}),
    "dissolve": (MsgType.DISSOLVE_GROUP_MSG, lambda s: {"groupid": s.own}),
}


@pytest.mark.parametrize("name", CHANGES)
def test_nothing_is_changed(node: Node, name: str) -> None:
    stage = Stage(node)
    msgid, fields = CHANGES[name]
    replace_login(stage.eve)
    before = rows(node)
    answer = stage.eve.ask(msgid, **fields(stage))
    assert NOT_YOU.items() <= answer.items()
    assert rows(node) == before


def test_no_message_is_sent(node: Node) -> None:
    stage = Stage(node)
    replace_login(stage.eve)
    assert NOT_YOU.items() <= stage.eve.deliver(stage.ids["bob"]).items()


@pytest.mark.parametrize("name", ["ask", "accept", "decline", "accept by asking", "take back"])
def test_no_request_to_be_a_friend(make_node: Callable[..., Node], name: str) -> None:
    node = make_node(approve=True)
    ann, bob, eve = (node.online(name) for name in ("ann", "bob", "eve"))
    assert eve.ask(MsgType.ADD_FRIEND_MSG, friendid=ann.user_id)["pending"]
    assert bob.ask(MsgType.ADD_FRIEND_MSG, friendid=eve.user_id)["pending"]
    eve.expect(MsgType.FRIEND_NOTICE_MSG)
    replace_login(eve)
    before = rows(node)
    if name in ("accept", "decline"):
        answer = eve.ask(MsgType.ANSWER_FRIEND_MSG, userid=bob.user_id, accept=name == "accept")
    elif name == "take back":
        answer = eve.ask(MsgType.REMOVE_FRIEND_MSG, friendid=ann.user_id)
    else:
        other = 999 if name == "ask" else bob.user_id
        answer = eve.ask(MsgType.ADD_FRIEND_MSG, friendid=other)
    assert NOT_YOU.items() <= answer.items()
    assert rows(node) == before
