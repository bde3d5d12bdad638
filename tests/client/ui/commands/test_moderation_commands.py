"""Moderation commands, in the whole terminal with a scripted server."""

from __future__ import annotations

import pytest

from chat.protocol import Message, MsgType
from tests.client.fake_server import FakeServer, ack, refuse
from tests.client.ui.appkit import keep_unanswered
from tests.client.ui.apprun import ENTER, ESC, AppRun, ctrl


def test_moderating_a_group(server: FakeServer, talk: AppRun) -> None:
    talk.command("/ban 3")
    talk.wait_for("Open a group first: /group GROUP")
    talk.type(ctrl("c"))
    talk.command("/group tea")
    talk.wait_for("tea (7)")
    talk.command("/invite 3")
    talk.wait_for("安妮 is invited to tea.")
    request = server.expect(MsgType.INVITE_MSG)
    assert (request["groupid"], request["userid"]) == (7, 3)
    talk.command("/role bob admin")
    talk.wait_for("New role of bob: administrator.")
    assert server.expect(MsgType.SET_ROLE_MSG)["role"] == "admin"
    talk.command("/role bob creator")
    talk.wait_for("Make bob the creator of tea? y: yes   n: no")
    talk.type("n")
    talk.wait_for(">", gone="Make bob")
    assert server.received_nothing_more(MsgType.SET_ROLE_MSG)
    talk.command("/role bob boss")
    talk.wait_for("boss: choose one of creator, admin, normal.")
    talk.type(ctrl("c"))
    talk.command("/rename green tea: at five")
    talk.wait_for("The group is green tea now")
    request = server.expect(MsgType.CHANGE_GROUP_MSG)
    assert (request["groupname"], request["groupdesc"]) == ("green tea", "at five")


def test_bans(server: FakeServer, talk: AppRun) -> None:
    talk.command("/group tea")
    talk.wait_for("tea (7)")
    talk.command("/ban bob too many jokes")
    talk.wait_for("bob is banned from tea.")
    request = server.expect(MsgType.BAN_MEMBER_MSG)
    assert (request["userid"], request["reason"]) == (2, "too many jokes")
    talk.command("/bans")
    talk.wait_for("No user is banned from tea.")
    ban = {"userid": 2, "name": "bob", "kind": "banned", "by": 1, "time": "", "reason": "jokes"}
    server.rules[MsgType.BANS_MSG] = lambda r: [ack(MsgType.BANS_ACK, r, bans=[ban], more=False)]
    talk.command("/bans")
    talk.wait_for("Banned from tea", "2  bob  banned  jokes")
    talk.type(ESC)
    talk.command("/unban bob")
    talk.wait_for("bob may join tea again.")
    assert server.expect(MsgType.UNBAN_MEMBER_MSG)["userid"] == 2


def test_invitations(server: FakeServer, talk: AppRun) -> None:
    talk.command("/invitations")
    talk.wait_for("No group has invited you.")
    invited = {"msgid": 83, "event": "invited", "groupid": 9, "userid": 1, "by": 2}
    server.send({**invited, "groupname": "chess", "byname": "bob"})
    talk.wait_for("bob invites you to chess: /join 9")
    talk.command("/invitations")
    talk.wait_for("Invitations to groups", "9  chess  bob")
    talk.type(ESC)
    talk.command("/join chess")
    talk.wait_for("You are in g (9) now.")
    assert server.expect(MsgType.ADD_GROUP_MSG)["groupid"] == 9


def test_a_password_for_the_group(server: FakeServer, talk: AppRun) -> None:
    talk.command("/group tea")
    talk.wait_for("tea (7)")
    talk.command("/access")
    talk.wait_for("tea is open to all users.")
    talk.command("/access password")
    talk.wait_for("password of the group:")
    talk.type("green tea")
    talk.wait_for("password of the group: *********", gone="green")
    talk.type(ENTER)
    talk.wait_for("the password again:", gone="*")
    talk.type("green tee", ENTER)
    talk.wait_for("The two passwords are not the same.")
    assert server.received_nothing_more(MsgType.CHANGE_GROUP_MSG)
    talk.command("/access password")
    talk.type("green tea", ENTER, "green tea", ENTER)
    talk.wait_for("The group is g now, open to users with the password.")
    request = server.expect(MsgType.CHANGE_GROUP_MSG)
    assert (request["join"], request["password"]) == ("password", "green tea")
    assert "green" not in str(vars(talk.app.state.input_history))


def test_join_a_group_with_a_password(server: FakeServer, talk: AppRun) -> None:
    open_group = server.rules[MsgType.ADD_GROUP_MSG]
    closed = refuse(MsgType.ADD_GROUP_ACK, 5, "no such group, or it is not open to you")
    server.rules[MsgType.ADD_GROUP_MSG] = closed
    talk.command("/join 9")
    talk.wait_for("Group 9 does not exist, or is closed to you.", "password of group 9:")
    talk.type("black tea", ENTER)
    talk.wait_for("Wrong password, or no group 9 that has one.", "password of group 9:")
    server.rules[MsgType.ADD_GROUP_MSG] = open_group
    talk.type("green tea")
    talk.wait_for("password of group 9: *********", gone="green")
    talk.type(ENTER)
    talk.wait_for("You are in g (9) now.")
    sent = [server.expect(MsgType.ADD_GROUP_MSG).get("password") for _ in range(3)]
    assert sent == [None, "black tea", "green tea"]


def test_a_closed_group_is_given_up(server: FakeServer, talk: AppRun) -> None:
    server.rules[MsgType.ADD_GROUP_MSG] = refuse(MsgType.ADD_GROUP_ACK, 5, "no such group")
    talk.command("/join 9")
    talk.wait_for("password of group 9:")
    talk.type("green", ESC)
    talk.wait_for(">", gone="group 9")
    held: list[Message] = []
    server.rules[MsgType.ADD_GROUP_MSG] = keep_unanswered(held)
    talk.command("/join 9")
    server.expect(MsgType.ADD_GROUP_MSG)
    request = server.expect(MsgType.ADD_GROUP_MSG)
    talk.type("hello bob")
    talk.wait_for("> hello bob")
    server.send(ack(MsgType.ADD_GROUP_ACK, request, 5, errmsg="no such group"))
    talk.wait_for("There is no group 9, or it is closed to you.", "> hello bob")


@pytest.mark.parametrize("line", ["/join 9 green", "/access password green", "/password green"])
def test_a_password_in_the_line_of_a_command(server: FakeServer, talk: AppRun, line: str) -> None:
    talk.command(line)
    talk.wait_for("This line shows a password. Type /", gone="green")
    assert "green" not in str(vars(talk.app.state.input_history))
    assert server.received_nothing_more(MsgType.ADD_GROUP_MSG)


def test_a_former_member_has_a_name(server: FakeServer, talk: AppRun) -> None:
    talk.command("/group tea")
    talk.wait_for("2 of 2 online")
    notice = {"msgid": 83, "groupid": 7, "userid": 9, "by": 9, "name": "dan"}
    server.send({**notice, "event": "joined"}, {**notice, "event": "left"})
    talk.wait_for("dan has left")
    talk.command("/invite dan")
    talk.wait_for("dan is invited to tea.")
    assert server.expect(MsgType.INVITE_MSG)["userid"] == 9
