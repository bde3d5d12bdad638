"""Each request about a group is refused to users without the right, and tells them nothing.

ann is the creator, bob a normal member. eve sends the requests, as one of these:

    outsider      has never been in the group
    former        has left it
    removed       was removed from it
    banned        was banned from it
    blocked       is an outsider that each member has blocked
    normal        is a member without a role
"""

from __future__ import annotations

from typing import Any

import pytest

from chat.protocol import ACK_OF, Message, MsgType
from tests.chat.nodekit import Client, Node

Requests = dict[MsgType, dict[str, Any]]

FOR_MEMBERS: Requests = {
    MsgType.MEMBERS_MSG: {},
    MsgType.HISTORY_MSG: {},
    MsgType.GROUP_CHAT_MSG: {"msg": "hi"},
    MsgType.LEAVE_GROUP_MSG: {},
    MsgType.INVITE_MSG: {"userid": 0},
}
"""Requests of every member. ``userid`` stands for bob's."""

FOR_MANAGERS: Requests = {
    MsgType.CHANGE_GROUP_MSG: {"groupname": "mine", "join": "open"},
    MsgType.REMOVE_MEMBER_MSG: {"userid": 0},
    MsgType.BAN_MEMBER_MSG: {"userid": 0, "reason": "no"},
    MsgType.UNBAN_MEMBER_MSG: {"userid": 0},
    MsgType.BANS_MSG: {},
}
FOR_THE_CREATOR: Requests = {
    MsgType.SET_ROLE_MSG: {"userid": 0, "role": "normal"},
    MsgType.DISSOLVE_GROUP_MSG: {},
}
OUTSIDERS = ("outsider", "former", "removed", "banned", "blocked")
NO_GROUP = 999


class Stage:
    """A group of ann's, with bob, and eve in one of the roles."""

    def __init__(self, node: Node, join: str, role: str) -> None:
        self.node = node
        self.ann, self.bob, self.eve = (node.online(name) for name in ("ann", "bob", "eve"))
        self.group = self.ann.make_group("tea", self.bob)
        if role in ("former", "removed", "banned", "normal"):
            assert self.eve.ask(MsgType.ADD_GROUP_MSG, groupid=self.group)["errno"] == 0
        if join != "open":
            fields = {"password": "green tea"} if join == "password" else {}
            self.ask(self.ann, MsgType.CHANGE_GROUP_MSG, join=join, **fields)
        if role == "former":
            self.ask(self.eve, MsgType.LEAVE_GROUP_MSG)
        elif role == "removed":
            self.ask(self.ann, MsgType.REMOVE_MEMBER_MSG, userid=self.eve.user_id)
        elif role == "banned":
            self.ask(self.ann, MsgType.BAN_MEMBER_MSG, userid=self.eve.user_id)
        elif role == "blocked":
            pairs = [(one.user_id, self.eve.user_id) for one in (self.ann, self.bob)]
            node.database.write(
                lambda tx: tx.insert_rows("blocked", ("userid", "blockedid"), pairs)
            )
        for client in (self.ann, self.bob, self.eve):
            client.nothing_more()
            client.notices.clear()
        self.before = self.state()

    def ask(self, client: Client, msgid: int, **fields: Any) -> Message:
        answer = client.ask(msgid, groupid=self.group, **fields)
        assert answer["errno"] == 0, answer
        return answer

    def refusal(self, msgid: int, fields: dict[str, Any], group: int) -> tuple[int, str]:
        """The errno and the text of eve's request; there is nothing else in the answer."""
        fields = {**fields, "groupid": group}
        if "userid" in fields:
            fields["userid"] = self.bob.user_id
        self.eve.send(msgid, **fields)
        answer = self.eve.next()
        assert answer.pop("msgid") == ACK_OF[msgid]
        answer.pop("mid", None)
        assert answer.keys() == {"errno", "errmsg"}, answer
        return answer["errno"], answer["errmsg"]

    def state(self) -> list[Any]:
        """All rows about groups."""
        tables = ("allgroup", "groupuser", "groupban", "groupinvite", "message")
        return self.node.database.read(
            lambda tx: [sorted(map(repr, tx.query(f"SELECT * FROM {table}"))) for table in tables]
        )

    def nothing_has_changed(self) -> None:
        assert self.state() == self.before
        for client in (self.ann, self.bob, self.eve):
            client.nothing_more()
            assert client.notices == []


@pytest.mark.parametrize("role", OUTSIDERS)
@pytest.mark.parametrize("join", ["open", "invite", "password"])
def test_outsiders_are_refused(node: Node, join: str, role: str) -> None:
    stage = Stage(node, join, role)
    for msgid, fields in (FOR_MEMBERS | FOR_MANAGERS | FOR_THE_CREATOR).items():
        found = stage.refusal(msgid, fields, stage.group)
        if join == "open":
            assert found == (9, "not a member of that group"), msgid
        else:
            assert found == stage.refusal(msgid, fields, NO_GROUP), msgid
            assert found == (5, "no such group")
    stage.nothing_has_changed()


@pytest.mark.parametrize("role", OUTSIDERS)
@pytest.mark.parametrize("join", ["invite", "password"])
def test_no_outsider_joins_a_closed_group_unasked(node: Node, join: str, role: str) -> None:
    stage = Stage(node, join, role)
    closed = (5, "no such group, or it needs an invitation or a password")
    for fields in ({}, {"password": "black tea"}):
        for group in (stage.group, NO_GROUP):
            assert stage.refusal(MsgType.ADD_GROUP_MSG, fields, group) == closed
    if join == "password" and role in ("removed", "banned"):
        knows = {"password": "green tea"}
        assert stage.refusal(MsgType.ADD_GROUP_MSG, knows, stage.group) == closed
    stage.nothing_has_changed()


def test_a_banned_user_joins_no_open_group(node: Node) -> None:
    stage = Stage(node, "open", "banned")
    for fields in ({}, {"password": "green tea"}):
        found = stage.refusal(MsgType.ADD_GROUP_MSG, fields, stage.group)
        assert found == (1, "you are banned from this group")
    stage.nothing_has_changed()


@pytest.mark.parametrize("join", ["open", "invite"])
def test_normal_members_have_no_rights(node: Node, join: str) -> None:
    stage = Stage(node, join, "normal")
    managers = dict(FOR_MANAGERS)
    if join == "invite":
        managers[MsgType.INVITE_MSG] = {"userid": 0}
    for msgid, fields in managers.items():
        found = stage.refusal(msgid, fields, stage.group)
        assert found == (1, "only the group's creator and administrators may do that"), msgid
    for msgid, fields in FOR_THE_CREATOR.items():
        found = stage.refusal(msgid, fields, stage.group)
        assert found == (1, "only the group's creator may do that"), msgid
    stage.nothing_has_changed()


def test_each_request_about_a_group_is_here() -> None:
    named = {MsgType(msgid) for msgid in ACK_OF if "GROUP" in MsgType(msgid).name}
    named |= {MsgType.MEMBERS_MSG, MsgType.REMOVE_MEMBER_MSG, MsgType.BAN_MEMBER_MSG}
    named |= {MsgType.UNBAN_MEMBER_MSG, MsgType.BANS_MSG, MsgType.INVITE_MSG}
    named |= {MsgType.SET_ROLE_MSG, MsgType.HISTORY_MSG}
    asked = FOR_MEMBERS.keys() | FOR_MANAGERS.keys() | FOR_THE_CREATOR.keys()
    assert named - {MsgType.CREATE_GROUP_MSG, MsgType.ADD_GROUP_MSG} == asked
