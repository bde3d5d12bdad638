"""Commands on accounts, with users that are online meanwhile."""

from __future__ import annotations

import pytest

from chat.admin.errors import AdminError
from chat.protocol import ErrNo, MsgType
from chat.storage.tables import TokenModel
from tests.chat.admin.conftest import Desk
from tests.chat.nodekit import PASSWORD, Client


def ended(client: Client) -> str:
    """The reason for which the server ends the connection."""
    (bye,) = [message for message in client.ended() if message["msgid"] == MsgType.BYE_MSG]
    assert bye["reconnect"] is False
    return str(bye["reason"])


def tokens(desk: Desk, user_id: int) -> int:
    return len(desk.node.database.read(lambda tx: TokenModel(tx).used_by(user_id)))


def test_list_and_search(desk: Desk) -> None:
    ids = [desk.node.user(name) for name in ("Ann", "bob", "聊天", "100%", "anna_1")]
    found = desk.ask("user list")
    assert [user["id"] for user in found["users"]] == ids
    assert found["more"] is None
    for text, names in (("ann", ["Ann", "anna_1"]), ("天", ["聊天"]), ("%", ["100%"])):
        names_found = [user["name"] for user in desk.ask("user list", search=text)["users"]]
        assert names_found == names
    assert [user["name"] for user in desk.ask("user list", search="_")["users"]] == ["anna_1"]


def test_pages(desk: Desk) -> None:
    ids = [desk.node.user(f"user {number}") for number in range(5)]
    first = desk.ask("user list", limit=3)
    assert first["more"] == ids[2]
    rest = desk.ask("user list", limit=3, after=first["more"])
    assert [user["id"] for user in rest["users"]] == ids[3:]
    assert rest["more"] is None


def test_only_users_online(desk: Desk) -> None:
    desk.node.user("bob")
    ann = desk.node.online("ann")
    (found,) = desk.ask("user list", online=True)["users"]
    assert (found["id"], found["node"]) == (ann.user_id, "node-1")


def test_show_by_id_and_by_name(desk: Desk) -> None:
    ann = desk.node.online("ann", device="phone")
    ann.make_group("g")
    ann.deliver(desk.node.user("bob"))
    shown = desk.ask("user show", user=str(ann.user_id))
    assert shown == desk.ask("user show", user="ann")
    assert (shown["groups"], shown["friends"], shown["waiting"]) == (1, 0, 0)
    assert desk.ask("user show", user="bob")["waiting"] == 1
    assert "password" not in shown


@pytest.mark.parametrize("command", ["show", "disable", "enable", "reset-password", "logout"])
@pytest.mark.parametrize("user", ["77", "no such name", "0", "-1"])
def test_an_unknown_user(desk: Desk, command: str, user: str) -> None:
    with pytest.raises(AdminError, match="no user"):
        desk.ask(f"user {command}", user=user)
    assert desk.audit() == []


def test_sessions(desk: Desk) -> None:
    ann = desk.node.online("ann", device="phone")
    shown = desk.ask("user sessions", user="ann")
    assert shown["login"] == {"node": "node-1", "device": "phone", "generation": 1}
    assert shown["peer"] == ann.connection.peer
    assert shown["tokens"] == [desk.node.clock.unix()]
    desk.node.user("bob")
    assert desk.ask("user sessions", user="bob")["login"] is None


def test_sessions_of_devices(desk: Desk) -> None:
    ann = desk.node.online("ann", device="phone", devices=True, label="my phone")
    shown = desk.ask("user sessions", user="ann")
    (device,) = shown["devices"]
    assert shown["login"] is None
    assert (device["label"], device["node"]) == ("my phone", "node-1")
    assert device["used"] == desk.node.clock.unix()
    desk.ask("user logout", user="ann")
    assert ann.ended() == [{"msgid": 32, "reason": "ended", "reconnect": False}]


def test_disable_and_enable(desk: Desk) -> None:
    ann = desk.node.online("ann")
    token = ann.login.token
    desk.ask("user disable", user="ann")
    assert ended(ann) == "disabled"
    assert tokens(desk, ann.user_id) == 0
    again = desk.node.connect()
    assert again.log_in(ann.user_id)["errno"] == ErrNo.REFUSED
    with pytest.raises(AdminError, match="disabled already"):
        desk.ask("user disable", user="ann")
    desk.ask("user enable", user="ann")
    assert again.log_in(ann.user_id, token=token)["errno"] == ErrNo.REFUSED
    assert again.log_in(ann.user_id)["errno"] == 0
    assert [row.action for row in desk.audit()] == ["user disable", "user enable"]
    assert desk.audit()[0].target == f"user {ann.user_id} ann"


def test_logout_ends_the_login_and_its_tokens(desk: Desk) -> None:
    ann = desk.node.online("ann")
    token = ann.login.token
    desk.ask("user logout", user="ann")
    assert ended(ann) == "ended"
    again = desk.node.connect()
    assert again.log_in(ann.user_id, token=token)["errno"] == ErrNo.REFUSED
    assert again.log_in(ann.user_id)["errno"] == 0


def test_a_new_password(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    ann = desk.node.online("ann")
    password = desk.ask("user reset-password", user="ann")["password"]
    assert ended(ann) == "ended"
    again = desk.node.connect()
    assert again.log_in(ann.user_id, password=PASSWORD)["errno"] == ErrNo.REFUSED
    assert again.log_in(ann.user_id, password=password)["errno"] == 0
    (row,) = desk.audit()
    assert row.action == "user reset-password"
    assert password not in repr(row)
    assert password not in caplog.text
    assert "operator root: user reset-password: user 1 ann" in caplog.text


def test_a_name_cannot_forge_a_line_of_the_log(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    user_id = desk.node.user("ann\nERROR forged")
    desk.ask("user logout", user=str(user_id))
    assert "ann\\nERROR forged" in caplog.text
    assert "\nERROR forged" not in caplog.text
