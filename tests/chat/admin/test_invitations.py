"""Invitation codes: made, listed, deleted, and never recorded."""

from __future__ import annotations

import pytest

from chat.admin.errors import AdminError
from chat.storage.tables import InvitationModel
from tests.chat.admin.conftest import Desk


def use(desk: Desk, code: str) -> bool:
    now = desk.node.clock.unix()
    return desk.node.database.write(lambda tx: InvitationModel(tx).use(code, now))


def test_a_code(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    made = desk.ask("invite", uses=2, seconds=60, note="for Bob")
    code = made["code"]
    assert made["registration"] == "open"
    assert made["expires"] == desk.node.clock.unix() + 60
    assert use(desk, code)
    (listed,) = desk.ask("invites")["invitations"]
    assert (listed["id"], listed["uses"], listed["note"]) == (made["id"], 1, "for Bob")
    assert code not in repr(listed)
    assert desk.ask("uninvite", invitation=made["id"]) == {"id": made["id"]}
    assert not use(desk, code)
    for text in (repr(desk.audit()), caplog.text):
        assert code not in text
        assert made["id"] in text
    assert [(row.action, row.detail) for row in desk.audit()] == [
        ("invite", "2 uses: for Bob"),
        ("uninvite", ""),
    ]


def test_a_code_is_deleted_by_itself_too(desk: Desk) -> None:
    first, second = desk.ask("invite")["code"], desk.ask("invite")["code"]
    desk.ask("uninvite", invitation=first)
    assert not use(desk, first)
    assert use(desk, second)
    assert not use(desk, second), "it had one use"


@pytest.mark.parametrize("wanted", ["a", "0000000000", "code"])
def test_an_unknown_invitation(desk: Desk, wanted: str) -> None:
    desk.ask("invite")
    with pytest.raises(AdminError, match="no such invitation"):
        desk.ask("uninvite", invitation=wanted)
    assert len(desk.audit()) == 1


@pytest.mark.parametrize("arguments", [{"uses": 0}, {"uses": 10**9}, {"note": "x" * 201}])
def test_wrong_arguments(desk: Desk, arguments: dict[str, object]) -> None:
    with pytest.raises(AdminError, match=r"uses|note"):
        desk.ask("invite", **arguments)
    assert desk.ask("invites")["invitations"] == []
