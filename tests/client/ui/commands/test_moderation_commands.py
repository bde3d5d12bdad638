"""Moderation commands, in the whole terminal with a scripted server."""

from __future__ import annotations

from chat.protocol import MsgType
from tests.client.fake_server import FakeServer, ack
from tests.client.ui.apprun import ESC, AppRun, ctrl


def test_moderating_a_group(server: FakeServer, talk: AppRun) -> None:
    talk.command("/ban 3")
    talk.wait_for("This conversation is not with a group.")
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
    talk.command("/access password green tea")
    talk.wait_for("The group is g now, open to users with the password.")
    request = server.expect(MsgType.CHANGE_GROUP_MSG)
    assert (request["join"], request["password"]) == ("password", "green tea")
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
    talk.command("/join 9 the password")
    talk.wait_for("You are in g (9) now.")
    assert server.expect(MsgType.ADD_GROUP_MSG)["password"] == "the password"
