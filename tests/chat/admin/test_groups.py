"""Commands on groups."""

from __future__ import annotations

import pytest

from chat.admin.errors import AdminError
from chat.protocol import ErrNo, MsgType
from tests.chat.admin.conftest import Desk


def test_list_and_show(desk: Desk) -> None:
    ann, bob = desk.node.online("ann"), desk.node.online("bob")
    first, second = ann.make_group("Ops", bob), bob.make_group("other")
    found = desk.ask("group list", search="ops")
    assert [(group["id"], group["members"]) for group in found["groups"]] == [(first, 2)]
    assert [group["id"] for group in desk.ask("group list", after=first)["groups"]] == [second]
    shown = desk.ask("group show", group="Ops")
    assert [(user["name"], user["role"]) for user in shown["users"]] == [
        ("ann", "creator"),
        ("bob", "normal"),
    ]
    assert shown["more"] is None
    assert shown["join"] == "open"
    page = desk.ask("group show", group=str(first), limit=1)
    assert [user["name"] for user in page["users"]] == ["ann"]
    assert page["more"] == ann.user_id


def test_dissolve(desk: Desk) -> None:
    ann, bob = desk.node.online("ann"), desk.node.online("bob")
    group = ann.make_group("g", bob)
    assert desk.ask("group dissolve", group="g") == {"id": group, "name": "g", "members": 2}
    ann.tell(group)
    assert ann.expect(MsgType.CHAT_ACK)["errno"] in (ErrNo.NOT_FOUND, ErrNo.NOT_A_MEMBER)
    with pytest.raises(AdminError, match="no group 'g'"):
        desk.ask("group dissolve", group="g")
    (row,) = desk.audit()
    assert (row.action, row.target, row.detail) == (
        "group dissolve",
        f"group {group} g",
        "2 members",
    )
